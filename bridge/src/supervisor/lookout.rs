//! Looks in a run's output for the name that its agent gives its session, for the turn that is told only then
//! (`shared::harness::naming`). Of the rest nothing is read: that is the conductor's.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use shared::harness::{Naming, naming, turn_in};

use super::folder::RunFolder;
use super::inbox::Told;

/// The longest line that may be the answer, in bytes; a longer one is passed over. Codex's has some 2 KiB.
const LONGEST: usize = 1024 * 1024;
/// Bytes that are read at once.
const CHUNK: usize = 4 * 1024;

pub(crate) struct Lookout {
    output: BufReader<File>,
    /// The start of a line whose end has not come.
    line: Vec<u8>,
    /// It began before that and was too long.
    cut: bool,
}

impl Lookout {
    pub(crate) fn new(folder: &RunFolder) -> io::Result<Self> {
        Ok(Self::over(File::open(folder.out())?))
    }

    fn over(output: File) -> Self {
        Self { output: BufReader::with_capacity(CHUNK, output), line: Vec::new(), cut: false }
    }

    /// What the lines that have come since say; nothing yet where none of them is the answer.
    pub(crate) fn look(&mut self) -> io::Result<Option<Naming>> {
        loop {
            let room = LONGEST.saturating_sub(self.line.len()) as u64;
            (&mut self.output).take(room).read_until(b'\n', &mut self.line)?;
            let whole = self.line.last() == Some(&b'\n');
            if !whole && self.line.len() < LONGEST {
                return Ok(None);
            }
            let found = if whole && !self.cut { naming(&self.line) } else { None };
            self.cut = !whole;
            self.line.clear();
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

/// The turn that stands there, in the session that was named; nothing where none was.
pub(crate) fn turn(told: &Told, at: u64, length: u64, naming: &Naming) -> io::Result<Option<String>> {
    let Naming::Named(session) = naming else { return Ok(None) };
    let mut turn = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let mut have = 0;
    while have < turn.len() {
        match told.read(at + have as u64, &mut turn[have..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => have += count,
        }
    }
    String::from_utf8(turn).map(|turn| Some(turn_in(session, &turn))).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io::Write;

    use shared::id::SessionId;

    use super::*;

    #[test]
    fn the_answer_is_found_however_it_comes() {
        let answer = "{\"id\":\"session\",\"result\":{\"thread\":{\"id\":\"s1\"}}}\n";
        let before = format!("no JSON\n{}\n{{\"id\":1}}\n", "x".repeat(LONGEST + 5));
        let whole = format!("{before}{answer}");
        // Cut where lines begin and end, in the midst of the long one, and of the answer.
        let cuts = [0, 3, 8, LONGEST - 9, LONGEST + 8, before.len(), before.len() + 9, whole.len() - 1];
        for cut in cuts {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            let mut lookout = Lookout::over(file.reopen().unwrap());
            file.write_all(&whole.as_bytes()[..cut]).unwrap();
            assert_eq!(lookout.look().unwrap(), None, "cut at {cut}");
            file.write_all(&whole.as_bytes()[cut..]).unwrap();
            assert_eq!(lookout.look().unwrap(), SessionId::new("s1").ok().map(Naming::Named), "cut at {cut}");
        }
    }
}
