//! A deliberately broken subject: the proof that the pipeline can fail.
//!
//! [`Canary`] is the engine's core without the wait of the barrier in two places: Cancel and SetNotifyFlags return although a
//! delivery that they forbid has begun. So one callback enters after Cancel has returned (R1), and one event after it
//! was masked (R2). `bgcheck nightly --canary` must report that and end with exit code 2.
//!
//! Some of the catalogue's canaries are worse: they do not come back, die, or take all memory. The watcher of an engine must notice each.

use std::sync::atomic::{AtomicU8, Ordering};

use contract::core::{
    Answer, Attempt, Change, Config, Delivery, DiskOutcome, DiskWork, Pending, Then, Timers, TransferEvent,
    TransferReply, TransferStart,
};
use contract::defect::Canary as Kind;
use contract::event::Leave;
use contract::{Call, Core, DeliveryId, FileId, JobId, JobState, Time, UserId};

/// From now on every canary of this process is like that: [`Canary::Core`](Kind::Core) answers, another one is worse.
pub fn behave_as(kind: Kind) {
    KIND.store(kind as u8, Ordering::Relaxed);
}

static KIND: AtomicU8 = AtomicU8::new(Kind::Core as u8);

fn act() {
    let now = KIND.load(Ordering::Relaxed);
    match Kind::ALL.iter().find(|kind| **kind as u8 == now) {
        Some(Kind::Spins) => loop {
            std::hint::spin_loop();
        },
        Some(Kind::Blocks) => loop {
            std::thread::park();
        },
        Some(Kind::Aborts) => std::process::abort(),
        Some(Kind::Overflows) => {
            std::hint::black_box(deeper(0));
        }
        Some(Kind::Grows) => {
            let mut taken = Vec::new();
            loop {
                taken.push(std::hint::black_box(vec![1_u8; 1 << 20]));
            }
        }
        Some(Kind::Panics) => panic!("a canary that panics"),
        _ => {}
    }
}

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
            act();
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
