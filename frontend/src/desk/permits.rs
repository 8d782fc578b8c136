//! What a person says to what agents ask to be allowed.

use conductor::permission::reply;
use shared::entry::Kind;
use shared::id::{RuleId, RunId, TaskId};
use shared::permission::{Permit, Rule};

use super::Desk;

impl Desk {
    /// Answers a request of the task's run, and saves a rule with that; or says why nothing waits for it any more.
    pub fn permit(
        self,
        task: &TaskId,
        (run, request): (RunId, String),
        permit: Permit,
        word: String,
        rule: Option<Option<Rule>>,
    ) {
        let rule = match rule {
            // It would be saved, and is not one yet.
            Some(None) => return,
            rule => rule.flatten(),
        };
        match self.peek(|state| reply(state, &run, &request, permit, word)) {
            Ok(answer) => {
                let project = self.peek(|state| state.task(task).map(|task| task.project.clone()));
                let saved = rule.map(|rule| Kind::RuleSaved { rule });
                self.intend(project, [answer].into_iter().chain(saved).collect());
            }
            Err(late) => self.say(format!("Not answered: {late}."), false),
        }
    }

    pub fn save_rule(self, rule: Rule) {
        self.intend(None, vec![Kind::RuleSaved { rule }]);
    }

    pub fn remove_rule(self, rule: RuleId) {
        self.intend(None, vec![Kind::RuleRemoved { rule }]);
    }
}
