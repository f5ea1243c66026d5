//! Laws of a simulation: what was done prints as typed, what is taken back was never done, and no text is too odd.

use contract::defect::{Design, Place};
use contract::{Core as _, Dialect, HResult};
use engine::core::Core;
use properties::canary::Canary;
use properties::minimize::CoreName;
use properties::program::Program;
use properties::simulate::{Act, Reply, Session, Statement, Weak, json, read, standing, text};
use proptest::prelude::*;

fn session(dialects: &[Dialect]) -> Session<Core> {
    Session::new(CoreName::Core, dialects, Core::new)
}

/// Words that statements are made of, and words that they are not.
const WORDS: [&str; 64] = [
    "create",
    "add",
    "addset",
    "register",
    "p0",
    "p4294967295",
    "v1",
    "v2",
    "v3",
    "NULL",
    "flags",
    "TRANSFERRED|DISABLE",
    "MODIFICATION|FILE",
    "0x1b",
    "99999999999",
    "resume",
    "suspend",
    "cancel",
    "complete",
    "turn",
    "transfer",
    "done",
    "connected",
    "size",
    "bytes",
    "18446744073709551615",
    "fails",
    "transient",
    "404",
    "disk",
    "rename-fails",
    "leaves-behind",
    "begin",
    "enter",
    "leave",
    "E_FAIL",
    "panics",
    "exit",
    "deliver",
    "time",
    "network",
    "lost",
    "back",
    "late",
    "called",
    "left",
    "started",
    "j0",
    "j1.cancel",
    "j4294967295.resume",
    "t1:",
    "d0:",
    "d9:",
    "u1:",
    "cb0:",
    "undo",
    "why",
    "?",
    "what-if",
    "job",
    "program",
    "\"a b\"",
    "EnumJobsNext",
    "logoff",
];

fn lines() -> impl Strategy<Value = String> {
    let odd = prop_oneof![Just(" ".to_owned()), Just("; ".to_owned()), Just("?".to_owned()), any::<String>()];
    let part = prop_oneof![6 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned), 1 => odd];
    prop::collection::vec(part, 1..12).prop_map(|parts| parts.join(" "))
}

fn programs() -> impl Strategy<Value = Program> {
    prop::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| Program::from_bytes(&bytes))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_step_is_read_back_as_it_prints(program in programs()) {
        for act in program.steps.iter().filter_map(Act::of) {
            let typed = act.to_string();
            prop_assert_eq!(read(&typed), Ok(vec![Statement::Act(act)]), "{}", typed);
        }
    }

    #[test]
    fn what_is_taken_back_was_never_done(program in programs()) {
        let mut session = session(&[program.variant.profile.dialect]);
        let start = (session.stands(), text(&session.obey(&Statement::Timeline).expect("always possible")));
        let mut done: Vec<(Statement, Reply)> = Vec::new();
        for act in program.steps.iter().filter_map(Act::of).map(Statement::Act) {
            if let Ok(reply) = session.obey(&act) {
                done.push((act, reply));
            }
        }
        prop_assert_eq!(session.len(), done.len());
        prop_assert!(!session.is_broken());
        // From the last step to the first: without it and done again it is what it was, in every word.
        for (kept, (act, reply)) in done.iter().enumerate().rev() {
            session.obey(&Statement::Back(kept)).expect("it was there");
            prop_assert_eq!(&session.obey(act).expect("it was possible"), reply);
            session.obey(&Statement::Undo(1)).expect("it was done");
        }
        let end = (session.stands(), text(&session.obey(&Statement::Timeline).expect("always possible")));
        prop_assert_eq!(end, start);
    }

    #[test]
    fn a_saved_run_is_loaded_as_it_was(program in programs()) {
        let mut session = session(&[Dialect::Bits]);
        for act in program.steps.iter().filter_map(Act::of).map(Statement::Act) {
            let _possible_or_not = session.obey(&act);
        }
        let Ok(Reply::Save(_, trace)) = session.obey(&Statement::Save("f".to_owned(), None)) else {
            panic!("a run can be saved");
        };
        let mut other = self::session(&[Dialect::Bits]);
        other.load(&trace).expect("it was saved");
        prop_assert_eq!(other.stands(), session.stands());
    }

    #[test]
    fn no_line_is_too_odd(typed in prop::collection::vec(lines(), 1..20), both in any::<bool>()) {
        let mut session = session(if both { &Dialect::ALL } else { &[Dialect::Do] });
        for line in typed {
            for statement in read(&line).unwrap_or_default() {
                if let Ok(reply) = session.obey(&statement) {
                    let _rendered = (text(&reply), json(&reply), standing(&session.stands()));
                }
            }
        }
        prop_assert!(!session.is_broken());
    }
}

fn obey<C: contract::Core>(session: &mut Session<C>, line: &str) -> String {
    let statements = read(line).unwrap_or_else(|wrong| panic!("{line}: {wrong}"));
    let obeyed = statements.iter().map(|one| session.obey(one).unwrap_or_else(|not| panic!("{line}: {not}")));
    obeyed.map(|reply| text(&reply)).collect()
}

/// The first counterexample of docs/barrier.md that has no barrier at all, typed by hand.
#[test]
fn a_callback_after_cancel_is_seen_on_the_core_without_a_barrier_and_waited_for_on_ours() {
    let (before, cancel) = ("create; add; register p0; resume; transfer done; begin", "t1: cancel; disk");
    let mut canary = Session::new(CoreName::Canary, &[Dialect::Bits], Canary::<Core>::new);
    obey(&mut canary, before);
    let said = obey(&mut canary, cancel);
    assert!(said.contains("t1: j0.Cancel -> S_OK") && said.contains("has to wait for d0"), "{said}");
    let said = obey(&mut canary, "d0: enter");
    assert!(said.contains("BROKEN: R1 cancelled"), "{said}");
    assert!(canary.is_broken());

    let mut ours = session(&[Dialect::Bits]);
    obey(&mut ours, before);
    let said = obey(&mut ours, cancel);
    assert!(said.contains("t1: j0.Cancel waits until d0 has left, or has called"), "{said}");
    let said = obey(&mut ours, "d0: enter; d0: leave");
    assert!(said.contains("t1: j0.Cancel -> S_OK"), "{said}");
    assert!(!ours.is_broken());
}

/// Two callbacks that cancel each other's job release each other by calling (docs/barrier.md, `wait-unless-own`).
#[test]
fn two_callbacks_that_cancel_each_others_job_both_come_back() {
    let mut session = session(&[Dialect::Do]);
    obey(
        &mut session,
        "create; add; register p0; resume; transfer done; create; add; register p0; resume; transfer done",
    );
    obey(&mut session, "j0.begin; j1.begin; d0: enter; d1: enter; d0: j1.cancel; j1.disk");
    let said = obey(&mut session, "show");
    assert!(said.contains("inside d0: j1.Cancel waits until d1 has left, or has called"), "{said}");
    let said = obey(&mut session, "d1: j0.cancel; j0.disk");
    assert!(
        said.contains("inside d0: j1.Cancel -> S_OK") && said.contains("inside d1: j0.Cancel -> S_OK"),
        "{said}"
    );
    assert!(!session.is_broken());
}

/// What each design of docs/barrier.md that a core can have is broken by, typed by hand; the last line breaks it.
#[test]
fn the_counterexamples_of_the_page_on_the_barrier_can_be_typed() {
    let running = "create; add; register p0; resume; transfer connected";
    let two = "create; add; register p0; resume; transfer done; begin; create; add; register p0; resume; transfer done; j1.begin";
    let cancelled = ["transfer done; begin; t0: cancel; disk", "d0: enter"];
    let rows: [(&str, [&str; 3], &str); 8] = [
        ("claim-then-call", [running, cancelled[0], cancelled[1]], "R1 cancelled"),
        ("recheck", [running, cancelled[0], cancelled[1]], "R1 cancelled"),
        ("gate-no-wait", [running, cancelled[0], cancelled[1]], "R1 cancelled"),
        (
            "gate-and-wait",
            [running, "transfer done; begin; enter; d0: cancel", "disk"],
            "R16 (no deadlock): d0 waits for d0",
        ),
        (
            "wait-unless-own",
            [two, "d0: enter; d1: enter; d0: j1.cancel; j1.disk; d1: j0.cancel", "j0.disk"],
            "R16 (no deadlock): d0 waits for d1 waits for d0",
        ),
        ("wait-unless-any", [two, "d0: enter; d0: j1.cancel; j1.disk", "d1: enter"], "R1 cancelled"),
        (
            "nothing-new",
            [running, "transfer done; begin; t0: flags 0; t1: flags 0", "d0: enter"],
            "R2 masked",
        ),
        ("resume-no-wait", [running, "transfer fails; begin; resume", "d0: enter"], "R5 caused"),
    ];
    assert_eq!(rows.len(), Design::of(Place::AroundCore).count());
    for (name, lines, broken) in rows {
        let design = Design::read(Place::AroundCore, name).expect("a design of the page");
        assert!(broken.starts_with(&design.defect().breaks.to_string()), "{name}: {broken}");
        // Two jobs transfer at once in Delivery Optimization.
        let dialect = if lines[0] == two { Dialect::Do } else { Dialect::Bits };
        let mut weak = Session::<Weak<Core>>::new(CoreName::Core, &[dialect], design.maker()).under(design);
        obey(&mut weak, lines[0]);
        obey(&mut weak, lines[1]);
        let said = obey(&mut weak, lines[2]);
        assert!(said.contains(&format!("BROKEN: {broken}")), "{name}: {said}");

        // Our own core lets the call wait, or return, as the contract wants it.
        let mut ours = session(&[dialect]);
        for line in lines {
            obey(&mut ours, line);
        }
        assert!(!ours.is_broken(), "{name}");
    }
}

#[test]
fn a_question_changes_nothing_and_is_answered_as_the_call_is() {
    let mut session = session(&[Dialect::Bits]);
    obey(&mut session, "create; add");
    let before = session.stands();
    let asked = obey(&mut session, "complete?; ?; what-if resume; transfer done; complete; disk");
    assert!(
        asked.contains(&format!("complete would answer: {:?}", HResult::BG_S_PARTIAL_COMPLETE)),
        "{asked}"
    );
    assert!(asked.contains("Complete -> S_OK"), "{asked}");
    assert_eq!((session.stands(), session.len()), (before, 2));
    let done = obey(&mut session, "complete; disk");
    assert!(done.contains("j0.Complete -> BG_S_PARTIAL_COMPLETE"), "{done}");
}
