//! The method x state table (facts B1, B2), written out once more and compared in every state of both dialects.

use contract::answers::{self, Class};
use contract::call::{Fetched, Whose};
use contract::{Call, Dialect, FileId, HResult, JobState, Method, Text};
use model::spec::Expected;

use crate::script::{J, Script, add_file, program, register};

/// Facts B1 with the choices of facts G. A cell is the answer, and after `>` the state it leads to. `-` is a state
/// that the dialect does not have. Jobs have one file, which is unfinished but in TD; `0` means a job without files.
const BITS: &str = "
    method   | Q         | C         | T         | S         | E         | TE        | TD     | ACK | CAN
    Suspend  | OK>S      | OK>S      | OK>S      | OK        | OK        | OK>S      | OK     | INV | INV
    Resume   | OK        | OK        | OK        | OK>Q      | OK>Q      | OK>Q      | EMPTY  | INV | INV
    Resume0  | -         | -         | -         | EMPTY     | -         | -         | -      | INV | INV
    Resume+  | -         | -         | -         | -         | -         | -         | OK>Q   | -   | -
    Cancel   | OK>CAN    | OK>CAN    | OK>CAN    | OK>CAN    | OK>CAN    | OK>CAN    | OK>CAN | INV | INV
    Complete | PART>ACK  | PART>ACK  | PART>ACK  | PART>ACK  | PART>ACK  | PART>ACK  | OK>ACK | INV | INV
    Complete0| -         | -         | -         | PART>ACK  | -         | -         | -      | INV | INV
";

const DO: &str = "
    method   | Q         | C         | T         | S         | E         | TE        | TD     | ACK | CAN
    Suspend  | OK>S      | -         | OK>S      | OK        | OK        | OK>S      | OK     | INV | INV
    Resume   | OK        | -         | OK        | OK>T      | OK>T      | OK>T      | OK     | INV | INV
    Resume0  | -         | -         | -         | EMPTY     | -         | -         | -      | INV | INV
    Resume+  | -         | -         | -         | -         | -         | -         | OK>T   | -   | -
    Cancel   | OK>CAN    | -         | OK>CAN    | OK>CAN    | OK>CAN    | OK>CAN    | OK>CAN | INV | INV
    Complete | OK>ACK    | -         | OK>ACK    | OK>ACK    | OK>ACK    | OK>ACK    | OK>ACK | INV | INV
    Complete0| -         | -         | -         | OK>ACK    | -         | -         | -      | INV | INV
";

#[test]
fn state_changing_methods_answer_and_lead_as_the_facts_say() {
    contract::follows![
        "suspend.stops",
        "suspend.twice",
        "suspend.at-rest",
        "resume.queues",
        "resume.do-transfers",
        "resume.empty",
        "resume.more-files",
        "cancel.ends",
        "complete.ends",
        "complete.partial-code"
    ];
    for (dialect, matrix) in [(Dialect::Bits, BITS), (Dialect::Do, DO)] {
        let mut rows = matrix.trim().lines().map(|row| row.split('|').map(str::trim));
        let columns: Vec<JobState> = rows.next().expect("a header").skip(1).map(state).collect();
        assert_eq!(columns, JobState::ALL);
        for mut row in rows {
            let method = row.next().expect("a method");
            for (from, cell) in columns.iter().zip(row).filter(|(_, cell)| *cell != "-") {
                let (answer, to) = cell.split_once('>').unwrap_or((cell, ""));
                let to = if to.is_empty() { *from } else { state(to) };
                let said = try_method(dialect, method, *from);
                assert_eq!(said, (hresult(dialect, answer), to), "{method} in {from} ({dialect})");
            }
        }
    }
}

/// The columns `live` and `ACK / CAN` of facts B2 for every other method, with good arguments.
#[test]
fn all_other_methods_answer_by_their_class_in_every_state() {
    contract::follows!["call.live", "methods.all", "methods.do-omitted", "flags.final"];
    for dialect in Dialect::ALL {
        let profile = dialect.profile();
        for from in reachable(dialect) {
            for call in good_calls() {
                let method = call.method();
                let mut script = Script::at(dialect, from);
                let before = script.world;
                let reply = script.call(Some(J), &call);
                let error = matches!(from, JobState::Error | JobState::TransientError);
                let expected = match answers::class(method) {
                    _ if answers::is_omitted(profile, method) => HResult::E_NOTIMPL,
                    Class::Setter if from.is_final() => profile.invalid_state,
                    Class::ErrorGetter if !error => profile.no_error_information,
                    Class::Manager if method == Method::GetJob && from.is_final() => profile.not_found,
                    // Of a final job nothing is left to skip or to fetch.
                    Class::Manager if from.is_final() && skips(method) => HResult::S_FALSE,
                    _ if method == Method::FileGetFileRanges => HResult::S_FALSE,
                    _ => HResult::S_OK,
                };
                assert_eq!(reply.hr, expected, "{call} in {from} ({dialect})");
                assert_eq!(script.world.state(J), before.state(J), "{call}");
                assert!(reply.hr.succeeded() || script.world == before, "a failed {call} changed something");
            }
        }
    }
}

/// Facts B2 to B5: the argument errors of a live job, none of which changes anything (R11); in a final state the
/// state is named first (facts G57).
#[test]
fn bad_arguments_are_refused_after_the_state() {
    contract::follows![
        "flags.invalid",
        "priority.undefined",
        "name.required",
        "name.limit",
        "description.required",
        "description.limit",
        "program.parameters-alone",
        "program.limits",
        "file.new-name",
        "file.bad-names",
        "file.set-whole",
        "flags.do-ranges",
        "file.too-many"
    ];
    let long = |n: usize| Some(Text::from("x".repeat(n)));
    let table = [
        (Call::SetNotifyFlags { flags: 0x40 }, HResult::E_NOTIMPL),
        (Call::SetPriority { priority: 4 }, HResult::E_NOTIMPL),
        (Call::SetDisplayName { name: None }, HResult::E_INVALIDARG),
        (Call::SetDisplayName { name: long(257) }, HResult::E_INVALIDARG),
        (Call::SetDescription { description: None }, HResult::E_INVALIDARG),
        (Call::SetDescription { description: long(1025) }, HResult::BG_E_STRING_TOO_LONG),
        (Call::SetNotifyCmdLine { program: None, parameters: long(1) }, HResult::E_INVALIDARG),
        (Call::SetNotifyCmdLine { program: long(261), parameters: None }, HResult::BG_E_STRING_TOO_LONG),
        (Call::SetNotifyCmdLine { program: long(1), parameters: long(4001) }, HResult::BG_E_STRING_TOO_LONG),
        (Call::FileSetRemoteName { file: FileId(0), remote: "ftp://h/".into() }, HResult::E_INVALIDARG),
        (Call::FileSetRemoteName { file: FileId(1), remote: "http://h/".into() }, HResult::E_INVALIDARG),
        (Call::AddFileSet { files: vec![bad_file(), bad_file()] }, HResult::E_INVALIDARG),
        (no_interface(), HResult::E_NOINTERFACE),
    ];
    for (call, hr) in table {
        let mut script = Script::at(Dialect::Bits, JobState::Suspended);
        let before = script.world;
        assert_eq!(script.call(Some(J), &call).hr, hr, "{call}");
        assert_eq!(script.world, before, "{call}");
        script.ok(Some(J), &Call::Cancel);
        assert_eq!(script.call(Some(J), &call).hr, HResult::BG_E_INVALID_STATE, "{call}");
    }
    let mut script = Script::with_job(Dialect::Do, 4);
    assert_eq!(script.call(Some(J), &Call::SetNotifyFlags { flags: 0x20 }).hr, HResult::E_NOTIMPL);
    assert_eq!(script.call(Some(J), &add_file()).hr, HResult::BG_E_TOO_MANY_FILES_IN_JOB);
    assert_eq!(script.call(Some(J), &Call::GetNotifyFlags).out, flags(3));
}

fn flags(bits: u32) -> Expected {
    Expected::Flags(contract::NotifyFlags::from_bits_retain(bits))
}

fn bad_file() -> contract::FileNames {
    contract::FileNames { remote: "http://h/".into(), local: "a".into() }
}

fn no_interface() -> Call {
    let receiver =
        contract::Receiver { id: contract::ReceiverId(1), interfaces: contract::Interfaces::CALLBACK2 };
    Call::SetNotifyInterface { receiver: Some(receiver) }
}

fn try_method(dialect: Dialect, method: &str, from: JobState) -> (HResult, JobState) {
    let (method, variant) = match method.strip_suffix(['0', '+']) {
        Some(stem) => (stem, &method[stem.len()..]),
        None => (method, ""),
    };
    let mut script = if variant == "0" { Script::with_job(dialect, 0) } else { Script::at(dialect, from) };
    if variant == "0" {
        script.go(J, from);
    }
    if variant == "+" {
        script.ok(Some(J), &add_file());
    }
    let call = match method {
        "Suspend" => Call::Suspend,
        "Resume" => Call::Resume,
        "Cancel" => Call::Cancel,
        "Complete" => Call::Complete,
        other => panic!("{other}"),
    };
    assert_eq!(script.state(J), from);
    (script.call(Some(J), &call).hr, script.state(J))
}

fn reachable(dialect: Dialect) -> impl Iterator<Item = JobState> {
    let shown = move |state: &JobState| dialect.profile().connects.is_on() || *state != JobState::Connecting;
    JobState::ALL.into_iter().filter(shown)
}

fn state(short: &str) -> JobState {
    let short_names = ["Q", "C", "T", "S", "E", "TE", "TD", "ACK", "CAN"];
    JobState::ALL[short_names.iter().position(|name| *name == short).expect("a state of facts B")]
}

fn hresult(dialect: Dialect, short: &str) -> HResult {
    match (short, dialect) {
        ("OK", _) => HResult::S_OK,
        ("PART", _) => HResult::BG_S_PARTIAL_COMPLETE,
        ("INV", Dialect::Bits) => HResult::BG_E_INVALID_STATE,
        ("INV", Dialect::Do) => HResult::DO_E_INVALID_STATE,
        ("EMPTY", Dialect::Bits) => HResult::BG_E_EMPTY,
        ("EMPTY", Dialect::Do) => HResult::DO_E_JOB_EMPTY,
        other => panic!("{other:?}"),
    }
}

fn skips(method: Method) -> bool {
    matches!(method, Method::EnumJobsNext | Method::EnumJobsSkip)
}

/// A good call of every method that is not in facts B1.
fn good_calls() -> Vec<Call> {
    let file = FileId(0);
    let text = || Some(Text::from("x"));
    let calls = vec![
        Call::GetJob,
        Call::EnumJobs { whose: Whose::Mine },
        Call::GetErrorDescription { hr: HResult::E_FAIL, language: 0 },
        add_file(),
        Call::AddFileSet { files: vec![] },
        Call::EnumFiles,
        Call::GetId,
        Call::GetType,
        Call::GetProgress,
        Call::GetTimes,
        Call::GetState,
        Call::GetError,
        Call::GetOwner,
        Call::SetDisplayName { name: text() },
        Call::GetDisplayName,
        Call::SetDescription { description: text() },
        Call::GetDescription,
        Call::SetPriority { priority: 0 },
        Call::GetPriority,
        Call::SetNotifyFlags { flags: 0 },
        Call::GetNotifyFlags,
        register(2),
        Call::GetNotifyInterface,
        Call::SetMinimumRetryDelay { seconds: 1 },
        Call::GetMinimumRetryDelay,
        Call::SetNoProgressTimeout { seconds: 0 },
        Call::GetNoProgressTimeout,
        Call::GetErrorCount,
        Call::SetProxySettings,
        Call::GetProxySettings,
        Call::TakeOwnership,
        program(),
        Call::GetNotifyCmdLine,
        Call::FileGetRemoteName { file },
        Call::FileGetLocalName { file },
        Call::FileGetProgress { file },
        Call::FileGetFileRanges { file },
        Call::FileSetRemoteName { file, remote: "http://h/".into() },
        Call::FileSetValidationState { file },
        Call::FileGetProperty { file, property: 1 },
        Call::FileSetProperty { file, property: 1 },
        Call::ErrorGetError,
        Call::ErrorGetFile,
        Call::ErrorGetErrorDescription { language: 0x0409 },
        Call::ErrorGetErrorContextDescription { language: 0 },
        Call::ErrorGetProtocol,
        Call::EnumFilesNext { skip: 0, celt: 1, fetched: Fetched::Null },
        Call::EnumFilesSkip { celt: 1 },
        Call::EnumFilesReset,
        Call::EnumFilesGetCount,
        Call::EnumFilesClone,
        Call::EnumJobsNext { skip: 0, celt: 1, fetched: Fetched::Null },
        Call::EnumJobsSkip { celt: 1 },
        Call::EnumJobsReset,
        Call::EnumJobsGetCount,
        Call::EnumJobsClone,
        Call::CreateJob { name: text(), kind: 0 },
    ];
    let four = [Method::Suspend, Method::Resume, Method::Cancel, Method::Complete];
    for method in Method::ALL.iter().filter(|method| !four.contains(method)) {
        assert!(calls.iter().any(|call| call.method() == *method), "{method} is missing here");
    }
    calls
}
