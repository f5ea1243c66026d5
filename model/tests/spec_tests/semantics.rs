//! The semantics a to o, each as a short script, and the rules' witnesses where they bite.

use contract::core::{Change, DiskOutcome, Then};
use contract::dialect::Switch;
use contract::env::DiskAct;
use contract::event::Target;
use contract::{Call, Dialect, EnvStep, Event, FileId, HResult, JobId, JobState, ReceiverId, UserId};
use model::spec::{Expected, Refused, Turn};

use crate::script::{BROKEN, F, FAIL, FAILED, J, OK, Script, USER, add_file, program, register};

const TRANSFERRED: (Event, FileId) = (Event::JobTransferred, F);
const ERROR: (Event, FileId) = (Event::JobError, F);
const MODIFICATION: (Event, FileId) = (Event::JobModification, F);
const FILE: (Event, FileId) = (Event::FileTransferred, F);
const ONE: Target = Target::Interface(ReceiverId(1));

const MASK_TRANSFERRED: Call = Call::SetNotifyFlags { flags: 1 };
const NOBODY: Call = Call::SetNotifyInterface { receiver: None };

/// A transferred job whose mask lets only JobTransferred through.
fn transferred() -> Script {
    let mut script = Script::at(Dialect::Bits, JobState::Transferred);
    script.ok(Some(J), &MASK_TRANSFERRED);
    script
}

/// A job in ERROR whose mask lets only the job's two ends through, with a notification program.
fn failed_with_program() -> Script {
    let mut script = Script::at(Dialect::Bits, JobState::Error);
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 3 });
    script.ok(Some(J), &program());
    script
}

#[test]
fn a_due_from_each_entry_until_acknowledged_and_changes_only_while_heard() {
    let mut script = transferred();
    let ticket = script.begin(ONE);
    script.leave(ticket, FAIL);
    assert_eq!(script.pending(), [TRANSFERRED]);
    script.tell();
    assert!(script.pending().is_empty() && script.witness("R6"));
    script.ok(Some(J), &add_file());
    script.ok(Some(J), &Call::Resume);
    script.must(J, EnvStep::Turn, JobState::Connecting);
    script.must(J, EnvStep::Connected, JobState::Transferring);
    script.must(J, EnvStep::FileDone, JobState::Transferred);
    assert_eq!(script.pending(), [TRANSFERRED], "a second entry is a second cause (facts G35)");

    // A change is dropped when JobModification is not enabled, or when it stops being enabled.
    script.ok(Some(J), &Call::SetPriority { priority: 1 });
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 8 });
    assert!(script.pending().is_empty() && script.witness("R8"));
    script.ok(Some(J), &Call::SetPriority { priority: 1 });
    assert_eq!(script.pending(), [MODIFICATION]);
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 0 });
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 8 });
    assert!(script.pending().is_empty());
}

#[test]
fn b_enabled_needs_the_mask_and_somebody_to_tell() {
    contract::follows!["deliver.late-program", "flags.not-for-programs", "flags.disable"];
    let mut script = transferred();
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 5 });
    assert!(script.pending().is_empty() && script.witness("R2"), "DISABLE masks");
    script.profile.disable_masks = Switch::Off;
    assert_eq!(script.pending(), [TRANSFERRED], "unless the switch says that it does not");
    script.ok(Some(J), &NOBODY);
    assert!(script.pending().is_empty() && script.witness("R3"));
    script.ok(Some(J), &program());
    assert_eq!(script.pending(), [TRANSFERRED], "a program is somebody, too");
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 0x18 });
    script.ok(Some(J), &Call::SetPriority { priority: 1 });
    assert!(script.pending().is_empty(), "but not for files and changes");
}

#[test]
fn c_the_end_waits_for_the_files_and_is_pending_only_in_its_state() {
    let mut script = Script::at(Dialect::Bits, JobState::Transferred);
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 0x11 });
    assert_eq!(script.pending(), [FILE]);
    assert!(script.witness("R7"));
    let early = script.world.begin(&script.profile, J, Event::JobTransferred, None, ONE);
    assert_eq!(early, Err(Refused::NotPending("R7")));
    script.ok(Some(J), &MASK_TRANSFERRED);
    assert_eq!(script.pending(), [TRANSFERRED], "a masked file holds nothing back");
    script.ok(Some(J), &add_file());
    assert_eq!(script.pending(), [TRANSFERRED], "AddFile alone kills nothing (facts G34)");
    script.ok(Some(J), &Call::Resume);
    assert!(script.pending().is_empty() && script.witness("R5"));
    for (call, rule) in [(Call::Cancel, "R1"), (Call::Complete, "R4")] {
        let mut script = transferred();
        assert_eq!(script.begin_call(&call).then, Then::Disk);
        assert!(script.pending().is_empty() && script.witness(rule), "{call} begun");
        let _ = script.world.disk(&script.profile, J, &DiskOutcome::default());
        assert!(script.pending().is_empty() && script.witness(rule) && script.witness("R10"), "{call} done");
    }
}

#[test]
fn d_one_delivery_at_a_time_files_first_and_changes_last() {
    let mut script = Script::with_job(Dialect::Do, 2);
    script.listen(1);
    script.ok(Some(J), &Call::Resume);
    script.must(J, EnvStep::FileDone, JobState::Transferring);
    script.must(J, EnvStep::FileDone, JobState::Transferred);
    let second = (Event::FileTransferred, FileId(1));
    assert_eq!(script.pending(), [FILE, second, MODIFICATION]);
    let profile = script.profile;
    let mut try_begin = |event, file| script.world.begin(&profile, J, event, file, ONE).map(drop);
    assert_eq!(try_begin(Event::FileTransferred, Some(FileId(1))), Err(Refused::OutOfOrder));
    assert_eq!(try_begin(Event::JobModification, None), Err(Refused::OutOfOrder));
    assert_eq!(try_begin(Event::FileTransferred, Some(F)), Ok(()));
    assert_eq!(try_begin(Event::FileTransferred, Some(FileId(1))), Err(Refused::Begun));
}

#[test]
fn e_the_chain_goes_from_the_interface_to_the_program_and_back() {
    contract::follows!["program.when", "program.instead", "program.both-fail", "program.not-when-told"];
    let mut script = failed_with_program();
    let ticket = script.begin(ONE);
    script.leave(ticket, FAIL);
    assert!(script.witness("R18"));
    let again = script.world.begin(&script.profile, J, Event::JobError, None, ONE);
    assert_eq!(again, Err(Refused::WrongTarget), "the method is not called again");
    let ticket = script.begin(Target::CommandLine);
    script.leave(ticket, contract::event::Leave::Exited(1));
    assert!(script.witness("R18"));
    let ticket = script.begin(ONE);
    script.leave(ticket, FAIL);
    script.ok(Some(J), &register(2));
    let ticket = script.begin(Target::Interface(ReceiverId(2)));
    script.leave(ticket, OK);
    assert!(script.pending().is_empty() && !script.witness("R18"));
}

#[test]
fn e_the_chain_starts_again_for_a_new_cause_and_without_a_program() {
    let restarts: [fn(&mut Script); 2] = [
        |script| {
            script.ok(Some(J), &Call::Resume);
            script.must(J, EnvStep::Turn, JobState::Connecting);
            script.must(J, EnvStep::Connected, JobState::Transferring);
            script.must(J, BROKEN, JobState::Error);
        },
        |script| {
            script.ok(Some(J), &Call::SetNotifyCmdLine { program: None, parameters: None });
            script.ok(Some(J), &program());
        },
    ];
    for restart in restarts {
        let mut script = failed_with_program();
        let ticket = script.begin(ONE);
        script.leave(ticket, FAIL);
        restart(&mut script);
        assert_eq!(script.pending(), [ERROR]);
        script.begin(ONE);
    }
}

#[test]
fn f_a_late_leave_does_not_settle_a_later_cause() {
    let mut script = transferred();
    let ticket = script.begin(ONE);
    script.ok(Some(J), &add_file());
    script.ok(Some(J), &Call::Resume);
    script.must(J, EnvStep::Turn, JobState::Connecting);
    script.must(J, EnvStep::Connected, JobState::Transferring);
    script.must(J, EnvStep::FileDone, JobState::Transferred);
    script.leave(ticket, OK);
    assert_eq!(script.pending(), [TRANSFERRED], "it told of the first entry");
    script.tell();
    assert!(script.pending().is_empty());
}

#[test]
fn f_an_epoch_replays_the_end_and_no_acknowledged_file() {
    contract::follows!["deliver.late", "deliver.again"];
    let mut script = Script::at(Dialect::Bits, JobState::Transferred);
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 0x11 });
    let of_the_file = script.begin(ONE);
    script.ok(Some(J), &register(1));
    script.leave(of_the_file, OK);
    assert_eq!(script.pending(), [TRANSFERRED], "the file is acknowledged by a leave of an older epoch");
    let of_the_end = script.begin(ONE);
    script.ok(Some(J), &register(1));
    script.leave(of_the_end, OK);
    assert_eq!(script.pending(), [TRANSFERRED], "the job's event is not");
    script.tell();
    assert!(script.pending().is_empty());
    script.ok(Some(J), &register(1));
    assert_eq!(
        script.pending(),
        [TRANSFERRED],
        "an object that was registered before starts an epoch, too (facts G16)"
    );
}

#[test]
fn f_without_late_replay_an_event_that_meets_nobody_is_lost() {
    let mut script = Script::with_job(Dialect::Do, 1);
    script.profile.late_replay = Switch::Off;
    script.go(J, JobState::Transferred);
    script.listen(1);
    assert!(script.pending().is_empty());
    let mut script = Script::at(Dialect::Do, JobState::Suspended);
    script.profile.late_replay = Switch::Off;
    script.ok(Some(J), &MASK_TRANSFERRED);
    script.go(J, JobState::Transferred);
    script.tell();
    script.ok(Some(J), &register(2));
    assert!(script.pending().is_empty(), "and a new epoch replays nothing");
}

#[test]
fn g_a_started_program_holds_nothing_but_its_own_event() {
    let mut script = failed_with_program();
    script.ok(Some(J), &NOBODY);
    let mut ticket = script.begin(Target::CommandLine);
    assert_eq!(script.step(J, EnvStep::Expiry, JobState::Cancelled), Err(Refused::Begun));
    script.world.program_started(J, &mut ticket).expect("it has begun");
    let again = script.world.begin(&script.profile, J, Event::JobError, None, Target::CommandLine);
    assert_eq!(again, Err(Refused::ProgramRuns));
    script.leave(ticket, contract::event::Leave::Exited(1));
    let mut ticket = script.begin(Target::CommandLine);
    script.world.program_started(J, &mut ticket).expect("it has begun");
    // In the next epoch the event is delivered again, and the old program's exit does not settle it.
    script.ok(Some(J), &register(1));
    script.leave(ticket, contract::event::Leave::Exited(0));
    assert_eq!(script.pending(), [ERROR]);
    script.tell();
    assert!(script.pending().is_empty());
}

#[test]
fn h_a_finalising_job_answers_nobody_and_feels_nothing() {
    contract::follows!["complete.rename-keeps", "complete.rename-code", "complete.rename-state"];
    let mut script = transferred();
    assert_eq!(script.begin_call(&Call::Complete).then, Then::Disk);
    assert!(script.witness("R11") && !script.witness("R15"));
    for call in [Call::GetState, Call::Cancel, Call::GetJob, Call::Resume] {
        assert_eq!(script.begin_call(&call).then, Then::Busy, "{call}");
    }
    assert_eq!(script.step(J, EnvStep::Expiry, JobState::Cancelled), Err(Refused::Finalising));
    assert_eq!(
        script.step(J, EnvStep::Disk { act: DiskAct::Renamed }, JobState::Transferred),
        Err(Refused::Unfinished)
    );
    let outcome = DiskOutcome { rename_failed: Some((F, HResult::E_ACCESSDENIED)), left_behind: 0 };
    let reply = script.world.disk(&script.profile, J, &outcome);
    assert_eq!((reply.hr, script.state(J)), (HResult::E_ACCESSDENIED, JobState::Transferred));
    assert_eq!(script.pending(), [TRANSFERRED], "a failed rename arms the delivery again (facts G28)");
    // What was renamed stays renamed, and available (R11, facts G39).
    let mut script = Script::with_job(Dialect::Do, 2);
    script.ok(Some(J), &Call::Resume);
    script.must(J, EnvStep::FileDone, JobState::Transferring);
    script.must(J, EnvStep::FileDone, JobState::Transferred);
    let _ = script.begin_call(&Call::Complete);
    let outcome = DiskOutcome { rename_failed: Some((FileId(1), HResult::E_ACCESSDENIED)), left_behind: 0 };
    let _ = script.world.disk(&script.profile, J, &outcome);
    for (file, completed) in [(0, contract::Completed::Yes), (1, contract::Completed::No)] {
        let progress = script.call(Some(J), &Call::FileGetProgress { file: FileId(file) }).out;
        let expected = contract::FileProgress { bytes_total: Some(0), bytes_transferred: 0, completed };
        assert_eq!(progress, Expected::FileProgress(expected));
    }
    let mut script = Script::at(Dialect::Bits, JobState::Transferring);
    let _ = script.begin_call(&Call::Complete);
    assert!(script.witness("R15"), "the unfinished file must not appear");
    script.world.network_lost(&script.profile);
    assert_eq!(script.state(J), JobState::Transferring);
}

#[test]
fn i_what_a_call_forbids_is_not_pending_though_its_delivery_is_still_inside() {
    let mut script = transferred();
    let ticket = script.begin(ONE);
    script.ok(Some(J), &Call::Cancel);
    assert!(script.pending().is_empty());
    script.leave(ticket, FAIL);
    assert!(script.pending().is_empty());
    assert_eq!(script.world.leave(&script.profile, J, ticket, OK), Err(Refused::NotInFlight));
}

#[test]
fn j_one_background_job_runs_and_gives_way() {
    contract::follows!["scheduler.one-background", "scheduler.priority"];
    let mut script = Script::at(Dialect::Bits, JobState::Transferring);
    assert_eq!(script.world.may_turn(&script.profile), Turn::None);
    assert_eq!(script.step(J, EnvStep::Preempt, JobState::Queued), Err(Refused::NobodyWaits));
    let other = script.job(1);
    script.go(other, JobState::Queued);
    assert_eq!(script.step(other, EnvStep::Turn, JobState::Connecting), Err(Refused::NoSlot));
    assert_eq!(script.world.may_turn(&script.profile), Turn::None, "an equal waits for the time slice");
    script.ok(Some(other), &Call::SetPriority { priority: 3 });
    assert_eq!(script.step(J, EnvStep::Preempt, JobState::Queued), Err(Refused::NobodyWaits));
    script.ok(Some(other), &Call::SetPriority { priority: 1 });
    assert_eq!(script.world.may_turn(&script.profile), Turn::Preempt);
    script.must(J, EnvStep::Preempt, JobState::Queued);
    assert_eq!(script.step(J, EnvStep::Turn, JobState::Connecting), Err(Refused::HigherWaits));
    script.must(other, EnvStep::Turn, JobState::Connecting);
    script.ok(Some(J), &Call::SetPriority { priority: 0 });
    assert_eq!(script.world.may_turn(&script.profile), Turn::Start, "FOREGROUND needs no slot");
    script.must(J, EnvStep::Turn, JobState::Connecting);
    script.must(J, EnvStep::Connected, JobState::Transferring);
    assert_eq!(script.step(J, EnvStep::Preempt, JobState::Queued), Err(Refused::NobodyWaits));
    script.ok(Some(J), &Call::SetPriority { priority: 3 });
    assert_eq!(
        script.world.may_turn(&script.profile),
        Turn::Preempt,
        "one of two background jobs has to stop"
    );
    script.must(J, EnvStep::Preempt, JobState::Queued);
    assert_eq!(script.world.may_turn(&script.profile), Turn::None);
}

#[test]
fn j_resume_takes_a_free_slot_in_delivery_optimization_and_else_queues() {
    let mut script = Script::at(Dialect::Do, JobState::Transferring);
    script.profile.transfer_slots = contract::dialect::TransferSlots::AtMost(1);
    let other = script.job(1);
    script.ok(Some(other), &Call::Resume);
    assert_eq!(script.state(other), JobState::Queued);
    assert_eq!(script.step(other, EnvStep::Turn, JobState::Transferring), Err(Refused::NoSlot));
    script.ok(Some(J), &Call::Suspend);
    assert_eq!(script.world.may_turn(&script.profile), Turn::Start);
    script.must(other, EnvStep::Turn, JobState::Transferring);
    script.ok(Some(J), &Call::Resume);
    assert_eq!(script.state(J), JobState::Queued);
}

#[test]
fn k_logoff_queues_the_transferring_jobs_of_one_user() {
    contract::follows!["env.logoff"];
    let mut script = Script::at(Dialect::Bits, JobState::Transferring);
    script.world.logoff(&script.profile, UserId(1));
    assert_eq!(script.state(J), JobState::Transferring);
    script.world.logoff(&script.profile, USER);
    assert_eq!(script.state(J), JobState::Queued);
    script.must(J, EnvStep::Turn, JobState::Connecting);
}

#[test]
fn l_a_lost_network_is_no_failure_and_starts_no_timer() {
    contract::follows!["env.no-timer-offline", "env.network-code", "env.network-back", "error.count-offline"];
    for from in [JobState::Queued, JobState::Connecting, JobState::Transferring] {
        let mut script = Script::at(Dialect::Bits, from);
        script.ok(Some(J), &Call::SetNotifyFlags { flags: 0 });
        script.must(J, EnvStep::NetworkLost, JobState::TransientError);
        assert_eq!(script.call(Some(J), &Call::GetErrorCount).out, Expected::Count(0));
        assert_eq!(script.step(J, EnvStep::RetryDelayOver, JobState::Queued), Err(Refused::NoTimer));
        assert_eq!(script.call(Some(J), &Call::ErrorGetFile).hr, HResult::BG_E_FILE_NOT_AVAILABLE);
        script.must(J, EnvStep::NetworkBack, JobState::Queued);
    }
    // After one step for all, each job's own change is only compared.
    let mut script = Script::at(Dialect::Do, JobState::Transferring);
    let lost = Change { job: None, file: None, step: Some(EnvStep::NetworkLost), state: None };
    assert_eq!(script.world.step(&script.profile, &lost), Ok(()));
    let state = Some((Some(JobState::Transferring), JobState::TransientError));
    assert_eq!(script.world.step(&script.profile, &Change { job: Some(J), state, ..lost }), Ok(()));
    let state = Some((Some(JobState::Transferring), JobState::Queued));
    assert!(script.world.step(&script.profile, &Change { job: Some(J), state, ..lost }).is_err());
}

#[test]
fn m_without_patience_there_is_no_retry() {
    contract::follows!["env.no-patience", "error.count", "error.kept", "event.no-transient"];
    let mut script = Script::at(Dialect::Bits, JobState::Transferring);
    script.ok(Some(J), &Call::SetNoProgressTimeout { seconds: 0 });
    script.must(J, FAILED, JobState::TransientError);
    assert_eq!(script.step(J, EnvStep::RetryDelayOver, JobState::Queued), Err(Refused::NoTimer));
    script.must(J, EnvStep::NoProgressTimeout, JobState::Error);
    assert_eq!(script.call(Some(J), &Call::GetErrorCount).out, Expected::Count(1));
    let mut patient = Script::at(Dialect::Bits, JobState::TransientError);
    assert!(!patient.pending().contains(&ERROR), "a transient error is no JobError (R5)");
    patient.must(J, EnvStep::RetryDelayOver, JobState::Queued);
    assert_eq!(
        patient.call(Some(J), &Call::GetError).hr,
        HResult::S_OK,
        "kept until TRANSFERRING (facts G24)"
    );
    patient.must(J, EnvStep::Turn, JobState::Connecting);
    patient.must(J, EnvStep::Connected, JobState::Transferring);
    assert_eq!(patient.call(Some(J), &Call::GetError).hr, HResult::BG_E_ERROR_INFORMATION_UNAVAILABLE);
}

#[test]
fn n_what_counts_as_a_change() {
    contract::follows!["event.modification", "event.not-both"];
    let mut script = Script::at(Dialect::Bits, JobState::Transferring);
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 0 });
    script.ok(Some(J), &Call::SetNotifyFlags { flags: 8 });
    let quiet = [register(1), program(), Call::SetNotifyFlags { flags: 8 }, Call::Resume, Call::GetProgress];
    for call in &quiet {
        script.ok(Some(J), call);
        assert!(script.pending().is_empty(), "{call}");
    }
    let remote = "http://h/".into();
    let loud = [
        add_file(),
        Call::SetPriority { priority: 2 },
        Call::SetDisplayName { name: Some("a".into()) },
        Call::SetMinimumRetryDelay { seconds: 5 },
        Call::SetNoProgressTimeout { seconds: 900 },
        Call::FileSetRemoteName { file: F, remote },
    ];
    for call in &loud {
        script.ok(Some(J), call);
        assert_eq!(script.pending(), [MODIFICATION], "{call}");
        script.tell();
    }
    script.must(J, EnvStep::SizeKnown { total: 2 }, JobState::Transferring);
    assert!(script.pending().is_empty() && script.witness("R14"));
    let bytes = |transferred| EnvStep::Bytes { transferred, total: Some(2) };
    assert_eq!(script.step(J, bytes(3), JobState::Transferring), Err(Refused::WrongBytes));
    script.must(J, bytes(2), JobState::Transferring);
    script.tell();
    assert_eq!(script.step(J, bytes(1), JobState::Transferring), Err(Refused::WrongBytes));
    script.must(J, BROKEN, JobState::Error);
    assert!(script.pending().is_empty(), "ERROR has its own event");
}

#[test]
fn o_expiry_waits_for_the_begun_delivery() {
    let mut script = transferred();
    let ticket = script.begin(ONE);
    assert_eq!(script.step(J, EnvStep::Expiry, JobState::Cancelled), Err(Refused::Begun));
    script.leave(ticket, FAIL);
    script.must(J, EnvStep::Expiry, JobState::Cancelled);
    assert!(script.pending().is_empty() && script.witness("R1"));
    assert!(script.step(J, EnvStep::Expiry, JobState::Cancelled).is_err());
    assert_eq!(script.call(Some(J), &Call::GetJob).hr, HResult::BG_E_NOT_FOUND);
}

#[test]
fn progress_adds_up_and_ends_where_the_model_stops_counting() {
    contract::follows!["progress.unknown-size"];
    let mut script = Script::with_job(Dialect::Do, 2);
    script.ok(Some(J), &Call::Resume);
    script.must(J, EnvStep::SizeKnown { total: 5 }, JobState::Transferring);
    script.must(J, EnvStep::Bytes { transferred: 4, total: Some(5) }, JobState::Transferring);
    let progress = |script: &mut Script| script.call(Some(J), &Call::GetProgress).out;
    let expect = |bytes_total, bytes_transferred, files_transferred| {
        let files_total = 2;
        Expected::Progress(contract::Progress {
            bytes_total,
            bytes_transferred,
            files_total,
            files_transferred,
        })
    };
    assert_eq!(progress(&mut script), expect(None, 4, 0));
    script.must(J, EnvStep::FileDone, JobState::Transferring);
    assert_eq!(progress(&mut script), expect(None, 5, 1));
    let mut large = script.world;
    script.must(J, EnvStep::SizeKnown { total: 1 }, JobState::Transferring);
    assert_eq!(progress(&mut script), expect(Some(6), 5, 1));
    let known = EnvStep::SizeKnown { total: u64::MAX };
    let change = Change { job: Some(J), file: Some(FileId(1)), step: Some(known), state: None };
    assert_eq!(large.step(&script.profile, &change), Ok(()));
    assert_eq!(large.call(&script.profile, USER, Some(J), &Call::GetProgress).out, Expected::Unknown);
}

#[test]
fn a_step_that_leads_elsewhere_is_refused_and_so_is_one_of_nobody() {
    let mut script = Script::at(Dialect::Bits, JobState::Queued);
    let wrong = script.step(J, EnvStep::Turn, JobState::Transferring);
    assert_eq!(wrong, Err(Refused::Elsewhere { from: JobState::Queued, to: JobState::Connecting }));
    assert!(script.witness("R13"));
    let nobody = Change { job: Some(JobId(9)), file: None, step: Some(EnvStep::Turn), state: None };
    assert_eq!(script.world.step(&script.profile, &nobody), Err(Refused::UnknownJob));
    assert!(!script.witness("R99"));
}

#[test]
fn jobs_are_found_and_listed_while_they_live_and_only_for_their_owner() {
    contract::follows!["manager.found", "manager.denied", "manager.gone", "manager.per-user"];
    let mut script = Script::with_job(Dialect::Bits, 1);
    let other = script.job(0);
    let denied = script.world.call(&script.profile, UserId(1), Some(other), &Call::GetJob);
    assert_eq!(denied.hr, HResult::E_ACCESSDENIED);
    let list = Call::EnumJobs { whose: contract::call::Whose::Mine };
    assert_eq!(script.call(None, &list).out, Expected::Jobs(0b11));
    assert!(Expected::Jobs(0b11).admits(&contract::Out::Jobs(vec![J, other])));
    assert!(!Expected::Jobs(0b11).admits(&contract::Out::Jobs(vec![other, J])));
    script.profile.jobs_per_user = 2;
    let create = Call::CreateJob { name: Some("one too many".into()), kind: 0 };
    assert_eq!(script.call(None, &create).hr, HResult::BG_E_TOO_MANY_JOBS_PER_USER);
    script.ok(Some(J), &Call::Cancel);
    assert_eq!(script.call(None, &list).out, Expected::Jobs(0b10));
    script.ok(None, &create);
    assert_eq!(script.call(Some(J), &Call::GetJob).hr, HResult::BG_E_NOT_FOUND);
}
