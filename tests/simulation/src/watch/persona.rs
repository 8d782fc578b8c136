//! Who does it: told in the first words of a session and in no others, and to who reviews only where that one was chosen for it. It works in one folder.

use anyhow::{Context, Result, ensure};
use conductor::State;
use conductor::state::Task;
use shared::entry::Purpose;
use shared::id::RunId;
use shared::persona::Character;
use shared::run::RunSpec;

use super::Watch;
use super::reviewer::judge;

/// What every agent's words in a world begin with.
pub const LIKE: &str = "LIKE-";

impl Watch {
    pub(super) fn check_persona(
        &self,
        state: &State,
        task: &Task,
        purpose: Purpose,
        spec: &RunSpec,
        prompt: &str,
    ) -> Result<()> {
        let talks = matches!(
            purpose,
            Purpose::Plan | Purpose::Work | Purpose::Summary | Purpose::Talk | Purpose::Repair
        );
        let begins = talks && !self.sessions.contains_key(&task.id);
        let mut chain = std::iter::once(task).chain(state.ancestors(task));
        let judge = (purpose == Purpose::Review).then(|| judge(state, task)?.persona).flatten();
        let who =
            judge.as_ref().or_else(|| chain.find_map(|holder| holder.persona.as_ref()).filter(|_| begins));
        let who = who.map(|id| state.personas.get(id).context("an agent that never was")).transpose()?;
        let words = who.and_then(|known| match &known.persona.character {
            Character::Words { text } => Some(text.as_str()),
            Character::File { .. } => None,
        });
        let told = prompt.matches(LIKE).count();
        ensure!(told == usize::from(words.is_some()), "{} is told {told} times who it is", task.id);
        ensure!(words.is_none_or(|words| prompt.contains(words)), "{} is told what it was before", task.id);
        let marks = spec.inserts.iter().filter(|insert| prompt.matches(&insert.mark).count() == 1).count();
        let wanted = usize::from(who.is_some() && words.is_none());
        ensure!((spec.inserts.len(), marks) == (wanted, wanted), "{} has {:?}", task.id, spec.inserts);
        let folder = self.folders.get(&task.id);
        ensure!(folder.is_none_or(|folder| *folder == spec.cwd), "{} moves from {folder:?}", task.id);
        Ok(())
    }

    /// Where its first program starts is where it works.
    pub(super) fn settle_down(&mut self, state: &State, run: &RunId) -> Result<()> {
        let run = state.run(run).context("a run that never was")?;
        let folder = run.folder.clone().unwrap_or_else(|| "/p".to_owned());
        self.folders.entry(run.task.clone()).or_insert(folder);
        Ok(())
    }
}
