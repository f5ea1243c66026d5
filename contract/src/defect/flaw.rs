//! The flaws of the protocol model: something owed never comes, while nothing forbidden ever happens.

use super::Reach::EveryEngine;
use super::{defects, duty};

defects! {
    /// A mistake of the protocol that breaks a duty: a witness that the duty can be broken.
    Flaw:

    DropsFailed = "drops-failed", Protocol, duty(1, None), EveryEngine,
        "The dispatcher drops a delivery that failed, and does not try again.";
    WakesNobody = "wakes-nobody", Protocol, duty(3, None), EveryEngine,
        "A call that waits for a delivery is not woken when it has left.";
    NeverTurns = "never-turns", Protocol, duty(4, None), EveryEngine,
        "The scheduler takes no job on.";
}
