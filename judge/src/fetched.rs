//! That a file is done by a fetch: R15 over a whole run.
//!
//! Only some subjects record fetches. In their runs the last report of a file comes while a fetch of it is under way; a file that is
//! done by none was transferred behind the trace's back, and what R15 decides about fetches then decides nothing.

use std::collections::BTreeSet;

use contract::env::EnvStep;
use contract::event::EventView;
use contract::ids::{FileId, JobId};
use contract::{Rule, RuleSet};

/// The fetches that are under way; none where the run does not record them.
#[derive(Clone, Hash, Debug, Default)]
pub(crate) struct Fetched(Option<BTreeSet<(JobId, FileId)>>);

impl Fetched {
    /// Of a run that records fetches.
    pub(crate) fn recorded() -> Fetched {
        Fetched(Some(BTreeSet::new()))
    }

    /// Takes in an event: the rules it breaks, and those that had something to decide.
    pub(crate) fn event(&mut self, event: &EventView<'_>) -> (RuleSet, RuleSet) {
        const NOTHING: (RuleSet, RuleSet) = (RuleSet::EMPTY, RuleSet::EMPTY);
        let (Some(under_way), EventView::Env { step, job: Some(job), file: Some(file) }) =
            (&mut self.0, event)
        else {
            return NOTHING;
        };
        match step {
            EnvStep::FetchBegins { .. } => _ = under_way.insert((*job, *file)),
            EnvStep::FetchEnds { .. } => _ = under_way.remove(&(*job, *file)),
            EnvStep::FileDone => {
                let r15 = RuleSet::of(&[Rule::R15]);
                let good = under_way.contains(&(*job, *file));
                return (if good { RuleSet::EMPTY } else { r15 }, r15);
            }
            _ => {}
        }
        NOTHING
    }

    /// The service died, and its fetches with it.
    pub(crate) fn restart(&mut self) {
        self.0.iter_mut().for_each(BTreeSet::clear);
    }
}
