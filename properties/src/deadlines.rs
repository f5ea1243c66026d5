//! Whether the engine's core keeps the deadlines of the model.
//!
//! **What it is.** Short stories of one job, each of which leads to where one deadline is the next thing to happen. The core is
//! built from the unchanged dialect. The moment is worked out from a profile that may have a mutant.

use contract::core::{Config, Failure, TransferEvent};
use contract::event::Leave;
use contract::{Call, Core as _, ErrorContext, HResult, JobId, Millis, Priority, Profile, Time};
use engine::core::Core;
use model::deadlines::Deadline;

use crate::program::{GOOD_FILE, OBJECTS, USER};

/// The first deadline of which core and model think differently, in words.
#[must_use]
pub fn missed(profile: &Profile) -> Option<String> {
    STORIES.iter().find_map(|story| {
        let core = story.tell(profile.dialect);
        let (due, next) = (story.deadline.at(profile), core.poll_timeout());
        let says = |at: Option<Time>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        (next != Some(due)).then(|| format!("{}: due at {due}, and comes at {}", story.name, says(next)))
    })
}

struct Story {
    name: &'static str,
    /// What happens, and in which hour.
    steps: &'static [(u64, Step)],
    deadline: Deadline,
}

#[derive(Clone, Copy)]
enum Step {
    /// The job is made, and has a file.
    Made,
    /// A setter; one that the dialect omits does nothing.
    Set(fn() -> Call),
    /// Resumed, and on its way.
    Starts,
    Transfer(TransferEvent),
    NetworkLost,
    /// A callback fails.
    ToldInVain,
}

const JOB: JobId = JobId(0);

const fn hour(hours: u64) -> Time {
    Time::ZERO.after(Millis::from_secs(hours * 3_600))
}

const TRANSIENT: TransferEvent = TransferEvent::Failed {
    class: Failure::Transient,
    hr: HResult::BG_E_HTTP_ERROR_503,
    context: ErrorContext::RemoteFile,
};

const STORIES: &[Story] = &[
    Story {
        name: "a job that is never resumed",
        steps: &[(1, Step::Made)],
        deadline: Deadline::Expiry { created: hour(1), active: hour(1) },
    },
    Story {
        name: "a job that made progress later",
        steps: &[(1, Step::Made), (2, Step::Starts), (3, Step::Transfer(TransferEvent::Bytes(1)))],
        deadline: Deadline::Expiry { created: hour(1), active: hour(3) },
    },
    Story {
        name: "a transfer that failed",
        steps: &[(1, Step::Made), (2, Step::Starts), (3, Step::Transfer(TRANSIENT))],
        deadline: Deadline::Again { failed: hour(3), asked: None },
    },
    Story {
        name: "a transfer that failed, and is to be tried again at once",
        steps: &[
            (1, Step::Made),
            (1, Step::Set(|| Call::SetMinimumRetryDelay { seconds: 1 })),
            (2, Step::Starts),
            (3, Step::Transfer(TRANSIENT)),
        ],
        deadline: Deadline::Again { failed: hour(3), asked: Some(Millis::from_secs(1)) },
    },
    Story {
        name: "a callback that failed",
        steps: &[
            (1, Step::Made),
            (1, Step::Set(|| Call::SetNotifyInterface { receiver: Some(OBJECTS[0]) })),
            (2, Step::Starts),
            (3, Step::Transfer(TransferEvent::FileDone)),
            (4, Step::ToldInVain),
        ],
        deadline: Deadline::Again { failed: hour(4), asked: None },
    },
    // Without a network nothing is tried again, so the timeout is the next thing.
    Story {
        name: "a job that lost the network after progress",
        steps: &[
            (1, Step::Made),
            (2, Step::Starts),
            (3, Step::Transfer(TransferEvent::Bytes(1))),
            (4, Step::NetworkLost),
        ],
        deadline: Deadline::GivesUp { progress: hour(3), failed: hour(4), priority: Priority::Normal },
    },
    Story {
        name: "a job that lost the network without progress",
        steps: &[(1, Step::Made), (2, Step::Starts), (4, Step::NetworkLost)],
        deadline: Deadline::GivesUp { progress: hour(2), failed: hour(4), priority: Priority::Normal },
    },
];

impl Story {
    fn tell(&self, dialect: contract::Dialect) -> Core {
        let mut core = Core::new(&Config::of(dialect.profile()));
        for (hours, step) in self.steps {
            core.handle_timeout(hour(*hours));
            step.happens(&mut core);
            core.take_changes(|_| ());
        }
        core
    }
}

impl Step {
    fn happens(self, core: &mut Core) {
        match self {
            Step::Made => {
                let _job = core.call(USER, None, &Call::CreateJob { name: Some("job".into()), kind: 0 });
                let _added = core.call(USER, Some(JOB), &Call::AddFile { file: GOOD_FILE });
            }
            Step::Set(call) => {
                let _set = core.call(USER, Some(JOB), &call());
            }
            Step::Starts => {
                let _resumed = core.call(USER, Some(JOB), &Call::Resume);
                let _start = core.poll_transfer();
                report(core, TransferEvent::Connected);
            }
            Step::Transfer(event) => report(core, event),
            Step::NetworkLost => core.handle_network_lost(),
            Step::ToldInVain => {
                if let Some(delivery) = core.begin_delivery(JOB) {
                    core.handle_delivery_left(delivery.id, Leave::Returned(HResult::E_FAIL));
                }
            }
        }
    }
}

fn report(core: &mut Core, event: TransferEvent) {
    if let Some((attempt, _)) = core.transfer(JOB) {
        let _reply = core.handle_transfer(JOB, attempt, event);
    }
}
