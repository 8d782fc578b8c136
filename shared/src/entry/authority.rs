//! Who may say what: a person, the conductor under its baton, or the bridge.

use super::Kind;

/// Who may append a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// Any client, for its person.
    Person,
    /// The holder of the baton, with the current epoch.
    Conductor,
    /// The bridge alone.
    Bridge,
}

impl Kind {
    /// It goes to a terminal and nowhere else: whoever decides does not have to know of it first.
    pub fn is_for_a_terminal(&self) -> bool {
        matches!(self, Self::TerminalTyped { .. } | Self::TerminalResized { .. })
    }

    pub fn authority(&self) -> Authority {
        match self {
            Self::ProjectOpened { .. }
            | Self::MemorySet { .. }
            | Self::GoalStated { .. }
            | Self::MessageSent { .. }
            | Self::MessageUrged { .. }
            | Self::MessageWithdrawn { .. }
            | Self::PermissionAnswered { .. }
            | Self::RuleSaved { .. }
            | Self::RuleRemoved { .. }
            | Self::PlanEdited { .. }
            | Self::PlanGiven { .. }
            | Self::PlanWanted { .. }
            | Self::PlanApproved { .. }
            | Self::PlanRejected { .. }
            | Self::TaskStopped { .. }
            | Self::TaskRetried { .. }
            | Self::TaskRequeued { .. }
            | Self::TerminalOpened { .. }
            | Self::TerminalTyped { .. }
            | Self::TerminalResized { .. }
            | Self::TerminalClosed { .. }
            | Self::TaskResumed { .. }
            | Self::TaskAccepted { .. }
            | Self::TaskGivenUp { .. }
            | Self::GoalClosed { .. }
            | Self::GoalArchived { .. }
            | Self::GoalRestored { .. }
            | Self::LimitsSet { .. }
            | Self::ModelsSet { .. }
            | Self::TemplateSaved { .. }
            | Self::TemplateRetired { .. }
            | Self::PersonaSaved { .. }
            | Self::PersonaRetired { .. }
            | Self::ListSaved { .. }
            | Self::ListRetired { .. } => Authority::Person,
            Self::RunRequested { .. }
            | Self::RunGuided { .. }
            | Self::RunTrimmed { .. }
            | Self::RunKeyed { .. }
            | Self::RunCast { .. }
            | Self::ReviewerReplaced { .. }
            | Self::InputSent { .. }
            | Self::InputClosed { .. }
            | Self::SignalSent { .. }
            | Self::PlanProposed { .. }
            | Self::PlanAdopted { .. }
            | Self::PlanRefused { .. }
            | Self::TaskSized { .. }
            | Self::TaskSettled { .. }
            | Self::WorkClaimed { .. }
            | Self::BaseTaken { .. }
            | Self::AfterTaken { .. }
            | Self::ResultReused { .. }
            | Self::TaskChecked { .. }
            | Self::TaskReviewed { .. }
            | Self::TaskCommitted { .. }
            | Self::AgentSpoke { .. }
            | Self::TurnRead { .. } => Authority::Conductor,
            Self::BridgeStarted { .. }
            | Self::AgentsFound { .. }
            | Self::BatonGranted { .. }
            | Self::RunStarted { .. }
            | Self::RunEnded { .. }
            | Self::RunSilent { .. }
            | Self::RunHeard { .. }
            | Self::OutputRemoved { .. }
            | Self::DiskMeasured { .. }
            | Self::MemoryMeasured { .. }
            | Self::RunWeighed { .. }
            | Self::WorktreeMade { .. }
            | Self::WorktreeRemoved { .. } => Authority::Bridge,
        }
    }
}
