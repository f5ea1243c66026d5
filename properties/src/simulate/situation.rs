//! Where everything stands: the jobs, what is due for whom and what holds it back, what is open, and what may happen next.

use contract::core::Timer;
use contract::event::Target;
use contract::{Core, Event, FileId, JobId, JobState, Millis, NotifyFlags, Rule, Time, UserId};
use model::drive::{Input, Phase};
use model::spec::Due;
use serde::Serialize;

use super::call::print_flags;
use super::side::{Side, are, delivery, on, speaker};
use super::why::{self, Reason};

/// Where everything stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Situation {
    /// The jobs.
    pub jobs: Vec<JobStands>,
    /// Callbacks and programs that have not left, and calls that have not returned.
    pub open: Vec<String>,
    /// What may be typed next, beside calls.
    pub next: Vec<String>,
    /// What is wrong.
    pub broken: Option<String>,
}

/// Where a job stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct JobStands {
    /// Which job.
    pub job: String,
    /// Its state.
    pub state: JobState,
    /// The rest, in words.
    pub has: String,
    /// What is due.
    pub due: Vec<DueNow>,
}

/// An event that is due.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DueNow {
    /// Which event, with its file.
    pub event: String,
    /// Whom it is for.
    pub to: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
    /// What holds it back, in words.
    pub held: Option<String>,
    /// Why.
    pub why: Option<Reason>,
}

/// What becomes of an event that is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The flags hold it back.
    Masked,
    /// It has no receiver.
    Unreceived,
    /// Another guard holds it back.
    Held,
    /// It waits for another delivery, for a slot or for its retry time.
    Waits,
    /// It may begin.
    MayBegin,
    /// It is under way.
    UnderWay,
}

impl JobStands {
    /// Why nothing is called, in words; empty when nothing is due.
    pub(super) fn silence(&self) -> String {
        let lines: Vec<String> = self.due.iter().map(DueNow::line).collect();
        lines.join("; ")
    }
}

impl DueNow {
    /// The event and its fate, in one sentence without its full stop.
    #[must_use]
    pub fn line(&self) -> String {
        let to = self.to.as_ref().map_or_else(String::new, |to| format!(" for {to}"));
        let reason = self.why.as_ref().map_or_else(String::new, |why| {
            let cited: Vec<String> =
                why.sentences.iter().map(|one| format!("; {}, {}", one.id, one.source)).collect();
            format!(" ({}{})", why.by, cited.concat())
        });
        let held = self.held.as_deref().unwrap_or_default();
        let event = &self.event;
        match self.fate {
            Fate::Masked => format!("{event} is due{to}, and masked: {held}{reason}"),
            Fate::Unreceived => format!("{event} is due, and has no receiver: {held}{reason}"),
            Fate::Held => format!("{event} is due{to}, and held back: {held}{reason}"),
            Fate::Waits => format!("{event} is due{to}, and waits: {held}"),
            Fate::MayBegin => format!("{event} is due{to}, and may begin"),
            Fate::UnderWay => format!("{event} is due{to}, and under way: {held}"),
        }
    }
}

impl Situation {
    pub(super) fn of<C: Core>(side: &Side<C>) -> Situation {
        Situation {
            jobs: jobs(side).map(|job| stands(side, job)).collect(),
            open: open(side),
            next: next(side),
            broken: side.circle().or_else(|| side.broken().map(|broken| broken.to_string())),
        }
    }

    pub(super) fn of_job(&self, job: JobId) -> Option<&JobStands> {
        self.jobs.get(job.index())
    }
}

fn jobs<C: Core>(side: &Side<C>) -> impl Iterator<Item = JobId> {
    (0..side.lockstep.spec().jobs().len() as u32).map(JobId)
}

fn stands<C: Core>(side: &Side<C>, job: JobId) -> JobStands {
    let spec = side.lockstep.spec();
    if side.lockstep.disagreement().is_some() {
        return stands_alone(side, job);
    }
    let state = spec.state(job).unwrap_or(JobState::Suspended);
    let due = spec.due(&side.profile, job);
    let due = due.iter().map(|one| due_now(side, job, one, &due)).collect();
    JobStands { job: job.to_string(), state, has: has(side, job), due }
}

/// A job of a core that goes on without the specification.
fn stands_alone<C: Core>(side: &Side<C>, job: JobId) -> JobStands {
    let driver = side.lockstep.driver();
    let pending = driver.core().pending(job);
    let due = pending.iter().map(|(event, file)| DueNow {
        event: named(event, (event == Event::FileTransferred).then_some(file)),
        to: None,
        fate: if driver.may_begin(job) { Fate::MayBegin } else { Fate::Waits },
        held: Some("for the core".to_owned()),
        why: None,
    });
    JobStands {
        job: job.to_string(),
        state: driver.core().state(job).unwrap_or(JobState::Suspended),
        has: "the core goes on alone, and the specification stays where they parted".to_owned(),
        due: due.collect(),
    }
}

fn has<C: Core>(side: &Side<C>, job: JobId) -> String {
    let Some(record) = side.lockstep.spec().job(job) else { return String::new() };
    let files = match record.files() {
        0 => "no file".to_owned(),
        all => format!("{} of {all} files", record.whole_files()),
    };
    let mut parts = vec![files, format!("flags {}", print_flags(record.mask().bits()))];
    parts.push(record.registered().map_or_else(
        || "no object".to_owned(),
        |(object, interfaces)| format!("object {object}: {}", interfaces.to_string().replace(' ', "")),
    ));
    if record.has_program() {
        parts.push("a program".to_owned());
    }
    if let Some(error) = record.error() {
        parts.push(format!("error {error:?}"));
    }
    if side.frame.users.count() > 1 {
        parts.push(format!("of {}", record.owner()));
    }
    if record.is_finalising() {
        parts.push("being ended".to_owned());
    }
    parts.join(", ")
}

fn due_now<C: Core>(side: &Side<C>, job: JobId, due: &Due, all: &[Due]) -> DueNow {
    let profile = &side.profile;
    let event = named(due.event, due.file);
    let to = due.target.map(|target| match target {
        Target::Interface(object) => object.to_string(),
        Target::CommandLine => "the program".to_owned(),
    });
    let telling = side.lockstep.driver().in_flight().find(|one| {
        one.delivery.job == job && one.delivery.event == due.event && one.delivery.file == due.file
    });
    if let Some(telling) = telling {
        let held = Some(telling.id.to_string());
        return DueNow { event, to, fate: Fate::UnderWay, held, why: None };
    }
    let (fate, held, why) = match due.held.map(|guard| guard.rule) {
        Some("R2") => {
            let mask = side.lockstep.spec().job(job).map_or(NotifyFlags::empty(), |job| job.mask());
            let (held, reason) = why::of_mask(profile, mask, due.event);
            (Fate::Masked, Some(held), Some(reason))
        }
        Some("R3") => {
            let registered = side.lockstep.spec().job(job).is_some_and(|job| job.registered().is_some());
            let (held, reason) = why::of_receiver(profile, registered, due.event);
            (Fate::Unreceived, Some(held), Some(reason))
        }
        Some("R7") => {
            let first = all.iter().find(|one| one.event == Event::FileTransferred && one.held.is_none());
            let first = first.map_or_else(|| "FileTransferred".to_owned(), |one| named(one.event, one.file));
            (Fate::Held, Some(format!("{first} comes first")), Some(why::of_order(profile)))
        }
        Some(_) => {
            let says = due.held.map(|guard| format!("it needs that {}", guard.says));
            let rule = due.held.and_then(|guard| guard.rule.parse::<Rule>().ok());
            let why = rule.map(|rule| Reason { by: why::by_rule(rule), sentences: Vec::new() });
            (Fate::Held, says, why)
        }
        None => match waits(side, job, due, all) {
            Some(held) => (Fate::Waits, Some(held), None),
            None => (Fate::MayBegin, None, None),
        },
    };
    DueNow { event, to, fate, held, why }
}

/// What a pending event waits for; none when it is the one that begins next.
fn waits<C: Core>(side: &Side<C>, job: JobId, due: &Due, all: &[Due]) -> Option<String> {
    let driver = side.lockstep.driver();
    if let Some(telling) =
        driver.in_flight().find(|one| one.delivery.job == job && one.phase != Phase::ProgramRuns)
    {
        return Some(format!("{} has not left (one callback of a job at a time)", telling.id));
    }
    if !driver.core().is_ready(job) {
        return Some(match driver.core().timers(job).at(Timer::CallbackRetry) {
            Some(at) => format!("it is tried again at {}", moment(at)),
            None if due.target == Some(Target::CommandLine) => "a program of this event runs".to_owned(),
            None => "every slot of callbacks of its user is taken (R9)".to_owned(),
        });
    }
    // Of several, the core chooses: a copy of it begins the delivery.
    let mut core = driver.core().clone();
    let first = core.begin_delivery(job)?;
    let is_first = (first.event, first.file) == (due.event, due.file);
    let before = all.iter().find(|one| (one.event, one.file) == (first.event, first.file));
    (!is_first).then(|| {
        let before = before.map_or_else(|| first.event.to_string(), |one| named(one.event, one.file));
        format!("{before} comes first")
    })
}

fn named(event: Event, file: Option<FileId>) -> String {
    file.map_or_else(|| event.to_string(), |file| format!("{event}({file})"))
}

fn open<C: Core>(side: &Side<C>) -> Vec<String> {
    let driver = side.lockstep.driver();
    let callbacks = driver.in_flight().map(|one| {
        let what = delivery(one.delivery.event, one.delivery.job, one.delivery.file, one.delivery.target);
        let how = match one.phase {
            Phase::Begun => "has begun, and may start at any moment",
            Phase::Entered => "runs",
            Phase::Called => "runs, and has called: no call waits for it",
            Phase::ProgramRuns => "runs: no call waits for it",
        };
        format!("{}: {what} {how}", one.id)
    });
    let calls = driver.pending_calls().map(|open| {
        let who = speaker(driver, open.from);
        let waits = match open.delivery {
            Some(id) => format!("waits until {id} has left, or has called"),
            None => "waits for the disk: `disk`".to_owned(),
        };
        format!("{who}: {}{} {waits}", on(open.job), open.call.method())
    });
    callbacks.chain(calls).collect()
}

/// What may be typed next, beside calls: service, callbacks, network, disk, clock, users.
fn next<C: Core>(side: &Side<C>) -> Vec<String> {
    let driver = side.lockstep.driver();
    let core = driver.core();
    let rules = side.lockstep.violated();
    if !rules.is_empty() {
        return vec![format!("undo ({} broken)", are(rules))];
    }
    let one = side.lockstep.spec().jobs().len() == 1;
    let of = |job: JobId, verb: &str| if one { verb.to_owned() } else { format!("{job}.{verb}") };
    let mut next = Vec::new();
    if core.wants_transfer() {
        next.push("turn".to_owned());
    }
    for job in jobs(side) {
        if core.transfer(job).is_some() {
            next.push(of(job, "transfer ..."));
        }
        if core.is_finalising(job) {
            next.push(of(job, "disk"));
        }
        if driver.may_begin(job) {
            next.push(of(job, "begin"));
        }
        if driver.runs_program(job) {
            next.push(of(job, "exit"));
        }
    }
    for callback in driver.in_flight() {
        let job = callback.delivery.job;
        match callback.phase {
            Phase::Begun => next.push(format!("{}: enter", callback.id)),
            Phase::Entered | Phase::Called if driver.may_leave(job) => {
                next.push(format!("{}: leave", callback.id))
            }
            _ => {}
        }
    }
    let moves = |input: Input<'static>| !driver.ignores(std::iter::once(input));
    if moves(Input::NetworkLost) {
        next.push("network lost".to_owned());
    }
    if moves(Input::NetworkBack) {
        next.push("network back".to_owned());
    }
    let users = (0..side.frame.users.count()).map(UserId);
    next.extend(users.filter(|user| moves(Input::Logoff(*user))).map(|user| format!("logoff {user}")));
    next.extend(timer(side));
    next
}

/// The timer that fires next.
fn timer<C: Core>(side: &Side<C>) -> Option<String> {
    let core = side.lockstep.driver().core();
    let at = core.poll_timeout()?;
    let fires = |job: JobId| {
        let timers = core.timers(job);
        Timer::ALL
            .into_iter()
            .find(|timer| timers.at(*timer) == Some(at))
            .map(|timer| format!("{timer} of {job}"))
    };
    let which = jobs(side).find_map(fires).unwrap_or_else(|| "a timer".to_owned());
    Some(format!("time ({which} at {})", moment(at)))
}

/// A moment, in the largest unit that is exact.
fn moment(time: Time) -> String {
    let length = Millis(time.0);
    match length.as_secs() {
        secs if time.0.is_multiple_of(1000) && secs > 0 && secs.is_multiple_of(86_400) => {
            format!("{} d", secs / 86_400)
        }
        _ => length.to_string(),
    }
}
