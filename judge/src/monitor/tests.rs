//! The kinds of events that a rule's `SEES` leaves out really make no difference to it.

use contract::call::{Call, Out, Progress};
use contract::env::{DiskAct, EnvStep, Found};
use contract::event::{By, Caller, Leave, Target};
use contract::notify::Event;
use contract::{CallId, DeliveryId, Dialect, FileId, HResult, JobId, JobState, ReceiverId, ThreadId, UserId};
use proptest::prelude::*;

use super::*;

macro_rules! blind_rules {
    ($($field:ident: $rule:ident,)*) => {
        /// The first rule that an event of a kind it does not look at has moved.
        fn moved(rules: &Rules, kind: Kind, cx: &Cx<'_, 4>, event: &EventView<'_>) -> Option<Rule> {
            $(if !sees::<$rule>(kind as u8) {
                let mut rule = rules.$field;
                if rule.step(cx, event) != Outcome::Held || rule != rules.$field {
                    return Some(Rule::$rule);
                }
            })*
            None
        }
    };
}

blind_rules! {
    r1: R1, r2: R2, r3: R3, r4: R4, r5: R5, r6: R6, r7: R7, r8: R8, r9: R9, r10: R10, r11: R11, r12: R12, r13: R13,
    r14: R14, r15: R15, r18: R18, r19: R19,
}

const CALLS: [Call; 8] = [
    Call::Cancel,
    Call::Complete,
    Call::GetJob,
    Call::GetState,
    Call::GetProgress,
    Call::SetNotifyInterface { receiver: None },
    Call::SetNotifyFlags { flags: 0x1B },
    Call::SetPriority { priority: 0 },
];

const STEPS: [EnvStep; 8] = [
    EnvStep::FileDone,
    EnvStep::Bytes { transferred: 1, total: Some(2) },
    EnvStep::SizeKnown { total: 2 },
    EnvStep::FileRestarted,
    EnvStep::Expiry,
    EnvStep::Idle,
    EnvStep::Disk { act: DiskAct::Renamed },
    EnvStep::Observed { destination: Found::Foreign, temporary: Found::Whole },
];

/// An event out of six numbers; any of them will do.
fn event([kind, a, b, c, d, e]: [usize; 6]) -> (Kind, EventView<'static>) {
    static NONE: Out = Out::None;
    static STATE: Out = Out::State(JobState::Queued);
    static PROGRESS: Out = Out::Progress(Progress {
        bytes_total: None,
        bytes_transferred: 0,
        files_total: 1,
        files_transferred: 0,
    });
    static CALL: [Call; 8] = CALLS;
    let (id, delivery, job) = (CallId(a as u32 % 4), DeliveryId(a as u32 % 4), JobId(0));
    let (call, file) = (&CALL[b % 8], Some(FileId(c as u32 % 3)).filter(|_| c % 5 > 0));
    let target = if e % 3 > 0 { Target::Interface(ReceiverId(0)) } else { Target::CommandLine };
    let (told, state) = (Event::ALL[b % 5], JobState::ALL[b % 9]);
    match kind % 7 {
        0 => {
            let caller = Caller { thread: ThreadId(0), user: UserId(0), inside: None };
            (Kind::Call, EventView::Call { id, caller, job: Some(job), call })
        }
        1 => {
            let hr = [HResult::S_OK, HResult::E_FAIL, HResult::BG_E_INVALID_STATE][d % 3];
            let out = [&NONE, &STATE, &PROGRESS][e % 3];
            (Kind::Return, EventView::Return { id, job: Some(job), call, hr, out })
        }
        6 => (Kind::Begin, EventView::Begin { delivery, job, event: told, target, file }),
        2 => (Kind::Enter, EventView::Enter { delivery, job, event: told, target, file }),
        3 => {
            let leave = [Leave::Returned(HResult::S_OK), Leave::Panicked, Leave::Exited(1)][d % 3];
            (Kind::Leave, EventView::Leave { delivery, job, event: told, target, file, leave })
        }
        4 => (Kind::Env, EventView::Env { step: STEPS[d % 8], job: Some(job), file }),
        _ => {
            let by = if e % 2 == 0 { By::Call(id) } else { By::Env(STEPS[d % 8]) };
            let from = Some(JobState::ALL[c % 9]).filter(|_| c % 4 > 0);
            (Kind::State, EventView::State { job, from, to: state, by })
        }
    }
}

proptest! {
    #[test]
    fn no_rule_is_moved_by_an_event_it_does_not_look_at(numbers in prop::collection::vec(any::<[usize; 6]>(), 1..60)) {
        for dialect in Dialect::ALL {
            let profile = dialect.profile();
            let mut monitors = Monitors::<4>::new(RuleSet::HERE);
            for (kind, event) in numbers.iter().copied().map(event) {
                let mut facts = monitors.facts;
                facts.before(monitors.carried, profile, &event);
                let cx = Cx { profile, facts: &facts };
                prop_assert_eq!(moved(&monitors.rules, kind, &cx, &event), None, "{:?}", event);
                let _ = monitors.step(profile, &event);
            }
        }
    }
}
