//! What a turn is told keeps to its limit, says what it leaves out, and never tells of siblings.

#![expect(clippy::unwrap_used, reason = "tests")]

use conductor::State;
use conductor::context::{LEAST, Words};
use conductor::prompt::prompt;
use proptest::prelude::*;
use shared::agent::HarnessId;
use shared::context::{Cut, MEMORY, Section};
use shared::entry::{Actor, Kind, Outcome, Purpose};
use shared::id::{MessageId, RunId};
use shared::limits::Limits;
use shared::plan::{Access, PlannedTask};
use shared::unit::{Bytes, Epoch, Millis};

use crate::log::{append, id, person};
use crate::stage::World;

fn lost(cuts: &[Cut], section: Section) -> u64 {
    cuts.iter().find(|cut| cut.section == section).map_or(0, |cut| cut.bytes.0)
}

/// Pieces of these lengths, each of letters of its own.
fn words(pieces: &[(Section, usize)]) -> Words {
    let mut words = Words::default();
    for (place, (section, length)) in pieces.iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from(place % 26).unwrap());
        words.say("# Ours\n\n");
        words.give(*section, &letter.to_string().repeat(*length));
    }
    words
}

#[test]
fn what_fits_is_told_whole() {
    let (text, cuts) = words(&[(Section::Objective, 40), (Section::Results, LEAST - 90)]).fit(0);
    assert!(cuts.is_empty() && !text.contains("Cut to fit") && text.len() < LEAST, "{}", text.len());
}

#[test]
fn sections_give_way_in_their_order_first_to_a_floor_and_then_wholly() {
    let all = |length| Section::ALL.map(|section| (section, length));
    // Little too much: what gives way first is cut, nothing else.
    let (_, cuts) = words(&all(540)).fit(0);
    let sections: Vec<Section> = cuts.iter().map(|cut| cut.section).collect();
    assert_eq!(sections, Section::ALL[..11]);
    assert!(lost(&cuts, Section::Wares) < lost(&cuts, Section::Results), "{cuts:?}");
    // Far too much: what stands longest has what is left, and the others their floor.
    let (text, cuts) = words(&all(20_000)).fit(220 * 1024);
    assert_eq!(lost(&cuts, Section::Said), 0);
    assert!(lost(&cuts, Section::Objective) == 0 && lost(&cuts, Section::Found) > 0, "{cuts:?}");
    assert!(text.contains("aaaa") && text.contains("dddd"), "a floor of each");
    // So much that there is not even a floor.
    let (text, cuts) = words(&[(Section::Memory, 20_000), (Section::Said, 20_000)]).fit(0);
    assert!(lost(&cuts, Section::Memory) < 20_002 && text.contains("aaaa"), "the floor stays");
}

#[test]
fn the_long_pieces_of_a_section_are_cut_and_the_short_ones_stay() {
    let pieces = [(Section::Results, 50), (Section::Results, 9_000), (Section::Results, 60)];
    let (text, cuts) = words(&pieces).fit(0);
    assert!(text.contains(&"a".repeat(50)) && text.contains(&"c".repeat(60)));
    assert_eq!(cuts.len(), 1);
    let bytes = lost(&cuts, Section::Results);
    assert!(text.contains(&format!("[…cut here, {bytes} more bytes]")), "{text}");
    assert!(text.ends_with(&format!("## Cut to fit\n\n- {bytes} of 9116 bytes of results\n")), "{text}");
}

fn sections() -> impl Strategy<Value = Vec<(Section, usize)>> {
    let section = (0..Section::ALL.len()).prop_map(|place| Section::ALL[place]);
    proptest::collection::vec((section, prop_oneof![0..80_usize, 0..10_000_usize]), 0..100)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn never_more_than_the_limit_and_every_cut_is_told(pieces in sections(), limit in 0..150_000_usize) {
        let ours = pieces.len() * "# Ours\n\n".len();
        let (text, cuts) = words(&pieces).fit(limit);
        prop_assert!(text.len() <= limit.max(LEAST), "{} of {limit}", text.len());
        let given = |of: Section| {
            let lengths = pieces.iter().filter(|(section, length)| *section == of && *length > 0);
            lengths.map(|(_, length)| *length as u64 + 2).sum::<u64>()
        };
        let whole = ours as u64 + Section::ALL.map(given).iter().sum::<u64>();
        prop_assert_eq!(cuts.is_empty(), whole <= limit.max(LEAST) as u64);
        for Cut { section, bytes, of } in &cuts {
            prop_assert_eq!(of.0, given(*section));
            prop_assert!(bytes <= of && *bytes > Bytes(0));
            let line = format!("- {} of {} bytes of {}\n", bytes.0, of.0, section.name());
            prop_assert!(text.contains(&line), "{} is not told", line);
        }
        // What the list does not name is there to the last byte.
        for (place, (section, length)) in pieces.iter().enumerate().filter(|(_, (_, length))| *length > 0) {
            let letter = char::from(b'a' + u8::try_from(place % 26).unwrap());
            prop_assert!(lost(&cuts, *section) > 0 || text.contains(&letter.to_string().repeat(*length)));
        }
    }
}

/// A plan of three, of which `b` comes after `a`; each has words that nobody else has, so long.
fn world(length: usize, limit: usize) -> State {
    let mut state = State::default();
    let mut say = |kind| append(&mut state, Millis(1), person(), "p", kind);
    say(Kind::LimitsSet { limits: Limits { context_bytes: limit, ..Limits::default() } });
    let (harness, access) = (HarnessId::Demo, Access::Edit);
    let text = format!("GOAL {}", "g".repeat(length));
    say(Kind::GoalStated { task: id("goal"), text, harness, access });
    let tasks = ["a", "b", "c"].map(|name| PlannedTask {
        after: if name == "b" { vec![id("a")] } else { Vec::new() },
        outputs: vec![format!("OUT-{name}.md")],
        ..PlannedTask::new(
            id(name),
            id("goal"),
            format!("Title-{name}"),
            format!("OBJECTIVE-{name} {}", name.repeat(length)),
        )
    });
    say(Kind::PlanGiven { goal: id("goal"), reply: String::new(), tasks: tasks.to_vec() });
    say(Kind::PlanApproved { goal: id("goal"), version: 1 });
    for name in ["a", "c"] {
        let summary = format!("RESULT-{name} {}", "r".repeat(length));
        let outcome = Outcome::Completed { summary, outputs: Vec::new(), not_done: Vec::new() };
        let kind = Kind::TaskSettled { task: id(name), run: RunId::new("r").ok(), outcome };
        append(&mut state, Millis(2), Actor::Conductor { epoch: Epoch(1) }, "p", kind);
    }
    let (message, text) = (MessageId::new("m").unwrap(), "SAID by me".to_owned());
    append(
        &mut state,
        Millis(3),
        person(),
        "p",
        Kind::MessageSent { task: id("b"), message, text, answers: None },
    );
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_task_is_told_of_no_sibling_at_any_size(length in 0..20_000_usize, limit in 0..50_000_usize) {
        let state = world(length, limit);
        let purposes = [Purpose::Work, Purpose::Repair, Purpose::Review, Purpose::Diagnose];
        for purpose in purposes {
            let (text, cuts) = prompt(&state, state.task(&id("b")).unwrap(), purpose);
            prop_assert!(text.len() <= limit.max(LEAST), "{purpose:?}: {} of {limit}", text.len());
            prop_assert_eq!(text.contains("## Cut to fit"), !cuts.is_empty());
            let strange = ["Title-c", "OBJECTIVE-c", "RESULT-c", "OUT-c", "OBJECTIVE-a"];
            prop_assert!(strange.iter().all(|words| !text.contains(words)), "{purpose:?}: {text}");
            let told = ["RESULT-a", "SAID by me"].map(|words| text.contains(words));
            let works = matches!(purpose, Purpose::Work | Purpose::Repair);
            prop_assert_eq!(told, [works, works], "{:?}", purpose);
            prop_assert!(text.contains("Title-b") && text.contains("OBJECTIVE-b"));
        }
        for purpose in [Purpose::Plan, Purpose::Summary, Purpose::Talk] {
            let (text, _) = prompt(&state, state.task(&id("goal")).unwrap(), purpose);
            prop_assert!(text.len() <= limit.max(LEAST), "{purpose:?}: {} of {limit}", text.len());
        }
    }
}

#[test]
fn the_memory_is_told_where_a_session_begins_and_gives_way_before_the_objective() {
    let mut state = world(100, 48 * 1024);
    let (folder, name) = ("/p".to_owned(), "p".to_owned());
    append(&mut state, Millis(4), person(), "p", Kind::ProjectOpened { folder, name });
    let says = |state: &State, purpose| prompt(state, state.task(&id("b")).unwrap(), purpose);
    assert!(!says(&state, Purpose::Work).0.contains("## Memory"));
    let mut set = |text: String| append(&mut state, Millis(5), person(), "p", Kind::MemorySet { text });
    set("MEMORY".to_owned());
    set("m".repeat(MEMORY + 1));
    for purpose in [Purpose::Work, Purpose::Review] {
        let (text, cuts) = says(&state, purpose);
        assert!(text.contains("## Memory\n\nMEMORY\n\n") && cuts.is_empty(), "{text}");
    }
    append(&mut state, Millis(5), person(), "p", Kind::MemorySet { text: "m".repeat(MEMORY) });
    let (_, cuts) = says(&state, Purpose::Work);
    assert_eq!(cuts.iter().map(|cut| cut.section).collect::<Vec<_>>(), [Section::Memory]);
    append(&mut state, Millis(5), person(), "other", Kind::MemorySet { text: "OTHER".to_owned() });
    assert!(!says(&state, Purpose::Work).0.contains("OTHER"), "another project's");
}

#[test]
fn a_session_that_goes_on_is_told_of_another_memory_once() {
    let mut world = World::new();
    world.say(Kind::MemorySet { text: "Tabs, not spaces".to_owned() });
    world.propose(vec![PlannedTask::new(id("a"), id("g"), "Task a", "Do")]);
    world.approve(1);
    let changed = |words: &str| words.contains("## Memory, changed since");
    let turn = |world: &mut World| {
        let order = world.order("a");
        world.done(&order.run);
        order.words()
    };
    let first = turn(&mut world);
    assert!(first.contains("Tabs, not spaces") && !changed(&first), "{first}");
    world.say(Kind::MemorySet { text: "Tabs, not spaces".to_owned() });
    world.write("a");
    assert!(!changed(&turn(&mut world)), "it is the same");
    world.say(Kind::MemorySet { text: "Spaces after all".to_owned() });
    world.write("a");
    let told = turn(&mut world);
    assert!(changed(&told) && told.contains("Spaces after all"), "{told}");
    world.write("a");
    assert!(!changed(&turn(&mut world)), "once");
    world.say(Kind::MemorySet { text: String::new() });
    world.write("a");
    let gone = turn(&mut world);
    assert!(changed(&gone) && gone.contains("There is none any more."), "{gone}");
}
