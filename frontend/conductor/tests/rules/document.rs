//! A plan as a document.

#![expect(clippy::unwrap_used, reason = "a test's own world is as the test makes it")]

use conductor::State;
use conductor::plan::document::document;
use shared::agent::{ErrorClass, HarnessId};
use shared::entry::{Kind, Outcome};
use shared::plan::{Access, Mode, PlannedTask};
use shared::unit::Millis;

use crate::log::{append, id, person};

#[test]
fn it_is_the_tree_with_check_boxes_and_what_came_of_each_task() {
    let mut state = State::default();
    let mut say = |kind| append(&mut state, Millis(1), person(), "p", kind);
    say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
    let text = "Open the shop\n\nBefore May.".to_owned();
    say(Kind::GoalStated { task: id("g"), text, harness: HarnessId::Demo, access: Access::Edit });
    let part = |task: &str, parent: &str, title: &str| PlannedTask::new(id(task), id(parent), title, "Do");
    let tasks = vec![
        PlannedTask { mode: Mode::Manual, ..part("a", "g", "Sign the *lease*\nnow") },
        PlannedTask { after: vec![id("a")], ..part("b", "g", "Paint") },
        part("b1", "b", "Choose [a] colour"),
        part("b2", "b", "Buy it"),
        part("c", "g", "Announce it"),
    ];
    say(Kind::PlanGiven { goal: id("g"), reply: String::new(), tasks });
    say(Kind::PlanApproved { goal: id("g"), version: 1 });
    say(Kind::TaskAccepted { task: id("a"), words: "Signed for **ten** years.".to_owned() });
    let (outputs, not_done) = (vec!["docs/the colour.md".to_owned()], vec!["a sample".to_owned()]);
    let outcome = Outcome::Completed { summary: "It is blue.".to_owned(), outputs, not_done };
    say(Kind::TaskSettled { task: id("b1"), run: None, outcome });
    let outcome =
        Outcome::Failed { class: ErrorClass::TaskFailure, why: "No shop has it.\nAll closed.".to_owned() };
    say(Kind::TaskSettled { task: id("b2"), run: None, outcome });
    say(Kind::TaskStopped { task: id("c") });
    assert_eq!(
        document(&state, state.task(&id("g")).unwrap()),
        "# Open the shop

Open the shop

Before May.

- [x] 1 Sign the \\*lease\\* now · by you
- [ ] 2 Paint · after 1 · waiting for you
  - [x] 2.1 Choose \\[a\\] colour: [docs/the colour.md](<docs/the colour.md>)
  - [ ] 2.2 Buy it · failed · No shop has it.
- [ ] ~~3 Announce it~~ · cancelled

## Results

### 1 Sign the \\*lease\\* now

Signed for **ten** years.

### 2.1 Choose \\[a\\] colour

It is blue.

Not done:

- [ ] a sample
"
    );
    let part = document(&state, state.task(&id("b")).unwrap());
    assert!(part.starts_with("# 2 Paint\n\nDo\n\n- [x] 2.1 "), "{part}");
}
