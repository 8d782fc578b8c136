//! Worktrees: what holds for the project holds in them, and who needs one.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::permission::holds;
use conductor::state::State;
use conductor::worktree::Removed;
use shared::agent::HarnessId;
use shared::entry::{Actor, Kind};
use shared::id::{ProjectId, RuleId};
use shared::permission::{Permit, Rule, Scope, What};
use shared::plan::Access;
use shared::unit::Millis;
use shared::worktree::Worktree;

use crate::log::{append, carry_out, id, person};

fn cart() -> Worktree {
    Worktree {
        path: "/data/shop/cart".to_owned(),
        folder: "/data/shop/cart/web".to_owned(),
        from: "/home/shop/web".to_owned(),
        of: "/home/shop".to_owned(),
        branch: "orchestrator/cart".to_owned(),
        base: "0a1b".to_owned(),
    }
}

fn made(purpose: &str) -> Kind {
    Kind::WorktreeMade { worktree: cart(), purpose: purpose.to_owned(), device: None }
}

/// The folder, a worktree of it, and a goal there.
fn shop() -> State {
    let mut state = State::default();
    let bridge = Actor::Bridge;
    append(&mut state, Millis(1), person(), "shop", State::default().opening("/home/shop/web"));
    append(&mut state, Millis(2), bridge, "shop", made("Add a cart"));
    let opening = state.opening("/data/shop/cart/web");
    append(&mut state, Millis(3), person(), "cart", opening);
    let (text, harness, access) = ("Add a cart".to_owned(), HarnessId::Claude, Access::Edit);
    append(
        &mut state,
        Millis(4),
        person(),
        "cart",
        Kind::GoalStated { task: id("g"), text, harness, access },
    );
    state
}

fn project(id: &str) -> ProjectId {
    ProjectId::new(id).unwrap()
}

#[test]
fn a_worktree_has_the_memory_and_the_rules_of_what_it_stands_in_for() {
    let mut state = shop();
    assert_eq!(state.projects[&project("cart")].name, "web · cart");
    assert_eq!(state.folder_of(&project("cart")), Some("/home/shop/web".to_owned()));
    append(&mut state, Millis(5), person(), "shop", Kind::MemorySet { text: "Use pnpm.".to_owned() });
    let orders = carry_out(&mut state, Millis(6));
    let told = orders.iter().find_map(|kind| match kind {
        Kind::RunRequested { spec, .. } => Some((shared::harness::prompt(spec), spec.cwd.clone())),
        _ => None,
    });
    let (prompt, folder) = told.unwrap();
    assert!(prompt.contains("Use pnpm."), "{prompt}");
    assert_eq!(folder, "/data/shop/cart/web");
    // What is said there is said of the project.
    append(&mut state, Millis(7), person(), "cart", Kind::MemorySet { text: "Use npm.".to_owned() });
    assert_eq!(state.projects[&project("shop")].memory, "Use npm.");
    assert_eq!(state.projects[&project("cart")].memory, "");
    let rule = |of: &str| Rule {
        rule: RuleId::new("r").unwrap(),
        permit: Permit::Allow,
        what: What::Tool { name: "Make".to_owned() },
        scope: Scope::Project { project: project(of) },
    };
    let goal = state.task(&id("g")).unwrap();
    assert!(holds(&state, &rule("shop"), goal) && holds(&state, &rule("cart"), goal));
    assert!(!holds(&state, &rule("other"), goal));
}

#[test]
fn a_worktree_is_needed_until_its_goals_are_over_and_nobody_works_there() {
    let mut state = shop();
    let needed = |state: &State| state.at_work_in("/data/shop/cart").map(|task| task.id.to_string());
    assert_eq!(needed(&state).as_deref(), Some("g"));
    assert_eq!(state.at_work_in("/data/shop/car"), None, "its name only begins like that");
    assert_eq!(state.goals_in("/home/shop").count(), 0);
    carry_out(&mut state, Millis(5));
    append(&mut state, Millis(6), person(), "cart", Kind::GoalArchived { goal: id("g") });
    assert_eq!(needed(&state).as_deref(), Some("g"), "its planner is at work");
    append(&mut state, Millis(7), person(), "cart", Kind::TaskStopped { task: id("g") });
    carry_out(&mut state, Millis(7));
    let run = state.runs.keys().next().unwrap().clone();
    let (end, pipes) = (shared::run::RunEnd::Signalled { signal: 15 }, shared::run::Pipes::Closed);
    append(
        &mut state,
        Millis(8),
        Actor::Bridge,
        "cart",
        Kind::RunEnded { run, end, lines: 0, pipes, used: None },
    );
    assert_eq!(needed(&state), None);
}

#[test]
fn what_is_removed_is_remembered_with_its_snapshot_until_it_is_back() {
    let mut state = shop();
    let say = |state: &mut State, at, kind| append(state, Millis(at), Actor::Bridge, "shop", kind);
    let (path, snapshot, head) = ("/data/shop/cart".to_owned(), Some("5f".to_owned()), "0a".to_owned());
    let gone = |path: &str| Kind::WorktreeRemoved {
        path: path.to_owned(),
        snapshot: snapshot.clone(),
        branch: None,
        head: head.clone(),
        device: None,
    };
    say(&mut state, 9, gone(&path));
    let kept = state.worktree_of(&project("cart")).unwrap();
    let removed = Removed { at: Millis(9), snapshot: snapshot.clone(), branch: None, head: head.clone() };
    assert_eq!(kept.removed, Some(removed));
    say(&mut state, 10, made(""));
    let kept = &state.worktrees[&path];
    assert_eq!((&kept.removed, kept.purpose.as_str(), kept.since), (&None, "Add a cart", Millis(10)));
    say(&mut state, 11, gone("/never/was"));
    assert_eq!(state.worktrees.len(), 1);
}
