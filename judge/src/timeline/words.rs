//! The lines of a timeline in words.

use std::collections::BTreeMap;
use std::fmt::Write;

use contract::call::Out;
use contract::event::Given;
use contract::ids::{CallId, DeliveryId, JobId};
use contract::state::Cause;

use crate::trace::{
    BeginLine, CallLine, EnterLine, GivenLine, Kind, Left, Line, Reason, StateLine, Told, WaitLine,
};

/// What is open, so that an end can be printed with its beginning.
#[derive(Default)]
pub(super) struct Words<'a> {
    calls: BTreeMap<CallId, &'a CallLine>,
    deliveries: BTreeMap<DeliveryId, &'a EnterLine>,
}

impl<'a> Words<'a> {
    /// Takes in what the line begins.
    pub(super) fn open(&mut self, line: &'a Line) {
        match &line.what {
            Kind::Call(call) => {
                self.calls.insert(call.id, call);
            }
            Kind::Enter(enter) => {
                self.deliveries.insert(enter.delivery, enter);
            }
            _ => {}
        }
    }

    /// Drops what the line ends.
    pub(super) fn close(&mut self, line: &Line) {
        match &line.what {
            Kind::Return(back) => {
                self.calls.remove(&back.call);
            }
            Kind::Leave(leave) => {
                self.deliveries.remove(&leave.delivery);
            }
            _ => {}
        }
    }

    /// The delivery from inside which an open call is made.
    pub(super) fn inside(&self, call: CallId) -> Option<DeliveryId> {
        self.calls.get(&call)?.inside
    }

    /// The job a line is about.
    pub(super) fn job_of(&self, line: &Line) -> Option<JobId> {
        match &line.what {
            Kind::Call(call) => call.job,
            Kind::Return(back) => back.job,
            Kind::Begin(begin) => Some(begin.job),
            Kind::Wait(wait) => Some(wait.job),
            Kind::Enter(enter) => Some(enter.job),
            Kind::Given(told) => self.deliveries.get(&told.delivery).map(|enter| enter.job),
            Kind::Leave(leave) => self.deliveries.get(&leave.delivery).map(|enter| enter.job),
            Kind::Env(env) => env.job,
            Kind::State(state) => Some(state.job),
            Kind::Unknown(unknown) => unknown.job,
            Kind::Choose(_) | Kind::Crash {} | Kind::Restart {} => None,
        }
    }

    /// The line in words.
    pub(super) fn of(&self, line: &Line) -> String {
        match &line.what {
            Kind::Call(call) => format!("{}: {}{}", who(call), of_job(call.job), call.call),
            Kind::Return(back) => self.of_return(back.call, back.job, format!("{:?}", back.hr), &back.out),
            Kind::Begin(begin) => {
                let BeginLine { delivery, job, event, file, receiver } = *begin;
                format!("{} begins", of_callback(&EnterLine { delivery, job, event, file, receiver }))
            }
            Kind::Wait(wait) => self.of_wait(wait),
            Kind::Enter(enter) => format!("{} starts", of_callback(enter)),
            Kind::Given(told) => of_given(told),
            Kind::Leave(leave) => self.of_leave(leave.delivery, leave.outcome),
            Kind::Env(env) => {
                let mut text = env.job.map_or_else(|| "every job".to_owned(), |job| job.to_string());
                if let Some(file) = env.file {
                    let _ = write!(text, " {file}");
                }
                format!("{text}: {}", env.step)
            }
            Kind::State(state) => self.of_state(state),
            Kind::Choose(choose) => {
                match choose.options {
                    // Nothing else could have been taken: the site is all there is to print.
                    0 | 1 => choose.site.clone(),
                    options => format!("chose {} of {options} at {}", choose.taken, choose.site),
                }
            }
            Kind::Unknown(unknown) => {
                self.of_return(unknown.call, unknown.job, "not back in time".to_owned(), &Out::None)
            }
            Kind::Crash {} => "the service dies".to_owned(),
            Kind::Restart {} => "the service starts again".to_owned(),
        }
    }

    fn of_return(&self, id: CallId, job: Option<JobId>, hr: String, out: &Out) -> String {
        let Some(call) = self.calls.get(&id) else { return format!("{id} -> {hr}") };
        let mut text = format!("{}: {}{} -> {hr}", who(call), of_job(call.job), call.call.method());
        match out {
            Out::None => {}
            // "Job(j0)" would name the kind twice.
            Out::Job(made) => {
                let _ = write!(text, ", {made}");
            }
            Out::State(state) => {
                let _ = write!(text, ", {state}");
            }
            other => {
                let _ = write!(text, ", {other:?}");
            }
        }
        if let (None, Some(job), false) = (call.job, job, matches!(out, Out::Job(_))) {
            let _ = write!(text, ", {job}");
        }
        text
    }

    fn of_wait(&self, wait: &WaitLine) -> String {
        let waits = format!("waits until {} has left", wait.delivery);
        match self.calls.get(&wait.call) {
            Some(call) => format!("{}: {}{} {waits}", who(call), of_job(call.job), call.call.method()),
            None => format!("{} {waits}", wait.call),
        }
    }

    fn of_leave(&self, id: DeliveryId, outcome: Left) -> String {
        let callback = self.deliveries.get(&id).map_or_else(|| id.to_string(), |enter| of_callback(enter));
        match outcome {
            Left::Hr(hr) => format!("{callback} -> {hr:?}"),
            Left::Panicked => format!("{callback} panics"),
            Left::Exited(code) => format!("{callback} exits with {code}"),
        }
    }

    fn of_state(&self, state: &StateLine) -> String {
        let by = match state.by {
            Reason::Call(id) => match self.calls.get(&id) {
                Some(call) => Cause::Call(call.call.method()).to_string(),
                None => id.to_string(),
            },
            Reason::Env(step) => Cause::Env(step.kind()).to_string(),
        };
        match state.from {
            Some(from) => format!("{}: {from} -> {}, by {by}", state.job, state.to),
            None => format!("{}: new, {}, by {by}", state.job, state.to),
        }
    }
}

fn of_given(told: &GivenLine) -> String {
    let Given { receiver, job, file, error } = told.given;
    let parts = [
        receiver.map(|receiver| format!("called {receiver}")),
        job.map(|job| job.to_string()),
        file.map(|file| file.to_string()),
        error.map(|error| format!("the error {error:?}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{} was given: {}", told.delivery, parts.join(", "))
}

fn who(call: &CallLine) -> String {
    match call.inside {
        Some(delivery) => format!("inside {delivery}"),
        None => call.thread.to_string(),
    }
}

fn of_job(job: Option<JobId>) -> String {
    job.map_or_else(String::new, |job| format!("{job}."))
}

fn of_callback(enter: &EnterLine) -> String {
    let EnterLine { delivery, job, event, file, receiver } = enter;
    let file = file.map_or_else(String::new, |file| format!(", {file}"));
    match receiver {
        Told::Interface(object) => format!("{delivery}: {object}.{event}({job}{file})"),
        Told::CommandLine => format!("{delivery}: the program of {job} ({event})"),
    }
}
