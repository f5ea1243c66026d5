//! Short random programs on the real service: whatever the threads make of them, the rules hold.

use contract::{Call, Dialect};
use judge::{TimelineOptions, Verdicts, timeline};
use properties::live::subject::{Act, Decision, Manner, a_file, receiver, run_program};
use proptest::prelude::*;

fn call() -> impl Strategy<Value = Call> {
    let flags = prop::sample::select(vec![0, 0x3, 0x7, 0x1b, 0x10, 0x40]);
    let object = 0..Manner::ALL.len() as u32;
    prop_oneof![
        4 => Just(Call::Resume),
        1 => Just(Call::Suspend),
        1 => Just(Call::Cancel),
        1 => Just(Call::Complete),
        3 => flags.prop_map(|flags| Call::SetNotifyFlags { flags }),
        3 => object.prop_map(|object| Call::SetNotifyInterface { receiver: Some(receiver(object)) }),
        1 => Just(Call::SetNotifyInterface { receiver: None }),
        1 => (2..4u32).prop_map(|number| Call::AddFile { file: a_file(number) }),
        1 => (0..5u32).prop_map(|priority| Call::SetPriority { priority }),
        1 => Just(Call::GetNotifyFlags),
        1 => Just(Call::GetProgress),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let decision =
        prop::sample::select(vec![Decision::Done, Decision::Done, Decision::Transient, Decision::Fatal]);
    prop_oneof![
        6 => (0..2u32, call()).prop_map(|(job, call)| Act::Call { job, call }),
        2 => decision.prop_map(Act::Transfer),
        1 => Just(Act::Pause),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_program_keeps_the_rules(
        dialect in prop::sample::select(Dialect::ALL.to_vec()),
        clients in prop::collection::vec(prop::collection::vec(act(), 1..14), 1..4),
    ) {
        let trace = run_program(dialect.profile(), &clients).expect("the machine has threads");
        prop_assert_eq!(trace.check(), Ok(()));
        if let Some(first) = Verdicts::of(&trace).first() {
            let options = TimelineOptions { violation: Some(first), job: first.job, ..TimelineOptions::default() };
            return Err(TestCaseError::fail(timeline(&trace, &options)));
        }
    }
}
