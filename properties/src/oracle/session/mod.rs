//! The objects that clients hold: what each method has to give back in situations that are known.
//!
//! A trace has the answers of the engine; what its objects make of them, clients alone see. Files and network are simulated here.

mod callbacks;
mod ends;
mod lists;
mod programs;
mod properties;
mod users;

use super::Wrong;
use super::checks::Checks;
use super::play::{Played, Setting};

/// A part of the session, with a service of its own.
pub(super) struct Part {
    pub(super) name: &'static str,
    because: &'static str,
    run: fn(&mut Checks, &Setting),
}

/// Every part.
pub(super) static PARTS: &[Part] = &[
    Part { name: "a-new-job", because: "facts A, B2 and E: defaults", run: properties::a_new_job },
    Part { name: "what-is-set-is-got", because: "facts B2", run: properties::what_is_set_is_got },
    Part { name: "what-is-refused", because: "facts B2, E; rule R11", run: properties::what_is_refused },
    Part { name: "times", because: "facts F: BG_JOB_TIMES", run: properties::times },
    Part { name: "limits", because: "facts E", run: properties::limits },
    Part { name: "files", because: "facts B5", run: lists::files },
    Part { name: "enumerators", because: "facts B5", run: lists::enumerators },
    Part { name: "jobs-and-owners", because: "facts B3; rule R12", run: lists::jobs_and_owners },
    Part { name: "registrations", because: "facts B2, C3.1", run: lists::registrations },
    Part {
        name: "told-until-acknowledged",
        because: "facts C3.2; rule R18",
        run: callbacks::until_acknowledged,
    },
    Part { name: "panics", because: "rule R18", run: callbacks::panics },
    Part { name: "slots", because: "facts C3.3; rule R9", run: callbacks::slots },
    Part { name: "who-waits", because: "contract section 4, clauses 3 and 4", run: callbacks::who_waits },
    Part { name: "calls-inside", because: "contract section 4, clause 4", run: callbacks::calls_inside },
    Part { name: "late-registration", because: "facts C3.1", run: callbacks::late_registration },
    Part { name: "programs", because: "facts C3.8; contract section 4, clause 6", run: programs::programs },
    Part { name: "program-words", because: "facts B4", run: programs::words },
    Part { name: "endings", because: "facts B1", run: ends::endings },
    Part { name: "disk-that-fails", because: "facts B1, G28; rule R15", run: ends::disk_that_fails },
    Part {
        name: "transfers",
        because: "contract section 2; a fetch ends with its attempt",
        run: ends::transfers,
    },
    Part {
        name: "users-beside-one-another",
        because: "facts E: all FOREGROUND jobs",
        run: users::beside_one_another,
    },
    Part { name: "reasons", because: "Builder::refusals", run: users::reasons },
    Part { name: "transfers-at-once", because: "facts E", run: ends::transfers_at_once },
    Part {
        name: "an-object-that-is-gone",
        because: "facts D3: 800401FD",
        run: lists::an_object_that_is_gone,
    },
    Part { name: "a-fetch-that-fails", because: "rule R18", run: ends::fetches_that_fail },
    Part { name: "the-file-that-failed", because: "facts B5, D4", run: ends::the_file_that_failed },
    Part { name: "network-and-logoff", because: "facts A2", run: ends::network_and_logoff },
    Part { name: "shutdown", because: "facts D3: the service is not there", run: ends::shutdown },
    Part { name: "waits", because: "Service::wait_until, Job::wait_for", run: ends::waits },
    Part { name: "handles", because: "facts G31", run: ends::handles },
];

/// Runs a part.
pub(super) fn play(part: &Part, setting: &Setting) -> Played {
    let mut checks = Checks::new(part.name, part.because);
    if let Err(error) = std::fs::create_dir_all(&setting.directory) {
        checks.note("the directory", &error.to_string(), "room for files");
    } else {
        subjects::simulated::be_patient(setting.slack);
        (part.run)(&mut checks, setting);
    }
    let Checks { wrong, made, .. } = checks;
    let wrong: Vec<Wrong> = wrong;
    Played { wrong, checks: made }
}
