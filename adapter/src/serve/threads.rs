//! The threads of an adapter: the clients' by number, one for polls, one for what may take long.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::callbacks::Callbacks;
use super::commands::Received;
use super::race;
use super::subject::{Caller, Refusal, Subject};
use crate::wire::{Called, End, Verb};

/// Something for a thread to do. It does not panic.
pub(super) type Task = Box<dyn FnOnce() + Send>;

/// Threads, each made when it is first needed.
pub(super) struct Threads {
    callbacks: Callbacks,
    subject: Arc<dyn Subject>,
    known: BTreeMap<Name, Sender<Task>>,
    /// Every thread holds a clone of the sender, so that the receiver is disconnected when all have ended.
    alive: Sender<()>,
    ended: Receiver<()>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Name {
    Client(u32),
    Polls,
    Control,
}

impl Threads {
    pub(super) fn new(callbacks: Callbacks, subject: Arc<dyn Subject>) -> Threads {
        let (alive, ended) = channel();
        Threads { callbacks, subject, known: BTreeMap::new(), alive, ended }
    }

    /// Carries out a command, or hands it to the thread that does. What must not wait behind a call is done here.
    pub(super) fn obey(&mut self, received: Received) {
        let Received { id, verb } = received;
        let callbacks = self.callbacks.clone();
        let subject = Arc::clone(&self.subject);
        match verb {
            Err(refusal) => callbacks.carry_out(id, || Err(refusal)),
            Ok(Verb::Call { thread, user, call }) => self.give(id, Name::Client(thread), move || {
                let caller = if user == 0 { Caller::Thread(thread) } else { Caller::User { thread, user } };
                callbacks.make(id, caller, Called::default(), &call);
            }),
            Ok(Verb::Poll { poll }) => {
                self.give(id, Name::Polls, move || callbacks.poll(id, &*subject, poll))
            }
            Ok(Verb::Leaves { leaves }) => {
                callbacks.order(leaves);
                callbacks.carry_out(id, || Ok(End::default()));
            }
            Ok(Verb::Release { release }) => {
                callbacks.carry_out(id, || callbacks.release(release).map(|()| End::default()));
            }
            Ok(Verb::Race { race }) => match self.sender(Name::Client(race::RACER)) {
                Ok(racer) => self.give(id, Name::Client(race::HOST), move || {
                    race::run(&callbacks, id, &race, &racer);
                }),
                Err(refusal) => callbacks.carry_out(id, || Err(refusal)),
            },
            Ok(Verb::Disk { disk }) => {
                callbacks.carry_out(id, || subject.disk(disk).map(|()| End::default()));
            }
            Ok(verb) => {
                if matches!(verb, Verb::Reset { .. }) {
                    callbacks.forget();
                }
                self.give(id, Name::Control, move || {
                    callbacks.carry_out(id, || control(&*subject, verb));
                });
            }
        }
    }

    /// Lets every thread finish what it was given, for as long as the limit.
    pub(super) fn end(self, limit: Duration) {
        let Threads { known, alive, ended, .. } = self;
        drop((known, alive));
        // Nothing is ever sent: an error is either the end of every thread or the limit, and both are fine here.
        let _ = ended.recv_timeout(limit);
    }

    fn give(&mut self, id: i64, name: Name, task: impl FnOnce() + Send + 'static) {
        let given = self.sender(name).and_then(|sender| {
            sender
                .send(Box::new(task))
                .map_err(|_| Refusal::errored(format!("the thread of {name:?} has ended")))
        });
        if let Err(refusal) = given {
            self.callbacks.carry_out(id, || Err(refusal));
        }
    }

    fn sender(&mut self, name: Name) -> Result<Sender<Task>, Refusal> {
        if let Some(sender) = self.known.get(&name) {
            return Ok(sender.clone());
        }
        let (sender, tasks) = channel::<Task>();
        let alive = self.alive.clone();
        let body = move || {
            tasks.into_iter().for_each(|task| task());
            drop(alive);
        };
        let spawned = std::thread::Builder::new().name(format!("{name:?}")).spawn(body);
        spawned.map_err(|error| Refusal::errored(format!("no thread for {name:?}: {error}")))?;
        self.known.insert(name, sender.clone());
        Ok(sender)
    }
}

/// What may take long and belongs to no client.
fn control(subject: &dyn Subject, verb: Verb) -> Result<End, Refusal> {
    match verb {
        Verb::Reset { .. } => Ok(End { left: subject.reset()?, ..End::default() }),
        Verb::Clock { clock } => subject.clock(clock).map(|()| End::default()),
        Verb::Network { network } => subject.network(network).map(|()| End::default()),
        Verb::Logoff { logoff } => subject.logoff(logoff).map(|()| End::default()),
        Verb::Restart { restart } => Ok(End { lost: subject.restart(restart)?, ..End::default() }),
        Verb::Observe { observe } => Ok(End { observed: Some(subject.observe(&observe)?), ..End::default() }),
        other => Err(Refusal::errored(format!("{other:?} is not done by this thread"))),
    }
}
