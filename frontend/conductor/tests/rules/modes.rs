//! A mode that is switched while its task works: the one that holds when the turn ends decides what its end means.

use conductor::state::Standing;
use shared::entry::Kind;
use shared::plan::{Mode, PlanEdit, PlannedTask};

use crate::log::id;
use crate::stage::World;

#[test]
fn the_mode_that_holds_when_the_turn_ends_decides() {
    for (before, after, standing) in [
        (Mode::Autonomous, Mode::Interactive, Standing::Yielded),
        (Mode::Hybrid, Mode::Interactive, Standing::Yielded),
        (Mode::Interactive, Mode::Autonomous, Standing::Completed),
        (Mode::Interactive, Mode::Hybrid, Standing::Completed),
    ] {
        let mut world = World::new();
        let task = PlannedTask { mode: before, ..PlannedTask::new(id("a"), id("g"), "A", "Do") };
        world.propose(vec![task, PlannedTask::new(id("b"), id("g"), "B", "Do")]);
        world.approve(1);
        if before == Mode::Interactive {
            world.write("a");
        }
        let order = world.order("a");
        world.begins(&order.run);
        world.edit(PlanEdit::SetMode { task: id("a"), mode: after });
        assert!(world.step().is_empty(), "what runs goes on");
        world.done(&order.run);
        world.step();
        let stands = |world: &World| world.state.task(&id("a")).map(|task| task.standing.clone());
        assert_eq!(stands(&world), Some(standing), "{before:?} to {after:?}");
        world.say(Kind::TaskAccepted { task: id("a"), words: String::new() });
        assert_eq!(stands(&world), Some(Standing::Completed), "a person says that it is done");
    }
}
