//! Agents that are spoken to by JSON-RPC name a session when they are asked for one, and only then can be told what to do in it.
//! What follows upon their answer stands in the order ([`crate::run::Stdin::Dialog`]), so that nobody has to decide anything.

use serde_json::Value;

use super::loose;
use crate::id::SessionId;

/// Stands in a turn for the name of its session. The first one counts: what the turn is about comes behind it.
pub const SESSION: &str = "@SESSION@";

/// The id of the request that an agent answers with the name.
pub(super) const ASKED: &str = "session";

/// An agent's answer to the request for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    Named(SessionId),
    /// It gives none; why, its reader tells.
    Refused,
}

/// The answer, where this line of output is it. Takes any bytes.
pub fn naming(line: &[u8]) -> Option<Naming> {
    let line: Value = serde_json::from_slice(line).ok()?;
    (line.get("id")? == ASKED).then(|| {
        // Codex has a thread, ACP a session.
        let name = ["/result/thread/id", "/result/sessionId"].into_iter().find_map(|at| line.pointer(at));
        name.and_then(Value::as_str).and_then(loose::session).map_or(Naming::Refused, Naming::Named)
    })
}

/// The turn in the session that was named.
pub fn turn_in(session: &SessionId, turn: &str) -> String {
    turn.replacen(SESSION, session.as_str(), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_the_request_names_a_session() {
        let named = |line: &str| naming(line.as_bytes());
        let name = || SessionId::new("01a1-2").ok().map(Naming::Named);
        assert_eq!(named(r#"{"id":"session","result":{"thread":{"id":"01a1-2"}}}"#), name());
        assert_eq!(named(r#"{"jsonrpc":"2.0","id":"session","result":{"sessionId":"01a1-2"}}"#), name());
        for refused in [
            r#"{"id":"session","error":{"code":-32600,"message":"no rollout found for thread id 5"}}"#,
            r#"{"id":"session","result":{"thread":{"id":"../5"}}}"#,
            r#"{"id":"session","result":{"thread":{"id":5}}}"#,
            r#"{"id":"session"}"#,
        ] {
            assert_eq!(named(refused), Some(Naming::Refused), "{refused}");
        }
        for other in [
            "",
            "session",
            r#"{"id":1,"result":{"thread":{"id":"01a1-2"}}}"#,
            r#"{"method":"thread/started","params":{"thread":{"id":"01a1-2"}}}"#,
            r#"{"id":"session","result":{"thread":"#,
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn a_session_stands_where_the_turn_has_its_place_and_nowhere_else() {
        let session = SessionId::new("s1").expect("an id");
        let turn = format!(r#"{{"threadId":"{SESSION}","text":"about {SESSION}"}}"#);
        assert_eq!(turn_in(&session, &turn), format!(r#"{{"threadId":"s1","text":"about {SESSION}"}}"#));
    }
}
