//! Done needs evidence: an agent that lies in a dozen ways never reaches it, and an honest one does.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use conductor::state::{Standing, Task};
use conductor::status::{Kind as Stands, Reason, status};
use conductor::{State, decide, proof};
use serde_json::{Value, json};
use shared::agent::{AgentError, ErrorClass, HarnessId, TurnReport};
use shared::entry::{Kind, Purpose};
use shared::evidence::{Check, CommitOutcome, Evidence, Preset};
use shared::harness;
use shared::id::{MessageId, RunId, SessionId};
use shared::plan::{Access, Mode, PlanEdit, PlannedTask};
use shared::retry::{Policy, Retry};
use shared::run::{Arg, Pipes, Program, RunEnd};
use shared::unit::Millis;

use crate::log::{append, id, person};

const TESTS: &str = "make test";

/// How the agents of a world are.
#[derive(Clone)]
struct Nature {
    name: &'static str,
    /// What the worker reports, and its last words.
    report: Value,
    words: &'static str,
    error: Option<ErrorClass>,
    /// What it writes.
    writes: &'static [&'static str],
    /// How the tests of its work end.
    tests: Option<ErrorClass>,
    review: Value,
    /// Works of the same kind before it does better; all of them for a liar.
    times: u32,
    /// As what it is found out.
    found: ErrorClass,
}

fn honest() -> Nature {
    let outputs = ["cart.rs"];
    Nature {
        name: "honest",
        report: json!({"outcome": "done", "summary": "The cart is there.", "outputs": outputs}),
        words: "The cart is there.",
        error: None,
        writes: &["cart.rs"],
        tests: None,
        review: json!({"verdict": "pass", "summary": "So it is.", "findings": []}),
        times: 0,
        found: ErrorClass::Unknown,
    }
}

fn liars() -> Vec<Nature> {
    let done =
        |summary: &str, outputs: &[&str]| json!({"outcome": "done", "summary": summary, "outputs": outputs});
    let lie = |name, found| Nature { name, found, times: u32::MAX, ..honest() };
    use ErrorClass::{CheckFailed, NothingSaid, Rejected, Timeout};
    vec![
        Nature { report: Value::Null, words: " ", ..lie("says nothing at all", NothingSaid) },
        Nature { report: done(" ", &[]), ..lie("is done without a word", NothingSaid) },
        Nature { writes: &["other.rs"], ..lie("leaves out what was declared", CheckFailed) },
        Nature {
            report: done("Three files.", &["cart.rs", "more.rs"]),
            ..lie("names files that it never made", CheckFailed)
        },
        Nature {
            report: done("Nothing was left to do.", &[]),
            writes: &[],
            ..lie("has changed nothing", CheckFailed)
        },
        Nature { words: "All good.\nerror: cart.rs:3 expected `;`", ..lie("hides an error", CheckFailed) },
        Nature { tests: Some(ErrorClass::TaskFailure), ..lie("breaks the tests", CheckFailed) },
        Nature { tests: Some(Timeout), ..lie("lets the tests hang", CheckFailed) },
        Nature {
            error: Some(ErrorClass::Interrupted),
            ..lie("breaks off and says done", ErrorClass::Interrupted)
        },
        Nature {
            review: json!({"verdict": "findings", "summary": "", "findings": ["Tests were deleted."]}),
            ..lie("deletes the tests that fail", Rejected)
        },
        Nature {
            review: json!({"verdict": "pass", "summary": "Fine.", "findings": ["It does not compile."]}),
            ..lie("has a friend for a reviewer, who passes what he found bad", Rejected)
        },
        Nature {
            review: json!({"verdict": "findings", "summary": "", "findings": []}),
            ..lie("has a reviewer without reasons", Rejected)
        },
        Nature { review: Value::Null, ..lie("has a reviewer who says nothing", NothingSaid) },
    ]
}

struct World {
    state: State,
    nature: Nature,
    folder: BTreeSet<String>,
    works: u32,
    hook: bool,
    /// Purpose and prompt of each run, in order.
    ran: Vec<(Purpose, String)>,
}

impl World {
    /// A goal with one task that wants every kind of evidence.
    fn new(nature: Nature, preset: Preset) -> Self {
        let (state, folder) = (State::default(), BTreeSet::from(["old.rs".to_owned()]));
        let mut world = Self { state, nature, folder, works: 0, hook: false, ran: Vec::new() };
        world.say(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() });
        let (task, text) = (id("goal"), "Goal".to_owned());
        world.say(Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
        world.edit(PlanEdit::SetPreset { task: id("goal"), preset });
        let custom = Check::CustomCommand { command: TESTS.to_owned() };
        let checks = vec![Check::OutputsExist, Check::DiffNotEmpty, Check::NoErrorInOutput, custom];
        let planned = PlannedTask {
            key: "a".to_owned(),
            outputs: vec!["cart.rs".to_owned(), "the tests pass".to_owned()],
            evidence: Evidence { checks, review: Some(true), commit: None },
            ..PlannedTask::new(id("a"), id("goal"), "Write the cart", "Write it")
        };
        world.say(Kind::PlanGiven { goal: id("goal"), reply: String::new(), tasks: vec![planned] });
        world.say(Kind::PlanApproved { goal: id("goal"), version: 1 });
        world
    }

    fn say(&mut self, kind: Kind) {
        let at = Millis(self.state.seq.0 * 1_000);
        append(&mut self.state, at, person(), "p", kind);
    }

    fn edit(&mut self, edit: PlanEdit) {
        self.say(Kind::PlanEdited { goal: id("goal"), edit });
    }

    fn task(&self) -> &Task {
        self.state.task(&id("a")).unwrap()
    }

    /// Lives until nothing is left to decide, an hour at a time.
    fn live(&mut self) {
        for hour in 0..200 {
            let drafts = decide(&self.state, Millis(u64::MAX / 2) + Millis::from_secs(hour * 3_600));
            if drafts.is_empty() {
                return;
            }
            for draft in drafts {
                let kind = draft.body.known().unwrap().clone();
                self.say(kind.clone());
                if let Kind::RunRequested { run, task, purpose, spec, .. } = kind {
                    let prompt = harness::prompt(&spec);
                    let report = match purpose {
                        _ if task == id("goal") => {
                            said("All is summed up.", json!({"outcome": "done", "summary": "S."}))
                        }
                        Purpose::Base | Purpose::Check => self.look(&spec.program, &spec.args),
                        Purpose::Review => said("Reviewed.", self.nature.review.clone()),
                        Purpose::Commit => self.commit(&spec.args),
                        _ => self.work(),
                    };
                    self.ran.push((purpose, prompt));
                    self.end(&run, report);
                }
            }
        }
        panic!("{} never comes to rest", self.nature.name);
    }

    fn end(&mut self, run: &RunId, report: TurnReport) {
        self.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
        let (end, pipes) = (RunEnd::Exited { code: 0 }, Pipes::Closed);
        self.say(Kind::RunEnded { run: run.clone(), end, lines: 0, pipes, used: None });
        self.say(Kind::TurnRead { run: run.clone(), report: report.into() });
    }

    /// A hook finds something the first time, where the world has one.
    fn commit(&mut self, args: &[Arg]) -> TurnReport {
        let paths: Vec<&Arg> = args.iter().skip_while(|arg| **arg != Arg::text("--")).skip(1).collect();
        assert_eq!(paths, [&Arg::text("cart.rs")], "what it declares and says that it made, once");
        if std::mem::take(&mut self.hook) {
            let error = Some(failure(ErrorClass::TaskFailure));
            return TurnReport { error, ..said("The linter says no.", Value::Null) };
        }
        said("a.o is ignored by git\ncommitted 0a1b2c3d4e5f", Value::Null)
    }

    fn work(&mut self) -> TurnReport {
        self.works += 1;
        if self.works > self.nature.times {
            self.nature = Nature { times: self.nature.times, ..honest() };
        }
        self.folder.extend(self.nature.writes.iter().map(|&name| name.to_owned()));
        let session = Some(SessionId::new("worker").unwrap());
        let error = self.nature.error.map(failure);
        TurnReport { error, session, ..said(self.nature.words, self.nature.report.clone()) }
    }

    /// What `orchestrator look` and the shell would say.
    fn look(&self, program: &Program, args: &[Arg]) -> TurnReport {
        let words: Vec<&str> = args
            .iter()
            .filter_map(|arg| match arg {
                Arg::Text { text } => Some(text.as_str()),
                Arg::RunFile { .. } => None,
            })
            .collect();
        let print = format!("{:?}", self.folder);
        let verdict = match (program, words.as_slice()) {
            (Program::Shell { command }, _) if command == TESTS => self.nature.tests,
            (Program::Own, ["look", "print"]) => return said(&print, Value::Null),
            (Program::Own, ["look", "changed", before]) => {
                (*before == print).then_some(ErrorClass::TaskFailure)
            }
            (Program::Own, ["look", "there", "--", paths @ ..]) => {
                assert!(!paths.contains(&"the tests pass"), "a fact is no file");
                paths.iter().any(|path| !self.folder.contains(*path)).then_some(ErrorClass::TaskFailure)
            }
            other => panic!("{other:?}"),
        };
        TurnReport { error: verdict.map(failure), ..said("It is not so.", Value::Null) }
    }
}

fn said(words: &str, answer: Value) -> TurnReport {
    let structured = Some(answer).filter(|answer| !answer.is_null());
    TurnReport { final_text: words.to_owned(), structured, ..TurnReport::default() }
}

fn failure(class: ErrorClass) -> AgentError {
    AgentError { class, message: "It ended with 1.".to_owned(), until: None }
}

fn purposes(world: &World) -> Vec<Purpose> {
    world.ran.iter().map(|(purpose, _)| *purpose).collect()
}

#[test]
fn an_agent_that_lies_never_reaches_done() {
    for preset in Preset::ALL {
        for liar in liars() {
            let name = liar.name;
            let found = liar.found;
            let mut world = World::new(liar, preset);
            world.live();
            let Standing::Failed { class, why } = &world.task().standing else {
                panic!("who {name} is {:?}", world.task().standing)
            };
            assert_eq!(*class, found, "{name}: {why}");
            assert!(!why.trim().is_empty(), "{name}");
            let goal = world.state.task(&id("goal")).unwrap();
            assert_eq!(goal.standing, Standing::Open, "{name}: nothing is summed up");
            let repairs = purposes(&world).iter().filter(|purpose| **purpose == Purpose::Repair).count();
            let bound = if preset == Preset::Autonomous { 9 } else { 2 };
            assert!(repairs <= bound, "{name}: {repairs} repairs");
            if matches!(found, ErrorClass::CheckFailed | ErrorClass::Rejected) {
                assert_eq!(repairs, bound, "{name}");
            }
        }
    }
}

#[test]
fn an_honest_agent_reaches_it_with_all_that_was_wanted() {
    let mut world = World::new(honest(), Preset::Quick);
    world.live();
    assert_eq!(world.task().standing, Standing::Completed);
    use Purpose::{Base, Check, Review, Summary, Work};
    assert_eq!(purposes(&world), [Base, Work, Check, Check, Check, Review, Summary]);
    let review = &world.ran[5].1;
    assert!(
        review.contains("The cart is there.") && review.contains("- custom_command:make test holds"),
        "{review}"
    );
    assert_eq!(world.task().session, Some(SessionId::new("worker").unwrap()), "the reviewer's is another");
    assert_eq!(world.state.task(&id("goal")).unwrap().standing, Standing::Completed);
}

#[test]
fn what_was_shown_is_committed_last_and_a_hook_is_mended_for() {
    let mut world = World::new(honest(), Preset::Autonomous);
    world.hook = true;
    world.live();
    assert_eq!(world.task().standing, Standing::Completed);
    use Purpose::{Base, Check, Commit, Repair, Review, Summary, Work};
    let shown = [Check, Check, Check, Review, Commit];
    let all = [&[Base, Work][..], &shown, &[Repair], &shown, &[Summary]].concat();
    assert_eq!(purposes(&world), all);
    let repair = &world.ran[7].1;
    assert!(repair.contains("It cannot be committed. The linter says no."), "{repair}");
    let made = CommitOutcome::Made {
        commit: "0a1b2c3d4e5f".to_owned(),
        left: vec!["a.o is ignored by git".to_owned()],
    };
    assert_eq!(world.task().proof.commit, Some(made));
}

#[test]
fn nothing_is_committed_where_nobody_said_so() {
    let wants = |preset, commit| {
        let mut world = World::new(honest(), preset);
        let evidence = Evidence { commit, ..Evidence::default() };
        world.edit(PlanEdit::SetEvidence { task: id("a"), evidence });
        proof::commits(&world.state, world.task())
    };
    assert!(!wants(Preset::Quick, None) && !wants(Preset::Reviewed, None) && wants(Preset::Autonomous, None));
    assert!(wants(Preset::Quick, Some(true)) && !wants(Preset::Autonomous, Some(false)));
}

#[test]
fn a_lie_that_is_found_out_once_is_mended_in_the_same_session() {
    for liar in liars()
        .into_iter()
        .filter(|liar| matches!(liar.found, ErrorClass::CheckFailed | ErrorClass::Rejected))
    {
        let name = liar.name;
        let mut world = World::new(Nature { times: 1, ..liar }, Preset::Reviewed);
        world.live();
        assert_eq!(world.task().standing, Standing::Completed, "{name}");
        let repair = world.ran.iter().find(|(purpose, _)| *purpose == Purpose::Repair).unwrap();
        assert!(
            repair.1.contains("# Mend your work") && repair.1.contains("## What was found"),
            "{name}: {}",
            repair.1
        );
        assert_eq!(world.task().proof.checked.len(), 4, "{name}: every check is made anew");
    }
}

#[test]
fn files_that_are_declared_are_looked_for_also_where_nobody_asks() {
    let quick = |nature| {
        let mut world = World::new(nature, Preset::Quick);
        world.edit(PlanEdit::SetEvidence { task: id("a"), evidence: Evidence::default() });
        world.live();
        world
    };
    use Purpose::{Base, Check, Repair, Summary, Work};
    let honest = quick(honest());
    // The first look was ordered before it was asked for less.
    let done: Vec<Purpose> = purposes(&honest).into_iter().filter(|purpose| *purpose != Base).collect();
    assert_eq!(done, [Work, Check, Summary]);
    let liar = quick(liars().swap_remove(2));
    assert!(
        matches!(liar.task().standing, Standing::Failed { class: ErrorClass::CheckFailed, .. }),
        "{:?}",
        liar.task().standing
    );
    let repairs = purposes(&liar).iter().filter(|purpose| **purpose == Repair).count();
    assert_eq!(repairs, 2);
}

#[test]
fn what_cannot_be_mended_is_tried_anew_as_the_policy_says() {
    let liar = liars().swap_remove(6);
    for (policy, tries, diagnoses) in [(Policy::None, 1, 0), (Policy::Same, 3, 0), (Policy::Analyze, 3, 2)] {
        let mut world = World::new(liar.clone(), Preset::Quick);
        let retry = Some(Retry { policy, attempts: 3 });
        world.edit(PlanEdit::SetRetry { task: id("a"), retry });
        world.live();
        let Standing::Failed { class: ErrorClass::CheckFailed, why } = &world.task().standing else {
            panic!("{policy:?}: {:?}", world.task().standing)
        };
        assert!(why.contains("make test does not hold"), "{why}");
        let count = |wanted| purposes(&world).iter().filter(|purpose| **purpose == wanted).count();
        assert_eq!((count(Purpose::Work), count(Purpose::Diagnose)), (tries, diagnoses), "{policy:?}");
        assert_eq!(count(Purpose::Repair), 2 * tries, "{policy:?}: each try is mended as often");
    }
}

#[test]
fn what_is_done_together_keeps_its_files_for_those_who_come_after() {
    let mut world = World::new(honest(), Preset::Quick);
    world.edit(PlanEdit::SetMode { task: id("a"), mode: Mode::Interactive });
    let (task, message) = (id("a"), MessageId::new("m").unwrap());
    world.say(Kind::MessageSent { task, message, text: "Begin".to_owned(), answers: None });
    world.live();
    assert_eq!(world.task().standing, Standing::Yielded);
    world.say(Kind::TaskAccepted { task: id("a"), words: String::new() });
    assert_eq!(world.task().result.as_ref().unwrap().outputs, ["cart.rs"]);
}

#[test]
fn the_person_has_the_last_word() {
    let liar = liars().swap_remove(6);
    let mut world = World::new(liar.clone(), Preset::Quick);
    world.live();
    world.say(Kind::TaskAccepted { task: id("a"), words: String::new() });
    world.live();
    assert_eq!(world.task().standing, Standing::Completed, "it is done because they say so");
    let mut world = World::new(liar, Preset::Quick);
    world.live();
    world.nature = honest();
    let message = MessageId::new("m").unwrap();
    world.say(Kind::MessageSent { task: id("a"), message, text: "Mend it".to_owned(), answers: None });
    world.live();
    assert_eq!(world.task().standing, Standing::Completed, "what they say gives it new tries");
}

#[test]
fn each_stage_says_what_it_is() {
    let mut world = World::new(liars().swap_remove(9), Preset::Quick);
    let mut seen = Vec::new();
    for _ in 0..60 {
        let drafts = decide(&world.state, Millis(u64::MAX / 2));
        let Some(kind) = drafts.first().map(|draft| draft.body.known().unwrap().clone()) else { break };
        world.say(kind.clone());
        if let Kind::RunRequested { run, purpose, spec, .. } = kind {
            world.say(Kind::RunStarted { run: run.clone(), pid: 1, started: 1 });
            let status = status(&world.state, world.task());
            assert_eq!(status.waker(), conductor::status::Waker::Run);
            seen.push((status.kind, conductor::words::reason(&world.state, &status, Millis(0))));
            let report = match purpose {
                Purpose::Base | Purpose::Check => world.look(&spec.program, &spec.args),
                Purpose::Review => said("Reviewed.", world.nature.review.clone()),
                _ => world.work(),
            };
            world.end(&run, report);
        }
    }
    let told: Vec<(Stands, &str)> = seen.iter().map(|(kind, words)| (*kind, words.as_str())).collect();
    let looks = [
        (Stands::Review, "checking outputs_exist"),
        (Stands::Review, "checking diff_not_empty"),
        (Stands::Review, "checking custom_command:make test"),
        (Stands::Review, "another agent reviews it"),
    ];
    let mut expected = vec![(Stands::Active, "looks at the folder"), (Stands::Active, "working")];
    expected.extend(looks);
    expected.push((Stands::Active, "repairing 1 of 2"));
    expected.extend(looks);
    expected.push((Stands::Active, "repairing 2 of 2"));
    expected.extend(looks);
    assert_eq!(told, expected);
    assert!(matches!(
        status(&world.state, world.task()).reason,
        Reason::Failure { class: ErrorClass::Rejected, .. }
    ));
}

#[test]
fn a_plan_is_carried_out_unasked_only_where_the_person_said_so() {
    for preset in Preset::ALL {
        let mut world = World::new(honest(), preset);
        let (goal, run) = (id("second"), RunId::new("r").unwrap());
        let (task, text) = (goal.clone(), "Second".to_owned());
        world.say(Kind::GoalStated { task, text, harness: HarnessId::Demo, access: Access::Edit });
        let edit = PlanEdit::SetPreset { task: goal.clone(), preset };
        world.say(Kind::PlanEdited { goal: goal.clone(), edit });
        let planned = PlannedTask { task: id("b"), parent: goal.clone(), ..planned_b() };
        world.say(Kind::PlanProposed {
            goal: goal.clone(),
            run,
            version: 1,
            reply: String::new(),
            tasks: vec![planned],
        });
        let adopts = decide(&world.state, Millis(0))
            .iter()
            .any(|draft| matches!(draft.body.known(), Some(Kind::PlanAdopted { version: 1, .. })));
        assert_eq!(adopts, preset == Preset::Autonomous, "{preset:?}");
    }
}

fn planned_b() -> PlannedTask {
    PlannedTask { key: "b".to_owned(), ..PlannedTask::new(id("b"), id("second"), "B", "Do") }
}
