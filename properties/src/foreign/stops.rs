//! A job that is suspended, cancelled or completed while bytes come: the transfer ends.
//!
//! **What it is.** A file comes that is long and not fast. A call takes the job out of its transfer. After a while in which this may be noticed, the server
//! can send no more of the file, and receives no more requests for it. A transfer that goes on is progress of a job that is not
//! transferred (rule R14).
//!
//! **The law it keeps.** What is tried next is not held up by a transfer that goes on: it comes to its end first.
//!
//! **What it is not.** A limit for the moment at which a transfer ends: it may take as long as what is due may take.

use std::time::{Duration, Instant};

use adapter::Fault as AdapterFault;
use contract::{Call, JobId, Method};
use judge::Rule;

use super::Stage;
use super::abilities::Abilities;
use super::scripted::{Script, Stop};
use super::tally::Tally;
use crate::server::{Fault, Seed, Traffic};

/// What it is called in the report.
pub(super) const PLACE: &str = "transfers that are stopped";

const JOB: JobId = JobId(0);

/// So slow that the file lasts longer than anything here waits, and so fast that no buffer takes what comes meanwhile.
const HABIT: Fault = Fault::Drip { bytes_per_second: RATE };
const RATE: u32 = 4_000_000;
const SIZE: u64 = 60_000_000;

/// Bytes that show that the transfer is under way.
const UNDER_WAY: u64 = 200_000;

/// Stretches of silence of the manifest in which nothing more may be sent.
const SILENCE: u32 = 4;

/// Tries each call, where the adapter can. What it found goes to the tally. Returns how many were not begun.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn stops(
    stage: &mut Stage,
    abilities: &Abilities,
    is_over: &dyn Fn(&Tally) -> bool,
    tally: &mut Tally,
) -> Result<usize, AdapterFault> {
    let needed = [Method::CreateJob, Method::AddFile, Method::Resume];
    if !abilities.has_all(&needed) {
        return Ok(0);
    }
    let calls = [Call::Suspend, Call::Cancel, Call::Complete];
    let calls: Vec<Call> = calls.into_iter().filter(|call| abilities.has(call.method())).collect();
    for (number, call) in calls.iter().enumerate() {
        if is_over(tally) {
            return Ok(calls.len() - number);
        }
        let seed = Seed(stage.next_program());
        Script::play(stage, PLACE, tally, |script| ends(script, call, seed))?;
    }
    Ok(0)
}

fn ends(script: &mut Script<'_>, call: &Call, seed: Seed) -> Result<(), Stop> {
    script.job_of(JOB, HABIT, SIZE, seed)?;
    let _resumed = script.does(JOB, &Call::Resume)?;
    let limits = script.stage.session.limits();
    let until = Instant::now() + limits.due;
    while sent(script, seed).bytes < UNDER_WAY {
        if Instant::now() >= until {
            return Ok(());
        }
        let _never = script.stage.session.wait(limits.quiet, &mut |_| false)?;
    }
    let (hr, _) = script.does(JOB, call)?;
    if !hr.succeeded() {
        return Ok(());
    }
    let silence = limits.quiet * SILENCE;
    let Some(more) = goes_on(script, seed, limits.due)? else { return Ok(()) };
    let sides =
        (format!("the server sends on: {more} bytes in {silence:?}"), "the transfer has ended".to_owned());
    let (method, waited) = (call.method(), limits.due);
    let after = format!("{method} -> {hr} while the file came, {waited:?} ago");
    script.differs([method.name(), "the transfer goes on"], &after, sides, Rule::R14);
    // The rest of the file takes so long at its rate.
    goes_on(script, seed, Duration::from_secs(SIZE / u64::from(RATE))).map(drop)
}

/// The bytes that still come in a silence when so much time is over, unless the transfer ends before.
fn goes_on(script: &mut Script<'_>, seed: Seed, time: Duration) -> Result<Option<u64>, Stop> {
    let silence = script.stage.session.limits().quiet * SILENCE;
    let until = Instant::now() + time;
    loop {
        let before = sent(script, seed);
        let _never = script.stage.session.wait(silence, &mut |_| false)?;
        let after = sent(script, seed);
        if before == after {
            return Ok(None);
        }
        if Instant::now() >= until {
            return Ok(Some(after.bytes - before.bytes));
        }
    }
}

fn sent(script: &Script<'_>, seed: Seed) -> Traffic {
    script.stage.server.traffic(&HABIT, SIZE, seed)
}
