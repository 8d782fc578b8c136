use super::*;

struct Place(tempfile::TempDir);

impl Place {
    /// A repository with one commit of `a.txt`.
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        place.git(&["init", "-q", "-b", "main"]);
        for (key, value) in [("user.name", "a"), ("user.email", "a@b"), ("commit.gpgsign", "false")] {
            place.git(&["config", key, value]);
        }
        place.write("a.txt", "one\n");
        place.git(&["add", "."]);
        place.git(&["commit", "-qm", "first"]);
        place
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "protocol.file.allow=always"]).args(args);
        text(&said(git.current_dir(self.0.path())).expect("git"))
    }

    fn write(&self, path: &str, contents: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, contents).expect("written");
    }

    fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.path().join(".git/hooks").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    fn commit(&self, paths: &[&str]) -> Came {
        self.commit_of("goal~1~r1", paths)
    }

    fn commit_of(&self, run: &str, paths: &[&str]) -> Came {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let message = "Do it\n\nAll is done.\n\nOrchestrator-Task: goal~1\n";
        let work = Work { folder: self.0.path().to_owned(), run, message, paths: &paths };
        work.commit().expect("an outcome")
    }

    /// What the last commit changed.
    fn changed(&self) -> Vec<String> {
        let names = self.git(&["show", "--name-status", "--format=", "HEAD"]);
        names.lines().map(str::to_owned).collect()
    }
}

fn made(came: &Came) -> &str {
    match came {
        Came::Made { commit, .. } => commit,
        other => panic!("{other:?}"),
    }
}

fn why(came: Came) -> String {
    match came {
        Came::Nothing { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_paths_are_committed_and_what_the_person_staged_stays_staged() {
    let place = Place::new();
    place.write("mine.txt", "staged\n");
    place.git(&["add", "mine.txt"]);
    place.write("mine.txt", "staged, and more\n");
    place.write("a.txt", "two\n");
    place.write("new/b.txt", "new\n");
    place.write("other.txt", "of somebody else\n");
    let absolute = place.0.path().join("new/b.txt").to_string_lossy().into_owned();
    let came = place.commit(&["./a.txt", &absolute]);
    assert_eq!(made(&came), place.git(&["rev-parse", "main"]));
    assert_eq!(place.changed(), ["M\ta.txt", "A\tnew/b.txt"]);
    assert_eq!(place.git(&["status", "--porcelain"]), "AM mine.txt\n?? other.txt");
    assert_eq!(place.git(&["show", ":mine.txt"]), "staged");
    let message = place.git(&["log", "-1", "--format=%B"]);
    assert_eq!(message, "Do it\n\nAll is done.\n\nOrchestrator-Task: goal~1\nOrchestrator-Run: goal~1~r1");
    let trailers = place.git(&["log", "-1", "--format=%(trailers:key=Orchestrator-Task,valueonly)"]);
    assert_eq!(trailers, "goal~1");
}

#[test]
fn what_was_committed_is_committed_once() {
    let place = Place::new();
    place.write("a.txt", "two\n");
    let first = place.commit(&["a.txt"]);
    place.git(&["commit", "-q", "--allow-empty", "-m", "another's"]);
    assert_eq!(place.commit(&["a.txt"]), first, "it was not heard to its end, and tried again");
    assert!(why(place.commit_of("goal~1~r5", &["a.txt"])).contains("as they were committed before"));
}

#[test]
fn a_file_that_is_gone_is_gone_with_the_commit_also_one_with_a_strange_name() {
    let place = Place::new();
    place.write("*.txt", "a star\n");
    place.write("b.txt", "two\n");
    made(&place.commit(&["*.txt"]));
    assert_eq!(place.changed(), ["A\t*.txt"], "and not b.txt");
    fs::remove_file(place.0.path().join("a.txt")).expect("removed");
    made(&place.commit_of("goal~1~r2", &["a.txt"]));
    assert_eq!(place.changed(), ["D\ta.txt"]);
}

#[test]
fn the_first_commit_of_a_repository_may_be_ours() {
    let place = Place(tempfile::tempdir().expect("a folder"));
    place.git(&["init", "-q", "-b", "main"]);
    place.git(&["config", "user.name", "a"]);
    place.git(&["config", "user.email", "a@b"]);
    place.write("a.txt", "one\n");
    made(&place.commit(&["a.txt"]));
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_hook_that_fails_says_why_and_one_that_does_not_is_run() {
    let place = Place::new();
    place.write("a.txt", "two\n");
    place.hook("pre-commit", "git diff --cached --name-only; echo the linter is not content >&2; exit 1");
    let Came::Failed { problem } = place.commit(&["a.txt"]) else { panic!("it failed") };
    assert_eq!(problem, "a.txt\nthe linter is not content");
    assert_eq!(place.git(&["log", "--format=%s"]), "first");
    place.hook("pre-commit", "exit 0");
    place.hook("commit-msg", "echo Checked-by: hook >> $1");
    made(&place.commit(&["a.txt"]));
    assert!(place.git(&["log", "-1", "--format=%B"]).contains("Checked-by: hook"));
}

#[test]
fn where_nothing_can_be_committed_that_is_said() {
    let place = Place::new();
    place.write(".gitignore", "target\n");
    place.write("target/a.o", "object\n");
    let told = |paths: &[&str]| why(place.commit(paths));
    assert!(told(&[]).contains("neither its plan nor its agent names a file"));
    assert!(told(&["a.txt"]).contains("as they were committed before"));
    assert!(told(&["target/a.o"]).contains("target/a.o is ignored by git"));
    assert!(told(&["."]).contains("is the folder itself"));
    assert!(told(&["gone.txt"]).contains("gone.txt is not there"));
    for outside in ["../a.txt", "/etc/passwd"] {
        assert!(told(&[outside]).contains("lies outside of the folder"), "{outside}");
    }
    let plain = Place(tempfile::tempdir().expect("a folder"));
    plain.write("a.txt", "one\n");
    assert!(why(plain.commit(&["a.txt"])).contains("in no git repository"));

    place.write("a.txt", "two\n");
    place.git(&["checkout", "-q", "--detach"]);
    assert!(told(&["a.txt"]).contains("No branch is checked out"));
    place.git(&["checkout", "-q", "main"]);
    fs::write(place.0.path().join(".git/MERGE_HEAD"), place.git(&["rev-parse", "HEAD"])).expect("written");
    assert!(told(&["a.txt"]).contains("in the middle of a merge"));
    assert_eq!(place.git(&["log", "--format=%s"]), "first");
}

#[test]
fn repositories_inside_are_left_alone_and_named_beside_what_is_committed() {
    let (place, other) = (Place::new(), Place::new());
    let url = other.0.path().to_string_lossy().into_owned();
    place.git(&["submodule", "--quiet", "add", &url, "sub"]);
    place.git(&["commit", "-qm", "a submodule"]);
    place.write("sub/a.txt", "two\n");
    place.write("nested/.git/HEAD", "ref: refs/heads/main\n");
    place.write("nested/b.txt", "two\n");
    place.write("a.txt", "two\n");
    let came = place.commit(&["a.txt", "sub/a.txt", "sub", "nested/b.txt"]);
    let Came::Made { left, .. } = came else { panic!("{came:?}") };
    assert_eq!(
        left,
        [
            "sub/a.txt lies in a repository of its own",
            "sub is a repository of its own",
            "nested/b.txt lies in a repository of its own"
        ]
    );
    assert_eq!(place.changed(), ["M\ta.txt"]);
}

#[test]
fn a_commit_that_came_in_between_is_not_undone() {
    let place = Place::new();
    place.write("a.txt", "two\n");
    // Another commits while our hook runs, once.
    let between = "[ -e .git/once ] && exit 0; touch .git/once; unset GIT_INDEX_FILE; echo b > b.txt; git add b.txt
        tree=$(git write-tree); commit=$(git commit-tree $tree -p HEAD -m between); git update-ref HEAD $commit";
    place.hook("pre-commit", between);
    let came = place.commit(&["a.txt"]);
    assert_eq!(made(&came), place.git(&["rev-parse", "HEAD"]));
    assert_eq!(place.git(&["log", "--format=%s"]), "Do it\nbetween\nfirst");
    assert_eq!(place.changed(), ["M\ta.txt"]);
    assert_eq!(place.git(&["show", "HEAD:b.txt"]), "b");
}
