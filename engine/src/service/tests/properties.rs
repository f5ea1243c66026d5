//! What a job is made with, when its times move, and what stays as it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use contract::core::{Config, TransferEvent, TransferReply};
use contract::event::Recorder;
use contract::{
    Completed, Dialect, EnvStep, EventView, FileProgress, HResult, JobState, Millis, NotifyFlags, Priority,
    UserId,
};

use super::support::{Seen, eventually, on, sim, sim_with};
use crate::service::{Fetch, Order};
use crate::transfer::Progress;

/// Some seconds of the service's time.
const A_MOMENT: Duration = Duration::from_millis(3);

#[test]
fn a_new_job_is_as_documented() {
    contract::follows![
        "state.initial",
        "priority.default",
        "retry-delay.default",
        "timeout.default",
        "interface.none"
    ];
    let sim = sim();
    let job = sim.service.manager(UserId(0)).create_job("test").expect("the queue is empty");
    assert_eq!(job.state(), Ok(JobState::Suspended));
    assert_eq!(job.priority(), Ok(Priority::Normal));
    assert_eq!(job.notify_flags(), Ok(NotifyFlags::JOB_TRANSFERRED | NotifyFlags::JOB_ERROR));
    assert!(job.notify_interface().is_ok_and(|registered| registered.is_none()));
    assert_eq!(job.minimum_retry_delay(), Ok(Millis::from_secs(600)));
    assert_eq!(job.no_progress_timeout(), Ok(Millis::from_days(14)));
    job.set_minimum_retry_delay(1).expect("the job is new");
    assert_eq!(job.minimum_retry_delay(), Ok(Millis::from_secs(5)));
}

#[test]
fn a_file_that_nobody_has_fetched_yet_is_of_unknown_size() {
    contract::follows!["progress.file-before", "progress.unknown-size", "file.no-ranges"];
    let sim = sim();
    let job = sim.job(0, "http://sim/done", on(|_, _| HResult::S_OK));
    let file = job.files().and_then(|mut files| files.next(1, contract::call::Fetched::Null));
    let file = file.expect("a getter").value.remove(0);
    let unknown = FileProgress { bytes_total: None, bytes_transferred: 0, completed: Completed::No };
    assert_eq!(file.progress(), Ok(unknown));
    assert_eq!(job.progress().map(|progress| progress.bytes_total), Ok(None));
    assert_eq!(file.file_ranges().map(|returned| returned.hr), Ok(HResult::S_FALSE));
}

#[test]
fn every_change_moves_the_modification_time_and_the_last_file_sets_that_of_completion() {
    contract::follows!["times.modification", "times.completion"];
    let sim = sim();
    let job = sim.job(0, "http://sim/done", on(|_, _| HResult::S_OK));
    let times = || job.times().expect("a getter");
    let moved = |what: &str, change: &dyn Fn()| {
        let before = times().modification;
        thread::sleep(A_MOMENT);
        let between = times().modification;
        change();
        assert!(before == between && times().modification > between, "{what}: {before:?}, {:?}", times());
    };
    moved("AddFile", &|| job.add_file("http://sim/more", "/nowhere/more").expect("the job is new"));
    moved("SetDisplayName", &|| job.set_display_name("other").expect("the job is new"));
    moved("SetPriority", &|| job.set_priority(Priority::Low).expect("the job is new"));
    moved("SetNotifyFlags", &|| job.set_notify_flags(NotifyFlags::DEFAULT).expect("the job is new"));
    assert_eq!(times().transfer_completion, None);
    moved("Resume", &|| {
        job.resume().expect("the job has files");
        sim.log.wait_for(Seen::Enter(contract::Event::JobTransferred), 1);
    });
    assert_eq!(times().transfer_completion, Some(times().modification));
    moved("Cancel", &|| assert!(job.cancel().is_ok()));
    assert!(times().creation < times().transfer_completion.expect("it was transferred"));
}

#[test]
fn a_finished_file_with_a_new_name_is_not_fetched_again() {
    contract::follows!["file.new-name-done", "file.new-name-final"];
    let sim = sim();
    let job = sim.job(0, "http://sim/done", on(|_, _| HResult::S_OK));
    job.resume().expect("the job has a file");
    sim.log.wait_for(Seen::Enter(contract::Event::JobTransferred), 1);
    let file = job.files().and_then(|mut files| files.next(1, contract::call::Fetched::Null));
    let file = file.expect("a getter").value.remove(0);
    file.set_remote_name("http://sim/elsewhere").expect("the job lives");
    assert_eq!(file.remote_name().as_deref(), Ok("http://sim/elsewhere"));
    assert_eq!(job.resume(), Err(HResult::BG_E_EMPTY), "there is nothing to fetch");
    assert_eq!(job.state(), Ok(JobState::Transferred));
    assert_eq!(sim.fetches.load(Ordering::SeqCst), 1);
    job.cancel().expect("the job lives");
    assert_eq!(file.set_remote_name("http://sim/late"), Err(HResult::BG_E_INVALID_STATE));
}

#[test]
fn what_an_enumerator_has_is_fixed_when_it_is_made() {
    contract::follows!["manager.snapshot", "file.listed"];
    let sim = sim();
    let manager = sim.service.manager(UserId(0));
    let job = sim.job(0, "http://sim/done", on(|_, _| HResult::S_OK));
    let (files, jobs) = (job.files(), manager.jobs(contract::call::Whose::Mine));
    let (files, jobs) = (files.expect("a getter"), jobs.expect("one's own may be listed"));
    job.add_file("http://sim/more", "/nowhere/more").expect("the job is new");
    let other = manager.create_job("test").expect("the queue is not full");
    assert_eq!((files.count(), jobs.count()), (Ok(1), Ok(1)));
    let (files, jobs) = (job.files(), manager.jobs(contract::call::Whose::Mine));
    assert_eq!((files.map(|now| now.count()), jobs.map(|now| now.count())), (Ok(Ok(2)), Ok(Ok(2))));
    other.cancel().expect("the job lives");
}

/// Each report takes the lock and wakes waiting threads.
#[test]
fn a_fast_transfer_reports_seldom_and_nothing_is_lost() {
    const CHUNK: u64 = 64 << 10;
    const CHUNKS: u64 = 1_600;
    struct Fast;
    impl Fetch for Fast {
        fn fetch(&self, _: &Order, progress: &mut dyn Progress) {
            let bytes = (1..=CHUNKS).map(|chunk| TransferEvent::Bytes(chunk * CHUNK));
            let events = [TransferEvent::Connected].into_iter().chain(bytes).chain([TransferEvent::FileDone]);
            for event in events {
                if progress.report(event) != TransferReply::Continue {
                    return;
                }
            }
        }
    }
    #[derive(Default)]
    struct Reports(AtomicU32);
    impl Recorder for Reports {
        fn record(&self, event: EventView<'_>) {
            let is_one = matches!(event, EventView::Env { step: EnvStep::Bytes { .. }, .. });
            self.0.fetch_add(u32::from(is_one), Ordering::SeqCst);
        }
    }
    let reports = Arc::<Reports>::default();
    let recorder = Arc::clone(&reports) as Arc<dyn Recorder>;
    let config = Config::of(Dialect::Bits.profile());
    let sim = sim_with(config, |builder| builder.fetch(Arc::new(Fast)).recorder(recorder));
    let job = sim.job(0, "http://sim/done", on(|_, _| HResult::S_OK));
    job.resume().expect("the job has a file");
    eventually("the file is here", || job.state() == Ok(JobState::Transferred));
    assert_eq!(job.progress().map(|progress| progress.bytes_transferred), Ok(CHUNKS * CHUNK));
    let reports = reports.0.load(Ordering::SeqCst);
    assert!((2..400).contains(&reports), "{reports} reports of {CHUNKS} chunks");
}
