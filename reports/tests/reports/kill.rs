//! The kill matrix: what it comes to, and what is expected of the next one.

use contract::defect::{Fault, Reach};
use reports::{ExitCode, Expected, Kill, KillCell, KillRow, KillVerdict, Kills};

const FAULT: Fault = Fault::CancelReturnsEarly;

fn killed(time_ms: u64) -> Kill {
    Kill::Killed { by: "R1".to_owned(), time_ms, runs: 1234, runs_are: "programs".to_owned() }
}

fn not_seen() -> Kill {
    Kill::NotSeen { time_ms: 20_000, runs: 9, runs_are: "programs".to_owned() }
}

fn kills(on_fault: Kill, control: Kill) -> Kills {
    let cell = |kill| vec![KillCell { engine: "lockstep".to_owned(), kill }];
    Kills {
        commit: "0123456789ab".to_owned(),
        command_line: "bgcheck kill".to_owned(),
        seed: 1,
        budget_ms: 20_000,
        engines: vec!["lockstep".to_owned()],
        control: cell(control),
        rows: vec![KillRow { cells: cell(on_fault), ..KillRow::of(FAULT) }],
        lost: Vec::new(),
        stopped_by: None,
    }
}

#[test]
fn a_matrix_is_no_better_than_its_worst_cell() {
    let failed = || Kill::Failed { why: "no disk".to_owned() };
    let code = |on_fault, control| kills(on_fault, control).exit_code();
    assert_eq!(code(killed(5), not_seen()), ExitCode::Held);
    assert_eq!(code(killed(5), killed(5)), ExitCode::Violated);
    assert_eq!(code(not_seen(), not_seen()), ExitCode::Vacuous);
    assert_eq!(code(Kill::OutOfReach, not_seen()), ExitCode::Vacuous);
    assert_eq!(code(failed(), not_seen()), ExitCode::Skipped);
    let unseen = KillVerdict::Unseen(vec![FAULT.name().to_owned()]);
    assert_eq!(kills(not_seen(), not_seen()).verdict(), unseen);
    assert_eq!(kills(Kill::OutOfReach, not_seen()).verdict(), KillVerdict::NothingRun);
}

#[test]
fn a_kill_is_missed_when_there_was_time_enough_for_it() {
    let mut expected = Expected::default();
    expected.take_over(&kills(killed(5_000), not_seen()));
    let lost = |expected: &Expected, kill| expected.lost(&kills(kill, not_seen()));
    let pair = (FAULT.name().to_owned(), "lockstep".to_owned());
    assert_eq!(lost(&expected, not_seen()), [pair]);
    assert_eq!(lost(&expected, killed(19_000)), []);
    assert_eq!(lost(&expected, Kill::OutOfReach), []);
    // Four times as long is not within the budget any more.
    expected.take_over(&kills(killed(5_001), not_seen()));
    assert_eq!(lost(&expected, not_seen()), []);
    let mut again = kills(not_seen(), not_seen());
    again.lost = vec![(FAULT.name().to_owned(), "lockstep".to_owned())];
    assert_eq!(again.exit_code(), ExitCode::Violated);
    // What is no longer seen by a blessed run is forgotten.
    expected.take_over(&again);
    assert_eq!(expected.kills[FAULT.name()].len(), 0);
}

#[test]
fn the_document_has_a_row_and_a_sentence_for_each_fault() {
    let text = kills(killed(1_230), not_seen()).markdown();
    assert!(
        text.contains("| `cancel-returns-early` | R1 | 3 | core | R1 in 1.23 s, 1,234 | 1 |\n"),
        "{text}"
    );
    assert!(text.contains("| (none) |  |  |  | not seen in 20 s |  |\n"), "{text}");
    assert!(text.contains("1 of 1 faults were seen"), "{text}");
    assert!(text.contains(FAULT.what()), "{text}");
}

#[test]
fn a_fault_that_one_engine_sees_and_another_could_see_is_named() {
    let both = |second| {
        let mut kills = kills(killed(5), not_seen());
        kills.rows[0].cells.push(KillCell { engine: "race".to_owned(), kill: second });
        kills
    };
    assert_eq!(both(not_seen()).seen_once(), [FAULT.name()]);
    assert!(both(not_seen()).text().contains("Seen by one engine alone"));
    for second in [killed(7), Kill::OutOfReach, Kill::NotTried] {
        assert_eq!(both(second).seen_once(), Vec::<&str>::new());
    }
    for fault in Fault::ALL.iter().filter(|fault| matches!(fault.reach(), Reach::OnlyLive(_))) {
        let mut live_alone = both(not_seen());
        live_alone.rows[0].fault = fault.name().to_owned();
        assert_eq!(live_alone.seen_once(), Vec::<&str>::new());
    }
}
