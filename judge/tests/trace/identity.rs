//! What is printed is read back, whatever it is; and nothing that is read makes anything panic.

use std::collections::BTreeSet;

use judge::{Line, TimelineOptions, Trace, Verdicts, failure_id, timeline};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::arbitrary::{census, trace};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn parse_undoes_print(trace in trace()) {
        prop_assert_eq!(trace.check(), Ok(()));
        prop_assert_eq!(Trace::parse(&trace.print()), Ok(trace));
    }

    #[test]
    fn events_are_lines_again(trace in trace()) {
        let again: Vec<Line> = trace.events().map(|(seq, event)| Line::from_view(seq, &event)).collect();
        let events: BTreeSet<u64> = again.iter().map(|line| line.seq).collect();
        let lines: Vec<Line> = trace.lines.iter().filter(|line| events.contains(&line.seq)).cloned().collect();
        prop_assert_eq!(again, lines);
    }

    #[test]
    fn any_trace_can_be_judged_and_drawn(trace in trace(), width in prop::option::of(0_usize..60)) {
        let verdicts = Verdicts::of(&trace);
        let violation = verdicts.first();
        if let Some(violation) = &violation {
            prop_assert_eq!(failure_id(&trace, violation).rule, violation.rule);
        }
        let drawn = timeline(&trace, &TimelineOptions { violation, width, ..TimelineOptions::default() });
        prop_assert!(drawn.lines().count() >= trace.lines.len());
    }

    #[test]
    fn a_damaged_trace_is_refused_or_read_but_never_fatal(
        trace in trace(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = trace.print().into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = Trace::parse(&String::from_utf8_lossy(&bytes)) {
            prop_assert_eq!(Trace::parse(&read.print()), Ok(read));
        }
    }
}

#[test]
fn the_generator_makes_every_kind_of_line() {
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        let trace = trace().new_tree(&mut runner).expect("the strategy rejects nothing").current();
        seen.extend(census(&trace).into_keys());
    }
    assert_eq!(seen.len(), 13, "{seen:?}");
}
