//! Where specification and core part in lockstep, as a difference.

use std::borrow::Borrow;

use contract::core::{DiskWork, Pending, Then};
use contract::{Core, DeliveryId, Event, HResult, JobId, JobState, Method, Out, Profile, Time, UserId};
use judge::Rule;
use judge::trace::{Kind, ReturnLine};
use model::drive::{Applied, Stimulus};
use model::lockstep::{Disagreement, Lockstep, Readiness};
use model::spec::{Expected, Refused, Reply};

use super::step::{self, Since, outcome, whereabouts};
use super::{Account, Concern, Difference};
use crate::run::Lines;
use crate::tape;

/// Runs stimuli until specification and core part, and returns where. None when they do not.
///
/// Slower than a run: each step keeps the moment before it. So who only wants to know *whether* they part runs first.
pub(crate) fn parting<C: Core, const J: usize, S: Borrow<Stimulus>>(
    mut lockstep: Lockstep<C, J>,
    profile: &Profile,
    stimuli: impl IntoIterator<Item = S>,
) -> Option<Difference> {
    let (mut lines, mut since) = (Lines::default(), Since::default());
    for stimulus in stimuli {
        let stimulus = stimulus.borrow();
        let (before, seen) = (lockstep.clone(), lines.lines.len());
        lines.stimulus(stimulus);
        let applied = lockstep.apply(profile, stimulus, &mut |event| {
            since.note(event);
            lines.event(event);
        });
        if applied == Applied::NotEnabled {
            lines.lines.truncate(seen);
            continue;
        }
        since.begun(stimulus);
        if let Some(disagreement) = lockstep.disagreement() {
            let moment = Moment {
                profile,
                stimulus,
                before: &before,
                after: &lockstep,
                back: lines.lines[seen..].iter().rev().find_map(|line| match &line.what {
                    Kind::Return(back) => Some(back),
                    _ => None,
                }),
                user: lines.lines[seen..].iter().find_map(|line| match &line.what {
                    Kind::Call(call) => Some(call.user),
                    _ => None,
                }),
                step: step::kind(stimulus, (&before, &lockstep), &since, &lines.lines[seen..]),
            };
            let seq = lines.lines.last().map_or(0, |line| line.seq);
            return Some(moment.difference(disagreement, seq));
        }
    }
    None
}

/// The step at which they part, with specification and core before and after it.
struct Moment<'a, C, const J: usize> {
    profile: &'a Profile,
    stimulus: &'a Stimulus,
    before: &'a Lockstep<C, J>,
    after: &'a Lockstep<C, J>,
    /// The last answer of a call in the step.
    back: Option<&'a ReturnLine>,
    /// On whose behalf the call of the step is made.
    user: Option<UserId>,
    /// The kind of the step, in words.
    step: String,
}

/// The parts of a difference that depend on the kind of the disagreement.
struct Said {
    /// The words of the identity, behind the step.
    words: Vec<String>,
    subject: String,
    wanted: String,
    concern: Concern,
    job: Option<JobId>,
}

impl<C: Core, const J: usize> Moment<'_, C, J> {
    fn difference(&self, disagreement: Disagreement, seq: u64) -> Difference {
        let Said { words, subject, wanted, concern, job } = self.said(disagreement);
        // An answer is about its call, whatever it came to on either side.
        let step = match disagreement {
            Disagreement::Answer { .. }
            | Disagreement::Out(_)
            | Disagreement::Finalising(_)
            | Disagreement::WaitsFor { .. } => None,
            _ => Some(self.step.clone()),
        };
        Difference {
            skeleton: step.into_iter().chain(words).collect(),
            after: tape::describe(self.stimulus),
            subject,
            wanted,
            account: Account::Specification,
            concern,
            job: job.or_else(|| self.job()),
            seq,
        }
    }

    /// The job of the stimulus. What is late has no place in the program that a reader follows.
    fn job(&self) -> Option<JobId> {
        match self.stimulus {
            Stimulus::Late(_) => None,
            step => step.job(),
        }
    }

    fn said(&self, disagreement: Disagreement) -> Said {
        match disagreement {
            Disagreement::Answer { method, spec, core } => Said {
                words: vec![
                    method.to_string(),
                    format!("subject {}", outcome(core)),
                    format!("wanted {}", outcome(spec)),
                ],
                subject: format!("{method} -> {core}"),
                wanted: format!("{method} -> {spec}"),
                concern: Concern::Rule(Rule::R12),
                job: None,
            },
            Disagreement::Out(method) => self.out(method),
            Disagreement::Finalising(method) => self.finalising(method),
            Disagreement::Refused(job, why) => Said {
                words: vec![why.to_string()],
                subject: format!("{job}: {}", self.step),
                wanted: format!("it does not allow that: {why}"),
                concern: Concern::Rule(rule_of(why)),
                job: Some(job),
            },
            Disagreement::State { job, spec, core } => {
                let final_ = spec.or(core).is_some_and(JobState::is_final);
                Said {
                    words: vec![
                        format!("subject {}", whereabouts(core)),
                        format!("wanted {}", whereabouts(spec)),
                    ],
                    subject: format!("{job} is {}", whereabouts(core)),
                    wanted: format!("{job} is {}", whereabouts(spec)),
                    concern: Concern::Rule(if final_ { Rule::R10 } else { Rule::R13 }),
                    job: Some(job),
                }
            }
            Disagreement::Pending { job, spec, core } => self.pending(job, spec, core),
            Disagreement::Waits(job) => Said {
                words: vec!["a delivery that has entered is waited for".to_owned()],
                subject: format!("a call would wait for a delivery of {job} that has entered"),
                wanted: format!("nothing waits for the delivery of {job}, because it has entered"),
                concern: Concern::Rule(Rule::R16),
                job: Some(job),
            },
            Disagreement::Ready { job, core } => self.ready(job, core),
            Disagreement::Timer { job, timer, spec, core } => Said {
                words: vec![format!("the {timer}{}", timed(spec, core))],
                subject: format!("the {timer} of {job} {}", fires(core)),
                wanted: format!("the {timer} of {job} {}", fires(spec)),
                concern: Concern::GoesOn,
                job: Some(job),
            },
            Disagreement::Wakes { spec, core } => Said {
                words: vec![format!("the next timer{}", timed(spec, core))],
                subject: format!("the next timer {}", fires(core)),
                wanted: format!("the next timer {}", fires(spec)),
                concern: Concern::GoesOn,
                job: None,
            },
            Disagreement::NotFired(at) => Said {
                words: vec!["a timer that is due has not fired".to_owned()],
                subject: "no timer has fired".to_owned(),
                wanted: format!("a timer fires at {at}"),
                concern: Concern::GoesOn,
                job: None,
            },
            Disagreement::WaitsFor { method, spec, core } => Said {
                words: vec![method.to_string(), waits_for(spec, core).to_owned()],
                subject: format!("{method} waits for {}", delivery(core)),
                wanted: format!("{method} waits for {} (clause 3)", delivery(spec)),
                concern: Concern::Rule(if spec.is_none() { Rule::R16 } else { rule_of_setter(method) }),
                job: None,
            },
            Disagreement::Released(job) => Said {
                words: vec!["a delivery that has not left is not waited for".to_owned()],
                subject: format!("no call would wait for the delivery of {job}"),
                wanted: format!("the delivery of {job} has not left, and is waited for (clause 3)"),
                concern: Concern::Rule(Rule::R1),
                job: Some(job),
            },
            Disagreement::Report(job, kind) => Said {
                words: vec![format!("a report of {kind}")],
                subject: format!("{job} makes something else of the report: {kind}"),
                wanted: format!("{job} takes the report unchanged"),
                concern: Concern::Rule(Rule::R14),
                job: Some(job),
            },
            Disagreement::Fetch(job) => Said {
                words: vec!["the transfer fetches something else".to_owned()],
                subject: format!("the transfer of {job}: {:?}", self.after.driver().core().transfer(job)),
                wanted: format!(
                    "the transfer of {job} fetches {:?}",
                    self.after.spec().job(job).and_then(model::spec::Job::current_file)
                ),
                concern: Concern::Rule(Rule::R14),
                job: Some(job),
            },
            Disagreement::Reply(job) => Said {
                words: vec!["the transfer goes on otherwise".to_owned()],
                subject: format!("the transfer of {job} is to go on otherwise"),
                wanted: format!("the transfer of {job} goes on as its state has it"),
                concern: Concern::Rule(Rule::R14),
                job: Some(job),
            },
            Disagreement::TooLate(kind) => Said {
                words: vec![format!("too late: {kind}")],
                subject: format!("{kind} comes too late, and changes something"),
                wanted: format!("{kind} comes too late, and changes nothing"),
                concern: Concern::Rule(Rule::R13),
                job: None,
            },
            Disagreement::Disk(job) => self.disk(job),
            Disagreement::Turn => Said {
                words: vec!["the scheduler has nothing to do".to_owned()],
                subject: "the scheduler has nothing to do".to_owned(),
                wanted: "the turn of a job is due".to_owned(),
                concern: Concern::GoesOn,
                job: None,
            },
            Disagreement::Dispatch(core) => dispatch(core),
            Disagreement::NoTurn => Said {
                words: vec!["the scheduler has something to do".to_owned()],
                subject: "the scheduler has something to do".to_owned(),
                wanted: "no turn of a job is due".to_owned(),
                concern: Concern::Rule(Rule::R13),
                job: None,
            },
        }
    }

    fn ready(&self, job: JobId, core: Readiness) -> Said {
        let side = |readiness: Readiness| match readiness {
            Readiness::Ready => format!("a delivery of {job} may begin now"),
            Readiness::NotReady => format!("no delivery of {job} may begin yet"),
        };
        let begun = self.after.spec().job(job).is_some_and(model::spec::Job::is_begun);
        let (words, wanted, rule) = match core {
            Readiness::Ready if begun => {
                ("a delivery may begin beside another", Readiness::NotReady, Rule::R7)
            }
            Readiness::Ready => ("a delivery may begin too early", Readiness::NotReady, Rule::R9),
            Readiness::NotReady => ("a delivery that may begin now may not", Readiness::Ready, Rule::R19),
        };
        Said {
            words: vec![words.to_owned()],
            subject: side(core),
            wanted: side(wanted),
            concern: Concern::Rule(rule),
            job: Some(job),
        }
    }

    fn out(&self, method: Method) -> Said {
        let reply = self.reply();
        let (hr, out) = self.back.map_or((HResult::S_OK, &Out::None), |back| (back.hr, &back.out));
        let expected = reply.map_or(Expected::Unknown, |reply| reply.out);
        let fields = fields(&expected, out);
        Said {
            words: std::iter::once(method.to_string())
                .chain(fields.iter().map(|field| format!("another {field}")))
                .collect(),
            subject: format!("{method} -> {hr}, {out:?}"),
            wanted: format!("{method} -> {hr}, {expected:?}"),
            concern: Concern::getter(method),
            job: None,
        }
    }

    /// What the specification answers to the call of this step.
    fn reply(&self) -> Option<Reply> {
        let Stimulus::Call { job, call, .. } = self.stimulus else { return None };
        let mut spec = *self.before.spec();
        Some(spec.call(self.profile, self.user?, *job, call))
    }

    fn finalising(&self, method: Method) -> Said {
        let then = self.reply().map(|reply| reply.then);
        let wanted = match then {
            Some(Then::Return) | None => format!("{method} returns at once"),
            Some(Then::Busy) => format!("{method} waits until the job is ended"),
            Some(_) => format!("{method} has the disk work done first"),
        };
        let job = self.job();
        let at_disk = job.is_some_and(|job| self.after.driver().core().is_finalising(job));
        let subject = match (at_disk, self.back) {
            (true, _) => format!("{method} has the disk work done first"),
            (false, Some(back)) => format!("{method} -> {}", back.hr),
            (false, None) => format!("{method} waits"),
        };
        Said {
            words: vec![
                method.to_string(),
                format!("subject: {}", is_at_disk(at_disk)),
                format!("wanted: {then:?}"),
            ],
            subject,
            wanted,
            concern: Concern::Rule(Rule::R15),
            job,
        }
    }

    fn pending(&self, job: JobId, spec: Pending, core: Pending) -> Said {
        let (missing, extra) = (without(spec, core), without(core, spec));
        let mut words: Vec<String> = missing.iter().map(|event| format!("{event} is missing")).collect();
        words.extend(extra.iter().map(|event| format!("{event} is extra")));
        words.dedup();
        let concern = match (extra.first(), missing.first()) {
            (Some(event), _) => Concern::Rule(self.held_back_by(job, *event, spec)),
            (None, Some(Event::JobModification)) => Concern::Rule(Rule::R8),
            _ => Concern::Rule(Rule::R19),
        };
        let of = |pending: Pending| format!("pending for {job}: {}", in_words(pending));
        Said { words, subject: of(core), wanted: of(spec), concern, job: Some(job) }
    }

    /// The rule by which an event is not pending in the specification.
    fn held_back_by(&self, job: JobId, event: Event, pending: Pending) -> Rule {
        let Some(of) = self.after.spec().job(job) else { return Rule::R10 };
        let caused = match event {
            Event::JobTransferred => of.state() == JobState::Transferred,
            Event::JobError => of.state() == JobState::Error,
            _ => true,
        };
        let leaves = matches!(self.stimulus, Stimulus::Leave { .. } | Stimulus::Exit { .. });
        match of.state() {
            JobState::Cancelled => Rule::R1,
            JobState::Acknowledged => Rule::R4,
            _ if !self.profile.unmasked(of.mask(), event).is_yes() => Rule::R2,
            _ if !of.receives(event) => Rule::R3,
            _ if event == Event::JobModification => Rule::R8,
            _ if !caused => Rule::R5,
            _ if leaves => Rule::R6,
            _ if event == Event::FileTransferred => Rule::R7,
            _ if pending.iter().any(|(event, _)| event == Event::FileTransferred) => Rule::R7,
            _ => Rule::R6,
        }
    }

    fn disk(&self, job: JobId) -> Said {
        let spec: Vec<DiskWork> = self.after.spec().disk_work(job).collect();
        let core: Vec<DiskWork> = self.after.driver().core().disk_work(job).into_iter().collect();
        let kind = |work: &DiskWork| match work {
            DiskWork::Rename(_) => "rename",
            DiskWork::Remove(_) => "remove",
        };
        let less = |one: &[DiskWork], other: &[DiskWork], how: &str| {
            let gone = one.iter().filter(|work| !other.contains(work));
            gone.map(|work| format!("{} is {how}", kind(work))).collect::<Vec<_>>()
        };
        let mut words = [less(&spec, &core, "missing"), less(&core, &spec, "extra")].concat();
        words.dedup();
        let of = |works: &[DiskWork]| {
            let work = |work: &DiskWork| match work {
                DiskWork::Rename(file) => format!("rename {file}"),
                DiskWork::Remove(file) => format!("remove {file}"),
            };
            let works: Vec<String> = works.iter().map(work).collect();
            let works = if works.is_empty() { "nothing".to_owned() } else { works.join(", ") };
            format!("disk work for {job}: {works}")
        };
        Said {
            words,
            subject: of(&core),
            wanted: of(&spec),
            concern: Concern::Rule(Rule::R15),
            job: Some(job),
        }
    }
}

const fn is_at_disk(at_disk: bool) -> &'static str {
    if at_disk { "disk work" } else { "no disk work" }
}

/// What the dispatchers are given, whichever job it is of.
fn dispatch(core: Readiness) -> Said {
    let [finds, none] = ["a dispatcher finds a delivery", "a dispatcher finds no delivery"];
    let (subject, wanted, rule) = match core {
        Readiness::Ready => (finds, none, Rule::R9),
        Readiness::NotReady => (none, finds, Rule::R19),
    };
    Said {
        words: vec![subject.to_owned()],
        subject: subject.to_owned(),
        wanted: wanted.to_owned(),
        concern: Concern::Rule(rule),
        job: None,
    }
}

fn fires(time: Option<Time>) -> String {
    time.map_or_else(|| "does not run".to_owned(), |time| format!("fires at {time}"))
}

/// How a timer of the subject is another one than that of the specification.
fn timed(spec: Option<Time>, core: Option<Time>) -> &'static str {
    match (spec, core) {
        (Some(_), None) => " is missing",
        (None, Some(_)) => " is extra",
        _ => " is at another time",
    }
}

fn delivery(waits: Option<DeliveryId>) -> String {
    waits.map_or_else(|| "nothing".to_owned(), |delivery| delivery.to_string())
}

fn waits_for(spec: Option<DeliveryId>, core: Option<DeliveryId>) -> &'static str {
    match (spec, core) {
        (Some(_), None) => "does not wait",
        (None, Some(_)) => "waits for what it need not wait for",
        _ => "waits for another delivery",
    }
}

/// The rule that a call keeps by waiting.
fn rule_of_setter(method: Method) -> Rule {
    match method {
        Method::Complete => Rule::R4,
        Method::SetNotifyFlags => Rule::R2,
        Method::SetNotifyInterface | Method::SetNotifyCmdLine => Rule::R3,
        Method::Resume => Rule::R5,
        _ => Rule::R1,
    }
}

/// The events of one set that are not in the other, each kind once.
fn without(one: Pending, other: Pending) -> Vec<Event> {
    let mut events: Vec<Event> =
        one.iter().filter(|(event, file)| !other.contains(*event, *file)).map(|(event, _)| event).collect();
    events.dedup();
    events
}

fn in_words(pending: Pending) -> String {
    if pending.is_empty() { "nothing".to_owned() } else { format!("{pending:?}") }
}

/// The rule that a refusal of the specification serves.
fn rule_of(why: Refused) -> Rule {
    match why {
        Refused::NoCallbackSlot => Rule::R9,
        Refused::WrongBytes => Rule::R14,
        Refused::Unfinished => Rule::R15,
        Refused::WrongTarget => Rule::R3,
        Refused::OutOfOrder | Refused::Begun => Rule::R7,
        Refused::ProgramRuns => Rule::R6,
        Refused::NotPending(rule) => rule.parse().unwrap_or(Rule::R5),
        _ => Rule::R13,
    }
}

/// The fields in which what a call gave back is not what a suite has, as far as they are not each subject's own.
#[cfg(feature = "live")]
pub(crate) fn same_answer(wanted: &Out, out: &Out) -> Vec<&'static str> {
    use std::collections::BTreeSet;

    match (wanted, out) {
        (Out::Progress(wanted), Out::Progress(out)) => named([
            ("files_total", wanted.files_total == out.files_total),
            ("files_transferred", wanted.files_transferred == out.files_transferred),
        ]),
        (Out::FileProgress(wanted), Out::FileProgress(out)) => {
            named([("completed", wanted.completed == out.completed)])
        }
        (Out::Error(wanted), Out::Error(out)) => named([
            ("code", wanted.hr == out.hr),
            ("context", wanted.context == out.context),
            ("file", wanted.file == out.file),
        ]),
        // Texts and times are each subject's own; that there is one is not.
        (Out::Text(_), Out::Text(_)) | (Out::Times(_), Out::Times(_)) => Vec::new(),
        (Out::CommandLine(wanted), Out::CommandLine(out)) => {
            named([("program", wanted.is_some() == out.is_some())])
        }
        // No document states the order of jobs.
        (Out::Jobs(wanted), Out::Jobs(out)) => {
            named([("value", BTreeSet::from_iter(wanted) == BTreeSet::from_iter(out))])
        }
        _ => named([("value", wanted == out)]),
    }
}

/// The fields in which what a core gives back is not what the specification has.
fn fields(expected: &Expected, out: &Out) -> Vec<&'static str> {
    match (expected, out) {
        (Expected::Progress(wanted), Out::Progress(out)) => named([
            ("bytes_total", wanted.bytes_total == out.bytes_total),
            ("bytes_transferred", wanted.bytes_transferred == out.bytes_transferred),
            ("files_total", wanted.files_total == out.files_total),
            ("files_transferred", wanted.files_transferred == out.files_transferred),
        ]),
        (Expected::FileProgress(wanted), Out::FileProgress(out)) => named([
            ("bytes_total", wanted.bytes_total == out.bytes_total),
            ("bytes_transferred", wanted.bytes_transferred == out.bytes_transferred),
            ("completed", wanted.completed == out.completed),
        ]),
        (Expected::Error { hr, context, file }, Out::Error(out)) => named([
            ("code", *hr == out.hr),
            ("context", context.is_none_or(|context| context == out.context)),
            ("file", *file == out.file),
        ]),
        (Expected::Files { count, .. }, Out::Files(out)) => longer(*count as usize, out.len()),
        (Expected::Jobs(jobs), Out::Jobs(out)) => longer(jobs.count_ones() as usize, out.len()),
        _ => vec!["value"],
    }
}

fn longer(wanted: usize, out: usize) -> Vec<&'static str> {
    match out.cmp(&wanted) {
        std::cmp::Ordering::Less => vec!["list: one is missing"],
        std::cmp::Ordering::Greater => vec!["list: one is extra"],
        std::cmp::Ordering::Equal => vec!["order"],
    }
}

/// The names of what differs.
fn named<const N: usize>(fields: [(&'static str, bool); N]) -> Vec<&'static str> {
    fields.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}
