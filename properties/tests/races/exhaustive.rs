//! A race so small that every schedule of it is run: a Cancel, and a callback that is about to enter.

use std::time::Duration;

use contract::defect::Design;
use judge::Rule;
use properties::race::{Exhausted, HuntOptions, Kind, Race, Races, Row, Step, Stop, hunt};

fn small() -> Race {
    Race::parse([
        "race bits",
        "dispatchers 1",
        r#"prefix job - {"method":"CreateJob","args":{"name":"job","kind":0}}"#,
        "settle",
        r#"prefix job 0 {"method":"SetNotifyFlags","args":{"flags":8}}"#,
        r#"prefix job 0 {"method":"SetNotifyInterface","args":{"receiver":{"id":0,"interfaces":"CALLBACK | CALLBACK2"}}}"#,
        r#"prefix job 0 {"method":"SetPriority","args":{"priority":0}}"#,
        "branch 1",
        r#"branch 1 job 0 {"method":"Cancel"}"#,
    ])
    .expect("these are the lines of a race")
}

fn all_schedules(race: &Race, design: Design, stop: Stop) -> properties::race::Hunted {
    let patience = HuntOptions::new(Duration::from_secs(300), &|_| ());
    hunt(&HuntOptions { kind: Kind::Exhaustive, races: Races::Given(race), design, stop, ..patience })
}

#[test]
fn every_schedule_of_a_small_race_is_run_and_the_barrier_holds_in_all() {
    let race = small();
    let hunted = all_schedules(&race, Design::Barrier, Stop::Never);
    assert_eq!((hunted.exhausted, hunted.cut, hunted.failures.len()), (Exhausted::Yes, 0, 0));
    assert!(hunted.windows.of(Row::Cancel, Step::Begun) > 0, "a Cancel came between begin and enter");
    // These schedules find the failure of the design without a wait.
    let broken = all_schedules(&race, Design::ClaimThenCall, Stop::AtFirst);
    let failure = broken.failures.first().expect("claim-then-call breaks");
    assert!(failure.violated.contains(Rule::R1), "{}", failure.violated);
}
