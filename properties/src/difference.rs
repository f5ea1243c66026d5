//! Two accounts of one run that part, as one finding: a name, both sides, and the rule concerned.
//!
//! **What it is.** A [`Difference`] holds what the subject did and what the other account has instead. The other account is the
//! specification, which runs beside the subject, or a suite, which was written down before. Every engine that compares has its findings as
//! differences: one identity, one picture.
//!
//! **What it is not.** A verdict about who is right. The rule named beside it is the one that the two accounts part about.
//!
//! **The law it keeps.** The identity names the step, and the answer, field, state, event or piece of disk work that is missing or extra
//! after it. It has no job, thread, number or value. So one identity is one fault, whichever engine met it.

mod lockstep;
#[cfg(feature = "live")]
pub(crate) mod refused;
mod step;

use std::fmt::Write;

use contract::core::Config;
use contract::{Core, JobId, Method};
use judge::trace::Kind;
use judge::{Rule, TimelineOptions, Trace, fingerprint, timeline};

pub(crate) use lockstep::parting;
#[cfg(feature = "live")]
pub(crate) use lockstep::same_answer;
#[cfg(feature = "live")]
pub(crate) use step::{callback, left, outcome, receiver, step_of, whereabouts};

use crate::identity::Identity;
use crate::program::Program;
use crate::run;

/// Where two accounts of a run part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What the identity is made of, in words: the step, and what is missing or extra after it.
    pub skeleton: Vec<String>,
    /// The step after which they part.
    pub after: String,
    /// What the subject did.
    pub subject: String,
    /// What the other account has.
    pub wanted: String,
    /// Whose the other account is.
    pub account: Account,
    /// What they part about.
    pub concern: Concern,
    /// The job, when it is about one.
    pub job: Option<JobId>,
    /// The line of the trace at which they part.
    pub seq: u64,
}

/// Where specification and core part when the program runs, if they do.
pub fn of_program<C: Core>(program: &Program, make: fn(&Config) -> C) -> Option<Difference> {
    let config = program.config();
    parting(run::lockstep(&config, program.users, make), &config.profile, program.steps.iter())
}

/// A trace without the lines that are only there to run it again. Choices of the protocol model are steps that are not visible from
/// outside. Without them the story has holes.
#[must_use]
pub fn told(trace: &Trace) -> Trace {
    let tells = |what: &Kind| !matches!(what, Kind::Choose(_)) || trace.header.subject == "protocol";
    let lines = trace.lines.iter().filter(|line| tells(&line.what)).cloned().collect();
    Trace { header: trace.header.clone(), lines }
}

/// Whose account a subject is held against.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Account {
    /// The specification's, step by step.
    Specification,
    /// A suite's.
    Suite,
}

impl Account {
    /// Its name in a picture.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Account::Specification => "specification",
            Account::Suite => "suite",
        }
    }
}

/// The rule or law that two accounts part about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Concern {
    /// A rule.
    Rule(Rule),
    /// A job that goes on: L4.
    GoesOn,
}

impl Concern {
    /// What a getter that gives back something else is about.
    pub(crate) const fn getter(method: Method) -> Concern {
        Concern::Rule(match method {
            Method::GetState => Rule::R13,
            Method::GetProgress | Method::FileGetProgress => Rule::R14,
            Method::GetJob
            | Method::EnumJobs
            | Method::EnumJobsNext
            | Method::EnumJobsSkip
            | Method::EnumJobsGetCount
            | Method::EnumJobsClone => Rule::R10,
            // A value that no successful call has set.
            _ => Rule::R11,
        })
    }

    /// The number and the sentence.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Concern::Rule(rule) => format!("{rule} ({}): {}", rule.name(), rule.sentence()),
            Concern::GoesOn => {
                "L4 (goes on): A live job that is not suspended leaves each of its states in the end."
                    .to_owned()
            }
        }
    }
}

impl Difference {
    /// The name: one fault has one name in every engine.
    #[must_use]
    pub fn id(&self) -> Identity {
        Identity::Agreement(fingerprint(self.skeleton.iter().map(String::as_str)))
    }

    /// The step and both sides, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let Difference { after, subject, wanted, account, .. } = self;
        format!("after this, {after}: {subject}; and in the {} {wanted}", account.name())
    }

    /// The beginning of [`Difference::line`] that follows from the name. The step stands there where it is a part of the name.
    #[must_use]
    pub fn line_of_name(&self) -> String {
        match self.skeleton.first() {
            Some(first) if *first == self.after => format!("after this, {first}:"),
            _ => "after this, ".to_owned(),
        }
    }

    /// What was wanted, and what the subject did instead, a line each. `reports::words` reads both names.
    #[must_use]
    pub fn sides(&self) -> [String; 2] {
        [format!("wanted:   {}", self.wanted), format!("subject:  {}", self.subject)]
    }

    /// Both sides, the step and the rule concerned, a line each.
    #[must_use]
    pub fn heading(&self) -> String {
        let job = self.job.map_or_else(String::new, |job| format!(", job {job}"));
        let other = self.account.name();
        let width = other.len().max("subject".len());
        let mut text = format!("disagreement at seq {}{job}, after this: {}\n", self.seq, self.after);
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {:<width$}  {}", "subject", self.subject);
        let _ = writeln!(text, "  {other:<width$}  {}", self.wanted);
        let _ = writeln!(text, "  {:<width$}  {}", "concerns", self.concern.sentence());
        text
    }

    /// The run as a timeline below the heading, with the line marked at which the accounts part.
    #[must_use]
    pub fn picture(&self, trace: &Trace, options: &TimelineOptions) -> String {
        let mut shown = told(trace);
        if shown.lines.iter().all(|line| line.seq != self.seq) {
            // A step that is not visible from outside is shown, too, when it is the one that matters.
            shown.lines.extend(trace.lines.iter().find(|line| line.seq == self.seq).cloned());
            shown.lines.sort_by_key(|line| line.seq);
        }
        let mut options = options.clone();
        options.marked.insert(self.seq);
        format!("{}\n{}", self.heading(), timeline(&shown, &options))
    }
}
