//! Witnesses: states in which a rule bites (contract section 5).
//!
//! A rule that forbids nothing in any state of a scope is vacuous there, however often it was checked. For R1 to R8 the
//! guards themselves decide; the other rules forbid calls, steps and effects, and each has here what it forbids.

use contract::dialect::Profile;
use contract::{HResult, JobId, JobState, state};

use super::World;
use super::delivery::{GUARDS, passing, pending};
use super::events::Events;
use super::job::{Finalising, Job, MAX_FILES, Marks};

/// A rule that is not about pending deliveries, and where it bites.
struct Bite {
    rule: &'static str,
    bites: fn(&Job, &Profile) -> bool,
}

static BITES: [Bite; 8] = [
    // A final job would still take new flags, and everything else, if it were not final.
    Bite { rule: "R10", bites: |job, _| job.state.is_final() },
    Bite { rule: "R11", bites: would_fail },
    Bite { rule: "R12", bites: |job, profile| job.resume_answer(profile) != HResult::S_OK },
    Bite { rule: "R13", bites: lacks_an_edge },
    Bite { rule: "R14", bites: |job, _| job.state == JobState::Transferring && knows_size(job) },
    Bite { rule: "R15", bites: holds_files_back },
    Bite { rule: "R18", bites: owes_again },
    Bite { rule: "R19", bites: is_due },
];

impl<const J: usize> World<J> {
    /// Whether `rule` forbids something of `job` in this state that would happen without it. No for an unknown rule.
    #[must_use]
    pub fn witness(&self, profile: &Profile, job: JobId, rule: &str) -> bool {
        let Some(job) = self.job(job) else { return false };
        if GUARDS.iter().any(|guard| guard.rule == rule) {
            return passing(job, profile, Some(rule)) != pending(job, profile);
        }
        BITES.iter().any(|bite| bite.rule == rule && (bite.bites)(job, profile))
    }
}

/// The rules that [`World::witness`] can decide, in order.
pub fn witnessed_rules() -> impl Iterator<Item = &'static str> {
    GUARDS.iter().map(|guard| guard.rule).chain(BITES.iter().map(|bite| bite.rule))
}

/// A call would fail whose effect is not nothing: flags with an unknown bit, or a Complete with a file to rename.
fn would_fail(job: &Job, _: &Profile) -> bool {
    match job.finalising {
        Finalising::No => true,
        Finalising::Complete => !job.temporary_whole().is_empty(),
        Finalising::Cancel => false,
    }
}

/// Some step leads elsewhere from other states, and not from this one.
fn lacks_an_edge(job: &Job, profile: &Profile) -> bool {
    state::EDGES.iter().any(|edge| {
        edge.is_in(profile.dialect)
            && edge.to != job.state
            && !state::is_edge(profile, job.state, edge.cause, edge.to)
    })
}

/// One more byte than the total would be one too many.
fn knows_size(job: &Job) -> bool {
    job.has_work() && job.sizes[usize::from(job.whole).min(MAX_FILES - 1)].is_known()
}

/// A Complete must not show the unfinished files; a Cancel must not keep the finished ones.
fn holds_files_back(job: &Job, _: &Profile) -> bool {
    match job.finalising {
        Finalising::No => false,
        Finalising::Complete => job.has_work(),
        Finalising::Cancel => !job.temporary_whole().is_empty(),
    }
}

/// An event has to be delivered before the job is at rest.
fn is_due(job: &Job, profile: &Profile) -> bool {
    !(pending(job, profile) & !Events::MODIFICATION).is_empty()
}

/// A delivery failed, and its event is pending again.
fn owes_again(job: &Job, profile: &Profile) -> bool {
    let owed = pending(job, profile) & !Events::MODIFICATION;
    job.marks.intersects(Marks::OWED | Marks::PROGRAM_NEXT) && !owed.is_empty()
}
