//! One turn of an agent, as it is being written.

use conductor::state::{Phase, Run};
use conductor::status::Kind;
use leptos::prelude::*;
use shared::id::RunId;
use shared::unit::Millis;
use wasm_bindgen::JsCast;

use crate::component::copy::copy;
use crate::component::flow::{For, Show};
use crate::component::icon::{Icon, StatusMark};
use crate::component::settled::settled;
use crate::desk::Desk;
use crate::markdown::view::Growing;
use crate::transcript::{Block, BlockKind, BlockState, Portion, Reach};
use crate::words;

const SECOND: Millis = Millis(1_000);

#[component]
pub fn TurnView(run: RunId, name: &'static str) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let own = StoredValue::new(run.clone());
    let turn = desk.turn(&run);
    let (blocks, reach) = (turn.blocks.clone(), turn.reach.clone());
    on_cleanup(move || own.with_value(|run| desk.leave_turn(run)));
    let article = NodeRef::<leptos::html::Article>::new();
    let (sought, drawn) = (turn.reach.clone(), turn.blocks.clone());
    Effect::new(move |_| {
        drawn.track();
        let Some(id) = sought.with(|reach| reach.sought) else { return };
        // After the blocks themselves, which are drawn by the same change.
        request_animation_frame(move || {
            let Some(article) = article.try_get_untracked().flatten() else { return };
            for old in find(&article, "[data-sought]") {
                let _ = old.remove_attribute("data-sought");
            }
            for block in find(&article, &format!("[data-block=\"{id}\"]")) {
                let _ = block.set_attribute("data-sought", "");
                let _ = block.set_attribute("open", "");
                block.scroll_into_view();
                desk.sought.set(None);
            }
        });
    });
    let head = settled(move || {
        desk.read(|state| {
            let run = state.run(&own.get_value())?;
            let persona = run.persona.as_ref().and_then(|id| state.personas.get(id));
            let persona = persona.map(|known| known.persona.name.clone());
            let who = match (persona, name) {
                (Some(persona), "") => persona,
                (Some(persona), name) => format!("{persona} · {name}"),
                (None, "") => run.harness.to_string(),
                (None, name) => name.to_owned(),
            };
            let at_work = run.is_active().then_some(if run.asks_now().is_some() {
                Kind::Waiting
            } else {
                Kind::Active
            });
            Some((who, run.model.clone(), run.requested, at_work))
        })
    });
    let foot = Memo::new(move |_| desk.read(|state| state.run(&own.get_value()).and_then(footer)));
    let removed =
        Memo::new(move |_| desk.read(|state| state.run(&own.get_value()).and_then(|run| run.removed)));
    let writing = move || head.with(|head| head.as_ref().is_some_and(|head| head.3.is_some()));
    let asks =
        Memo::new(move |_| head.with(|head| head.as_ref().is_some_and(|head| head.3 == Some(Kind::Waiting))));
    let (for_copy, for_empty) = (blocks.clone(), blocks.clone());
    view! {
        <article class="msg" data-from="agent" node_ref=article>
            <header>
                <b>{move || head.with(|head| head.as_ref().map(|head| head.0.clone()))}</b>
                <span>{move || head.with(|head| head.as_ref().map(|(_, model, at, _)| format!("{} {}", model.clone().unwrap_or_default(), words::time(*at))))}</span>
                <span class="push row">
                    {move || writing().then(|| if asks.get() {
                        view! { <StatusMark kind=Kind::Waiting/> }.into_any()
                    } else {
                        view! { <span class="status" data-status="active"><Icon name="active"/>"Working"</span> }.into_any()
                    })}
                    <button class="button" data-kind="plain" data-size="sm" aria-label="Copy the message" title="Copy" on:click=move |_| copy(desk, "the message", text_of(&for_copy.get_untracked()))><Icon name="copy"/></button>
                </span>
            </header>
            {end_of(reach.clone(), move |reach| reach.before > 0, move |reach| format!("Show earlier output ({} lines)", reach.before), move || desk.load(&own.get_value(), Portion::Earlier))}
            <Show when=move || writing() && for_empty.read().is_empty()>
                <span class="meta">"Starting …"</span>
            </Show>
            <For each=move || groups(&blocks.get()) key=|group| format!("{}-{}", group[0].id, group.len()) children=move |group| view! { <Group run=own.get_value() group=group/> }/>
            {end_of(reach.clone(), |reach| reach.detached, |_| "Show what follows".to_owned(), move || desk.load(&own.get_value(), Portion::Later))}
            {
                let problem = Memo::new(move |_| reach.with(|reach| reach.problem.clone()));
                move || problem.get().map(|problem| view! {
                    <p class="hint" data-state="error" role="alert">{format!("The output could not be read. {problem}")}</p>
                    <div><button class="button" data-size="sm" on:click=move |_| desk.load(&own.get_value(), Portion::End)><Icon name="retry"/>"Try again"</button></div>
                })
            }
            {move || removed.get().map(|at| view! { <p class="fine">{format!("The output of this turn was removed on {} by the retention setting. What the log tells of it stays.", words::day(at))}</p> })}
            {move || foot.get().map(|foot| view! { <div class="turn"><span>{foot}</span></div> })}
        </article>
    }
}

fn find(within: &web_sys::Element, selector: &str) -> Vec<web_sys::Element> {
    let found = within.query_selector_all(selector).ok();
    let found =
        found.into_iter().flat_map(|list| (0..list.length()).filter_map(move |place| list.get(place)));
    found.filter_map(|node| node.dyn_into().ok()).collect()
}

/// A way on where the window ends and the output does not.
fn end_of(
    reach: ArcRwSignal<Reach>,
    when: fn(&Reach) -> bool,
    words: fn(&Reach) -> String,
    load: impl Fn() + Copy + Send + Sync + 'static,
) -> AnyView {
    let (shown, said, busy) = (reach.clone(), reach.clone(), reach);
    let busy = move || busy.with(|reach| reach.loading);
    view! {
        <Show when=move || shown.with(when)>
            {
                let (said, busy) = (said.clone(), busy.clone());
                view! { <div><button class="button" data-kind="plain" data-size="sm" disabled=busy on:click=move |_| load()>{move || said.with(words)}</button></div> }
            }
        </Show>
    }
    .into_any()
}

/// Tool calls that follow each other stand in one ledger.
fn groups(blocks: &[Block]) -> Vec<Vec<Block>> {
    let is_tool = |block: &Block| matches!(block.kind, BlockKind::Tool { .. });
    blocks.chunk_by(|a, b| is_tool(a) && is_tool(b)).map(<[Block]>::to_vec).collect()
}

fn text_of(blocks: &[Block]) -> String {
    let texts =
        blocks.iter().filter(|block| matches!(block.kind, BlockKind::Text { .. } | BlockKind::Output));
    texts.map(|block| block.text.get_untracked()).collect::<Vec<_>>().join("\n\n")
}

fn footer(run: &Run) -> Option<String> {
    let (started, at, report) = match &run.phase {
        Phase::Read { started, at, report, .. } => (*started, *at, report),
        Phase::Requested | Phase::Running { .. } | Phase::Ended { .. } => {
            return Some(words::cost(run)).filter(|cost| !cost.is_empty());
        }
    };
    let spent = match report.cost {
        Some(cost) if cost.0 > 0 => format!("${cost}"),
        _ => words::cost(run),
    };
    let took = words::span(at.since(started.unwrap_or(run.requested)));
    let tokens = match run.tokens.input + run.tokens.output {
        0 => String::new(),
        _ => format!(
            "{} in, {} out",
            run.tokens.input + run.tokens.cache_read + run.tokens.cache_write,
            run.tokens.output
        ),
    };
    let used = run.used.map_or_else(String::new, |used| {
        let memory = format!("{} of memory at most", words::amount(used.memory));
        // A turn's processes mostly wait for a model.
        if used.cpu < SECOND { memory } else { format!("{} of processor, {memory}", words::span(used.cpu)) }
    });
    let parts = [took, spent, tokens, used];
    Some(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "))
}

#[component]
fn Group(run: RunId, group: Vec<Block>) -> impl IntoView {
    let first = group[0].clone();
    match first.kind.clone() {
        BlockKind::Tool { .. } => view! { <div class="tools">{group.into_iter().map(|block| view! { <Tool block=block/> }).collect_view()}</div> }.into_any(),
        BlockKind::Text { .. } => {
            let (text, state) = (first.text.clone(), first.state.clone());
            let growing = move || state.get() == BlockState::Growing;
            view! { <div class="prose" data-block=first.id><Growing text=text/><Show when=growing><span class="caret"></span></Show></div> }.into_any()
        }
        BlockKind::Thinking { .. } => folded(first.id, "Thinking", first.text.clone(), false),
        BlockKind::Notice => {
            let text = first.text.clone();
            view! { <p class="fine" data-block=first.id>{move || text.get()}</p> }.into_any()
        }
        BlockKind::Asked { request } => {
            let (desk, text) = (expect_context::<Desk>(), first.text.clone());
            let reply = Memo::new(move |_| {
                desk.read(|state| {
                    let run = state.run(&run)?;
                    let asked = run.asks.iter().find(|asked| asked.ask.request == request)?;
                    Some(conductor::words::reply(state, run, asked))
                })
            });
            view! { <p class="fine" data-block=first.id>{move || text.get()}" "{move || reply.get()}</p> }.into_any()
        }
        BlockKind::Output => {
            let text = first.text.clone();
            view! { <pre class="raw" data-block=first.id>{move || text.get()}</pre> }.into_any()
        }
        BlockKind::Unknown => folded(first.id, "Lines that this version does not know", first.text.clone(), true),
    }
}

fn folded(id: i64, name: &'static str, text: ArcRwSignal<String>, raw: bool) -> AnyView {
    let shown = text.clone();
    let empty = move || shown.with(String::is_empty);
    view! {
        <Show when=move || !empty()>
            <details class="tool" data-block=id>
                <summary><Icon name="right"/><span class="verb">{name}</span></summary>
                {
                    let text = text.clone();
                    if raw { view! { <pre class="raw">{move || text.get()}</pre> }.into_any() } else { view! { <p class="fine">{move || text.get()}</p> }.into_any() }
                }
            </details>
        </Show>
    }
    .into_any()
}

#[component]
fn Tool(block: Block) -> impl IntoView {
    let BlockKind::Tool { tool, title, input, .. } = block.kind else { return ().into_any() };
    let (id, state, text) = (block.id, block.state, block.text);
    let (word, answer) = (state.clone(), text.clone());
    let outcome = move || match word.get() {
        BlockState::Growing => {
            view! { <span class="status" data-status="active"><Icon name="active"/></span> }.into_any()
        }
        BlockState::Done => ().into_any(),
        BlockState::Failed => {
            view! { <span class="status" data-status="failed"><Icon name="failed"/>"failed"</span> }
                .into_any()
        }
    };
    view! {
        <details class="tool" data-block=id>
            <summary><Icon name="right"/><span class="verb">{tool}</span><span class="what clip">{title}</span><span>{outcome}</span></summary>
            <pre class="raw">{input}</pre>
            <pre class="raw">{move || answer.get()}</pre>
        </details>
    }
    .into_any()
}
