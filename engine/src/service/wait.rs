//! Waiting for a state of a job, for clients without callbacks.
//!
//! **What it is.** A look at the job from time to time, which is no call and is not recorded.
//!
//! **What it is not.** A timed wait of the [`super::Runtime`], which has none: the waits of the service itself end by a notification.
//!
//! **The law it keeps.** It ends: when the state is reached, when the job cannot reach it any more, when the service is gone, or when the
//! time is over.

use std::time::{Duration, Instant};

use contract::{JobState, StateSet};

use super::calls::Seen;
use super::objects::Job;

/// Between the first two looks, and the longest time between two.
const FIRST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(20);

/// The state was not reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WaitError {
    /// The time is over.
    #[error("the job is still {0}")]
    TimedOut(JobState),
    /// The job has ended in another state.
    #[error("the job has ended as {0}")]
    Ended(JobState),
    /// The service is shut down, or has forgotten the job.
    #[error("the service is gone")]
    Gone,
}

impl Job {
    /// Waits until the job is in one of these states, but no longer than `limit`, and returns that state.
    ///
    /// # Errors
    /// The job did not get there, and why.
    pub fn wait_for(&self, wanted: StateSet, limit: Duration) -> Result<JobState, WaitError> {
        let begun = Instant::now();
        let mut pause = FIRST;
        loop {
            let Seen::State(state) = self.engine().look_at(self.number()) else {
                return Err(WaitError::Gone);
            };
            if wanted.contains(state) {
                return Ok(state);
            }
            if state.is_final() {
                return Err(WaitError::Ended(state));
            }
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(WaitError::TimedOut(state));
            }
            std::thread::sleep(pause.min(left));
            pause = (2 * pause).min(LONGEST);
        }
    }
}
