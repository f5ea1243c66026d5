//! Notification programs as real processes (facts C3.8; contract section 4, clause 6).

use contract::event::Leave;
use contract::{Event, HResult, UserId};

use super::support::{RETRY_SECONDS, Seen, sim};

const EXITED: fn(i32) -> Seen = |code| Seen::Leave(Event::JobTransferred, Leave::Exited(code));

#[test]
fn a_program_runs_again_until_it_succeeds_and_gets_its_parameters() {
    contract::follows!["program.when", "program.exit-code"];
    let directory = tempfile::tempdir().expect("a temporary directory");
    let marker = directory.path().join("told");
    let sim = sim();
    let job = sim.service.manager(UserId(0)).create_job("test").expect("the queue is empty");
    job.add_file("http://sim/done", "/nowhere/file").expect("the names are good");
    job.set_minimum_retry_delay(RETRY_SECONDS).expect("the job is new");
    // The first run leaves a mark and fails, the second finds the mark and succeeds.
    let script = format!("sh -c \"test -e '{0}' || {{ touch '{0}'; exit 3; }}\"", marker.display());
    job.set_notify_cmd_line(Some("/bin/sh"), Some(&script)).expect("the job is new");
    job.resume().expect("the job has a file");
    sim.log.wait_for(EXITED(0), 1);
    assert!(marker.exists());
    assert_eq!(sim.log.count(EXITED(3)), 1);
    assert_eq!(sim.log.count(Seen::Enter(Event::JobTransferred)), 2);
}

#[test]
fn nobody_waits_for_a_program_that_runs_and_one_that_cannot_start_has_not_entered() {
    let sim = sim();
    let job = sim.service.manager(UserId(0)).create_job("test").expect("the queue is empty");
    job.add_file("http://sim/done", "/nowhere/file").expect("the names are good");
    job.set_minimum_retry_delay(RETRY_SECONDS).expect("the job is new");
    job.set_notify_cmd_line(Some("/nowhere/program"), Some("program")).expect("the job is new");
    job.resume().expect("the job has a file");
    std::thread::sleep(super::support::WATCH);
    assert_eq!(sim.log.count(Seen::Enter(Event::JobTransferred)), 0);
    job.set_notify_cmd_line(Some("/bin/sh"), Some("sh -c \"sleep 5\"")).expect("the job lives");
    sim.log.wait_for(Seen::Enter(Event::JobTransferred), 1);
    assert_eq!(job.cancel().map(|returned| returned.hr), Ok(HResult::S_OK));
    let left = sim.service.shutdown();
    assert_eq!((left.callbacks, left.programs), (0, 1));
}
