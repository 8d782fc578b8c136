//! Markdown from agents: parser events become a tree of our own, which becomes nodes. No HTML passes, links
//! keep only schemes that cannot run anything, images are shown as links. Pure but for `view`.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

pub mod highlight;
pub mod stream;
pub mod view;

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Text(String),
    Code(String),
    /// Language and text.
    Block(String, String),
    Rule,
    Break,
    Task(bool),
    Link(String, Vec<Node>),
    Element(Element, Vec<Node>),
}

/// What wraps others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    Paragraph,
    Heading(u8),
    Quote,
    List,
    Numbered(u64),
    Item,
    Strong,
    Emphasis,
    Struck,
    Table,
    Row,
    Cell,
    HeadCell,
    /// Children without a wrapper.
    Bare,
}

/// Reads a text as Markdown with tables, task lists and strikethrough.
pub fn parse(text: &str) -> Vec<Node> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let mut tree = Tree::default();
    for event in Parser::new_ext(text, options) {
        tree.take(event);
    }
    tree.finish()
}

#[derive(Default)]
struct Tree {
    open: Vec<(Open, Vec<Node>)>,
    done: Vec<Node>,
    in_head: bool,
}

enum Open {
    Element(Element),
    Link(String),
    Block(String),
}

impl Tree {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(TagEnd::TableHead) => {
                self.in_head = false;
                self.close();
            }
            Event::End(_) => self.close(),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.add(Node::Code(text.into_string()))
            }
            Event::SoftBreak => self.text("\n"),
            Event::HardBreak => self.add(Node::Break),
            Event::Rule => self.add(Node::Rule),
            Event::TaskListMarker(done) => self.add(Node::Task(done)),
            Event::FootnoteReference(name) => self.text(&name),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let open = match tag {
            Tag::Paragraph | Tag::HtmlBlock => Open::Element(Element::Paragraph),
            Tag::Heading { level, .. } => Open::Element(Element::Heading(number(level))),
            Tag::BlockQuote(_) => Open::Element(Element::Quote),
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => {
                Open::Block(info.split([' ', ',']).next().unwrap_or_default().to_owned())
            }
            Tag::CodeBlock(CodeBlockKind::Indented) => Open::Block(String::new()),
            Tag::List(Some(first)) => Open::Element(Element::Numbered(first)),
            Tag::List(None) => Open::Element(Element::List),
            Tag::Item => Open::Element(Element::Item),
            Tag::Strong => Open::Element(Element::Strong),
            Tag::Emphasis => Open::Element(Element::Emphasis),
            Tag::Strikethrough => Open::Element(Element::Struck),
            Tag::Table(_) => Open::Element(Element::Table),
            Tag::TableHead => {
                self.in_head = true;
                Open::Element(Element::Row)
            }
            Tag::TableRow => Open::Element(Element::Row),
            Tag::TableCell => Open::Element(if self.in_head { Element::HeadCell } else { Element::Cell }),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => Open::Link(dest_url.into_string()),
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::MetadataBlock(_)
            | Tag::Superscript
            | Tag::Subscript => Open::Element(Element::Bare),
        };
        self.open.push((open, Vec::new()));
    }

    fn close(&mut self) {
        let Some((open, children)) = self.open.pop() else { return };
        let node = match open {
            Open::Element(element) => Node::Element(element, children),
            Open::Link(target) if is_harmless(&target) => Node::Link(target, children),
            // The words stay, the target is shown and not followed.
            Open::Link(target) => {
                let mut shown = children;
                shown.push(Node::Text(format!(" ({target})")));
                Node::Element(Element::Bare, shown)
            }
            Open::Block(language) => Node::Block(language, plain(&children)),
        };
        self.add(node);
    }

    fn text(&mut self, text: &str) {
        let siblings = self.open.last_mut().map_or(&mut self.done, |(_, children)| children);
        match siblings.last_mut() {
            Some(Node::Text(last)) => last.push_str(text),
            _ => siblings.push(Node::Text(text.to_owned())),
        }
    }

    fn add(&mut self, node: Node) {
        self.open.last_mut().map_or(&mut self.done, |(_, children)| children).push(node);
    }

    fn finish(mut self) -> Vec<Node> {
        while !self.open.is_empty() {
            self.close();
        }
        self.done
    }
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Schemes that only open something; a target without one is a path and leads nowhere here.
fn is_harmless(target: &str) -> bool {
    let lower = target.trim_start().to_ascii_lowercase();
    ["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme))
}

fn plain(nodes: &[Node]) -> String {
    let mut text = String::new();
    for node in nodes {
        if let Node::Text(part) = node {
            text.push_str(part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every target that would become a link.
    fn targets(nodes: &[Node], found: &mut Vec<String>) {
        for node in nodes {
            match node {
                Node::Link(target, children) => {
                    found.push(target.clone());
                    targets(children, found);
                }
                Node::Element(_, children) => targets(children, found),
                _ => {}
            }
        }
    }

    #[test]
    fn nothing_that_an_agent_writes_runs() {
        let attacks = [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x]( javascript:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:x)",
            "![x](javascript:alert(1))",
            "<a href=\"javascript:alert(1)\">x</a>",
            "[x](file:///etc/passwd)",
            "<svg/onload=alert(1)>",
            "[a]: javascript:alert(1)\n\n[a]",
            "<javascript:alert(1)>",
            "[x](//evil.example)",
        ];
        for attack in attacks {
            let mut found = Vec::new();
            targets(&parse(attack), &mut found);
            assert!(found.is_empty(), "{attack} gives a link to {found:?}");
        }
    }

    #[test]
    fn a_fenced_block_keeps_its_text_and_language() {
        assert_eq!(
            parse("```rust\nfn x() {}\n```"),
            [Node::Block("rust".to_owned(), "fn x() {}\n".to_owned())]
        );
    }
}
