//! `Show` and `For` as Leptos has them, but compiled once for the whole page: theirs are compiled anew for
//! each condition, list and view, which took 60 KB of WASM. And a list that never ends takes no more memory in the end.

use std::sync::{Arc, Mutex};

use leptos::prelude::*;
use leptos::tachys::reactive_graph::OwnedView;
use leptos::tachys::view::keyed::keyed;

/// Shows its children while `when` says so; they are built anew only when its word changes.
#[component]
pub fn Show<W: Fn() -> bool + Send + Sync + 'static>(when: W, children: ChildrenFn) -> impl IntoView {
    shown(Box::new(when), children)
}

fn shown(when: Box<dyn Fn() -> bool + Send + Sync>, children: ChildrenFn) -> AnyView {
    let when = Memo::new(move |_| when());
    (move || when.get().then(|| children())).into_any()
}

/// One item of a list: its identity, and how it is drawn when it is new.
struct Row {
    key: String,
    draw: Box<dyn FnOnce() -> AnyView + Send>,
}

/// Draws each item once for as long as its key stays in the list. Keys are unique in their list.
#[component]
pub fn For<T: Send + 'static, I: IntoIterator<Item = T>, V: IntoView>(
    each: impl Fn() -> I + Send + Sync + 'static,
    key: impl Fn(&T) -> String + Send + Sync + 'static,
    children: impl Fn(T) -> V + Send + Sync + 'static,
) -> impl IntoView {
    let children = Arc::new(children);
    list(Box::new(move || {
        let row = |item: T| {
            let (key, children) = (key(&item), Arc::clone(&children));
            Row { key, draw: Box::new(move || children(item).into_view().into_any()) }
        };
        each().into_iter().map(row).collect()
    }))
}

fn list(rows: Box<dyn Fn() -> Vec<Row> + Send + Sync>) -> AnyView {
    let shelves = Arc::new(Mutex::new(Shelves { list: Owner::new(), last: None }));
    let drawn = move || {
        let shelves = Arc::clone(&shelves);
        let draw = move |_, row: Row| {
            let shelf = shelves.lock().map_or_else(|_| Owner::new(), |mut shelves| shelves.with_room());
            let owner = shelf.with(Owner::new);
            let view = owner.with(|| {
                // It lasts as long as its last row.
                let _held = StoredValue::new(shelf);
                (row.draw)()
            });
            (drop::<usize>, OwnedView::new_with_owner(view, owner))
        };
        keyed(rows(), |row: &Row| row.key.clone(), draw)
    };
    drawn.into_any()
}

/// Rows of one shelf.
const SHELF: usize = 64;

/// Where the owners of a list's rows stand. What stood below an owner leaves some bytes with it for as long as it lasts, which is no
/// matter but for a list of whose rows thousands come and go, as of a conversation: so there are owners in between.
struct Shelves {
    list: Owner,
    /// With the number of rows that were put there.
    last: Option<(Owner, usize)>,
}

impl Shelves {
    fn with_room(&mut self) -> Owner {
        let (shelf, rows) =
            self.last.take().filter(|(_, rows)| *rows < SHELF).unwrap_or_else(|| (self.list.child(), 0));
        self.last = Some((shelf.clone(), rows + 1));
        shelf
    }
}
