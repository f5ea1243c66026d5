//! The end of a run: bringing everything to rest, and looking at what stands on the disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use contract::core::Core as _;
use contract::event::Recorder;
use contract::{EnvStep, EventView, Found, JobId, JobState};
use engine::service::{Job, Stragglers};
use engine::store::Temporary;

use super::WrongFile;
use super::plan::Before;
use super::stage::{FOREIGN, Placed, Stage, Url};
use crate::server::{Compared, content};

/// Nothing may be recorded for so long before a run counts as at rest: a program's exit, for example, is not seen otherwise.
const STILLNESS: Duration = Duration::from_millis(40);

/// Whether a run came to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rest {
    /// Nothing is pending, running or open.
    Yes,
    /// Time was up first.
    No,
}

/// Cancels or completes what does not come to rest by itself, and waits until nothing moves any more.
pub(super) fn bring_to_rest(stage: &Stage, until: Instant) -> Rest {
    let mut patience = Duration::from_millis(100);
    while Instant::now() < until {
        let asked = Instant::now();
        while asked.elapsed() < patience {
            if is_at_rest(stage) {
                return Rest::Yes;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // Some of those left are completed, so that files with holes in their jobs are seen on the disk, too.
        for job in restless(stage) {
            if job.number().0.is_multiple_of(3) {
                let _ = job.complete();
            }
            let _ = job.cancel();
        }
        // A callback may sleep, and a silent server is believed for a while.
        patience = Duration::from_millis(500);
    }
    Rest::No
}

/// Stops the service, and returns whether anything moved since it was at rest.
pub(super) fn shut_down(stage: &Arc<Stage>, rest: Rest, limit: Duration) -> Result<Rest, Stuck> {
    let before = stage.recorder.len();
    let (say, hear) = std::sync::mpsc::channel();
    let stopping = Arc::clone(stage);
    // On a thread of its own: an engine that hangs in here must not take the watchdog with it.
    std::thread::spawn(move || say.send(shut_down_within(&stopping, limit)));
    let left: Stragglers = hear.recv_timeout(limit + Duration::from_secs(5)).map_err(|_| Stuck)?;
    let quiet = left.is_none() && stage.recorder.len() == before;
    Ok(if quiet { rest } else { Rest::No })
}

/// The threads in callbacks and transfers get so long to come back.
fn shut_down_within(stage: &Stage, limit: Duration) -> Stragglers {
    let until = Instant::now() + limit;
    let mut left = stage.service.shutdown();
    while !left.is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(1));
        left = stage.service.shutdown();
    }
    left
}

/// The service did not stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stuck;

/// Records in the trace that nothing of any job is pending, running or waiting. True only at rest.
pub(super) fn note_rest(stage: &Stage) {
    stage.recorder.record(EventView::Env { step: EnvStep::Idle, job: None, file: None });
}

/// What stands on the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) wrong: Vec<WrongFile>,
}

/// Looks at every destination and its temporary file, records what is there, and compares byte by byte.
pub(super) fn observe(stage: &Stage) -> Disk {
    let mut disk = Disk::default();
    let placed = stage.placed().clone();
    let mut known = BTreeSet::new();
    for file in &placed {
        let temporary = temporary(stage, file).path().to_owned();
        let found = look_at(file, &mut disk);
        // What the disk refused to remove may be there.
        let there = temporary.symlink_metadata().is_ok() && !stage.disk.kept(file.job, file.file);
        let left = if there { Found::Wrong } else { Found::Absent };
        if found == Found::Wrong {
            disk.wrong.push(wrong(file, &file.destination, "the bytes are not the server's"));
        }
        stage.observe(file.job, file.file, found, left);
        known.extend([file.destination.clone(), temporary]);
    }
    look_for_strays(stage, &placed, &known, &mut disk);
    disk
}

fn look_at(placed: &Placed, disk: &mut Disk) -> Found {
    let path = &placed.destination;
    match path.symlink_metadata() {
        Err(_) => return Found::Absent,
        Ok(found) if found.is_dir() => return foreign_if(placed.plan.before == Before::Directory),
        Ok(found) => {
            disk.files += 1;
            disk.bytes += found.len();
        }
    }
    if placed.plan.before == Before::Foreign && fs::read(path).is_ok_and(|bytes| bytes == FOREIGN) {
        return Found::Foreign;
    }
    match has_right_bytes(placed) {
        Ok(Compared::Same) => Found::Whole,
        Ok(Compared::Differs { .. }) | Err(_) => Found::Wrong,
    }
}

fn temporary(stage: &Stage, file: &Placed) -> Temporary {
    Temporary::beside(&file.destination, stage.service.instance(), file.job, file.file)
}

fn foreign_if(expected: bool) -> Found {
    if expected { Found::Foreign } else { Found::Wrong }
}

/// A file that the server never gives whole has no right bytes, unless its client went to another URL.
fn has_right_bytes(placed: &Placed) -> io::Result<Compared> {
    let plan = placed.plan;
    let good = match (plan.fault.content(plan.size, plan.seed), placed.url) {
        (Some(good), _) => good,
        (None, Url::Repaired) => content(plan.seed, plan.size),
        (None, Url::Planned) => return Ok(Compared::Differs { at: 0 }),
    };
    good.compare(File::open(&placed.destination)?)
}

/// Files that no job asked for, and temporary files that a job has left behind at its end.
fn look_for_strays(stage: &Stage, placed: &[Placed], known: &BTreeSet<PathBuf>, disk: &mut Disk) {
    let directories: BTreeSet<&Path> = placed.iter().filter_map(|file| file.destination.parent()).collect();
    let makes = |file: &&Placed, path: &Path| temporary(stage, file).path() == path;
    let beside = |file: &&Placed, path: &Path| file.destination.parent() == path.parent();
    let owner = |path: &Path| {
        placed.iter().find(|file| makes(file, path)).or_else(|| placed.iter().find(|file| beside(file, path)))
    };
    for path in directories.iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten().flatten() {
        let path = path.path();
        let Some(file) = owner(&path) else { continue };
        if path == stage.service.instance().claim_beside(&file.destination) {
            // It stands beside what the disk refused to remove.
            continue;
        }
        let ended = stage.state(file.job).is_none_or(JobState::is_final);
        let is_destination = placed.iter().any(|file| file.destination == path);
        let kept = makes(&file, &path) && stage.disk.kept(file.job, file.file);
        if !is_destination && ended && !kept {
            disk.wrong.push(wrong(file, &path, "left behind by a job that has ended"));
        } else if !known.contains(&path) {
            disk.wrong.push(wrong(file, &path, "no job asked for it"));
        }
    }
}

fn wrong(file: &Placed, path: &Path, what: &'static str) -> WrongFile {
    WrongFile {
        job: file.job,
        file: file.file,
        path: path.to_owned(),
        fault: file.plan.fault.to_string(),
        what,
    }
}

/// Nothing runs, nothing is pending, and nothing is recorded any more.
fn is_at_rest(stage: &Stage) -> bool {
    let quiet = || stage.running.load(Ordering::SeqCst) == 0 && all_rest(stage);
    let before = stage.recorder.len();
    if !quiet() {
        return false;
    }
    std::thread::sleep(STILLNESS);
    quiet() && stage.recorder.len() == before
}

fn all_rest(stage: &Stage) -> bool {
    // Numbers are given in order, and made counts only jobs that were created.
    let jobs = stage.made.load(Ordering::SeqCst);
    stage.service.inspect(|core| (0..jobs).all(|job| rests(core, JobId(job))))
}

fn restless(stage: &Stage) -> Vec<Job> {
    let mut jobs: Vec<Job> = stage.board().values().cloned().collect();
    jobs.extend(stage.found_again(|job| stage.service.inspect(|core| rests(core, job))));
    // One look per job: a handle that is dropped takes the very lock under which `inspect` looks.
    jobs.retain(|job| !stage.service.inspect(|core| rests(core, job.number())));
    jobs
}

fn rests(core: &engine::core::Core, job: JobId) -> bool {
    let quiet = match core.state(job) {
        None => return true,
        Some(JobState::Suspended | JobState::Error | JobState::Transferred) => core.transfer(job).is_none(),
        Some(state) => state.is_final(),
    };
    quiet && core.pending(job).is_empty() && !core.is_finalising(job)
}

#[cfg(test)]
mod tests {
    use contract::{Dialect, FileId};

    use super::super::plan::FilePlan;
    use super::super::{LiveConfig, LiveError};
    use super::*;
    use crate::server::{Fault, Seed};

    /// A directory with one file of each kind that an observer must distinguish; the last is one that no job asked for.
    #[test]
    fn an_observer_tells_right_files_from_wrong_ones() -> Result<(), LiveError> {
        let directory = tempfile::tempdir().expect("there is room for files");
        let stage = Stage::new(&LiveConfig::new(Dialect::Bits.profile(), directory.path()), Instant::now())?;
        let good = content(Seed(1), 1000).to_vec();
        let mut flipped = good.clone();
        flipped[999] ^= 1;
        let files: [(Fault, Before, Option<&[u8]>, Found); 7] = [
            (Fault::Ok, Before::Nothing, Some(&good), Found::Whole),
            (Fault::Ok, Before::Nothing, Some(&flipped), Found::Wrong),
            (Fault::Ok, Before::Nothing, Some(&good[..999]), Found::Wrong),
            (Fault::Ok, Before::Nothing, None, Found::Absent),
            (Fault::Status(404), Before::Nothing, Some(&good), Found::Wrong),
            (Fault::Ok, Before::Foreign, Some(FOREIGN), Found::Foreign),
            (Fault::Ok, Before::Foreign, Some(&FOREIGN[1..]), Found::Wrong),
        ];
        for (number, (fault, before, bytes, _)) in (0..).zip(&files) {
            let destination = directory.path().join(format!("file-{number}"));
            if let Some(bytes) = bytes {
                fs::write(&destination, bytes).expect("there is room for files");
            }
            let plan = FilePlan { fault: *fault, size: 1000, seed: Seed(1), before: *before };
            stage.place(JobId(0), FileId(number), plan, destination);
        }
        for (placed, (fault, before, _, found)) in stage.placed().iter().zip(&files) {
            assert_eq!(look_at(placed, &mut Disk::default()), *found, "{fault} {before:?}");
        }
        assert_eq!(observe(&stage).wrong.len(), 4);
        fs::write(directory.path().join("stray"), "").expect("there is room for files");
        assert_eq!(observe(&stage).wrong.len(), 5);
        Ok(())
    }
}
