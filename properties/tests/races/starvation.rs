//! A callback that stays until another user receives an event keeps no user waiting (R9), unless no dispatcher is left.

use std::time::Duration;

use judge::{Rule, TimelineOptions, Verdicts, timeline};
use properties::race::{HuntOptions, Hunted, Race, Races, Stop, hunt};

/// Two users with a slot and a job each, and objects that stay.
fn race(dispatchers: u32) -> Race {
    let mut lines = vec![
        "race bits".to_owned(),
        "slots 1".to_owned(),
        format!("dispatchers {dispatchers}"),
        "users 2".to_owned(),
    ];
    for job in 0..2 {
        lines.push(format!("object {job} 1 times, leaves S_OK"));
        lines.push(format!("object {job} stays"));
        lines.push(r#"prefix job - {"method":"CreateJob","args":{"name":"job","kind":0}}"#.to_owned());
        for call in [
            r#"{"method":"AddFile","args":{"file":{"remote":"http://h/f","local":"/f"}}}"#.to_owned(),
            format!(
                r#"{{"method":"SetNotifyInterface","args":{{"receiver":{{"id":{job},"interfaces":"CALLBACK"}}}}}}"#
            ),
            r#"{"method":"Resume"}"#.to_owned(),
        ] {
            lines.push(format!("prefix job {job} {call}"));
        }
    }
    Race::parse(lines.iter().map(String::as_str)).expect("it is as races are printed")
}

fn hunted(dispatchers: u32) -> Hunted {
    let race = race(dispatchers);
    let patience = HuntOptions::new(Duration::from_secs(60), &|_| ());
    hunt(&HuntOptions { races: Races::Given(&race), runs: Some(2_000), stop: Stop::AtFirst, ..patience })
}

#[test]
fn a_callback_that_stays_keeps_no_other_user_waiting() {
    let sound = hunted(3);
    assert!(sound.failures.is_empty(), "{}", sound.failures[0].race);
    assert_eq!((sound.schedules, sound.cut), (2_000, 0));
}

#[test]
fn with_one_dispatcher_the_second_user_is_never_told_and_that_is_seen() {
    let starved = hunted(1);
    let failure = starved.failures.first().expect("nobody is there for the second user");
    assert!(failure.violated.contains(Rule::R9), "{}", failure.violated);
    let trace = failure.trace();
    let violation = Verdicts::of(&trace).violations().find(|violation| violation.rule == Rule::R9);
    let drawn = timeline(&trace, &TimelineOptions { violation, ..TimelineOptions::default() });
    let told = drawn.lines().nth(1).expect("there is a line below the sentence of R9");
    assert!(told.contains("each user has 1 slot,") && told.contains("never entered"), "{told}");
}
