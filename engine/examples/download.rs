//! One file, with its progress: `cargo run -p engine --example download`.

use std::error::Error;
use std::time::Duration;

use engine::service::{Service, WaitError};
use engine::{Config, Dialect, JobState, StateSet, UserId};

mod support;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let destination = directory.path().join("file.bin");
    let server = support::serve()?;

    let service = Service::builder(Config::of(Dialect::Bits.profile()))
        .refusals(|refusal| eprintln!("{refusal}"))
        .start()?;
    let job = service.manager(UserId(0)).create_job("an example")?;
    // A name that is refused: the call returns E_INVALIDARG, and the reason stands on stderr.
    assert!(job.add_file("ftp://127.0.0.1/file", &destination).is_err());
    job.add_file(&format!("http://{server}/2000000/600"), &destination)?;
    job.resume()?;

    let over = StateSet::of(JobState::Transferred).with(JobState::Error);
    let state = loop {
        match job.wait_for(over, Duration::from_millis(100)) {
            Err(WaitError::TimedOut(state)) => {
                let progress = job.progress()?;
                println!("{state}: {} of {:?} bytes", progress.bytes_transferred, progress.bytes_total);
            }
            ended => break ended?,
        }
    };
    if state == JobState::Error {
        return Err(job.error()?.error_description(0)?.into());
    }
    for file in job.files()? {
        println!("{} is here, {} bytes", file.local_name()?, file.progress()?.bytes_transferred);
    }
    job.complete()?;
    assert_eq!(std::fs::metadata(&destination)?.len(), 2_000_000);
    Ok(())
}

#[test]
fn it_runs() {
    main().expect("the file comes");
}
