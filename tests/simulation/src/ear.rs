//! What a process hears while it works. It reads what it is told soon, late, or not before it ends, and waits for the end
//! of its input when its turn is over.

use serde_json::{Value, json};
use shared::id::MessageId;
use shared::run::{RunSpec, Stdin};

use crate::agent::Said;
use crate::chance::Chance;

#[derive(Debug, Clone, Default)]
pub struct Ear {
    open: bool,
    /// It speaks as Codex does, which begins no turn of its own for what came too late for one.
    codex: bool,
    /// What it was told and has not read.
    waits: Vec<MessageId>,
    pub read: Vec<MessageId>,
}

impl Ear {
    /// Of a process that is ordered so; a script that listens says first that it has read its prompt.
    pub fn of(spec: &RunSpec, lines: &mut Vec<Said>) -> Self {
        let codex = matches!(spec.stdin, Stdin::Dialog { .. });
        let open = codex || matches!(spec.stdin, Stdin::Open { .. });
        if open {
            for line in lines.iter_mut().filter(|line| is_result(&line.text)) {
                line.facts += 1;
            }
        }
        if open && !codex {
            lines.insert(lines.len().min(1), echo(&Value::Null, 0));
        }
        Self { open, codex, ..Self::default() }
    }

    pub fn tell(&mut self, message: &MessageId) {
        if self.open {
            self.waits.push(message.clone());
        }
    }

    pub fn close(&mut self) {
        self.open = false;
    }

    /// Its program does not end although it has nothing to do.
    pub fn holds(&self) -> bool {
        self.open
    }

    /// There is something to read yet. What failed reads no more.
    pub fn goes_on(&self, lines: &[Said]) -> bool {
        if self.codex {
            return false;
        }
        let failed = lines.last().is_some_and(|line| line.text.contains("\"is_error\":true"));
        !self.waits.is_empty() && !failed
    }

    /// It may look up and read, in the middle of its script.
    pub fn look_up(&mut self, lines: &mut Vec<Said>, written: usize, chance: &mut Chance) {
        let ahead = lines.get(written).is_some_and(|line| !is_result(&line.text));
        if !self.waits.is_empty() && written > 1 && ahead && chance.one_in(2) {
            self.read_one(lines, written);
        }
    }

    /// After its result it reads what came too late for that in a turn of its own, with the same result; true when it did.
    pub fn go_on(&mut self, lines: &mut Vec<Said>, chance: &mut Chance) -> bool {
        let Some(result) = lines.last().filter(|line| is_result(&line.text)).cloned() else { return false };
        if !self.goes_on(lines) || (!self.open && chance.one_in(3)) {
            return false;
        }
        self.read_one(lines, lines.len());
        lines.push(result);
        true
    }

    fn read_one(&mut self, lines: &mut Vec<Said>, place: usize) {
        let message = self.waits.remove(0);
        lines.insert(place, if self.codex { item(&message) } else { echo(&json!(message), 1) });
        self.read.push(message);
    }
}

fn echo(id: &Value, facts: u32) -> Said {
    let line =
        json!({"type": "user", "isReplay": true, "uuid": id, "message": {"role": "user", "content": []}});
    Said::new(line, facts)
}

/// The same in Codex's words.
fn item(message: &MessageId) -> Said {
    let item = json!({"type": "userMessage", "id": "i0", "clientId": message});
    Said::new(json!({"method": "item/started", "params": {"item": item}}), 1)
}

pub fn is_result(line: &str) -> bool {
    line.contains("\"type\":\"result\"") || line.contains("\"method\":\"turn/completed\"")
}
