//! A world from a seed: a bridge, clients, agents and a person, and the weather that they live in. One thing
//! happens at a time; which one, chance decides.

use anyhow::{Context, Result, bail, ensure};
use conductor::State;
use conductor::apply::answers;
use conductor::status::status;
use shared::agent::{FoundAgent, HarnessId};
use shared::entry::{Draft, Kind, Room};
use shared::evidence::Preset;
use shared::id::{AppendId, ClientId, ProjectId, RunId, TaskId, TemplateId};
use shared::limits::{Breaker, Limits};
use shared::models::{Instead, Models, Tiers};
use shared::plan::{Access, PlanEdit};
use shared::quiet::Quiet;
use shared::retry::{Policy, Retry};
use shared::template::{Template, Variant};
use shared::unit::{MicroUsd, Millis};
use shared::wire::ServerMessage;

use crate::bridge::{Append, Bridge};
use crate::cast::Cast;
use crate::chance::Chance;
use crate::client::Client;
use crate::editor::Editor;
use crate::hands::Hands;
use crate::judges::Judges;
use crate::permits::Permits;
use crate::person::Person;
use crate::rest;
use crate::rounds::Rounds;
use crate::saver::Saver;
use crate::sitting::{self, Sitting};
use crate::steward::Steward;

/// Steps after which a world should long have come to rest.
const STEPS: usize = 20_000;
/// Steps after which its person has had enough of what comes round so soon that nothing else ever does.
const ENOUGH: usize = 10_000;

/// Worlds of which one is looked at after each of its steps.
const WATCHED: u64 = 256;

#[derive(Debug)]
pub struct World {
    chance: Chance,
    pub bridge: Bridge,
    pub clients: Vec<Client>,
    person: Person,
    now: Millis,
    /// Of a thousand steps so many bring a mishap to bridge, clients or clock.
    storm: usize,
    intents: u64,
    /// When it is looked at in the midst of things: after one step in so many.
    glances: Chance,
    glanced: usize,
    /// Questions are answered from two devices at once.
    rival: bool,
}

/// What a world came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub plans: u64,
    pub entries: u64,
    pub runs: u64,
}

/// What a world's person allows.
fn limits(chance: &mut Chance) -> Result<Limits> {
    let mut count = |least: usize, most: usize| u32::try_from(least + chance.below(most - least + 1));
    let (parallel, resumptions) = (count(1, 6)?, count(0, 3)?);
    let (attempts, failures, hour) = (count(2, 3)?, count(2, 5)?, count(0, 23)?);
    let policy = [Policy::None, Policy::Same, Policy::Analyze][chance.below(3)];
    let from = u16::try_from(hour * 60)?;
    let quiet = chance.one_in(4).then(|| Quiet { from, to: (from + 480) % 1440, offset: 0 });
    Ok(Limits {
        parallel,
        resumptions,
        retry: Retry { policy, attempts },
        breaker: Breaker { failures, ..Breaker::default() },
        quiet,
        unattended: chance.one_in(4).then(|| MicroUsd(chance.draw() % 40_000)),
        alternate: chance.one_in(2),
        ..Limits::default()
    })
}

impl World {
    /// # Errors
    /// What must always hold does not.
    pub fn new(seed: u64) -> Result<Self> {
        let mut chance = Chance::new(seed);
        let rough = chance.below(4);
        let whims = [0, 4, 10, 25][chance.below(4)];
        let mut world = Self {
            bridge: Bridge::new([0, 10, 25, 50][rough]),
            clients: Vec::new(),
            person: Person::new(whims, Cast::of(seed), Hands::of(seed), Permits::of(seed)),
            now: Millis(1_790_000_000_000),
            storm: [0, 2, 10, 30][chance.below(4)],
            intents: 0,
            glances: Chance::new(seed ^ 0x61a2_ce00),
            glanced: if seed % WATCHED == 1 { 1 } else { 64 },
            rival: Chance::new(seed ^ 0x0a25_3e60).one_in(4),
            chance,
        };
        // A chance of its own, so that the other worlds are as they were.
        world.bridge.ways.counts = Saver::of(seed).is_some() || Chance::new(seed ^ 0x00c0_5700).one_in(3);
        world.bridge.ways.auto = Chance::new(seed ^ 0x005e_e500).one_in(4);
        for name in ["page", "terminal", "standby"].into_iter().take(1 + world.chance.below(3)) {
            let mut client = Client::new(ClientId::new(name)?);
            client.connect(&world.bridge);
            world.clients.push(client);
        }
        // What came later is drawn beside, so that old seeds keep their worlds.
        let mut aside = Chance::new(!seed);
        let mut limits = limits(&mut world.chance)?;
        if aside.one_in(4) {
            limits.context_bytes = 0;
        }
        world.bridge.ways.trades = aside.one_in(3);
        world.person.trades = world.bridge.ways.trades;
        if aside.one_in(8) {
            world.bridge.ways.wordy = 3_000;
        }
        world.bridge.ways.splits = aside.one_in(3);
        world.person.splits = world.bridge.ways.splits;
        if world.person.splits {
            limits.tasks = 40;
        }
        let reuses = aside.one_in(8);
        limits.reuse = reuses;
        world.bridge.ways.folder = reuses.then_some(0);
        world.person.repeats = if reuses { 6 } else { 0 };
        world.person.steward = Steward::of(seed);
        if let Some(steward) = &mut world.person.steward {
            limits = steward.limits(limits);
        }
        world.intend(Kind::LimitsSet { limits })?;
        if world.chance.one_in(2) {
            world.find_agents()?;
        }
        if world.chance.one_in(3) {
            let instead = ["sonnet", "haiku"].map(str::to_owned).to_vec();
            let instead = Instead { heavy: instead.clone(), light: instead[..1].to_vec(), standard: instead };
            let claude = Tiers { instead, ..Models::default().claude };
            world.intend(Kind::ModelsSet { models: Models { claude, ..Models::default() } })?;
        }
        world.intend(Kind::ProjectOpened { folder: "/p".to_owned(), name: "p".to_owned() })?;
        if aside.one_in(4) {
            world.intend(Kind::MemorySet { text: "MEMORY of the first day".to_owned() })?;
        }
        let goals = if world.chance.one_in(4) || reuses { 2 } else { 1 };
        let first = TaskId::new("g1")?;
        for n in 1..=goals {
            let harness = if world.chance.one_in(3) { HarnessId::Claude } else { HarnessId::Demo };
            let (task, text) = (TaskId::new(&format!("g{n}"))?, format!("Goal {n}"));
            let text = if reuses { "The same goal".to_owned() } else { text };
            let access = if world.person.permits.is_some() { Access::Ask } else { Access::Edit };
            world.intend(Kind::GoalStated { task: task.clone(), text, harness, access })?;
            if world.chance.one_in(3) {
                world.guide(task.clone())?;
            }
            if world.chance.one_in(4) {
                let preset = if world.chance.one_in(2) { Preset::Reviewed } else { Preset::Autonomous };
                let edit = PlanEdit::SetPreset { task: task.clone(), preset };
                world.intend(Kind::PlanEdited { goal: task, edit })?;
            }
        }
        for kind in world.person.cast.as_mut().map(|cast| cast.begins(&first)).unwrap_or_default() {
            world.intend(kind)?;
        }
        world.person.sitting = Sitting::of(seed);
        world.person.saver = Saver::of(seed);
        world.person.editor = Editor::of(seed);
        world.person.rounds = Rounds::of(seed);
        world.bridge.ways.capped = Chance::new(seed ^ 0x00ca_99ed).one_in(4);
        world.bridge.ways.hands = world.person.hands.is_some();
        for kind in world.person.hands.as_mut().map(|hands| hands.begins(&first)).unwrap_or_default() {
            world.intend(kind)?;
        }
        world.person.judges = Judges::of(seed);
        let limits = &world.bridge.state.limits;
        if let Some(kind) = world.person.judges.as_mut().map(|judges| judges.begins(&first, limits)) {
            world.intend(kind)?;
        }
        let alone = world.person.hands.is_none();
        let steward = world.person.steward.as_mut().filter(|_| alone);
        let given = steward.and_then(|steward| steward.begins(&first));
        if let Some(kind) = given {
            world.intend(kind)?;
        }
        world.pass_baton()?;
        Ok(world)
    }

    /// The goal's tasks work by a template of two wordings.
    fn guide(&mut self, goal: TaskId) -> Result<()> {
        let template = TemplateId::new("t")?;
        let variant = |name: &str| Variant { name: name.to_owned(), guidelines: format!("WORDING-{name}") };
        let (name, variants) = ("T".to_owned(), vec![variant("a"), variant("b")]);
        let saved =
            Template { template: template.clone(), name, variants, harness: None, model: None, folder: None };
        self.intend(Kind::TemplateSaved { template: saved })?;
        let edit = PlanEdit::SetTemplate { task: goal.clone(), template: Some(template) };
        self.intend(Kind::PlanEdited { goal, edit })
    }

    /// Both agents are there.
    fn find_agents(&mut self) -> Result<()> {
        let agents =
            [HarnessId::Claude, HarnessId::Codex].map(|harness| FoundAgent::new(harness, "/bin/agent"));
        let found = Kind::AgentsFound { agents: agents.to_vec() };
        self.bridge.state_fact(found, self.now, &mut self.chance)
    }

    /// Lives it to its end.
    ///
    /// # Errors
    /// What must always hold does not, or it does not come to rest.
    pub fn live(&mut self) -> Result<Tally> {
        for step in 0..STEPS {
            if step > ENOUGH {
                self.tire().with_context(|| format!("at step {step}"))?;
            }
            let went_on = self.step().and_then(|went_on| self.glance().map(|()| went_on));
            if !went_on.with_context(|| format!("at step {step}"))? {
                rest::check_end(self).with_context(|| format!("at rest after {step} steps"))?;
                let plans = u64::try_from(self.bridge.state.goals.len())?;
                let runs = u64::try_from(self.bridge.state.runs.len())?;
                return Ok(Tally { plans, entries: self.bridge.state.seq.0, runs });
            }
        }
        let tasks = self.bridge.state.tasks.values();
        let open: Vec<_> =
            tasks.filter(|task| !task.is_over()).map(|task| status(&self.bridge.state, task)).collect();
        bail!("{STEPS} steps, and it has not come to rest: {open:?}")
    }

    /// Lets one thing happen; false when nothing is left to happen.
    fn step(&mut self) -> Result<bool> {
        self.now = self.now + Millis(self.chance.draw() % 200);
        self.bridge.watch.latest = self.bridge.watch.latest.max(self.now);
        if self.storm > 0 && self.person.whims > 0 && self.chance.below(1_000) < self.storm {
            self.mishap()?;
            return Ok(true);
        }
        let state = &self.bridge.state;
        if let Some(kind) = self.person.saver.as_mut().and_then(|saver| saver.whim(state)) {
            return self.intend(kind).map(|()| true);
        }
        if let Some(kind) = self.person.editor.as_mut().and_then(|editor| editor.whim(state)) {
            return self.intend(kind).map(|()| true);
        }
        let first = self.chance.below(16);
        if first == 0 && self.person.whims > 0 {
            return self.whim().map(|()| true);
        }
        // What is first tried by chance is tried last otherwise, so that something happens if anything can.
        let done = match first {
            0..8 => self.listen() || self.read_appends()? || self.play()?,
            8..12 => self.read_appends()? || self.play()? || self.listen(),
            _ => self.play()? || self.listen() || self.read_appends()?,
        };
        if done { Ok(true) } else { self.quiet() }
    }

    /// It is looked at how all stand, whatever is under way: in few worlds after each step, in the others now and then.
    fn glance(&mut self) -> Result<()> {
        if self.glances.one_in(self.glanced) {
            rest::check_meanwhile(&mut self.bridge, self.now)
        } else {
            Ok(())
        }
    }

    fn listen(&mut self) -> bool {
        let count = self.clients.len();
        let first = self.chance.below(count);
        for step in 0..count {
            let client = &mut self.clients[(first + step) % count];
            if client.listen(&self.bridge, self.now, &mut self.chance) {
                return true;
            }
        }
        false
    }

    fn read_appends(&mut self) -> Result<bool> {
        for client in &mut self.clients {
            if let Some(append) = client.next_append() {
                let answer = self.bridge.append(&client.id, append, self.now, &mut self.chance)?;
                client.tell(&self.bridge, answer);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn play(&mut self) -> Result<bool> {
        let rough = self.bridge.trouble > 0;
        self.bridge.play(self.now, rough, &mut self.chance)
    }

    /// Nobody has anything to say or to do: what waits must name what it waits for. Then time passes, or the
    /// person helps.
    fn quiet(&mut self) -> Result<bool> {
        if self.clients.iter().all(|client| client.line.is_none()) || self.bridge.holder().is_none() {
            for client in &mut self.clients {
                if client.line.is_none() {
                    client.connect(&self.bridge);
                }
            }
            self.pass_baton()?;
            return Ok(true);
        }
        let holder = self.clients.iter().find(|client| Some(&client.id) == self.bridge.holder());
        let holder = holder.context("the baton's holder is gone")?;
        let due = holder.driver.deadline();
        self.bridge.survey.renew(&self.bridge.state);
        rest::check_quiet(&self.bridge, holder, self.now)?;
        if self.tire()? {
            return Ok(true);
        }
        let next = due.into_iter().chain(self.bridge.times_out()).min();
        if let Some(next) = next.filter(|_| self.person.whims == 0 || !self.chance.one_in(4)) {
            self.now = self.now.max(next);
            self.bridge.watch.latest = self.bridge.watch.latest.max(self.now);
            self.clients.iter_mut().for_each(|client| client.tick(self.now));
            return Ok(true);
        }
        if self.person.whims > 0 {
            return self.whim().map(|()| true);
        }
        // From here on everything goes well, so that all can come to an end.
        self.bridge.trouble = 0;
        if self.bridge.state.is_full() {
            for disk in [true, false] {
                self.bridge.measure(disk, Room::Plenty, self.now, &mut self.chance)?;
            }
            return Ok(true);
        }
        let asked = self.person.permits.as_mut().and_then(|permits| permits.help(&self.bridge.state));
        if let Some(kind) = asked {
            return self.intend(kind).map(|()| true);
        }
        if let Some(run) = self.bridge.live.first() {
            // It hangs, and nothing but a person ends it.
            let task = self.bridge.processes.get(run).context("a live process")?.task.clone();
            let state = &self.bridge.state;
            let close = state.task(&task).filter(|task| task.stop.is_none());
            let close = close.and_then(|task| sitting::closed(state, task));
            self.intend(close.unwrap_or(Kind::TaskStopped { task }))?;
            return Ok(true);
        }
        let word =
            self.person.steward.as_mut().and_then(|steward| steward.help(&self.bridge.state, self.now));
        if let Some(kind) = word {
            return self.intend(kind).map(|()| true);
        }
        let Some(kind) = self.person.help(&self.bridge.state) else { return Ok(false) };
        let asked = question(&self.bridge.state, &kind);
        self.write(kind, asked).map(|()| true)
    }

    /// The person may have had enough of what comes round; says whether they have.
    fn tire(&mut self) -> Result<bool> {
        let tired = self.person.rounds.as_mut().and_then(|rounds| rounds.tires(&self.bridge.state));
        tired.map_or(Ok(false), |kind| self.intend(kind).map(|()| true))
    }

    fn whim(&mut self) -> Result<()> {
        self.person.whims -= 1;
        let client = self.chance.below(self.clients.len());
        let seen = self.clients[client].driver.state();
        let now = self.now;
        if let Some(kind) = self.person.steward.as_mut().and_then(|steward| steward.whim(seen, now)) {
            return self.intend(kind);
        }
        let whim = match self.chance.one_in(3) {
            true => self.person.steer(seen, &mut self.chance),
            false => self.person.whim(seen, &mut self.chance),
        };
        let Some(kind) = whim else { return Ok(()) };
        let asked = question(seen, &kind);
        let said = match &kind {
            Kind::MessageSent { task, message, .. } => Some((task.clone(), message.clone())),
            _ => None,
        };
        self.write(kind, asked)?;
        match said {
            Some((task, message)) if !self.chance.one_in(4) => {
                self.intend(Kind::MessageUrged { task, message })
            }
            _ => Ok(()),
        }
    }

    /// What the person does; words to a task that asks are an answer, and somebody else may have one in the same moment.
    fn write(&mut self, kind: Kind, asked: Option<RunId>) -> Result<()> {
        let answering = |kind, run| match kind {
            Kind::MessageSent { task, message, text, .. } => {
                Kind::MessageSent { task, message, text, answers: Some(run) }
            }
            kind => kind,
        };
        let (Some(run), Kind::MessageSent { task, .. }) = (asked, &kind) else { return self.intend(kind) };
        let task = task.clone();
        self.intend(answering(kind, run.clone()))?;
        if self.rival {
            let other = self.person.message(task);
            self.intend_by("device", answering(other, run))?;
        }
        Ok(())
    }

    /// A person's intent goes to the log; now and then twice, as after a moment without an answer.
    fn intend(&mut self, kind: Kind) -> Result<()> {
        self.intend_by("person", kind)
    }

    fn intend_by(&mut self, client: &str, kind: Kind) -> Result<()> {
        self.intents += 1;
        let id = AppendId::new(&format!("i{}", self.intents))?;
        let drafts = vec![Draft::new(Some(ProjectId::new("p")?), kind)];
        let person = ClientId::new(client)?;
        let append = Append { id, decided: None, drafts };
        let mut again = Some(append.clone()).filter(|_| self.chance.one_in(10));
        for append in std::iter::once(append).chain(again.take()) {
            while let ServerMessage::Refused { .. } =
                self.bridge.append(&person, append.clone(), self.now, &mut self.chance)?
            {}
        }
        Ok(())
    }

    /// Another client decides from now on, or the same under a new epoch.
    fn pass_baton(&mut self) -> Result<()> {
        let open: Vec<usize> = (0..self.clients.len()).filter(|&n| self.clients[n].line.is_some()).collect();
        let Some(&next) = self.chance.pick(&open) else { return Ok(()) };
        let to = self.clients[next].id.clone();
        let epoch = self.bridge.grant(&to, self.now, &mut self.chance)?;
        for client in &mut self.clients {
            let message = if client.id == to {
                ServerMessage::BatonYours { epoch }
            } else {
                ServerMessage::BatonGone { holder: Some(to.clone()), epoch }
            };
            client.tell(&self.bridge, message);
        }
        Ok(())
    }

    fn mishap(&mut self) -> Result<()> {
        match self.chance.below(10) {
            0..3 => self.pass_baton()?,
            3..6 => {
                let client = self.chance.below(self.clients.len());
                self.disconnect(client)?;
            }
            6 => {
                for client in 0..self.clients.len() {
                    self.clients[client].disconnect();
                }
                self.bridge.restart(self.now, &mut self.chance)?;
            }
            7 => {
                let jump = self.chance.draw() % 7_200_000;
                let back = Millis(self.now.0.saturating_sub(jump));
                self.now = if self.chance.one_in(2) { back } else { self.now + Millis(jump) };
            }
            8 => {
                let room = [Room::None, Room::Plenty, Room::Little][self.chance.below(3)];
                let disk = self.chance.one_in(2);
                self.bridge.measure(disk, room, self.now, &mut self.chance)?;
                self.bridge.worry(self.now, &mut self.chance)?;
            }
            _ => {
                // A new page, which knows nothing.
                let client = self.chance.below(self.clients.len());
                self.disconnect(client)?;
                let id = ClientId::new(&format!("late{}", self.chance.draw() % 1_000_000))?;
                self.clients[client] = Client::new(id);
            }
        }
        for client in &mut self.clients {
            if client.line.is_none() && self.chance.one_in(2) {
                client.connect(&self.bridge);
            }
        }
        Ok(())
    }

    fn disconnect(&mut self, client: usize) -> Result<()> {
        let client = &mut self.clients[client];
        client.disconnect();
        let held = self.bridge.holder() == Some(&client.id);
        self.bridge.released(&client.id);
        if held { self.pass_baton() } else { Ok(()) }
    }

    /// The log as text, a line for each entry.
    ///
    /// # Errors
    /// An entry that is not JSON.
    pub fn log(&self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        for commit in &self.bridge.commits {
            let ServerMessage::Entries { entries } = commit else { bail!("a commit holds entries") };
            for entry in entries {
                lines.push(serde_json::to_string(entry)?);
            }
        }
        Ok(lines)
    }

    /// Reads the log again from its text: each entry is what it was, and so every prefix is the state that was lived.
    ///
    /// # Errors
    /// An entry, or the state that they make, is another one.
    pub fn replay(&self) -> Result<()> {
        let mut again = State::default();
        let entries = self.bridge.commits.iter().flat_map(|commit| match commit {
            ServerMessage::Entries { entries } => entries.as_slice(),
            _ => &[],
        });
        for (entry, line) in entries.zip(self.log()?) {
            let read = serde_json::from_str(&line)?;
            ensure!(read == *entry, "entry {} is another one when it is read again", entry.seq);
            conductor::apply(&mut again, &read);
        }
        ensure!(again == self.bridge.state, "the log gives another state when it is read again");
        Ok(())
    }
}

/// The run whose question this is an answer to, as far as its writer knows.
fn question(seen: &State, kind: &Kind) -> Option<RunId> {
    let Kind::MessageSent { task, .. } = kind else { return None };
    answers(seen, seen.task(task)?)
}
