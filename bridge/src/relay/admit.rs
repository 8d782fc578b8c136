//! What may be appended by whom. The conductor judges what an entry means; here it is only checked that it
//! is the sender's to say and that its form is sound.

use std::path::Path;

use shared::entry::{Authority, Draft, Kind};
use shared::unit::Epoch;
use shared::wire::Refusal;

/// Drafts in one append.
const BATCH: usize = 4_096;
/// Bytes that are typed at once.
const TYPED: usize = 64 * 1024;

pub(super) fn check(epoch: Option<Epoch>, drafts: &[Draft]) -> Result<(), Refusal> {
    let invalid = |why: String| Err(Refusal::Invalid { why });
    if drafts.is_empty() || drafts.len() > BATCH {
        return invalid(format!("{} entries at once; 1 to {BATCH} are taken", drafts.len()));
    }
    for draft in drafts {
        let Some(kind) = draft.body.known() else {
            return invalid("an entry of a kind that this bridge does not know; reload the page".to_owned());
        };
        match (kind.authority(), epoch) {
            (Authority::Person, None) | (Authority::Conductor, Some(_)) => {}
            (Authority::Bridge, _) => {
                return Err(Refusal::NotYours { why: "only the bridge states this".to_owned() });
            }
            (Authority::Conductor, None) => {
                return Err(Refusal::NotYours { why: "a decision needs the baton's epoch".to_owned() });
            }
            (Authority::Person, Some(_)) => {
                return Err(Refusal::NotYours { why: "a person's intent carries no epoch".to_owned() });
            }
        }
        if let Kind::LimitsSet { limits } = kind
            && let Err(problem) = limits.check()
        {
            return invalid(format!("{problem}. The limits stay as they were."));
        }
        if let Kind::TerminalTyped { text, .. } = kind
            && text.len() > TYPED
        {
            return invalid(format!(
                "{} bytes typed at once; {TYPED} are taken. Send it in parts.",
                text.len()
            ));
        }
        if let Kind::ProjectOpened { folder, .. } = kind {
            if draft.project.is_none() {
                return invalid("an opened project needs an id".to_owned());
            }
            let path = Path::new(folder);
            if !path.is_absolute() || !path.is_dir() {
                return invalid(format!(
                    "{folder} is not a folder on the bridge's machine. Choose one that exists."
                ));
            }
        }
    }
    Ok(())
}
