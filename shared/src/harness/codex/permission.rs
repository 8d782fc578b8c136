//! What Codex asks its client to allow, and the client's answer.

use serde_json::{Value, json};

use super::{Json, WORD, steer};
use crate::harness::Ongoing;
use crate::harness::loose::{child, short, text, whole};
use crate::permission::shell::{Word, segments};
use crate::permission::{Ask, Deed, LONGEST, Permit};

/// As the conversation names them too.
pub(super) const SHELL: &str = "shell";
pub(super) const EDIT: &str = "edit";

/// The longest id that can be answered, and the longest name, in bytes.
const ID: usize = 200;

/// What says no more of a command than which it is and where it runs.
const PLAIN: [&str; 13] = [
    "approvalId",
    "availableDecisions",
    "command",
    "commandActions",
    "cwd",
    "environmentId",
    "itemId",
    "kind",
    "proposedExecpolicyAmendment",
    "reason",
    "startedAtMs",
    "threadId",
    "turnId",
];
/// Where the machine's shells are.
const SHELLS: [&str; 4] = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];
/// What is not for people.
const WITHIN: [&str; 8] = [
    "approvalId",
    "availableDecisions",
    "commandActions",
    "environmentId",
    "itemId",
    "startedAtMs",
    "threadId",
    "turnId",
];

/// The request by which it is answered: the id as JSON, for a number is another one than its digits.
pub(super) fn request(id: &Value) -> String {
    id.to_string()
}

/// What was told before that a question is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    /// Where the agent works.
    pub folder: &'a str,
    /// The files of the item that is named.
    pub changes: &'a [String],
    /// The call of a tool, which is not named.
    pub calling: &'a str,
}

/// A question of Codex; nothing for one that cannot be answered. It waits for an answer also where its kind is not known.
pub(super) fn asked(id: &Value, method: &str, params: &Json, about: About<'_>) -> Option<Ask> {
    let item = text(params, "itemId");
    let (call, tool, deed) = match method {
        "item/commandExecution/requestApproval" => (item, SHELL.to_owned(), command(params, about.folder)),
        "item/fileChange/requestApproval" => (item, EDIT.to_owned(), change(params, about.changes)),
        "mcpServer/elicitation/request" => {
            let (tool, deed) = use_of(params);
            (about.calling, tool, deed)
        }
        _ => (item, method.to_owned(), unanswerable(method, params)),
    };
    let request = request(id);
    (request.len() <= ID && (id.is_string() || id.is_number())).then(|| Ask {
        request,
        call: short(call, ID),
        tool: short(&tool, ID),
        deed,
    })
}

fn command(params: &Json, folder: &str) -> Deed {
    let said = |key: &str| params.get(key).is_some_and(|value| !value.is_null());
    let plain = params.keys().all(|key| PLAIN.contains(&key.as_str()) || !said(key));
    let here = !folder.is_empty() && text(params, "cwd") == folder;
    let kind = matches!(text(params, "kind"), "" | "command")
        && matches!(text(params, "environmentId"), "" | "local");
    match script(text(params, "command")) {
        Some(line) if plain && here && kind && line.len() <= LONGEST => Deed::Command { line },
        _ => whole_of(params),
    }
}

/// The line that its shell is given: Codex runs `/bin/bash -lc 'LINE'` and writes the words as a shell would read them.
/// Nothing where that is not certain.
pub(super) fn script(command: &str) -> Option<String> {
    let segments = segments(command)?;
    let [segment] = &segments[..] else { return None };
    let [Word::Plain(shell), Word::Plain(option), Word::Plain(line)] = &segment.words[..] else {
        return None;
    };
    // A program of that name elsewhere may be anything.
    let (folder, name) = shell.rsplit_once('/')?;
    let known = SHELLS.contains(&folder) && matches!(name, "bash" | "zsh" | "sh");
    (known && matches!(option.as_str(), "-lc" | "-c") && !segment.writes).then(|| line.clone())
}

fn change(params: &Json, changes: &[String]) -> Deed {
    match changes {
        [path] if params.get("grantRoot").is_none_or(Value::is_null) && path.len() <= LONGEST => {
            Deed::Edit { path: path.clone() }
        }
        _ => {
            let files = if changes.is_empty() { json!("not told") } else { json!(changes.join(", ")) };
            let beside =
                params.iter().filter(|(key, value)| !WITHIN.contains(&key.as_str()) && !value.is_null());
            let mut all: Json = beside.map(|(key, value)| (key.clone(), value.clone())).collect();
            all.insert("files".to_owned(), files);
            Deed::Use { about: whole(&Value::Object(all)) }
        }
    }
}

/// A tool of the person's own, or its question.
fn use_of(params: &Json) -> (String, Deed) {
    let (server, meta) = (text(params, "serverName"), child(params, "_meta"));
    let called = meta.filter(|meta| text(meta, "codex_approval_kind") == "mcp_tool_call");
    match called {
        Some(meta) => {
            let given = meta.get("tool_params").unwrap_or(&Value::Null);
            (format!("mcp__{server}__{}", text(meta, "tool_name")), Deed::Use { about: whole(given) })
        }
        None => (format!("mcp__{server}"), unanswerable("A form", params)),
    }
}

/// What has no yes or no: it is shown, and the answer is that nobody can give one.
fn unanswerable(what: &str, params: &Json) -> Deed {
    let told = match whole_of(params) {
        Deed::Use { about } => about,
        _ => String::new(),
    };
    Deed::Use {
        about: format!("{what}. It cannot be answered here; either answer tells its agent so.\n{told}"),
    }
}

fn whole_of(params: &Json) -> Deed {
    let told = params.iter().filter(|(key, value)| !WITHIN.contains(&key.as_str()) && !value.is_null());
    let told: Json = told.map(|(key, value)| (key.clone(), value.clone())).collect();
    Deed::Use { about: whole(&Value::Object(told)) }
}

/// The lines that answer it. Codex tells its agent only that it may not; `word` goes before that, so that it reads why.
pub(in crate::harness) fn answer(ask: &Ask, turn: Ongoing<'_>, permit: Permit, word: &str) -> Option<String> {
    let id: Value = serde_json::from_str(&ask.request).ok()?;
    let why = if permit == Permit::Deny { steer(turn, WORD, None, word) } else { None };
    let tool = ask.tool.strip_prefix("mcp__");
    let result = match permit {
        Permit::Allow if ask.tool == SHELL || ask.tool == EDIT => json!({"decision": "accept"}),
        Permit::Deny if ask.tool == SHELL || ask.tool == EDIT => json!({"decision": "decline"}),
        Permit::Allow if tool.is_some_and(|tool| tool.contains("__")) => {
            json!({"action": "accept", "content": {}})
        }
        _ if tool.is_some() => json!({"action": "decline"}),
        _ => {
            // JSON-RPC 2.0: the method is not there.
            let error = json!({"code": -32601, "message": "this client cannot answer that"});
            return Some(format!("{}{}\n", why.unwrap_or_default(), json!({"id": id, "error": error})));
        }
    };
    Some(format!("{}{}\n", why.unwrap_or_default(), json!({"id": id, "result": result})))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SessionId;

    fn deed(method: &str, params: Value, changes: &[&str]) -> Option<Deed> {
        let Value::Object(params) = params else { return None };
        let changes: Vec<String> = changes.iter().map(|path| (*path).to_owned()).collect();
        let about = About { folder: "/p", changes: &changes, calling: "c1" };
        asked(&json!(0), method, &params, about).map(|ask| ask.deed)
    }

    fn runs(params: Value) -> Option<Deed> {
        deed("item/commandExecution/requestApproval", params, &[])
    }

    #[test]
    fn a_command_is_one_for_rules_only_where_nothing_else_is_said_of_it() {
        let line = |line: &str| Some(Deed::Command { line: line.to_owned() });
        let plain = |command: &str| runs(json!({"command": command, "cwd": "/p", "reason": "why"}));
        assert_eq!(plain("/bin/bash -lc 'cargo test'"), line("cargo test"));
        assert_eq!(plain("/bin/bash -lc ls"), line("ls"));
        assert_eq!(plain("/bin/bash -lc \"echo it's\""), line("echo it's"));
        assert_eq!(plain("/usr/bin/zsh -c 'a; b && c'"), line("a; b && c"));
        let strange = [
            // Another program than a shell, further words, what a shell would read otherwise, or nothing.
            "touch x",
            "bash -lc ls",
            "./bash -lc ls",
            "/p/bash -lc ls",
            "/bin/bash -lc 'a' b",
            "/bin/bash --rcfile x -lc a",
            "/bin/bash -lc \"$(x)\"",
            "/bin/bash -lc 'a' > f",
            "A=1 /bin/bash -lc a",
            "/bin/bash -lc 'a",
            "",
        ];
        for command in strange {
            let known = plain(command);
            assert!(matches!(known, Some(Deed::Use { .. })), "{command}: {known:?}");
        }
        for beside in [
            json!({"cwd": "/p/sub"}),
            json!({"cwd": null}),
            json!({"kind": "network"}),
            json!({"environmentId": "elsewhere"}),
            json!({"additionalPermissions": {"network": true}}),
            json!({"networkApprovalContext": {"host": "example.org"}}),
            json!({"whatever": 1}),
        ] {
            let mut params = json!({"command": "/bin/bash -lc ls", "cwd": "/p"});
            for (key, value) in beside.as_object().into_iter().flatten() {
                params[key] = value.clone();
            }
            let known = runs(params);
            let Some(Deed::Use { about }) = &known else { panic!("{beside}: {known:?}") };
            assert!(about.contains("/bin/bash -lc ls"), "the person sees what it is about: {about}");
        }
    }

    #[test]
    fn a_change_is_one_for_rules_only_where_it_is_of_one_file() {
        let changes = |files: &[&str], params| deed("item/fileChange/requestApproval", params, files);
        let path = "/p/a".to_owned();
        assert_eq!(changes(&["/p/a"], json!({"grantRoot": null})), Some(Deed::Edit { path }));
        for (files, params) in
            [(&["/p/a", "/p/b"][..], json!({})), (&[], json!({})), (&["/p/a"], json!({"grantRoot": "/"}))]
        {
            assert!(matches!(changes(files, params), Some(Deed::Use { .. })), "{files:?}");
        }
    }

    #[test]
    fn each_question_has_its_own_kind_of_answer_and_a_no_comes_with_its_reason() {
        let session = SessionId::new("s1").ok();
        let turn = Ongoing { session: session.as_ref(), turn: Some("t1") };
        let ask = |tool: &str, request: &str| Ask {
            request: request.to_owned(),
            call: String::new(),
            tool: tool.to_owned(),
            deed: Deed::Use { about: String::new() },
        };
        let said = |tool, request, permit| answer(&ask(tool, request), turn, permit, "Use make.");
        assert_eq!(
            said(SHELL, "7", Permit::Allow).as_deref(),
            Some("{\"id\":7,\"result\":{\"decision\":\"accept\"}}\n")
        );
        assert_eq!(
            said("mcp__a__b", "\"7\"", Permit::Allow).as_deref(),
            Some("{\"id\":\"7\",\"result\":{\"action\":\"accept\",\"content\":{}}}\n")
        );
        for permit in [Permit::Allow, Permit::Deny] {
            let form = said("mcp__a", "7", permit).unwrap_or_default();
            assert!(form.ends_with("{\"id\":7,\"result\":{\"action\":\"decline\"}}\n"), "{form}");
            let unknown = said("item/tool/requestUserInput", "7", permit).unwrap_or_default();
            assert!(unknown.contains("{\"error\":{\"code\":-32601"), "{unknown}");
        }
        let no = said(EDIT, "7", Permit::Deny).unwrap_or_default();
        let lines: Vec<Value> =
            no.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
        let [why, no] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(why.pointer("/params/input/0/text"), Some(&json!("Use make.")));
        assert_eq!(no, &json!({"id": 7, "result": {"decision": "decline"}}));
    }
}
