//! A step in words that depend on its kind alone, not on its values.

use std::collections::BTreeMap;

use contract::core::{Delivery, Failure, TransferEvent};
use contract::event::{Leave, Target};
use contract::{Core, Event, EventView, FileId, HResult, JobId, JobState, Method};
use judge::Line;
use judge::trace::{Kind, Told};
use model::drive::{DiskResult, Stimulus};
use model::lockstep::Lockstep;

/// What has happened to jobs since their last delivery began. A leave acknowledges another thing then, and a fault there is another fault.
#[derive(Clone, Default)]
pub(super) struct Since(BTreeMap<JobId, SinceBegin>);

#[derive(Clone, Copy, Default)]
struct SinceBegin {
    registered: bool,
    moved: bool,
}

impl Since {
    /// Takes note of an event.
    pub(super) fn note(&mut self, event: &EventView<'_>) {
        match event {
            EventView::State { job, .. } => self.0.entry(*job).or_default().moved = true,
            EventView::Call { job: Some(job), call, .. } if call.method() == Method::SetNotifyInterface => {
                self.0.entry(*job).or_default().registered = true;
            }
            _ => {}
        }
    }

    /// Forgets what was before the delivery that the step has begun, if it has begun one.
    pub(super) fn begun(&mut self, stimulus: &Stimulus) {
        if let Stimulus::Begin(job) = stimulus {
            self.0.remove(job);
        }
    }

    fn words(&self, job: JobId) -> String {
        let since = self.0.get(&job).copied().unwrap_or_default();
        let registered = if since.registered { ", registered anew since it began" } else { "" };
        let moved = if since.moved { ", the job has moved since it began" } else { "" };
        format!("{registered}{moved}")
    }
}

/// The kind of a step. `before` and `after` are the moments around it, `lines` what was seen of it.
pub(super) fn kind<C: Core, const J: usize>(
    stimulus: &Stimulus,
    (before, after): (&Lockstep<C, J>, &Lockstep<C, J>),
    since: &Since,
    lines: &[Line],
) -> String {
    match stimulus {
        Stimulus::Call { call, .. } => {
            let answer = lines.iter().find_map(|line| match &line.what {
                Kind::Return(back) => Some(format!("{} -> {}", call.method(), outcome(back.hr))),
                _ => None,
            });
            answer.unwrap_or_else(|| step_of(stimulus))
        }
        Stimulus::Begin(job) => format!("{} begins", delivery(after.driver().telling(*job))),
        Stimulus::Enter(job) => format!("{} enters", delivery(before.driver().telling(*job))),
        Stimulus::Leave { job, leave } => {
            let told = delivery(before.driver().telling(*job));
            format!("{told} leaves: {}{}", left(*leave), since.words(*job))
        }
        Stimulus::Exit { job, .. } => format!("{}{}", step_of(stimulus), since.words(*job)),
        Stimulus::Turn | Stimulus::Timeout => {
            let steps = lines.iter().find_map(|line| match &line.what {
                Kind::Env(env) => Some(env.step.kind().to_string()),
                _ => None,
            });
            steps.unwrap_or_else(|| step_of(stimulus))
        }
        _ => step_of(stimulus),
    }
}

/// The kind of a step by itself.
pub(crate) fn step_of(stimulus: &Stimulus) -> String {
    let words = match stimulus {
        Stimulus::Call { call, .. } => return format!("{} is called", call.method()),
        Stimulus::Leave { leave, .. } => return format!("a delivery leaves: {}", left(*leave)),
        Stimulus::Disk { result: DiskResult::Good, .. } => "the disk work is done",
        Stimulus::Disk { result: DiskResult::RenameFails(_), .. } => "a rename fails",
        Stimulus::Disk { result: DiskResult::LeavesBehind, .. } => "no file can be removed",
        Stimulus::Transfer { event, .. } => transfer(*event),
        Stimulus::Begin(_) => "a delivery begins",
        Stimulus::Enter(_) => "a delivery enters",
        Stimulus::Exit { code: 0, .. } => "a program exits",
        Stimulus::Exit { .. } => "a program fails",
        Stimulus::Turn => "turn",
        Stimulus::Timeout => "time passes",
        Stimulus::Logoff(_) => "logoff",
        Stimulus::NetworkLost => "network lost",
        Stimulus::NetworkBack => "network back",
        Stimulus::Late(_) => "what comes too late",
    };
    words.to_owned()
}

fn delivery(told: Option<Delivery>) -> String {
    match told {
        Some(Delivery { event, target: Target::CommandLine, .. }) => format!("a program for {event}"),
        Some(Delivery { event, .. }) => event.to_string(),
        None => "a delivery".to_owned(),
    }
}

const fn transfer(event: TransferEvent) -> &'static str {
    match event {
        TransferEvent::Connected => "connected",
        TransferEvent::SizeKnown(_) => "size known",
        TransferEvent::Bytes(_) => "bytes",
        TransferEvent::Restarted => "file restarted",
        TransferEvent::FileDone => "file done",
        TransferEvent::Failed { class: Failure::Fatal, .. } => "fatal error",
        TransferEvent::Failed { .. } => "transient error",
    }
}

/// How a callback left, as far as the contract distinguishes the ways.
pub(crate) fn left(leave: Leave) -> &'static str {
    match leave {
        Leave::Returned(HResult::S_OK) => "S_OK",
        Leave::Returned(hr) if hr.succeeded() => "another success",
        Leave::Returned(_) => "a failure",
        Leave::Panicked => "a panic",
        Leave::Exited(0) => "an exit",
        Leave::Exited(_) => "an exit with an error",
    }
}

/// Where a job is.
pub(crate) fn whereabouts(state: Option<JobState>) -> String {
    state.map_or_else(|| "nowhere".to_owned(), |state| state.to_string())
}

/// A callback, in a few words.
pub(crate) fn callback(event: Event, job: JobId, file: Option<FileId>) -> String {
    let of = file.map_or_else(String::new, |file| format!(", {file}"));
    format!("{event}({job}{of})")
}

/// Who receives a callback.
pub(crate) fn receiver(told: Told) -> String {
    match told {
        Told::Interface(object) => object.to_string(),
        Told::CommandLine => "the program".to_owned(),
    }
}

/// An answer by its name; a code without a name is a value, and that it failed is an outcome.
pub(crate) fn outcome(hr: HResult) -> String {
    let unnamed = if hr.succeeded() { "succeeded" } else { "failed" };
    hr.name().unwrap_or(unnamed).to_owned()
}
