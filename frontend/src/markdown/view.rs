//! From the tree to nodes.

use leptos::prelude::*;

use super::highlight::highlight;
use super::{Element, Node, parse};
use crate::component::copy::copy;
use crate::component::flow::For;
use crate::component::icon::Icon;
use crate::desk::Desk;

/// A finished text.
pub fn markdown(text: &str) -> AnyView {
    nodes(parse(text))
}

/// A text that grows: blocks that are finished are rendered once, only the last part again.
#[component]
pub fn Growing(#[prop(into)] text: Signal<String>) -> impl IntoView {
    // Lengths of the parts that are finished, so that a part once rendered keeps its key and its nodes.
    let parts = Memo::new(move |known: Option<&Vec<(usize, usize)>>| {
        text.with(|text| {
            let mut parts = known.cloned().unwrap_or_default();
            let begin = parts.last().map_or(0, |(_, end)| *end);
            // The whole text may come shorter or different than its deltas; then all is rendered anew.
            if !text.is_char_boundary(begin) || begin > text.len() {
                parts.clear();
            }
            let begin = parts.last().map_or(0, |(_, end)| *end);
            let end = begin + super::stream::finished(&text[begin..]);
            if end > begin {
                parts.push((begin, end));
            }
            parts
        })
    });
    let tail = move || {
        let begin = parts.with(|parts| parts.last().map_or(0, |(_, end)| *end));
        text.with(|text| markdown(text.get(begin..).unwrap_or(text)))
    };
    view! {
        <For
            each=move || parts.get()
            key=|(begin, end)| format!("{begin}-{end}")
            children=move |(begin, end)| text.with_untracked(|text| markdown(text.get(begin..end).unwrap_or_default()))
        />
        {tail}
    }
}

fn nodes(nodes: Vec<Node>) -> AnyView {
    nodes.into_iter().map(node).collect_view().into_any()
}

fn node(node: Node) -> AnyView {
    match node {
        Node::Text(text) => text.into_any(),
        Node::Code(text) => view! { <code>{text}</code> }.into_any(),
        Node::Block(language, text) => code_block(&language, text),
        Node::Rule => view! { <hr/> }.into_any(),
        Node::Break => view! { <br/> }.into_any(),
        Node::Task(done) => (if done { "☑ " } else { "☐ " }).into_any(),
        Node::Link(target, children) => {
            view! { <a href=target target="_blank" rel="noreferrer noopener">{nodes(children)}</a> }
                .into_any()
        }
        Node::Element(element, children) => wrapped(element, nodes(children)),
    }
}

fn wrapped(element: Element, inner: AnyView) -> AnyView {
    match element {
        Element::Paragraph => view! { <p>{inner}</p> }.into_any(),
        Element::Heading(1 | 2) => view! { <h2>{inner}</h2> }.into_any(),
        Element::Heading(_) => view! { <h3>{inner}</h3> }.into_any(),
        Element::Quote => view! { <blockquote>{inner}</blockquote> }.into_any(),
        Element::List => view! { <ul>{inner}</ul> }.into_any(),
        Element::Numbered(first) => view! { <ol start=first.to_string()>{inner}</ol> }.into_any(),
        Element::Item => view! { <li>{inner}</li> }.into_any(),
        Element::Strong => view! { <strong>{inner}</strong> }.into_any(),
        Element::Emphasis => view! { <em>{inner}</em> }.into_any(),
        Element::Struck => view! { <s>{inner}</s> }.into_any(),
        Element::Table => view! { <table><tbody>{inner}</tbody></table> }.into_any(),
        Element::Row => view! { <tr>{inner}</tr> }.into_any(),
        Element::Cell => view! { <td>{inner}</td> }.into_any(),
        Element::HeadCell => view! { <th>{inner}</th> }.into_any(),
        Element::Bare => inner,
    }
}

fn code_block(language: &str, text: String) -> AnyView {
    let desk = expect_context::<Desk>();
    let pieces = highlight(language, &text)
        .into_iter()
        .map(|piece| match piece.class {
            "" => piece.text.into_any(),
            class => view! { <span class=class>{piece.text}</span> }.into_any(),
        })
        .collect_view();
    view! {
        <div class="codebox">
            <header>
                <span>{language.to_owned()}</span>
                <button class="button push" data-kind="plain" data-size="sm" aria-label="Copy the code" on:click=move |_| copy(desk, "the code", text.clone())>
                    <Icon name="copy"/>
                </button>
            </header>
            <pre><code>{pieces}</code></pre>
        </div>
    }
    .into_any()
}
