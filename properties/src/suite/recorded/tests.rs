//! What an implementation is found to do that was led along a path, and did something else: each mistake has one name, and no other one.

use contract::core::{Failure, TransferEvent};
use contract::event::Leave;
use contract::{
    Call, CallId, DeliveryId, Dialect, ErrorContext, Event, FileNames, Interfaces, NotifyFlags, Out,
    Receiver, ReceiverId, UserId,
};
use judge::trace::{CallLine, EnterLine, LeaveLine, Left, Line, ReturnLine, Told};
use model::drive::{From, Stimulus};
use model::scope::slices_to_lead;

use super::*;
use crate::suite::{Outcome, Settles, case_of};

const JOB: JobId = JobId(0);

fn does(call: Call) -> Stimulus {
    Stimulus::Call { from: From::Client(ThreadId(0)), job: Some(JOB), call }
}

fn create() -> Stimulus {
    let call = Call::CreateJob { name: Some("job".into()), kind: 0 };
    Stimulus::Call { from: From::Client(ThreadId(0)), job: None, call }
}

fn add(remote: &'static str) -> Stimulus {
    does(Call::AddFile { file: FileNames { remote: remote.into(), local: "/destination".into() } })
}

fn register() -> Stimulus {
    let interfaces = Interfaces::CALLBACK | Interfaces::CALLBACK2;
    does(Call::SetNotifyInterface { receiver: Some(Receiver { id: ReceiverId(0), interfaces }) })
}

/// Resume, and the transfer ends so.
fn resume(event: TransferEvent) -> Vec<Stimulus> {
    let connected = Stimulus::Transfer { job: JOB, event: TransferEvent::Connected };
    let ends = Stimulus::Transfer { job: JOB, event };
    vec![does(Call::Resume), Stimulus::Turn, connected, ends]
}

fn not_found() -> TransferEvent {
    TransferEvent::Failed {
        class: Failure::Fatal,
        hr: HResult::BG_E_HTTP_ERROR_404,
        context: ErrorContext::RemoteFile,
    }
}

/// The callback that is due, with calls from inside of it.
fn told(calls: &[Call]) -> Vec<Stimulus> {
    let inside =
        |call: &Call| Stimulus::Call { from: From::Callback(JOB), job: Some(JOB), call: call.clone() };
    let leaves = Stimulus::Leave { job: JOB, leave: Leave::Returned(HResult::S_OK) };
    let begins = [Stimulus::Begin(JOB), Stimulus::Enter(JOB)];
    begins.into_iter().chain(calls.iter().map(inside)).chain([leaves]).collect()
}

fn path(parts: &[&[Stimulus]]) -> Case {
    let dialect = Dialect::Bits;
    let slices = slices_to_lead(dialect.profile());
    let slice = slices.iter().find(|slice| slice.name == "led/job").expect("it is led");
    case_of((slice, Settles::WhenStill), dialect, &parts.concat(), "a path")
}

/// A run of an implementation, line by line.
struct Run {
    lines: Vec<Line>,
    calls: u32,
}

impl Run {
    fn new() -> Run {
        Run { lines: Vec::new(), calls: 0 }
    }

    fn push(&mut self, what: Kind) -> u64 {
        let seq = self.lines.len() as u64 + 1;
        self.lines.push(Line { seq, what });
        seq
    }

    fn called(&mut self, thread: ThreadId, job: Option<JobId>, call: &Call) -> CallId {
        self.calls += 1;
        let (id, call) = (CallId(self.calls), call.clone());
        self.push(Kind::Call(CallLine { id, thread, user: UserId(0), inside: None, job, call }));
        id
    }

    fn back(&mut self, call: CallId, hr: HResult, out: Out) -> u64 {
        self.push(Kind::Return(ReturnLine { call, job: Some(JOB), hr, out }))
    }

    /// A call of the path, with its answer.
    fn does(&mut self, step: &Stimulus, hr: HResult) {
        let Stimulus::Call { job, call, .. } = step else { panic!("{step:?} is no call") };
        let out = if job.is_none() { Out::Job(JOB) } else { Out::None };
        let id = self.called(ThreadId(0), *job, call);
        let _seq = self.back(id, hr, out);
    }

    /// The observer sees the job in this state. Returns the line.
    fn sees(&mut self, state: JobState) -> u64 {
        let id = self.called(ThreadId::OBSERVER, Some(JOB), &Call::GetState);
        self.back(id, HResult::S_OK, Out::State(state))
    }

    fn enters(&mut self, event: Event) {
        let receiver = Told::Interface(ReceiverId(0));
        let line = EnterLine { delivery: DeliveryId(0), job: JOB, event, receiver, file: None };
        self.push(Kind::Enter(line));
    }

    fn leaves(&mut self) {
        self.push(Kind::Leave(LeaveLine { delivery: DeliveryId(0), outcome: Left::Hr(HResult::S_OK) }));
    }

    /// What the run is found to have, by name. `parted` is where the one that leads has lost the job.
    fn names(self, case: &Case, parted: Option<Difference>) -> Vec<Vec<String>> {
        self.names_with(case, parted, None)
    }

    /// As [`Run::names`], of a service that has ended.
    fn names_with(
        self,
        case: &Case,
        parted: Option<Difference>,
        service: Option<Difference>,
    ) -> Vec<Vec<String>> {
        let header = Header {
            records: vec![Recorded::Call, Recorded::Return, Recorded::Enter, Recorded::Leave],
            origin: contract::dialect::Origin::Foreign,
            ..case.trace.header.clone()
        };
        let trace = Trace { header, lines: self.lines };
        let verdicts = Verdicts::of_rules(&trace, RuleSet::EMPTY);
        let run = Led {
            lines: trace.lines.len(),
            trace,
            verdicts: &verdicts,
            broken_off: parted.map_or(Broken::Not, |parted| Broken::Off(Some(parted))),
            equal: Vec::new(),
            aftermath: Vec::new(),
            more: Vec::new(),
            found: Vec::new(),
            service,
            suspend: SuspendAtEnd::Either,
        };
        let Outcome::Failed(failed) = led(case, run).outcome else { return Vec::new() };
        let names = failed.findings.into_iter().map(|finding| match finding {
            Finding::Differs(difference) => difference.skeleton,
            Finding::Broken(id, _) => vec![id.to_string()],
        });
        names.collect()
    }
}

/// Where the one that leads has lost the job behind Resume.
fn lost(seq: u64, seen: JobState, wanted: JobState) -> Option<Difference> {
    Some(Difference {
        skeleton: vec!["Resume".to_owned(), format!("subject {seen}"), format!("wanted {wanted}")],
        after: "Resume".to_owned(),
        subject: format!("{JOB} is {seen}"),
        wanted: format!("{JOB} is {wanted}"),
        account: Account::Suite,
        concern: Concern::Rule(Rule::R13),
        job: Some(JOB),
        seq,
    })
}

/// A job with a file and an object.
fn ready() -> Vec<Stimulus> {
    vec![create(), add("http://127.0.0.1/file"), register()]
}

/// A run up to there.
fn begun() -> Run {
    let mut run = Run::new();
    for step in ready() {
        run.does(&step, HResult::S_OK);
        run.sees(JobState::Suspended);
    }
    run
}

const MISSING: [&str; 2] = ["Resume -> S_OK", "JobError is missing"];

#[test]
fn a_job_in_doubt_is_not_reported_to_be_elsewhere() {
    let case = path(&[&[create(), add("file"), does(Call::Resume)]]);
    for state in [JobState::Error, JobState::Transferred] {
        let mut run = Run::new();
        for step in [create(), add("file"), does(Call::Resume)] {
            run.does(&step, HResult::S_OK);
            run.sees(JobState::Suspended);
        }
        let seq = run.sees(state);
        let names = run.names(&case, lost(seq, state, JobState::Suspended));
        assert_eq!(names, [["AddFile", "subject S_OK", "wanted E_INVALIDARG"]], "{state}");
    }
}

/// Of a job that is not in doubt it is the finding.
#[test]
fn a_job_that_is_elsewhere_is_reported() {
    let case = path(&[&ready(), &resume(TransferEvent::FileDone), &told(&[])]);
    let mut run = begun();
    run.does(&does(Call::Resume), HResult::S_OK);
    let seq = run.sees(JobState::Error);
    let names = run.names(&case, lost(seq, JobState::Error, JobState::Transferred));
    assert_eq!(names, [["Resume -> S_OK", "subject ERROR", "wanted TRANSFERRED"]]);
}

/// A call from inside of a callback that never came was never made, so what it would have done is no finding.
#[test]
fn a_missing_callback_has_the_name_and_not_the_state() {
    let ends = [(Call::Cancel, JobState::Cancelled), (Call::Complete, JobState::Acknowledged)];
    for (call, state) in ends {
        let case = path(&[&ready(), &resume(not_found()), &told(&[call])]);
        let run = || {
            let mut run = begun();
            run.does(&does(Call::Resume), HResult::S_OK);
            let seq = run.sees(JobState::Error);
            (run, seq)
        };
        let (at_its_end, _) = run();
        assert_eq!(at_its_end.names(&case, None), [MISSING], "{state}");
        let (broken_off, seq) = run();
        assert_eq!(broken_off.names(&case, lost(seq, JobState::Error, state)), [MISSING], "{state}");
    }
}

/// What would have followed from such a call is no finding either.
#[test]
fn nothing_that_follows_from_a_call_that_was_not_made_is_missing() {
    let transferred = resume(TransferEvent::FileDone);
    let case = path(&[&ready(), &resume(not_found()), &told(&[Call::Resume]), &transferred[1..], &told(&[])]);
    let mut run = begun();
    run.does(&does(Call::Resume), HResult::S_OK);
    run.sees(JobState::Error);
    assert_eq!(run.names(&case, None), [MISSING]);
}

/// A callback that the mask forbids enters, and leaves during the next call: the rule R2 and the path have the enter, and that is all.
#[test]
fn an_extra_callback_that_leaves_later_is_one_failure() {
    let masked = does(Call::SetNotifyFlags { flags: NotifyFlags::DISABLE.bits() });
    let getter = does(Call::GetState);
    let case = path(&[&ready(), std::slice::from_ref(&masked), &resume(TransferEvent::FileDone), &[getter]]);
    let mut run = begun();
    run.does(&masked, HResult::S_OK);
    run.sees(JobState::Suspended);
    run.does(&does(Call::Resume), HResult::S_OK);
    run.enters(Event::JobTransferred);
    run.sees(JobState::Transferred);
    let id = run.called(ThreadId(0), Some(JOB), &Call::GetState);
    run.leaves();
    run.back(id, HResult::S_OK, Out::State(JobState::Transferred));
    run.sees(JobState::Transferred);
    assert_eq!(run.names(&case, None), [["Resume -> S_OK", "JobTransferred is extra"]]);
}

/// The service ends with a call: what is missing behind it is no failure of its own.
#[test]
fn a_service_that_ends_is_one_failure() {
    let case = path(&[&ready(), &resume(TransferEvent::FileDone), &told(&[]), &[does(Call::Complete)]]);
    let mut run = begun();
    run.does(&does(Call::Resume), HResult::RPC_S_CALL_FAILED);
    let header = case.trace.header.clone();
    let ended = crate::foreign::ended(&Trace { header, lines: run.lines.clone() }).expect("it has ended");
    assert_eq!(ended.subject, "the service has ended: j0.Resume -> RPC_S_CALL_FAILED (0x800706BE)");
    let names = run.names_with(&case, None, Some(ended));
    assert_eq!(names, [["the service has ended"]]);
}

/// While a callback is held nothing rests, so the answer of a setter and what follows from it are in one window: the answer has the name.
#[test]
fn a_setter_that_is_answered_otherwise_has_the_name_and_not_the_state() {
    let held = told(&[]);
    let (enters, leaves) = held.split_at(2);
    let steps = [add("file"), does(Call::Resume)];
    let case = path(&[&ready(), &resume(TransferEvent::FileDone), enters, &steps, leaves]);
    let mut run = begun();
    run.does(&does(Call::Resume), HResult::S_OK);
    run.enters(Event::JobTransferred);
    run.sees(JobState::Transferred);
    run.does(&steps[0], HResult::S_OK);
    run.does(&steps[1], HResult::BG_E_EMPTY);
    run.leaves();
    let seq = run.sees(JobState::Error);
    let names = run.names(&case, lost(seq, JobState::Error, JobState::Transferred));
    assert_eq!(names, [["AddFile", "subject S_OK", "wanted E_INVALIDARG"]]);
}

/// What the documents leave open of a job that has ended is no finding: the code of a call that is refused for two reasons, and its error.
#[test]
fn what_is_open_of_a_job_that_has_ended_is_no_failure() {
    let long = does(Call::SetDescription { description: Some("x".repeat(5_000).into()) });
    let steps = [does(Call::Cancel), long, does(Call::GetError)];
    let case = path(&[&ready(), &resume(not_found()), &told(&[]), &steps]);
    let names = |error: HResult, described: HResult| {
        let mut run = begun();
        run.does(&does(Call::Resume), HResult::S_OK);
        run.enters(Event::JobError);
        run.leaves();
        run.sees(JobState::Error);
        for (step, hr) in steps.iter().zip([HResult::S_OK, described, error]) {
            run.does(step, hr);
            run.sees(JobState::Cancelled);
        }
        run.names(&case, None)
    };
    let (none, invalid) = (HResult::BG_E_ERROR_INFORMATION_UNAVAILABLE, HResult::BG_E_INVALID_STATE);
    for error in [HResult::S_OK, none] {
        for described in [invalid, HResult::BG_E_STRING_TOO_LONG] {
            assert_eq!(names(error, described), Vec::<Vec<String>>::new(), "{error} {described}");
        }
    }
    let other = names(none, HResult::E_INVALIDARG);
    assert_eq!(other, [["SetDescription", "subject E_INVALIDARG", "wanted BG_E_INVALID_STATE"]]);
}
