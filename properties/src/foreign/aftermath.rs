//! What is looked at behind a path: files at their destinations, progress, and files that nothing should have left behind.
//!
//! **What it is not.** A part of the trace that is compared: the model's files have one byte, so bytes are held against what the server has sent.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use adapter::wire::{Verb, can};
use adapter::{Answered, Fault, Session};
use contract::call::{FileProgress, Progress};
use contract::{Call, FileId, JobId, Method, Out, ThreadId};
use judge::Rule;

use super::names::Names;
use super::path::{FileCount, Path, Stands};
use crate::difference::{Account, Concern, Difference};
use crate::server::{Compared, FEED_SEED, FEED_SIZE, content};

/// What stands in the directory of destinations and was reported already, or is of no path.
#[derive(Clone, Debug, Default)]
pub(super) struct Litter(BTreeSet<OsString>);

/// What is wrong with the files of jobs that have ended.
pub(super) fn files(session: &mut Session, names: &Names, path: &Path) -> Result<Vec<Difference>, Fault> {
    let mut wrong = Vec::new();
    for (job, file, stands) in &path.files {
        let name = names.of(*job, *file);
        if names.files.get(job).is_none_or(|count| file.0 >= *count) {
            continue;
        }
        let what = match (stands, found(session, &name)?) {
            (Stands::Whole, Found::Whole) | (Stands::Nowhere, Found::Nothing) => continue,
            (Stands::Whole, Found::Nothing) => "the file is not at its destination",
            (Stands::Whole, Found::Another) => "the file at the destination has other bytes",
            (Stands::Nowhere, _) => "a file stands at the destination",
        };
        let wanted = match stands {
            Stands::Whole => "the job was completed, and the file stands there whole",
            Stands::Nowhere => {
                "the job was cancelled or completed without the file, and nothing stands there"
            }
        };
        wrong.push(Difference {
            skeleton: vec!["the end of a job".to_owned(), what.to_owned()],
            after: "the job has ended".to_owned(),
            subject: format!("{job}, {file}: {what}"),
            wanted: wanted.to_owned(),
            account: Account::Suite,
            concern: Concern::Rule(Rule::R15),
            job: Some(*job),
            seq: 0,
        });
    }
    Ok(wrong)
}

/// What the implementation gives as the progress of jobs that have not ended, held against the files that have come whole.
pub(super) fn progress(session: &mut Session, path: &Path) -> Result<Vec<Difference>, Fault> {
    let mut wrong = Vec::new();
    for (job, user) in &path.open_jobs {
        let Some(files) = path.progress.get(job) else { continue };
        let mut ask = |call: &Call| -> Result<Option<Out>, Fault> {
            if !session.has(call.method()) {
                return Ok(None);
            }
            let calling = session.start_call((ThreadId(0), *user), Some(*job), call);
            Ok(match session.await_call(&calling)? {
                Answered::Returned { hr, out } if hr.succeeded() => out,
                _ => None,
            })
        };
        if let Some(Out::Progress(progress)) = ask(&Call::GetProgress)? {
            let what = files.what_is_wrong_with(&progress);
            wrong.extend(what.map(|what| differs(*job, Method::GetProgress, what, files)));
        }
        // A job transfers its files in their order, so those that are whole come first.
        for file in 0..files.done {
            if let Some(Out::FileProgress(progress)) = ask(&Call::FileGetProgress { file: FileId(file) })? {
                let what = what_is_wrong_with_a_whole_file(&progress);
                wrong.extend(what.map(|what| differs(*job, Method::FileGetProgress, what, files)));
            }
        }
    }
    Ok(wrong)
}

impl FileCount {
    /// The field that is wrong, and its value.
    fn what_is_wrong_with(&self, progress: &Progress) -> Option<(&'static str, String)> {
        let Progress { bytes_total, bytes_transferred, files_total, files_transferred } = *progress;
        let (least, most) = (u64::from(self.done) * FEED_SIZE, u64::from(self.added) * FEED_SIZE);
        let is_whole = self.done == self.added && self.added > 0;
        let shown =
            |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), |bytes| bytes.to_string());
        if files_total != self.added {
            Some(("files_total", files_total.to_string()))
        } else if files_transferred != self.done {
            Some(("files_transferred", files_transferred.to_string()))
        } else if !(least..=most).contains(&bytes_transferred) {
            Some(("bytes_transferred", bytes_transferred.to_string()))
        } else if bytes_total.map_or(is_whole, |total| total > most || total < bytes_transferred) {
            Some(("bytes_total", shown(bytes_total)))
        } else {
            None
        }
    }
}

fn what_is_wrong_with_a_whole_file(progress: &FileProgress) -> Option<(&'static str, String)> {
    if progress.bytes_transferred != FEED_SIZE {
        Some(("bytes_transferred", progress.bytes_transferred.to_string()))
    } else if progress.bytes_total != Some(FEED_SIZE) {
        Some(("bytes_total", format!("{:?}", progress.bytes_total)))
    } else {
        None
    }
}

fn differs(job: JobId, method: Method, (field, value): (&str, String), files: &FileCount) -> Difference {
    let FileCount { added, done } = files;
    Difference {
        skeleton: vec![method.to_string(), format!("another {field}")],
        after: format!("{done} of {added} files of {FEED_SIZE} bytes have come"),
        subject: format!("{job}.{method} has {field} {value}"),
        wanted: format!("what has come: {done} of {added} files are whole, of {FEED_SIZE} bytes each"),
        account: Account::Suite,
        concern: Concern::Rule(Rule::R14),
        job: Some(job),
        seq: 0,
    }
}

/// Files that stand in the directory although every job of the path has ended, and no completed file is among them. They may be
/// removed a little later. Where the disk was made to fail, they may stay.
pub(super) fn leftovers(
    session: &Session,
    names: &Names,
    path: &Path,
    litter: &mut Litter,
) -> Option<Difference> {
    let kept = |name: &OsString| {
        let stands = path.files.iter().filter(|(.., stands)| *stands == Stands::Whole);
        stands.into_iter().any(|(job, file, _)| *name == *names.of(*job, *file))
    };
    if session.can(can::OBSERVE) {
        return None;
    }
    let tidying = if path.needs.contains(can::DISK) { Duration::ZERO } else { TIDYING };
    let left = left(session, litter, tidying, &kept);
    let first = left.first().map(|name| name.to_string_lossy().into_owned());
    // Each look at a directory that grows takes longer than the one before.
    for name in path.files.iter().map(|(job, file, _)| names.of(*job, *file)) {
        let _ = std::fs::remove_file(session.seen_at(&name));
    }
    litter.0.extend(left);
    let name = first.filter(|_| !path.needs.contains(can::DISK))?;
    Some(Difference {
        skeleton: vec!["the end of all jobs".to_owned(), "a file is left".to_owned()],
        after: "all jobs have ended, and their calls have answered S_OK".to_owned(),
        subject: format!("{name} stands in the directory of the destinations"),
        wanted: "only files of completed jobs stand there".to_owned(),
        account: Account::Suite,
        concern: Concern::Rule(Rule::R15),
        job: None,
        seq: 0,
    })
}

/// What stands in the directory and should not, also after the time that is there to remove it.
pub(super) fn left(
    session: &Session,
    litter: &Litter,
    tidying: Duration,
    kept: &dyn Fn(&OsString) -> bool,
) -> Vec<OsString> {
    let until = Instant::now() + tidying;
    let mut left = others(session, litter, kept);
    while !left.is_empty() && Instant::now() < until {
        std::thread::sleep(LOOKS);
        left = others(session, litter, kept);
    }
    left
}

/// How long what is to be removed may take behind the end of its job.
pub(super) const TIDYING: Duration = Duration::from_millis(500);
const LOOKS: Duration = Duration::from_millis(2);

fn others(session: &Session, litter: &Litter, kept: &dyn Fn(&OsString) -> bool) -> Vec<OsString> {
    let Ok(entries) = std::fs::read_dir(session.seen_at("")) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok().map(|entry| entry.file_name()));
    names.filter(|name| !litter.0.contains(name) && !kept(name)).collect()
}

impl Litter {
    /// Takes what stands there now for nothing that a path has left: races and limits have files of their own.
    pub(super) fn note(&mut self, session: &Session) {
        let news = others(session, self, &|_| false);
        self.0.extend(news);
    }
}

enum Found {
    Whole,
    Nothing,
    Another,
}

fn found(session: &mut Session, name: &str) -> Result<Found, Fault> {
    if session.can(can::OBSERVE) {
        let verb = Verb::Observe { observe: vec![name.to_owned()] };
        let observed = session.command(verb, "it looks at its files")?.observed.unwrap_or_default();
        return Ok(match observed.get(name).cloned().flatten() {
            None => Found::Nothing,
            Some(seen) if seen.bytes == FEED_SIZE && is_content(&seen.sha256) => Found::Whole,
            Some(_) => Found::Another,
        });
    }
    let Ok(file) = std::fs::File::open(session.seen_at(name)) else { return Ok(Found::Nothing) };
    let same = content(FEED_SEED, FEED_SIZE).compare(file).is_ok_and(|compared| compared == Compared::Same);
    Ok(if same { Found::Whole } else { Found::Another })
}

/// Whether it is the digest of the file. An adapter that does not know it leaves it empty.
fn is_content(sha256: &str) -> bool {
    let bytes = content(FEED_SEED, FEED_SIZE).to_vec();
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let text: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    sha256.is_empty() || sha256.eq_ignore_ascii_case(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_held_against_the_files_that_have_come() {
        let files = FileCount { added: 2, done: 1 };
        let right = Progress {
            bytes_total: Some(2000),
            bytes_transferred: 1500,
            files_total: 2,
            files_transferred: 1,
        };
        let wrong = |progress: Progress| files.what_is_wrong_with(&progress).map(|(field, _)| field);
        assert_eq!(wrong(right), None);
        assert_eq!(wrong(Progress { bytes_total: None, ..right }), None);
        assert_eq!(wrong(Progress { files_total: 1, ..right }), Some("files_total"));
        assert_eq!(wrong(Progress { files_transferred: 2, ..right }), Some("files_transferred"));
        assert_eq!(wrong(Progress { bytes_transferred: 999, ..right }), Some("bytes_transferred"));
        assert_eq!(wrong(Progress { bytes_total: Some(1200), ..right }), Some("bytes_total"));
        let whole = FileCount { added: 1, done: 1 };
        let unknown =
            Progress { bytes_total: None, bytes_transferred: 1000, files_total: 1, files_transferred: 1 };
        assert_eq!(whole.what_is_wrong_with(&unknown).map(|(field, _)| field), Some("bytes_total"));
    }
}
