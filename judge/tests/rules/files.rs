//! R14 and R15: bytes and files.

use contract::event::By;
use contract::*;
use judge::Recorded;
use judge::Rule::{R13, R14, R15};

use crate::builder::*;

fn bytes(transferred: u64) -> EnvStep {
    EnvStep::Bytes { transferred, total: Some(10) }
}

fn disk(act: DiskAct) -> EnvStep {
    EnvStep::Disk { act }
}

fn observed(destination: Found, temporary: Found) -> EnvStep {
    EnvStep::Observed { destination, temporary }
}

fn with_two_files() -> Run {
    let mut run = Run::created(bits());
    for remote in ["http://h/a", "http://h/b"] {
        run.does(Call::AddFile { file: FileNames { remote: remote.into(), local: "/f".into() } }, OK);
    }
    run
}

#[test]
fn bytes_grow_to_the_total() {
    let mut run = Run::created(bits());
    run.resumes();
    run.env_file(EnvStep::SizeKnown { total: 10 }, F0);
    run.env_file(bytes(4), F0);
    run.env_file(bytes(10), F0);
    run.arrives();
    run.keeps(R14);
}

#[test]
fn bytes_do_not_pass_the_total_or_stop_short_of_it_or_go_back() {
    for wrong in [&[11][..], &[10, 4], &[4]] {
        let mut run = Run::created(bits());
        run.resumes();
        for transferred in wrong {
            run.env_file(bytes(*transferred), F0);
        }
        run.arrives();
        run.breaks(&[R14]);
    }
}

#[test]
fn bytes_pass_the_total_when_they_do_and_not_only_when_the_file_is_done() {
    let mut run = Run::created(bits());
    run.resumes();
    run.env_file(bytes(11), F0);
    run.breaks(&[R14]);
}

#[test]
fn bytes_that_went_back_are_not_mended_by_coming_again() {
    let mut run = Run::created(bits());
    run.resumes();
    for transferred in [10, 4, 10] {
        run.env_file(bytes(transferred), F0);
    }
    run.arrives();
    run.breaks(&[R14]);
}

#[test]
fn a_size_is_not_below_the_bytes_that_are_here() {
    for (total, broken) in [(4, &[][..]), (3, &[R14])] {
        let mut run = Run::created(bits());
        run.resumes();
        run.env_file(EnvStep::Bytes { transferred: 4, total: None }, F0);
        run.env_file(EnvStep::SizeKnown { total }, F0);
        run.breaks(broken);
    }
}

#[test]
fn a_file_that_starts_again_may_go_back() {
    let mut run = Run::created(bits());
    run.resumes();
    run.env_file(bytes(9), F0);
    run.env_file(EnvStep::FileRestarted, F0);
    run.env_file(bytes(2), F0);
    run.keeps(R14);
    run.does(Call::FileSetRemoteName { file: F0, remote: "http://h/b".into() }, OK);
    run.env_file(bytes(1), F0);
    run.keeps(R14);
    run.env_file(bytes(0), F0);
    run.breaks(&[R14]);
}

#[test]
fn what_getters_tell_of_progress_adds_up() {
    contract::follows!["progress.readable", "progress.unknown-size"];
    let job = Progress { bytes_total: Some(10), bytes_transferred: 4, files_total: 2, files_transferred: 1 };
    let file = FileProgress { bytes_total: Some(10), bytes_transferred: 4, completed: Completed::No };
    let mut run = with_two_files();
    run.reads(Call::GetProgress, Out::Progress(job));
    run.reads(Call::FileGetProgress { file: F0 }, Out::FileProgress(file));
    run.keeps(R14);
    for wrong in [
        Out::Progress(Progress { bytes_transferred: 11, ..job }),
        Out::Progress(Progress { files_transferred: 3, ..job }),
        Out::Progress(Progress { files_transferred: 2, ..job }),
        Out::FileProgress(FileProgress { bytes_transferred: 11, ..file }),
        Out::FileProgress(FileProgress { completed: Completed::Yes, ..file }),
    ] {
        let mut run = with_two_files();
        run.reads(Call::GetProgress, wrong);
        run.breaks(&[R14]);
    }
}

#[test]
fn a_file_appears_through_complete() {
    contract::follows!["complete.available"];
    let mut run = Run::transferred();
    run.env_file(observed(Found::Absent, Found::Whole), F0);
    let complete = run.call(Call::Complete);
    // The observer may be faster than the recorder.
    run.env_file(observed(Found::Whole, Found::Absent), F0);
    run.env_file(disk(DiskAct::Renamed), F0);
    run.state_by(JobState::Acknowledged, By::Call(complete));
    run.back(complete, OK);
    run.env_file(observed(Found::Whole, Found::Absent), F0);
    run.keeps(R15);
    run.env_file(observed(Found::Absent, Found::Absent), F0);
    run.breaks(&[R15]);
}

#[test]
fn a_file_does_not_appear_otherwise() {
    for wrong in
        [disk(DiskAct::Renamed), observed(Found::Whole, Found::Absent), observed(Found::Wrong, Found::Absent)]
    {
        let mut run = Run::transferred();
        run.tells(Event::JobTransferred, OK);
        run.env_file(wrong, F0);
        run.breaks(&[R15]);
    }
}

#[test]
fn an_unfinished_file_is_not_renamed() {
    contract::follows!["complete.partial"];
    let mut run = Run::transferred();
    let complete = run.call(Call::Complete);
    run.env_file(disk(DiskAct::Renamed), F1);
    run.state_by(JobState::Acknowledged, By::Call(complete));
    run.back(complete, OK);
    run.breaks(&[R15]);
}

#[test]
fn cancel_cleans_up_unless_it_says_that_it_could_not() {
    contract::follows!["cancel.deletes", "cancel.left-behind"];
    for (hr, broken) in [(HResult::BG_S_UNABLE_TO_DELETE_FILES, &[][..]), (OK, &[R15])] {
        let mut run = Run::transferred();
        run.env_file(disk(DiskAct::RemoveFailed), F0);
        run.cancels(hr);
        run.env_file(observed(Found::Absent, Found::Whole), F0);
        run.breaks(broken);
    }
}

#[test]
fn cancel_does_not_touch_what_it_did_not_make() {
    let mut run = Run::transferred();
    run.env_file(observed(Found::Foreign, Found::Whole), F0);
    run.cancels(OK);
    run.env_file(observed(Found::Foreign, Found::Absent), F0);
    run.keeps(R15);
    run.env_file(observed(Found::Absent, Found::Absent), F0);
    run.breaks(&[R15]);
}

#[test]
fn after_a_rename_that_failed_nothing_is_done_until_the_next_call() {
    for (act, rules) in [(None, &[][..]), (Some(DiskAct::Renamed), &[R15]), (Some(DiskAct::Removed), &[R15])]
    {
        let mut run = Run::listening(bits(), 0);
        run.resumes();
        run.env_file(EnvStep::FileDone, F1);
        run.arrives();
        let complete = run.call(Call::Complete);
        run.env_file(disk(DiskAct::RenameFailed), F0);
        act.into_iter().for_each(|act| run.env_file(disk(act), F1));
        run.back(complete, HResult::from_win32(32));
        let cancel = run.call(Call::Cancel);
        run.env_file(disk(DiskAct::Removed), F0);
        run.state_by(JobState::Cancelled, By::Call(cancel));
        run.back(cancel, OK);
        run.breaks(rules);
    }
}

#[test]
fn a_job_that_has_ended_leaves_no_temporary_file() {
    let mut completed = Run::listening(bits(), 0);
    completed.transfers();
    let complete = completed.call(Call::Complete);
    completed.env_file(disk(DiskAct::Renamed), F0);
    completed.state_by(JobState::Acknowledged, By::Call(complete));
    completed.back(complete, OK);
    completed.env_file(observed(Found::Whole, Found::Absent), F0);
    completed.keeps(R15);
    completed.env_file(observed(Found::Whole, Found::Whole), F0);
    completed.breaks(&[R15]);
    // What an expiry removes is gone when the run is over, and may be there before.
    let mut expired = Run::listening(bits(), 0);
    expired.transfers();
    expired.moves(EnvStep::Expiry, JobState::Cancelled);
    expired.env_file(observed(Found::Absent, Found::Whole), F0);
    expired.breaks(&[R15]);
    expired.env_file(observed(Found::Absent, Found::Absent), F0);
    expired.breaks(&[]);
}

#[test]
fn a_file_is_fetched_once_at_a_time_and_not_after_the_end() {
    let begins = |attempt| EnvStep::FetchBegins { attempt };
    let mut run = Run::listening(bits(), 0);
    run.resumes();
    run.env_file(begins(1), F0);
    run.env_file(EnvStep::FetchEnds { attempt: 1 }, F0);
    run.env_file(begins(2), F0);
    run.keeps(R15);
    run.env_file(begins(3), F0);
    run.breaks(&[R15]);
    let mut late = Run::listening(bits(), 0);
    late.resumes();
    late.cancels(OK);
    late.env_file(begins(1), F0);
    late.breaks(&[R15]);
}

#[test]
fn a_file_is_done_by_a_fetch_where_fetches_are_recorded() {
    let after = |run: Run, steps: &[EnvStep]| {
        let mut run = run;
        run.resumes();
        steps.iter().for_each(|step| run.env_file(*step, F0));
        run
    };
    let [begins, ends] = [EnvStep::FetchBegins { attempt: 1 }, EnvStep::FetchEnds { attempt: 1 }];
    let records = || Run::listening(bits(), 0).records(Recorded::Fetch);
    after(Run::listening(bits(), 0), &[EnvStep::FileDone]).breaks(&[]);
    after(records(), &[EnvStep::FileDone]).breaks(&[R15]);
    after(records(), &[begins, EnvStep::FileDone, ends]).keeps(R15);
    after(records(), &[begins, ends, EnvStep::FileDone]).breaks(&[R15]);
}

#[test]
fn a_job_that_is_not_transferred_makes_no_progress() {
    let mut run = Run::listening(bits(), 0);
    run.resumes();
    run.env_file(EnvStep::Bytes { transferred: 1, total: None }, F0);
    run.keeps(R14);
    run.does_to(Call::Suspend, JobState::Suspended);
    run.env_file(EnvStep::Bytes { transferred: 2, total: None }, F0);
    run.breaks(&[R14]);
}

#[test]
fn the_environment_does_not_move_a_job_that_a_call_is_ending() {
    let mut run = Run::listening(bits(), 0);
    run.transfers();
    let complete = run.call(Call::Complete);
    // Before the first disk step the call may not have begun.
    run.env_file(disk(DiskAct::Renamed), F0);
    run.moves(EnvStep::Expiry, JobState::Cancelled);
    run.back(complete, HResult::from_win32(32));
    run.breaks(&[R13]);
}

#[test]
fn after_a_rename_that_failed_the_job_goes_on_before_the_call_is_back() {
    let mut run = Run::listening(bits(), 0);
    run.transfers();
    let complete = run.call(Call::Complete);
    run.env_file(disk(DiskAct::RenameFailed), F0);
    run.moves(EnvStep::Expiry, JobState::Cancelled);
    run.back(complete, HResult::from_win32(32));
    run.keeps(R13);
}
