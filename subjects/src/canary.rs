//! A deliberately broken subject: the proof that the pipeline can fail.
//!
//! [`Canary`] is the engine's core without the wait of the barrier in two places: Cancel and SetNotifyFlags return although a
//! delivery that they forbid has begun. So one callback enters after Cancel has returned (R1), and one event after it
//! was masked (R2). `bgcheck nightly --canary` must report that and end with exit code 2.
//!
//! A [`Manner`] makes it worse: the canary does not come back, dies, or takes all memory. The watcher of an engine must notice each.

use std::sync::atomic::{AtomicU8, Ordering};

use contract::core::{
    Answer, Attempt, Change, Config, Delivery, DiskOutcome, DiskWork, Pending, Then, Timers, TransferEvent,
    TransferReply, TransferStart,
};
use contract::event::Leave;
use contract::{Call, Core, DeliveryId, FileId, JobId, JobState, Time, UserId};

/// What a canary does when its mask is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// It answers.
    Answers,
    /// It is busy for ever.
    Spins,
    /// It waits for ever.
    Blocks,
    /// It ends its process.
    Aborts,
    /// It calls itself without end.
    Overflows,
    /// It takes memory without end.
    Grows,
    /// It panics.
    Panics,
}

impl Manner {
    /// Every one, with the name that it is typed by.
    pub const ALL: [(&'static str, Manner); 7] = [
        ("answers", Manner::Answers),
        ("spins", Manner::Spins),
        ("blocks", Manner::Blocks),
        ("aborts", Manner::Aborts),
        ("overflows", Manner::Overflows),
        ("grows", Manner::Grows),
        ("panics", Manner::Panics),
    ];

    /// From now on every canary of this process is like that.
    pub fn set(self) {
        MANNER.store(self as u8, Ordering::Relaxed);
    }

    fn now() -> Manner {
        let now = MANNER.load(Ordering::Relaxed);
        Manner::ALL
            .into_iter()
            .map(|(_, manner)| manner)
            .find(|manner| *manner as u8 == now)
            .unwrap_or(Manner::Answers)
    }

    fn act(self) {
        match self {
            Manner::Answers => {}
            Manner::Spins => loop {
                std::hint::spin_loop();
            },
            Manner::Blocks => loop {
                std::thread::park();
            },
            Manner::Aborts => std::process::abort(),
            Manner::Overflows => {
                std::hint::black_box(deeper(0));
            }
            Manner::Grows => {
                let mut taken = Vec::new();
                loop {
                    taken.push(std::hint::black_box(vec![1_u8; 1 << 20]));
                }
            }
            Manner::Panics => panic!("a canary that panics"),
        }
    }
}

static MANNER: AtomicU8 = AtomicU8::new(Manner::Answers as u8);

#[allow(unconditional_recursion, reason = "that is what it is for")]
fn deeper(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    deeper(depth + 1) + room[1]
}

/// A core that does not wait where the barrier must.
#[derive(Clone, PartialEq, Debug)]
pub struct Canary<C>(C);

#[doc(hidden)]
#[macro_export]
macro_rules! forward {
    ($($name:ident(&self $(, $arg:ident: $ty:ty)*) -> $out:ty;)*) => {
        $(fn $name(&self, $($arg: $ty),*) -> $out { self.0.$name($($arg),*) })*
    };
    (mut $($name:ident(&mut self $(, $arg:ident: $ty:ty)*) $(-> $out:ty)?;)*) => {
        $(fn $name(&mut self, $($arg: $ty),*) $(-> $out)? { self.0.$name($($arg),*) })*
    };
}

/// What no core of this kind changes: everything but calls, disk work, and calls from inside of a delivery.
#[doc(hidden)]
#[macro_export]
macro_rules! forward_the_rest {
    () => {
        fn take_changes(&mut self, sink: impl FnMut(Change)) {
            self.0.take_changes(sink);
        }

        $crate::canary::forward! {
            now(&self) -> Time;
            state(&self, job: JobId) -> Option<JobState>;
            pending(&self, job: JobId) -> Pending;
            is_ready(&self, job: JobId) -> bool;
            timers(&self, job: JobId) -> Timers;
            is_released(&self, delivery: DeliveryId) -> bool;
            is_finalising(&self, job: JobId) -> bool;
            disk_work(&self, job: JobId) -> Vec<DiskWork>;
            wants_transfer(&self) -> bool;
            wants_delivery(&self) -> bool;
            transfer(&self, job: JobId) -> Option<(Attempt, FileId)>;
            canonical(&self) -> C::View;
            poll_timeout(&self) -> Option<Time>;
        }

        $crate::canary::forward! { mut
            handle_delivery_left(&mut self, delivery: DeliveryId, leave: Leave);
            handle_program_started(&mut self, delivery: DeliveryId);
            handle_transfer(&mut self, job: JobId, attempt: Attempt, event: TransferEvent) -> TransferReply;
            handle_logoff(&mut self, user: UserId);
            handle_network_lost(&mut self);
            handle_network_back(&mut self);
            handle_timeout(&mut self, now: Time);
            poll_transfer(&mut self) -> Option<TransferStart>;
            poll_delivery(&mut self) -> Option<Delivery>;
            begin_delivery(&mut self, job: JobId) -> Option<Delivery>;
        }
    };
}

impl<C: Core> Core for Canary<C> {
    type View = C::View;

    fn new(config: &Config) -> Self {
        Canary(C::new(config))
    }

    /// The fault: SetNotifyFlags does not wait for a delivery that has begun.
    fn call(&mut self, user: UserId, job: Option<JobId>, call: &Call) -> Answer {
        if matches!(call, Call::SetNotifyFlags { .. }) {
            Manner::now().act();
        }
        let answer = self.0.call(user, job, call);
        match call {
            Call::SetNotifyFlags { .. } => without_waiting(answer),
            _ => answer,
        }
    }

    /// The fault at the end of Cancel, too; Complete shares the code, and so the fault.
    fn handle_disk(&mut self, job: JobId, outcome: &DiskOutcome) -> Answer {
        without_waiting(self.0.handle_disk(job, outcome))
    }

    forward! { mut
        handle_delivery_called(&mut self, delivery: DeliveryId);
    }

    forward_the_rest!();
}

pub use crate::{forward, forward_the_rest};

fn without_waiting(answer: Answer) -> Answer {
    match answer.then {
        Then::Wait(_) => Answer { then: Then::Return, ..answer },
        _ => answer,
    }
}
