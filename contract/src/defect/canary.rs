//! The canaries: subjects that are broken on purpose and found in seconds. An engine that does not find one is itself broken.

use super::Reach::EveryEngine;
use super::{Breaks, Defect, HARMLESS, defects, rule};
use crate::Rule::{R1, R2, R19};

/// What no rule judges: a run does not come back, or its process ends.
const PROCESS: Defect = Defect { breaks: Breaks::Process, ..HARMLESS };

defects! {
    /// A subject that is broken on purpose.
    Canary:

    Core = "canary", AroundCore, rule(R1, Some(3)), EveryEngine,
        "A core whose Cancel and SetNotifyFlags wait for no callback.";
    Spins = "spins", AroundCore, PROCESS, EveryEngine,
        "The canary's SetNotifyFlags is busy for ever.";
    Blocks = "blocks", AroundCore, PROCESS, EveryEngine,
        "The canary's SetNotifyFlags waits for ever.";
    Aborts = "aborts", AroundCore, PROCESS, EveryEngine,
        "The canary's SetNotifyFlags ends its process.";
    Overflows = "overflows", AroundCore, PROCESS, EveryEngine,
        "The canary's SetNotifyFlags calls itself without end.";
    Grows = "grows", AroundCore, PROCESS, EveryEngine,
        "The canary's SetNotifyFlags takes memory without end.";
    Panics = "panics", AroundCore, PROCESS, EveryEngine,
        "The canary's SetNotifyFlags panics.";
    Live = "live-canary", Clients, rule(R1, Some(3)), EveryEngine,
        "A service that calls two clients that it must not call.";
    NeverCallsBack = "never-calls-back", Conversation, rule(R19, None), EveryEngine,
        "A service that never calls back.";
    IgnoresTheMask = "ignores-the-mask", Conversation, rule(R2, None), EveryEngine,
        "A service that ignores the mask.";
    OneLateCallback = "one-late-callback", Conversation, rule(R1, None), EveryEngine,
        "A service with one late callback in a hundred runs.";
}

crate::named!(Canary, UnknownCanary, "a canary");
