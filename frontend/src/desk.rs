//! The desk: the page's state. It owns the driver and the link, folds what comes, and tells views at most
//! once per animation frame that something changed. Views read through it and never decide.

use std::collections::{BTreeMap, VecDeque};

use conductor::State;
use conductor::apply::answers;
use conductor::driver::{Driver, Effect};
use conductor::health::next_change;
use conductor::inbox::{Request, inbox};
use conductor::plan::given::{given, stated};
use conductor::planning;
use conductor::state::Task;
use conductor::survey::{Row, Survey};
use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use shared::agent::HarnessId;
use shared::api::{Asking, HitPlace};
use shared::entry::{Draft, Kind};
use shared::id::{AppendId, ClientId, MessageId, ProjectId, RunId, TaskId};
use shared::limits::Limits;
use shared::list::TaskList;
use shared::models::Models;
use shared::plan::Terms;
use shared::unit::Millis;
use shared::wire::{OutputFrame, Refusal, ServerMessage, Want};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use self::edits::OnItsWay;
use self::undo::Back;
use crate::link::{Link, LinkEvent, Standing, now};
use crate::transcript::{Item, Turn, items_of};

mod edits;
mod memory;
mod permits;
mod prompts;
mod terminals;
mod turns;
mod undo;
mod unsent;

/// A handle to the state; it lives as long as the page.
#[derive(Clone, Copy)]
pub struct Desk {
    inner: StoredValue<Inner, LocalStorage>,
    /// Rises when the log's state changed.
    revision: RwSignal<u64>,
    pub standing: RwSignal<Standing>,
    /// Once a second, for what counts time.
    pub clock: RwSignal<Millis>,
    /// The last moment at which time alone made something worth a look.
    pub pulse: RwSignal<Millis>,
    pub toast: RwSignal<Option<Toast>>,
    /// A text that could not be put on the clipboard.
    pub uncopied: RwSignal<Option<String>>,
    /// Devices that ask to be let in.
    pub asking: RwSignal<Vec<Asking>>,
    /// What was looked for last, until it is shown.
    pub sought: RwSignal<Option<HitPlace>>,
    /// The bridge's log was received up to where it stood when the page connected.
    pub loaded: RwSignal<bool>,
    /// How the tasks of all goals that are not archived stand.
    survey: Memo<Survey>,
    /// What waits for the person in them.
    pub inbox: Memo<Vec<Request>>,
}

/// A sentence from the product, with a way back where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub text: String,
    pub undo: bool,
    /// Tells a newer toast from the one that a timer was to close.
    number: u32,
}

struct Inner {
    client: ClientId,
    driver: Driver,
    link: Option<Link>,
    journal: BTreeMap<TaskId, Vec<Item>>,
    turns: BTreeMap<RunId, (Turn, usize)>,
    undo: Vec<Back>,
    redo: Vec<Back>,
    /// Edits that were made here and are not in the state yet, oldest first.
    edits: VecDeque<OnItsWay>,
    alarm: Option<Timeout>,
    /// A frame was asked for and has not come.
    frame_asked: bool,
    /// Something has changed since the last time.
    unpublished: bool,
    published: Millis,
    head: Option<shared::unit::Seq>,
    toasts: u32,
}

/// Who makes a goal's first plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planner {
    Agent,
    /// Task by task, in the tree.
    Person,
    /// It is there: the tasks of a list that was filled in.
    List(Box<TaskList>),
}

/// How often a page that nobody sees is drawn anew.
const UNSEEN: Millis = Millis::from_secs(1);
/// Edits that can be taken back.
const UNDO: usize = 100;

impl Desk {
    pub fn open() -> Self {
        let client = ClientId::new(&draw()).unwrap_or_else(|_| unreachable!("a UUID is an id"));
        let inner = Inner {
            client: client.clone(),
            driver: Driver::new(client.clone()),
            link: None,
            journal: BTreeMap::new(),
            turns: BTreeMap::new(),
            undo: Vec::new(),
            redo: Vec::new(),
            edits: VecDeque::new(),
            alarm: None,
            frame_asked: false,
            unpublished: false,
            published: Millis(0),
            head: None,
            toasts: 0,
        };
        let (inner, revision) = (StoredValue::new_local(inner), RwSignal::new(0));
        // Worked out once for all that is drawn of a revision, and only what is another since the last one.
        let survey = Memo::new_owning(move |survey: Option<Survey>| {
            revision.track();
            let mut survey = survey.unwrap_or_default();
            let differs = inner.with_value(|inner| survey.renew(inner.driver.state()));
            (survey, differs)
        });
        let requests = Memo::new(move |_| {
            survey.with(|survey| inner.with_value(|inner| inbox(inner.driver.state(), survey)))
        });
        let desk = Self {
            inner,
            revision,
            standing: RwSignal::new(Standing::Connecting),
            clock: RwSignal::new(now()),
            pulse: RwSignal::new(now()),
            toast: RwSignal::new(None),
            uncopied: RwSignal::new(None),
            asking: RwSignal::new(Vec::new()),
            sought: RwSignal::new(None),
            loaded: RwSignal::new(false),
            survey,
            inbox: requests,
        };
        let link = Link::start(client, move |event| desk.take(event));
        desk.inner.update_value(|inner| inner.link = Some(link));
        desk.wish_for_baton();
        // Nothing ends it: the desk lives as long as the page.
        let seen = Closure::<dyn Fn()>::new(move || {
            desk.wish_for_baton();
            desk.publish_unseen();
        });
        let listened =
            document().add_event_listener_with_callback("visibilitychange", seen.as_ref().unchecked_ref());
        if listened.is_ok() {
            seen.forget();
        }
        set_interval(move || desk.tick(now()), std::time::Duration::from_secs(1));
        desk
    }

    fn tick(self, now: Millis) {
        self.clock.set(now);
        self.publish_unseen();
        let last = self.pulse.get_untracked();
        if self.peek(|state| next_change(state, last)).is_some_and(|(at, _)| at <= now) {
            self.pulse.set(now);
        }
    }

    /// A browser slows a hidden page down: it leaves deciding to whoever else is there. So does one that does not know
    /// all that is in the log.
    fn wish_for_baton(self) {
        let want = match self.peek(|state| state.unknown) {
            0 if document().hidden() => Want::Spare,
            0 => Want::Take,
            _ => Want::Release,
        };
        self.with_link(|link| link.want_baton(want));
    }

    /// Reads the state, and again whenever it changed.
    pub fn read<T>(self, look: impl FnOnce(&State) -> T) -> T {
        self.revision.track();
        self.peek(look)
    }

    /// Reads the state with how all tasks stand that are not archived; tracked.
    pub fn overlook<T>(self, look: impl FnOnce(&State, &Survey) -> T) -> T {
        self.read(|state| self.survey.with(|survey| look(state, survey)))
    }

    /// Reads how a task and all below it stand; tracked. What is archived is asked when somebody looks at it.
    pub fn surveyed<T>(self, task: &TaskId, look: impl FnOnce(&State, &Survey) -> T) -> T {
        self.overlook(|state, survey| match survey.row(task) {
            Some(_) => look(state, survey),
            None => look(state, &Survey::of(state, [task])),
        })
    }

    /// Reads a task with how it and all below it stand; tracked. Nothing where there is no such task.
    pub fn look<T>(self, id: &TaskId, look: impl FnOnce(&State, &Task, &Row) -> T) -> Option<T> {
        self.surveyed(id, |state, survey| Some(look(state, state.task(id)?, survey.row(id)?)))
    }

    /// Another number when the goal's tree may have another shape; tracked.
    pub fn shape(self, goal: &TaskId) -> u64 {
        let known = self.survey.with(|survey| survey.row(goal).map(|_| survey.shape));
        known.unwrap_or_else(|| self.revision.get())
    }

    /// Reads the state as it is now.
    pub fn peek<T>(self, look: impl FnOnce(&State) -> T) -> T {
        self.inner.with_value(|inner| look(inner.driver.state()))
    }

    /// Whether this tab decides; tracked.
    pub fn decides(self) -> bool {
        self.revision.track();
        self.inner.with_value(|inner| inner.driver.decides())
    }

    /// Looks at what was said and decided in a task, oldest first; tracked. It only ever becomes longer.
    pub fn journal<T>(self, task: &TaskId, look: impl FnOnce(&[Item]) -> T) -> T {
        self.revision.track();
        self.inner.with_value(|inner| look(inner.journal.get(task).map_or(&[], Vec::as_slice)))
    }

    pub fn with_link(self, act: impl FnOnce(&Link)) {
        // Taken out first: what the link does may come back here.
        if let Some(link) = self.inner.with_value(|inner| inner.link.clone()) {
            act(&link);
        }
    }

    fn take(self, event: LinkEvent) {
        let effects = match event {
            LinkEvent::Standing(standing) => {
                if standing.is_connected() {
                    self.load_what_failed();
                } else {
                    self.inner.update_value(|inner| inner.driver.disconnected());
                    self.ask_for(&[]);
                }
                if standing == Standing::Replaced {
                    drop(window().location().reload());
                }
                self.standing.set(standing);
                Vec::new()
            }
            LinkEvent::Message(message) => self.receive(&message),
            LinkEvent::Output(frame) => self.output(&frame),
        };
        self.carry_out(effects);
        self.arm();
        self.ask_for_frame();
    }

    fn receive(self, message: &ServerMessage) -> Vec<Effect> {
        if let ServerMessage::Refused { id, refusal } = message {
            self.refused(id, refusal);
        }
        match message {
            // It is sent again.
            ServerMessage::Refused { refusal: Refusal::Store { .. }, .. } => {}
            ServerMessage::Refused { id, .. } => self.failed(id),
            _ => {}
        }
        if let ServerMessage::Asking { devices } = message {
            self.ask_for(devices);
        }
        let unknown = self.peek(|state| state.unknown);
        let effects = self
            .inner
            .try_update_value(|inner| {
                if let ServerMessage::Welcome { head, .. } = message {
                    inner.head = Some(*head);
                }
                if let ServerMessage::Entries { entries } = message {
                    for entry in entries.iter().filter(|entry| entry.seq > inner.driver.state().seq) {
                        edits::landed(&mut inner.edits, &inner.client, entry);
                        if let Some((task, item)) = items_of(entry) {
                            inner.journal.entry(task).or_default().push(item);
                        }
                    }
                }
                inner.driver.receive(message, now())
            })
            .unwrap_or_default();
        if unknown == 0 && self.peek(|state| state.unknown) > 0 {
            self.wish_for_baton();
        }
        effects
    }

    fn ask_for(self, devices: &[Asking]) {
        if self.asking.with_untracked(|known| known != devices) {
            self.asking.set(devices.to_vec());
        }
    }

    fn output(self, bytes: &[u8]) -> Vec<Effect> {
        let Ok(frame) = OutputFrame::decode(bytes) else { return Vec::new() };
        self.read_turn(&frame);
        self.inner.try_update_value(|inner| inner.driver.output(&frame, now())).unwrap_or_default()
    }

    fn carry_out(self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append { id, epoch, seen, drafts } => {
                    self.with_link(|link| link.decide(id, epoch, seen, drafts))
                }
                Effect::Follow { run, from } => self.with_link(|link| link.follow(run, from)),
                Effect::Unfollow { run } => {
                    if !self.inner.with_value(|inner| inner.turns.contains_key(&run)) {
                        self.with_link(|link| link.unfollow(run));
                    }
                }
            }
        }
    }

    fn arm(self) {
        let at = self.inner.with_value(|inner| inner.driver.deadline());
        let alarm = at.map(|at| {
            let span = u32::try_from(at.since(now()).0).unwrap_or(u32::MAX);
            Timeout::new(span, move || {
                let effects =
                    self.inner.try_update_value(|inner| inner.driver.tick(now())).unwrap_or_default();
                self.carry_out(effects);
                self.arm();
                self.ask_for_frame();
            })
        });
        self.inner.update_value(|inner| inner.alarm = alarm);
    }

    /// Publishes with the next frame, however much comes until then. A page that nobody sees gets no frames, and its
    /// title tells all the same what waits for the person.
    fn ask_for_frame(self) {
        let asked = self.inner.try_update_value(|inner| {
            inner.unpublished = true;
            std::mem::replace(&mut inner.frame_asked, true)
        });
        if asked == Some(false) {
            request_animation_frame(move || {
                self.inner.update_value(|inner| inner.frame_asked = false);
                if self.inner.with_value(|inner| inner.unpublished) {
                    self.publish();
                }
            });
        }
        self.publish_unseen();
    }

    /// Publishes without a frame where none comes, and not too often: nobody looks.
    fn publish_unseen(self) {
        let since = self.inner.with_value(|inner| inner.unpublished.then(|| now().since(inner.published)));
        if document().hidden() && since.is_some_and(|since| since >= UNSEEN) {
            self.publish();
        }
    }

    fn publish(self) {
        let loaded = self.inner.try_update_value(|inner| {
            inner.unpublished = false;
            inner.published = now();
            inner.head.is_some_and(|head| inner.driver.state().seq >= head)
        });
        self.publish_turns();
        self.revision.update(|revision| *revision += 1);
        if loaded == Some(true) && !self.loaded.get_untracked() {
            self.loaded.set(true);
        }
    }

    fn refused(self, id: &AppendId, refusal: &Refusal) {
        // A stale decision is the other tab's business; a person's intent that failed is told.
        let why = match refusal {
            Refusal::Stale { .. } | Refusal::Overtaken { .. } => return,
            Refusal::NotYours { why } | Refusal::Invalid { why } => why.clone(),
            Refusal::Store { why } => {
                format!("{why} It is kept and sent again when the connection is made anew.")
            }
        };
        leptos::logging::warn!("append {id} was refused: {why}");
        self.say(why, false);
    }

    /// Shows a sentence for six seconds.
    pub fn say(self, text: String, undo: bool) {
        let number = self
            .inner
            .try_update_value(|inner| {
                inner.toasts += 1;
                inner.toasts
            })
            .unwrap_or_default();
        self.toast.set(Some(Toast { text, undo, number }));
        set_timeout(
            move || {
                if self
                    .toast
                    .with_untracked(|toast| toast.as_ref().is_some_and(|toast| toast.number == number))
                {
                    self.toast.set(None);
                }
            },
            std::time::Duration::from_secs(6),
        );
    }
}

/// What a person does, as entries.
impl Desk {
    fn intend(self, project: Option<ProjectId>, kinds: Vec<Kind>) {
        if let Ok(id) = AppendId::new(&draw()) {
            self.intend_as(id, project, kinds);
        }
    }

    fn intend_as(self, id: AppendId, project: Option<ProjectId>, kinds: Vec<Kind>) {
        let drafts = kinds.into_iter().map(|kind| Draft::new(project.clone(), kind)).collect();
        self.with_link(|link| link.intend(id, drafts));
        self.ask_for_frame();
    }

    fn about(self, task: &TaskId, kind: Kind) {
        let project = self.peek(|state| state.task(task).map(|task| task.project.clone()));
        self.intend(project, vec![kind]);
    }

    /// States a goal in a folder, which becomes a project if it is none yet. Errs with why it cannot be stated.
    pub fn state_goal(
        self,
        folder: &str,
        text: String,
        harness: HarnessId,
        terms: Terms,
        planner: Planner,
    ) -> Result<TaskId, String> {
        let task = TaskId::new(&draw()).map_err(|bad| bad.to_string())?;
        let (project, opened) = match self.peek(|state| state.project_in(folder).cloned()) {
            Some(project) => (project, None),
            None => {
                let opened = self.peek(|state| state.opening(folder));
                (ProjectId::new(&draw()).map_err(|bad| bad.to_string())?, Some(opened))
            }
        };
        let stated = stated(&task, text, harness, terms);
        let mut said: Vec<Kind> = opened.into_iter().chain(stated).collect();
        match planner {
            Planner::Agent => {}
            Planner::Person => {
                said.push(Kind::PlanGiven { goal: task.clone(), reply: String::new(), tasks: Vec::new() })
            }
            Planner::List(list) => {
                let plan = conductor::list::plan(&list);
                let planned = self.peek(|state| given(state, (&project, &task), &said, &plan, &list.own()));
                said.extend(planned.map_err(|problems| problems.join("; "))?);
            }
        }
        self.intend(Some(project), said);
        Ok(task)
    }

    pub fn send(self, task: &TaskId, text: String) {
        self.write(task, text, false);
    }

    /// Writes to a task's conversation; `now`: to the turn that runs, where that can be.
    pub fn write(self, task: &TaskId, text: String, now: bool) {
        let Ok(message) = MessageId::new(&draw()) else { return };
        let urged = now.then(|| Kind::MessageUrged { task: task.clone(), message: message.clone() });
        let (project, answers) = self.peek(|state| {
            let task = state.task(task);
            (task.map(|task| task.project.clone()), task.and_then(|task| answers(state, task)))
        });
        let said = Kind::MessageSent { task: task.clone(), message, text, answers };
        self.intend(project, [said].into_iter().chain(urged).collect());
    }

    pub fn urge(self, task: &TaskId, message: MessageId) {
        self.about(task, Kind::MessageUrged { task: task.clone(), message });
    }

    pub fn withdraw(self, task: &TaskId, message: MessageId) {
        self.about(task, Kind::MessageWithdrawn { task: task.clone(), message });
    }

    pub fn stop(self, task: &TaskId) {
        self.about(task, Kind::TaskStopped { task: task.clone() });
    }

    pub fn retry(self, task: &TaskId) {
        self.about(task, Kind::TaskRetried { task: task.clone() });
    }

    /// Ends the task's turn for a fresh attempt, or says that there is none.
    pub fn requeue(self, task: &TaskId) {
        if self.peek(|state| state.task(task).is_some_and(|task| task.current.is_some())) {
            self.about(task, Kind::TaskRequeued { task: task.clone() });
        } else {
            self.say("It is not at work; retry begins it anew.".to_owned(), false);
        }
    }

    pub fn resume(self, task: &TaskId) {
        self.about(task, Kind::TaskResumed { task: task.clone() });
    }

    pub fn set_limits(self, limits: Limits) {
        self.intend(None, vec![Kind::LimitsSet { limits }]);
    }

    pub fn set_models(self, models: Models) {
        self.intend(None, vec![Kind::ModelsSet { models }]);
    }

    /// It is done, with what came of it if that is said.
    pub fn accept(self, task: &TaskId, words: String) {
        self.about(task, Kind::TaskAccepted { task: task.clone(), words });
    }

    /// The person cannot do what is theirs.
    pub fn give_up(self, task: &TaskId, why: String) {
        self.about(task, Kind::TaskGivenUp { task: task.clone(), why });
    }

    pub fn close_goal(self, goal: &TaskId) {
        self.about(goal, Kind::GoalClosed { goal: goal.clone() });
    }

    pub fn archive(self, goal: &TaskId) {
        self.about(goal, Kind::GoalArchived { goal: goal.clone() });
    }

    pub fn restore(self, goal: &TaskId) {
        self.about(goal, Kind::GoalRestored { goal: goal.clone() });
    }

    pub fn approve(self, goal: &TaskId) {
        if let Some(version) = self.peek(|state| Some(state.task(goal)?.planning.as_ref()?.version)) {
            self.about(goal, Kind::PlanApproved { goal: goal.clone(), version });
        }
    }

    /// Has a planner split the task, or plan again what is below it, and tells it these words if there are any.
    pub fn split(self, task: &TaskId, words: String) {
        let Ok(message) = MessageId::new(&draw()) else { return };
        if self.may_plan(task) {
            let project = self.peek(|state| state.task(task).map(|task| task.project.clone()));
            self.intend(project, planning::wanted(task, message, words));
        }
    }

    /// Whether that can be; says why where it cannot.
    pub fn may_plan(self, task: &TaskId) -> bool {
        let may = self.peek(|state| state.task(task).map(|task| planning::may_plan(state, task)));
        if let Some(Err(problem)) = &may {
            self.say(format!("Not possible: {problem}."), false);
        }
        may.is_some_and(|may| may.is_ok())
    }

    /// Leaves what is below the task as it was before it was planned.
    pub fn reject(self, task: &TaskId) {
        if let Some(version) = self.peek(|state| Some(state.task(task)?.planning.as_ref()?.version)) {
            self.about(task, Kind::PlanRejected { task: task.clone(), version });
        }
    }
}

/// A new id.
pub fn draw() -> String {
    // Needs a secure context, which loopback is.
    window()
        .crypto()
        .map_or_else(|_| js_sys::Math::random().to_bits().to_string(), |crypto| crypto.random_uuid())
}
