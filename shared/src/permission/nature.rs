//! What the tools of harnesses do, by their names.

/// What a tool does with what it is given, as far as rules know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    Commands,
    Edits,
    Reads,
    Other,
}

impl Nature {
    pub fn of(tool: &str) -> Self {
        match tool {
            "Bash" | "shell" => Self::Commands,
            "Edit" | "MultiEdit" | "Write" | "NotebookEdit" | "edit" => Self::Edits,
            "Read" | "Glob" | "Grep" | "LS" => Self::Reads,
            _ => Self::Other,
        }
    }
}
