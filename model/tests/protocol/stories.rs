//! A counterexample is a trace like any other: it parses, and the judge of whole runs names the rule that the monitors named.

use contract::Dialect;
use contract::defect::Design;
use judge::{Ended, Rule, RuleSet, Trace, Verdicts};
use model::protocol::{Cell, Law};

use crate::support::table;

#[test]
fn the_judge_of_traces_names_the_rule_that_the_monitors_named() {
    // Who is starved of a slot, or waits on, is seen in a state: with fewer slots than four, or before anything is wrong.
    let judged = RuleSet::OF_A_JOB.with(Rule::R16);
    let carried: RuleSet = Law::ALL
        .iter()
        .filter_map(|law| if let Law::Rule(rule) = law { Some(*rule) } else { None })
        .collect();
    let mut told = 0;
    for dialect in Dialect::ALL {
        for design in Design::ALL {
            let row = table(dialect).row(*design).expect("every design has a row");
            let broken = row.cells.iter().filter(|(_, cell)| matches!(cell, Cell::Broken(_)));
            for (law, _) in broken {
                let story = table(dialect).story(*design, *law).expect("it is broken");
                assert_eq!(Trace::parse(&story.trace.print()).as_ref(), Ok(&story.trace), "{design}, {law}");
                let violated = Verdicts::of(&story.trace).violated();
                assert_eq!(violated.intersection(carried), violated, "{design}, {law}");
                let rule = if let Law::Rule(rule) = law { Some(*rule) } else { None };
                if let Some(rule) = rule.filter(|rule| judged.contains(*rule)) {
                    assert!(violated.contains(rule), "{design}, {law}: {violated}");
                }
                let in_events = rule.is_some_and(|rule| RuleSet::OF_A_JOB.contains(rule));
                assert_eq!(story.ending.is_empty(), in_events, "{design}, {law}: {}", story.ending);
                told += 1;
            }
        }
    }
    assert!(told > 2 * 12, "{told} stories");
}

/// The judge of traces, too, excuses a call by a callback that has not called.
#[test]
fn a_client_that_locks_itself_out_is_at_rest_and_breaks_no_rule() {
    let story = table(Dialect::Bits).story_of_client(Design::Barrier).expect("it can");
    assert_eq!(story.trace.header.ended, Ended::AtRest);
    assert_eq!(Verdicts::of(&story.trace).violated(), RuleSet::EMPTY);
    assert!(story.ending.contains("a lock that client t0 holds"), "{}", story.ending);
}
