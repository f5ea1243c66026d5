//! A counterexample is a trace like any other: it parses, and the judge of whole runs names the same rule.

use contract::Dialect;
use contract::judge::{RuleSet, Trace, Verdicts};
use model::protocol::{Cell, Design, Law};

use crate::support::table;

#[test]
fn the_judge_of_traces_names_the_rule_that_the_monitors_named() {
    // Rules about waiting are not about events: the model sees them in a state, and a trace ends before anything is wrong.
    let in_events = |law: &Law| matches!(law, Law::Rule(rule) if RuleSet::HERE.contains(*rule));
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
                if let Law::Rule(rule) = law
                    && in_events(law)
                {
                    assert!(violated.contains(*rule), "{design}, {law}: {violated}");
                }
                assert_eq!(story.ending.is_empty(), in_events(law), "{design}, {law}: {}", story.ending);
                told += 1;
            }
        }
    }
    assert!(told > 2 * 11, "{told} stories");
}
