//! A subject of your own: a service in Rust behind the adapter protocol.
//!
//! This one does little: it downloads nothing, and forgets the mask and that a job has ended. bgcheck lists what is missing:
//!
//!     cargo build --release --example own_subject
//!     cargo run --release -- adapter run examples/own_subject.toml --budget 20s
//!
//! `docs/adapters.md` has the way from here. `bgcheck adapter init` writes the beginning of an adapter in C, C++, Python or Rust.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};

use adapter::serve::{Answer, Callbacks, Caller, Refusal, ServeError, Subject, Told, serve};
use adapter::wire::{Hello, WireOut, WireReceiver};
use contract::{Call, Event, HResult, JobState};

struct Forgetful {
    callbacks: Callbacks,
    /// By number: the state of a job, and the client's object.
    jobs: Mutex<BTreeMap<u32, (JobState, Option<u32>)>>,
}

const METHODS: [&str; 7] =
    ["CreateJob", "AddFile", "Resume", "Cancel", "GetState", "SetNotifyFlags", "SetNotifyInterface"];

impl Subject for Forgetful {
    fn call(&self, _: Caller, job: Option<u32>, call: &Call) -> Result<Answer, Refusal> {
        let Some(number) = job else { return Err(Refusal::unimplemented("every call is on a job here")) };
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, object) = jobs.entry(number).or_insert((JobState::Suspended, None));
        match call {
            Call::CreateJob { .. } | Call::AddFile { .. } => {}
            // A mistake: the mask is to be kept, and looked at before a callback.
            Call::SetNotifyFlags { .. } => {}
            Call::SetNotifyInterface { receiver } => *object = receiver.map(|receiver| receiver.id.0),
            Call::Cancel => *state = JobState::Cancelled,
            Call::GetState => return Ok(Answer::ok(WireOut::State(*state))),
            Call::Resume => {
                *state = JobState::Transferred;
                if let Some(object) = *object {
                    let event = Event::JobTransferred;
                    let receiver = WireReceiver::Object(object);
                    let told = Told { job: number, event, receiver, file: None, given: None };
                    let callbacks = self.callbacks.clone();
                    std::thread::spawn(move || callbacks.deliver(told));
                }
            }
            other => return Err(Refusal::unimplemented(format!("there is no {} here", other.method()))),
        }
        Ok(Answer::of(HResult::S_OK))
    }

    fn poll(&self, job: u32) -> Result<Option<JobState>, Refusal> {
        Ok(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(&job).map(|(state, _)| *state))
    }

    fn reset(&self) -> Result<Vec<u32>, Refusal> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clear();
        Ok(Vec::new())
    }
}

/// Answers bgcheck until it has no more commands.
pub(crate) fn talk(input: impl BufRead, output: impl Write + Send + 'static) -> Result<(), ServeError> {
    serve(input, output, |_, callbacks| {
        let subject = Forgetful { callbacks: callbacks.clone(), jobs: Mutex::default() };
        let methods = METHODS.map(str::to_owned).to_vec();
        let events = vec![Event::JobTransferred.to_string()];
        let hello = Hello { name: "forgetful".to_owned(), methods, events, ..Hello::default() };
        Ok((hello, Arc::new(subject) as Arc<dyn Subject>))
    })
}

fn main() -> Result<(), ServeError> {
    talk(std::io::stdin().lock(), std::io::stdout())
}
