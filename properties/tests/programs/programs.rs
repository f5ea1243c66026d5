//! Laws of programs: text and traces give them back, and any program keeps specification, core and rules together.

use contract::Core as _;
use engine::core::Core;
use judge::RuleSet;
use properties::minimize::{Case, CoreName, minimize};
use properties::program::Program;
use properties::{run, tape};
use proptest::prelude::*;

fn programs() -> impl Strategy<Value = Program> {
    prop::collection::vec(any::<u8>(), 0..120).prop_map(|bytes| Program::from_bytes(&bytes))
}

/// Makes it small by steps, not by bytes, saves the trace, and fails with a test that can be pasted.
fn fail(program: &Program, broken: &run::Broken) -> ! {
    let case = Case::Stepped(CoreName::Core, program.clone());
    let minimal = minimize(&case, RuleSet::ALL).expect("it has just failed");
    let path = format!("{}/regressions/found-{}.jsonl", env!("CARGO_MANIFEST_DIR"), minimal.failed.id);
    std::fs::write(&path, minimal.failed.trace.print()).expect("the folder of regressions can be written");
    panic!("{broken}\nsaved as {path}\n{minimal}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_program_keeps_specification_core_and_rules_together(program in programs()) {
        if let Some(broken) = run::run(&program, Core::new).broken {
            fail(&program, &broken);
        }
    }

    #[test]
    fn a_step_is_had_back_from_its_line(program in programs()) {
        for step in &program.steps {
            prop_assert_eq!(&tape::parse(&tape::print(step)).expect("a printed step"), step);
        }
    }

    #[test]
    fn a_program_had_back_from_its_trace_writes_the_same_trace(program in programs()) {
        let trace = run::trace(&program, Core::new, "test", None);
        let again = run::from_trace(&trace).expect("our own trace");
        prop_assert_eq!(run::trace(&again, Core::new, "test", None), trace);
    }
}
