//! A Cancel against a completion: `cargo run -p engine --example cancel`.
//!
//! The callback completes its job as soon as the file is here; the main thread cancels it at about that time. One of them is too late. When
//! Cancel is back, no callback of the job begins any more, so nothing needs to be locked or flagged by the client.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use engine::service::{Callback, Job, Service};
use engine::{Config, Dialect, HResult, JobState, UserId};

mod support;

const ROUNDS: u32 = 20;

/// Completes what has come.
#[derive(Default)]
struct Finish {
    entered: AtomicU32,
}

impl Callback for Finish {
    fn job_transferred(&self, job: &Job) -> HResult {
        self.entered.fetch_add(1, Ordering::SeqCst);
        // Where the Cancel was first, this is refused, and no event is left to deliver.
        job.complete().map_or_else(|refused| refused, |_| HResult::S_OK)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let server = support::serve()?;
    let service = Service::builder(Config::of(Dialect::Bits.profile())).start()?;
    let manager = service.manager(UserId(0));
    let mut completed = 0;
    for round in 0..ROUNDS {
        let destination = directory.path().join(format!("file-{round}"));
        let finish = Arc::<Finish>::default();
        let job = manager.create_job("a race")?;
        job.add_file(&format!("http://{server}/1000/0"), &destination)?;
        job.set_notify_interface(Some(Arc::clone(&finish) as Arc<dyn Callback>))?;
        job.resume()?;
        thread::sleep(Duration::from_millis(u64::from(round)));
        let cancelled = job.cancel();
        // From here on no callback begins: what was delivered was delivered before.
        let told = finish.entered.load(Ordering::SeqCst);
        thread::sleep(Duration::from_millis(5));
        assert_eq!(finish.entered.load(Ordering::SeqCst), told);

        let state = job.state()?;
        assert_eq!(destination.exists(), state == JobState::Acknowledged);
        match cancelled {
            Ok(_) => assert_eq!(state, JobState::Cancelled),
            Err(refused) => {
                assert_eq!((refused, state), (HResult::BG_E_INVALID_STATE, JobState::Acknowledged));
                completed += 1;
            }
        }
    }
    println!("of {ROUNDS} jobs {completed} were completed, and {} cancelled", ROUNDS - completed);
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("each job ends in one way");
}
