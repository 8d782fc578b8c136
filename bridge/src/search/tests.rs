#![expect(clippy::unwrap_used, reason = "tests")]

use shared::api::HitPlace;
use shared::entry::{Actor, Draft, Kind};
use shared::id::{ClientId, MessageId, RunId, TaskId};
use tempfile::TempDir;

use super::*;
use crate::store::tests::{ends, piece, requests};

struct World {
    dir: TempDir,
    store: Store,
    index: Index,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let index = Index::open(&dir.path().join(FILE)).unwrap();
        Self { dir, store, index }
    }

    async fn say(&self, text: &str) {
        let (task, message) = (TaskId::new("t").unwrap(), MessageId::new("m").unwrap());
        let said =
            Draft::new(None, Kind::MessageSent { task, message, text: text.to_owned(), answers: None });
        let actor = Actor::Person { client: ClientId::new("page").unwrap() };
        self.store.append(actor, vec![said]).await.unwrap();
    }

    async fn write(&self, run: &str, lines: &[&str]) {
        let run = RunId::new(run).unwrap();
        self.store.append_output(&run, lines.iter().map(|line| piece(*line)).collect()).await.unwrap();
    }

    async fn fill(&mut self) {
        while self.index.take_more(&self.store).await.unwrap() {}
    }

    /// The hits as text, with what is marked in brackets.
    async fn find(&self, question: &str, place: SearchIn) -> Vec<String> {
        let words = Words::of(question);
        let places = index::find(&self.dir.path().join(FILE), &words, place, None, HITS).unwrap();
        let mut hits = Vec::new();
        for place in &places {
            let hit = said::hit(&self.store, place, &words).await.unwrap();
            hits.extend(hit.map(|hit| {
                let bits = hit.bits.iter();
                bits.map(|bit| if bit.marked { format!("[{}]", bit.text) } else { bit.text.clone() })
                    .collect()
            }));
        }
        hits
    }
}

#[tokio::test]
async fn what_is_said_and_what_is_written_is_found_newest_first() {
    let mut world = World::new();
    world.say("Merge the guest cart at login").await;
    world.store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    world.write("r1", &["src/cart.rs has merge_cart()\n", "nothing here\n", "Cart merged"]).await;
    world.say("Keep the larger cart").await;
    world.fill().await;
    assert_eq!(
        world.find("cart", SearchIn::Said).await,
        ["Keep the larger [cart]", "Merge the guest [cart] at login"]
    );
    assert_eq!(
        world.find("cart me", SearchIn::Output).await,
        ["[Cart] [merged]", "src/[cart].rs has [merge]_[cart]()"]
    );
    assert_eq!(world.find("merge_cart", SearchIn::Output).await.len(), 1, "written together");
    assert_eq!(world.find("\"at login\"", SearchIn::Said).await.len(), 1);
    assert_eq!(world.find("\"login at\"", SearchIn::Said).await.len(), 0, "in this order");
    assert_eq!(world.find("cart nowhere", SearchIn::Said).await.len(), 0, "all words");
}

#[tokio::test]
async fn no_question_breaks_the_search() {
    let mut world = World::new();
    world.say("a plain sentence").await;
    world.fill().await;
    for question in [
        "",
        "   ",
        "\"",
        "\"\"",
        "* AND OR NOT",
        "text:a",
        "a\" OR \"b",
        "(",
        "a NEAR b",
        "ä\u{0}ö",
        "-a",
        "^a",
    ] {
        world.find(question, SearchIn::Said).await;
        world.find(question, SearchIn::Output).await;
    }
    assert_eq!(world.find("A PLAIN", SearchIn::Said).await, ["[a] [plain] sentence"]);
}

#[tokio::test]
async fn pages_follow_on_each_other() {
    let mut world = World::new();
    world.store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    let lines: Vec<String> = (0..120).map(|line| format!("line {line}\n")).collect();
    world.write("r1", &lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    world.fill().await;
    let search = Search::start(world.dir.path(), world.store.clone()).unwrap();
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let found = search.find("line", SearchIn::Output, before).await.unwrap();
        seen.extend(found.hits.into_iter().map(|hit| match hit.place {
            HitPlace::Line { line, .. } => line,
            HitPlace::Entry { .. } => unreachable!("output was asked for"),
        }));
        before = found.more;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..120).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_index_goes_on_where_it_was_and_is_made_anew_when_it_cannot_be_read() {
    let mut world = World::new();
    world.store.append(Actor::Bridge, vec![requests("r1")]).await.unwrap();
    world.write("r1", &["one apple\n"]).await;
    world.fill().await;
    let file = world.dir.path().join(FILE);
    world.index = Index::open(&file).unwrap();
    world.write("r1", &["two apples, an apple\n"]).await;
    world.store.append(Actor::Bridge, vec![ends("r1", 2)]).await.unwrap();
    world.fill().await;
    assert_eq!(world.find("apple", SearchIn::Output).await.len(), 2);
    assert!(world.index.is_done(), "a run that ended is not looked at again");
    for damage in [&b"no database at all, but as long as the head of one would be"[..], &[0; 4096]] {
        std::fs::write(&file, damage).unwrap();
        let _ = std::fs::remove_file(world.dir.path().join("search.db-wal"));
        world.index = Index::open(&file).unwrap();
        world.fill().await;
        assert_eq!(world.find("apple", SearchIn::Output).await.len(), 2);
    }
}

/// The words of a hit are looked for in long lines of any letters.
#[test]
fn an_excerpt_shows_the_first_hit_of_any_text() {
    let words = Words::of("Grüße xy");
    let long = format!("{}\nvorher, grüße, XY und {}", "ß".repeat(500), "ä".repeat(500));
    let bits = words.excerpt(&long);
    let text: String = bits.iter().map(|bit| bit.text.as_str()).collect();
    assert!(text.starts_with("vorher, grüße, XY und ää"), "{text}");
    let marked: Vec<_> = bits.iter().filter(|bit| bit.marked).map(|bit| bit.text.as_str()).collect();
    assert_eq!(marked, ["grüße", "XY"]);
    assert_eq!(Words::of("nowhere").excerpt("short")[0].text, "short");
}

#[tokio::test]
async fn a_damaged_block_hides_its_own_lines_alone() {
    let mut world = World::new();
    world.store.append(Actor::Bridge, vec![requests("r1"), requests("r2")]).await.unwrap();
    world.write("r2", &["sound\n"]).await;
    world.store.append(Actor::Bridge, vec![ends("r1", 1)]).await.unwrap();
    let log = rusqlite::Connection::open(world.dir.path().join("log.db")).unwrap();
    let sql = "INSERT INTO block (run, first, lines, out, err, bytes) VALUES (1, 0, 1, 2, 0, x'0102')";
    assert_eq!(log.execute(sql, []).unwrap(), 1);
    world.fill().await;
    assert_eq!(world.find("sound", SearchIn::Output).await, ["[sound]"]);
}

#[tokio::test]
async fn words_of_removed_lines_leave_the_file() {
    let mut world = World::new();
    world.store.append(Actor::Bridge, vec![requests("kept"), requests("old")]).await.unwrap();
    // In parts, and so little of it that FTS5 by itself would leave it where it is.
    for batch in 0..40 {
        let lines: Vec<String> = (0..50).map(|n| format!("kept{batch}x{n} of zanzibar\n")).collect();
        world.write("kept", &lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
        world.write("old", &["the secret of zanzibar\n"]).await;
        world.fill().await;
    }
    let parts_with = |world: &World, word: &str| -> i64 {
        let index = rusqlite::Connection::open(world.dir.path().join(FILE)).unwrap();
        let sql = "SELECT count(*) FROM said_data WHERE instr(block, ?1)";
        index.query_row(sql, [word.as_bytes()], |row| row.get(0)).unwrap()
    };
    assert!(parts_with(&world, "secret") > 0);
    let removed = Kind::OutputRemoved { run: RunId::new("old").unwrap(), lines: 40 };
    world.store.append(Actor::Bridge, vec![ends("old", 40), Draft::new(None, removed)]).await.unwrap();
    // A bridge that ends before the file is thinned goes on with that later.
    world.index.take_more(&world.store).await.unwrap();
    world.index = Index::open(&world.dir.path().join(FILE)).unwrap();
    world.fill().await;
    assert_eq!(parts_with(&world, "secret"), 0);
    assert!(parts_with(&world, "zanzibar") > 0);
    assert_eq!(world.find("secret", SearchIn::Output).await.len(), 0);
    assert_eq!(world.find("kept39x49", SearchIn::Output).await.len(), 1);
}
