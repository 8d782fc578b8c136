//! What fuzzing found worth keeping, run through the same functions again.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use fuzzed::TARGETS;

#[test]
fn all_that_was_found_holds() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, target) in TARGETS {
        let mut files = 0;
        for file in std::fs::read_dir(corpora.join(name)).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let held = std::panic::catch_unwind(|| target(&bytes));
            assert!(held.is_ok(), "{} does not hold", path.display());
            files += 1;
        }
        assert!(files > 0, "{name} has no corpus");
    }
}
