//! Search over everything: tasks as the page knows them, what was said, and what agents wrote, which the bridge's
//! index finds. Ctrl K or / opens it from anywhere.

use conductor::State;
use conductor::state::Task;
use conductor::status::status;
use conductor::survey::Survey;
use gloo_timers::callback::Timeout;
use leptos::html;
use leptos::prelude::*;
use shared::api::{Bit, Found, Hit, HitPlace, SearchIn};
use shared::id::TaskId;

use crate::component::dialog;
use crate::component::flow::{For, Show};
use crate::component::icon::Icon;
use crate::desk::Desk;
use crate::link::enter::{problem, request, text};
use crate::place::Here;
use crate::words;

/// Tasks in the list.
const TASKS: usize = 8;
/// How long a pause in typing is before the bridge is asked, in ms.
const PAUSE: u32 = 80;

/// What can be chosen.
#[derive(Debug, Clone, PartialEq)]
struct Choice {
    section: &'static str,
    icon: &'static str,
    bits: Vec<Bit>,
    /// Where it is, in words.
    place: String,
    at: String,
    goal: TaskId,
    task: TaskId,
    hit: Option<HitPlace>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Answer {
    said: Option<Found>,
    output: Option<Found>,
    problem: Option<String>,
    loading: bool,
}

/// One search, which lives while its dialog is open.
#[derive(Clone, Copy)]
struct Finder {
    desk: Desk,
    here: Here,
    open: RwSignal<bool>,
    question: RwSignal<String>,
    answer: RwSignal<Answer>,
    chosen: RwSignal<usize>,
    /// Tells the newest question's answer from older ones.
    asked: StoredValue<u32>,
    pause: StoredValue<Option<Timeout>, LocalStorage>,
}

#[component]
pub fn FinderButton() -> impl IntoView {
    let finder = Finder {
        desk: expect_context(),
        here: expect_context(),
        open: RwSignal::new(false),
        question: RwSignal::new(String::new()),
        answer: RwSignal::new(Answer::default()),
        chosen: RwSignal::new(0),
        asked: StoredValue::new(0),
        pause: StoredValue::new_local(None),
    };
    let keys = window_event_listener(leptos::ev::keydown, move |event| {
        let find = (event.ctrl_key() || event.meta_key()) && event.key() == "k";
        if find || (event.key() == "/" && !event.ctrl_key() && !super::work::is_typing(&event)) {
            event.prevent_default();
            if !dialog::is_open() {
                finder.open.set(true);
            }
        }
    });
    on_cleanup(move || keys.remove());
    view! {
        <button class="finder" aria-keyshortcuts="Control+K" title="Search everything (Ctrl K)" on:click=move |_| finder.open.set(true)>
            <Icon name="search"/><span>"Search"</span><kbd class="key push">"Ctrl K"</kbd>
        </button>
        <Palette finder=finder/>
    }
}

#[component]
fn Palette(finder: Finder) -> impl IntoView {
    let (dialog, input) = (NodeRef::<html::Dialog>::new(), NodeRef::<html::Input>::new());
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        if !finder.open.get() {
            dialog.close();
        } else if !dialog.open() {
            // Fails only on a dialog that is open or not in the document.
            let _ = dialog.show_modal();
        }
    });
    Effect::new(move |_| {
        if let (true, Some(input)) = (finder.open.get(), input.get()) {
            let _ = input.focus();
            input.select();
        }
    });
    let choices = Memo::new(move |_| if finder.open.get() { finder.choices() } else { Vec::new() });
    Effect::new(move |_| {
        let count = choices.with(Vec::len);
        finder.chosen.maybe_update(|chosen| {
            let fits = (*chosen).min(count.saturating_sub(1));
            std::mem::replace(chosen, fits) != fits
        });
    });
    let keys = move |event: web_sys::KeyboardEvent| {
        let count = choices.with_untracked(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => finder.chosen.update(|chosen| *chosen = (*chosen + 1) % count),
            "ArrowUp" if count > 0 => finder.chosen.update(|chosen| *chosen = (*chosen + count - 1) % count),
            "Enter" if !event.is_composing() => {
                let chosen = choices.with_untracked(|all| all.get(finder.chosen.get_untracked()).cloned());
                chosen.into_iter().for_each(|choice| finder.follow(choice));
            }
            _ => return,
        }
        event.prevent_default();
    };
    let more = move |place| {
        move || finder.answer.with(|answer| answer.of(place).is_some_and(|found| found.more.is_some()))
    };
    view! {
        <dialog class="palette" aria-label="Search" node_ref=dialog on:close=move |_| finder.open.set(false) on:pointerdown=move |event| if dialog::is_beside(&event) { finder.open.set(false) }>
            <label>
                <Icon name="search"/>
                <input node_ref=input type="text" role="combobox" aria-label="Search tasks, messages and output" aria-expanded="true" aria-controls="hits" autocomplete="off" spellcheck="false"
                    aria-activedescendant=move || format!("hit-{}", finder.chosen.get())
                    placeholder="Search tasks, messages and output" prop:value=move || finder.question.get()
                    on:keydown=keys on:input=move |event| finder.ask(event_target_value(&event))/>
                <span class="meta" role="status">{move || finder.told(choices.with(Vec::len))}</span>
                <button class="button" type="button" data-kind="plain" data-size="sm" aria-label="Close" title="Close (Esc)" on:click=move |_| finder.open.set(false)><Icon name="close"/></button>
            </label>
            <div class="hits" id="hits" role="listbox" aria-label="What was found">
                <For each=move || rows(choices.get()) key=|(place, heads, choice)| format!("{place} {heads} {choice:?}") children=move |(place, heads, choice)| {
                    let chosen = move || finder.chosen.get() == place;
                    let heading = heads.then(|| view! { <h3 class="label" role="presentation">{choice.section}</h3> });
                    let follow = choice.clone();
                    view! {
                        {heading}
                        <button role="option" tabindex="-1" id=format!("hit-{place}") aria-selected=move || chosen().to_string()
                            on:mousemove=move |_| if !chosen() { finder.chosen.set(place) } on:click=move |_| finder.follow(follow.clone())>
                            <Icon name=choice.icon/>
                            <span class="clip">{choice.bits.into_iter().map(|bit| if bit.marked { view! { <mark>{bit.text}</mark> }.into_any() } else { view! { {bit.text} }.into_any() }).collect_view()}</span>
                            <span class="meta clip">{choice.place}</span>
                            <span class="meta">{choice.at}</span>
                        </button>
                    }
                }/>
                <Show when=move || finder.answer.with(|answer| answer.problem.is_some())>
                    <p class="hint" data-state="error" role="alert">{move || finder.answer.with(|answer| answer.problem.clone())}</p>
                </Show>
                <Show when=move || choices.with(Vec::is_empty) && !finder.question.with(|question| question.trim().is_empty()) && finder.answer.with(|answer| !answer.loading && answer.problem.is_none())>
                    <div class="void"><h3>"Nothing has all of these words"</h3><p>"Fewer or shorter words find more; words in quotes are looked for side by side."</p></div>
                </Show>
            </div>
            <footer>
                <span><kbd class="key">"↑"</kbd><kbd class="key">"↓"</kbd>" choose"</span>
                <span><kbd class="key">"Enter"</kbd>" open"</span>
                <span class="push row">
                    <Show when=more(SearchIn::Said)><button class="button" data-kind="plain" data-size="sm" on:click=move |_| finder.older(SearchIn::Said)>"Older messages"</button></Show>
                    <Show when=more(SearchIn::Output)><button class="button" data-kind="plain" data-size="sm" on:click=move |_| finder.older(SearchIn::Output)>"Older output"</button></Show>
                </span>
            </footer>
        </dialog>
    }
}

/// Each with its place, and whether it is the first of its section.
fn rows(choices: Vec<Choice>) -> Vec<(usize, bool, Choice)> {
    let mut before = "";
    let heads = choices.into_iter().enumerate().map(|(place, choice)| {
        let heads = std::mem::replace(&mut before, choice.section) != choice.section;
        (place, heads, choice)
    });
    heads.collect()
}

impl Answer {
    fn of(&self, place: SearchIn) -> Option<&Found> {
        match place {
            SearchIn::Said => self.said.as_ref(),
            SearchIn::Output => self.output.as_ref(),
        }
    }

    fn take(&mut self, place: SearchIn, older: bool, answer: Result<Found, String>) {
        self.loading = false;
        let known = match place {
            SearchIn::Said => &mut self.said,
            SearchIn::Output => &mut self.output,
        };
        match (answer, known) {
            (Ok(found), Some(known)) if older => {
                known.hits.extend(found.hits);
                known.more = found.more;
            }
            (Ok(found), known) => *known = Some(found),
            (Err(why), _) => self.problem = Some(why),
        }
    }
}

impl Finder {
    /// Asks the bridge when the person has paused.
    fn ask(self, question: String) {
        self.question.set(question);
        self.chosen.set(0);
        self.asked.update_value(|asked| *asked += 1);
        let asks = !self.question.with_untracked(|question| question.trim().is_empty());
        let timer = asks.then(|| {
            Timeout::new(PAUSE, move || {
                self.answer.update(|answer| answer.problem = None);
                [SearchIn::Said, SearchIn::Output].into_iter().for_each(|place| self.fetch(place, None));
            })
        });
        if timer.is_none() {
            self.answer.set(Answer::default());
        }
        self.pause.set_value(timer);
    }

    fn older(self, place: SearchIn) {
        let more = self.answer.with_untracked(|answer| answer.of(place).and_then(|found| found.more));
        self.fetch(place, more);
    }

    fn fetch(self, place: SearchIn, before: Option<u64>) {
        let number = self.asked.get_value();
        let question = self.question.with_untracked(|question| js_sys::encode_uri_component(question));
        let word = match place {
            SearchIn::Said => "said",
            SearchIn::Output => "output",
        };
        let before_query = before.map_or_else(String::new, |before| format!("&before={before}"));
        let path =
            format!("/api/search?q={}&in={word}{before_query}", question.as_string().unwrap_or_default());
        self.answer.update(|answer| answer.loading = true);
        leptos::task::spawn_local(async move {
            let answer = found(&path).await;
            if self.asked.try_get_value() == Some(number) {
                self.answer.update(|known| known.take(place, before.is_some(), answer));
            }
        });
    }

    fn told(self, count: usize) -> String {
        self.answer.with(|answer| match (&answer.said, &answer.output) {
            _ if self.question.with(|question| question.trim().is_empty()) => String::new(),
            (Some(said), Some(output)) => {
                let more = if said.more.or(output.more).is_some() { "+" } else { "" };
                let hits = if count == 1 { "hit" } else { "hits" };
                format!("{count}{more} {hits}, {} ms", (said.micros + output.micros).div_ceil(1_000))
            }
            _ => "…".to_owned(),
        })
    }

    /// Goes to what was chosen.
    fn follow(self, choice: Choice) {
        self.open.set(false);
        self.here.go(Some(choice.goal), Some(choice.task));
        choice.hit.into_iter().for_each(|place| self.desk.seek(place));
    }

    fn choices(self) -> Vec<Choice> {
        self.desk.overlook(|state, survey| {
            self.question.with(|question| {
                self.answer.with(|answer| {
                    let wanted: Vec<String> = question.split_whitespace().map(str::to_lowercase).collect();
                    let mut choices = tasks(state, survey, &wanted);
                    for place in [SearchIn::Said, SearchIn::Output] {
                        let hits = answer.of(place).map(|found| found.hits.iter()).into_iter().flatten();
                        choices.extend(hits.filter_map(|hit| choice(state, hit)));
                    }
                    choices
                })
            })
        })
    }
}

async fn found(path: &str) -> Result<Found, String> {
    let answer = request("GET", path, None)
        .await
        .ok_or("The bridge does not answer. What the page knows itself is found all the same.")?;
    if !answer.ok() {
        return Err(problem(&answer).await);
    }
    serde_json::from_str(&text(&answer).await).map_err(|error| error.to_string())
}

/// Tasks whose name holds all of the words, newest goals first.
fn tasks(state: &State, survey: &Survey, wanted: &[String]) -> Vec<Choice> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let all =
        state.goals.iter().rev().filter_map(|goal| state.task(goal)).flat_map(|goal| state.subtree(&goal.id));
    let kind =
        |task: &Task| survey.row(&task.id).map_or_else(|| status(state, task).kind, |row| row.status.kind);
    let fitting = all.filter_map(|task| {
        let name = conductor::plan::name(task);
        let lower = name.to_lowercase();
        wanted.iter().all(|word| lower.contains(word.as_str())).then(|| Choice {
            section: "Tasks",
            icon: kind(task).token(),
            bits: marked(&name, wanted),
            place: match &task.parent {
                None => "goal".to_owned(),
                Some(_) => state.task(&task.root).map(|goal| goal.title.clone()).unwrap_or_default(),
            },
            at: words::time(task.made),
            goal: task.root.clone(),
            task: task.id.clone(),
            hit: None,
        })
    });
    fitting.take(TASKS).collect()
}

/// The first place of each word is marked.
fn marked(name: &str, wanted: &[String]) -> Vec<Bit> {
    let lower = name.to_lowercase();
    // Where lower case has another length, places do not agree; it is then shown unmarked.
    let places = wanted.iter().filter_map(|word| lower.find(word.as_str()).map(|at| at..at + word.len()));
    let is_marked = |at: usize| lower.len() == name.len() && places.clone().any(|place| place.contains(&at));
    let mut bits: Vec<Bit> = Vec::new();
    for (at, letter) in name.char_indices() {
        let marked = is_marked(at);
        match bits.last_mut() {
            Some(last) if last.marked == marked => last.text.push(letter),
            _ => bits.push(Bit { text: letter.to_string(), marked }),
        }
    }
    bits
}

/// A bit of a message without the marks of bold words and code, which are drawn as such nowhere here.
fn plain(bit: &Bit) -> Bit {
    Bit { text: bit.text.replace("**", "").replace('`', ""), marked: bit.marked }
}

/// A hit of the bridge; nothing for what the page does not know (yet).
fn choice(state: &State, hit: &Hit) -> Option<Choice> {
    let (section, icon, task, end) = match &hit.place {
        HitPlace::Entry { task, .. } => ("Messages", "chat", task, String::new()),
        HitPlace::Line { run, line } => {
            ("Output", "agent", &state.run(run)?.task, format!("line {} · ", line + 1))
        }
    };
    let task = state.task(task)?;
    let who = if hit.by_person { "You in " } else { "" };
    Some(Choice {
        section,
        icon,
        bits: hit.bits.iter().map(plain).collect(),
        place: format!("{who}{}", conductor::plan::name(task)),
        at: format!("{end}{}", words::time(hit.at)),
        goal: task.root.clone(),
        task: task.id.clone(),
        hit: Some(hit.place.clone()),
    })
}
