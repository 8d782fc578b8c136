use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn git(folder: &Path, args: &[&str]) {
    let who = ["-c", "user.name=a", "-c", "user.email=a@b"];
    said(Command::new("git").args(who).args(args).current_dir(folder)).expect("git");
}

fn is_changed(folder: &Path, before: &str) -> bool {
    changed(folder, before).expect("readable").is_ok()
}

#[test]
fn only_what_changes_contents_is_a_change() {
    for repository in [false, true] {
        let dir = folder();
        fs::write(dir.path().join("a.txt"), "one").expect("written");
        if repository {
            fs::write(dir.path().join(".gitignore"), "target\n").expect("written");
            git(dir.path(), &["init", "-q"]);
        }
        let before = print(dir.path()).expect("a print");
        assert_eq!(before.starts_with("git:"), repository, "{before}");
        assert!(!is_changed(dir.path(), &before), "nothing happened");
        fs::write(dir.path().join("a.txt"), "one").expect("written");
        assert!(!is_changed(dir.path(), &before), "the same again");
        if repository {
            git(dir.path(), &["add", "."]);
            git(dir.path(), &["commit", "-qm", "a"]);
            git(dir.path(), &["commit", "-qm", "b", "--allow-empty"]);
            fs::create_dir(dir.path().join("target")).expect("made");
            fs::write(dir.path().join("target/b"), "two").expect("written");
            assert!(!is_changed(dir.path(), &before), "a commit and what git ignores are no work");
        }
        fs::write(dir.path().join("b.txt"), "two").expect("written");
        assert!(is_changed(dir.path(), &before), "a new file");
        fs::remove_file(dir.path().join("b.txt")).expect("removed");
        assert!(!is_changed(dir.path(), &before), "taken back");
        fs::remove_file(dir.path().join("a.txt")).expect("removed");
        assert!(is_changed(dir.path(), &before), "a file less");
    }
}

#[test]
fn a_look_leaves_a_repository_as_it_was() {
    let dir = folder();
    git(dir.path(), &["init", "-q"]);
    fs::write(dir.path().join("a.txt"), "one").expect("written");
    let objects = || {
        let count = said(Command::new("git").args(["count-objects"]).current_dir(dir.path())).expect("git");
        String::from_utf8(count.stdout).expect("text")
    };
    let before = objects();
    print(dir.path()).expect("a print");
    assert_eq!(objects(), before);
    let staged = said(Command::new("git").args(["ls-files"]).current_dir(dir.path())).expect("git");
    assert!(staged.stdout.is_empty(), "its index is untouched");
}

#[test]
fn an_empty_or_strange_output_is_told() {
    let dir = folder();
    fs::write(dir.path().join("full"), "x").expect("written");
    fs::write(dir.path().join("empty"), "").expect("written");
    fs::create_dir(dir.path().join("hollow")).expect("made");
    let inside = dir.path().join("full").to_string_lossy().into_owned();
    let told = |path: &str| there(dir.path(), &[path.to_owned()]).err().map(|told| told.concat());
    assert_eq!((told("full"), told("./full"), told(&inside)), (None, None, None));
    assert_eq!(told("nothing").as_deref(), Some("nothing is not there."));
    assert_eq!(told("empty").as_deref(), Some("empty is empty."));
    assert_eq!(told("hollow").as_deref(), Some("hollow is empty."));
    for outside in ["../full", "/etc/passwd"] {
        assert!(told(outside).is_some_and(|told| told.contains("outside")), "{outside}");
    }
}
