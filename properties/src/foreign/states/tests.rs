use contract::core::{Failure, TransferEvent};
use contract::{Dialect, ErrorContext, HResult, Interfaces, Receiver, ReceiverId};
use judge::trace::ReturnLine;

use super::super::abilities::Abilities;
use super::super::walk::{slices_for, walk};
use super::*;
use crate::random::Rng;
use crate::suite::{Case, Settles, case_of, steps_of};

/// Shows a run of the model to the set. `change` may have another line instead, or none.
fn follow(
    slice: &Slice,
    case: &Case,
    change: &dyn Fn(usize, &Kind) -> Option<Kind>,
    after_each: &mut dyn FnMut(&mut States, &Lockstep<Core, JOBS>),
) -> States {
    follow_with(customs(), slice, case, change, after_each)
}

/// An implementation whose calls wait for what they must.
fn customs() -> Customs {
    Customs {
        equal: Vec::new(),
        remote: "http://127.0.0.1/".to_owned(),
        local: GOOD_LOCAL.to_owned(),
        waits: true,
        suspend: Default::default(),
    }
}

fn follow_with(
    customs: Customs,
    slice: &Slice,
    case: &Case,
    change: &dyn Fn(usize, &Kind) -> Option<Kind>,
    after_each: &mut dyn FnMut(&mut States, &Lockstep<Core, JOBS>),
) -> States {
    let profile = case.trace.header.profile();
    let mut states = States::of(slice, &profile, customs);
    let config = slice.config(&profile);
    let core = <Core as contract::Core>::new(&config);
    let mut led: Lockstep<Core, JOBS> = Lockstep::around(core, &config, slice.users.owners(), RuleSet::EMPTY);
    let steps = steps_of(&case.trace).expect("a trace of ours");
    for step in &steps {
        let Stimulus::Transfer { job, event } = step else { continue };
        match event {
            TransferEvent::FileDone => states.serve(*job, Served::Whole),
            TransferEvent::Failed { class: Failure::Fatal, .. } => states.serve(*job, Served::Status(404)),
            TransferEvent::Failed { .. } => states.serve(*job, Served::Status(503)),
            _ => {}
        }
    }
    let mut next = 0;
    for (at, line) in case.trace.lines.iter().enumerate() {
        if matches!(line.what, Kind::Choose(_) | Kind::Call(_)) {
            after_each(&mut states, &led);
            outside(&mut states, &led, &steps[next], &steps[next + 1..]);
            let _ = led.apply(&config.profile, &steps[next], &mut |_| ());
            next += 1;
        }
        if let Some(what) = change(at, &line.what) {
            states.take(&[Heard { q: line.seq, seq: line.seq, what }]);
        }
    }
    after_each(&mut states, &led);
    states
}

/// What the set receives of a step: what comes from outside, and is no line.
fn outside(states: &mut States, led: &Lockstep<Core, JOBS>, step: &Stimulus, later: &[Stimulus]) {
    match step {
        Stimulus::Call { from, job, call } => {
            let results = later.iter().find_map(|step| match step {
                Stimulus::Disk { job: of, result } if Some(*of) == *job => Some(*result),
                _ => None,
            });
            if matches!(call, Call::Complete | Call::Cancel) {
                states.disk = results.unwrap_or(DiskResult::Good);
            }
            if !matches!(from, From::Callback(_)) {
                states.begin(After::Call);
            }
        }
        Stimulus::Timeout => {
            let core = led.driver().core();
            let at = core.poll_timeout().map_or(0, |at| at.0.saturating_sub(core.now().0));
            states.pass(at);
        }
        Stimulus::NetworkLost | Stimulus::NetworkBack | Stimulus::Logoff(_) => states.happens(step),
        _ => {}
    }
}

#[test]
fn what_the_model_does_fits() {
    for dialect in [Dialect::Bits, Dialect::Do] {
        let profile = dialect.profile();
        let abilities = Abilities::everything();
        let slices = slices_for(profile, &abilities);
        let mut random = Rng::new(5, 0);
        let (mut followed, mut largest) = (0, 0);
        for number in 0..PATHS {
            let slice = &slices[number % slices.len()];
            let path = walk(profile, slice, &abilities, &mut random, 10);
            let case = case_of((slice, Settles::WhenStill), dialect, &path, "a path");
            let mut states = follow(slice, &case, &|_, kind| Some(kind.clone()), &mut |_, _| ());
            let account = states.take_course();
            let found: Vec<String> = account.found.iter().map(Difference::line).collect();
            assert!(found.is_empty(), "{number} in {}: {found:?}\n{path:#?}", slice.name);
            followed += usize::from(account.undecided.is_none());
            largest = largest.max(account.largest);
        }
        assert!(followed * 100 >= PATHS * 95, "{followed} of {PATHS}, up to {largest} states");
    }
}

const PATHS: usize = 300;

/// An implementation whose calls do not wait for callbacks is followed to the end of a run, and not blamed where it does not promise it.
#[test]
fn a_call_that_is_back_before_a_callback_has_left_is_followed() {
    let dialect = Dialect::Bits;
    let profile = dialect.profile();
    let abilities = Abilities::everything();
    let slices = slices_for(profile, &abilities);
    let mut random = Rng::new(7, 0);
    let (mut early, mut followed) = (0, 0);
    for number in 0..2 * PATHS {
        let slice = &slices[number % slices.len()];
        let path = walk(profile, slice, &abilities, &mut random, 12);
        let mut case = case_of((slice, Settles::WhenStill), dialect, &path, "a path");
        if !does_not_wait(&mut case) {
            continue;
        }
        early += 1;
        let as_it_is = &|_: usize, kind: &Kind| Some(kind.clone());
        let customs = Customs { waits: false, ..customs() };
        let course = follow_with(customs, slice, &case, as_it_is, &mut |_, _| ()).take_course();
        let found: Vec<String> = course.found.iter().map(Difference::line).collect();
        assert!(found.is_empty(), "{number} in {}: {found:?}\n{path:#?}", slice.name);
        followed += usize::from(course.undecided.is_none());
        let blamed = follow(slice, &case, as_it_is, &mut |_, _| ()).take_course();
        assert!(!blamed.found.is_empty() || blamed.undecided.is_some(), "{number}: waits were promised");
    }
    assert!(early > 20 && followed * 10 >= early * 9, "{followed} of {early}");
}

/// Lets the calls of clients that wait for a callback come back at once. Whether there is one.
fn does_not_wait(case: &mut Case) -> bool {
    let lines = &mut case.trace.lines;
    let mut changed = false;
    let mut at = 0;
    while at < lines.len() {
        let Kind::Call(call) = &lines[at].what else {
            at += 1;
            continue;
        };
        let (id, inside) = (call.id, call.inside);
        at += 1;
        // Numbers of calls come again.
        let is_back = |what: &Kind| matches!(what, Kind::Return(back) if back.call == id);
        let back = lines[at..].iter().position(|line| is_back(&line.what)).filter(|_| inside.is_none());
        let Some(back) = back.map(|back| at + back) else { continue };
        if lines[at..back].iter().any(|line| matches!(line.what, Kind::Leave(_))) {
            let line = lines.remove(back);
            lines.insert(at, line);
            changed = true;
        }
    }
    (0..).zip(lines).for_each(|(seq, line)| line.seq = seq);
    changed
}

fn does(call: Call) -> Stimulus {
    Stimulus::Call { from: From::Client(ThreadId(0)), job: Some(JobId(0)), call }
}

/// A job whose transfer ends with 404, with an object that receives everything.
fn fails() -> Vec<Stimulus> {
    let create = Call::CreateJob { name: Some("job".into()), kind: 0 };
    let file = FileNames { remote: GOOD_REMOTE.into(), local: GOOD_LOCAL.into() };
    let receiver = Some(Receiver { id: ReceiverId(0), interfaces: Interfaces::CALLBACK });
    let failed = TransferEvent::Failed {
        class: Failure::Fatal,
        hr: HResult::BG_E_HTTP_ERROR_404,
        context: ErrorContext::RemoteFile,
    };
    vec![
        Stimulus::Call { from: From::Client(ThreadId(0)), job: None, call: create },
        does(Call::AddFile { file }),
        does(Call::SetNotifyInterface { receiver }),
        does(Call::Resume),
        Stimulus::Turn,
        Stimulus::Transfer { job: JobId(0), event: failed },
    ]
}

/// AddFile answers a failure and adds the file, so from there on the path cannot follow the job; and JobError does not come.
#[test]
fn what_hides_behind_a_first_failure_is_found() {
    let dialect = Dialect::Bits;
    let profile = dialect.profile();
    let slices = slices_for(profile, &Abilities::everything());
    let slice = slices.iter().find(|slice| slice.name == "led/job").expect("it is led");
    let case = case_of((slice, Settles::WhenStill), dialect, &fails(), "two defects");
    let calls: Vec<(CallId, u64)> = { case.trace.lines.iter() }
        .filter_map(|line| match &line.what {
            Kind::Call(call) if call.call.method() == Method::AddFile => Some((call.id, line.seq)),
            _ => None,
        })
        .collect();
    let (id, since) = calls[0];
    let changed = |at: usize, kind: &Kind| match kind {
        Kind::Return(back) if back.call == id && case.trace.lines[at].seq == since + 1 => {
            Some(Kind::Return(ReturnLine { hr: HResult::E_FAIL, ..back.clone() }))
        }
        Kind::Enter(_) | Kind::Leave(_) => None,
        kind => Some(kind.clone()),
    };
    let mut asked = |states: &mut States, _: &Lockstep<Core, JOBS>| {
        if states.is_empty() {
            let getters = vec![(Call::EnumFilesGetCount, HResult::S_OK, Out::Count(1))];
            states.again(
                &[Shown { job: JobId(0), state: Some(JobState::Suspended), getters }],
                Default::default(),
            );
        }
    };
    let mut states = follow(slice, &case, &changed, &mut asked);
    states.must_rest(99);
    let account = states.take_course();
    let names: Vec<Vec<String>> = account.found.iter().map(|found| found.skeleton.clone()).collect();
    let wanted: [&[&str]; 2] =
        [&["AddFile", "subject E_FAIL", "wanted S_OK"], &["Resume -> S_OK", "JobError is missing"]];
    assert_eq!(names, wanted);
    assert_eq!((account.again, account.undecided), (1, None));
}

/// What is seen behind a getter is named after the call before it, so that it has one name whatever a client reads meanwhile.
#[test]
fn a_getter_names_nothing() {
    let dialect = Dialect::Bits;
    let slices = slices_for(dialect.profile(), &Abilities::everything());
    let slice = slices.iter().find(|slice| slice.name == "led/job").expect("it is led");
    let path = [&fails()[..2], &[does(Call::GetNotifyFlags), does(Call::GetId)]].concat();
    let case = case_of((slice, Settles::WhenStill), dialect, &path, "getters");
    let states = follow(slice, &case, &|_, kind| Some(kind.clone()), &mut |_, _| ());
    assert_eq!(states.after, "AddFile -> S_OK");
}

/// Lines that the set receives behind a run of the model, each a moment later than the last.
struct Seen {
    states: States,
    at: u64,
    call: u32,
}

impl Seen {
    fn of(states: States) -> Seen {
        Seen { at: states.last, call: 1_000, states }
    }

    fn take(&mut self, what: Kind) {
        self.at += 1;
        self.states.take(&[Heard { q: self.at, seq: self.at, what }]);
    }

    fn calls(&mut self, thread: ThreadId, call: Call, hr: HResult, out: Out) {
        self.call += 1;
        let (id, job) = (CallId(self.call), Some(JobId(0)));
        self.take(Kind::Call(CallLine { id, thread, user: UserId(0), inside: None, job, call }));
        self.take(Kind::Return(ReturnLine { call: id, job, hr, out }));
    }

    /// A client makes a call.
    fn does(&mut self, call: Call, hr: HResult, out: Out) {
        self.states.begin(After::Call);
        self.calls(ThreadId(0), call, hr, out);
    }

    /// The observer sees the job in a state. Where none fits, the set begins anew with it.
    fn sees(&mut self, state: JobState, fed: Fed) {
        self.calls(ThreadId::OBSERVER, Call::GetState, HResult::S_OK, Out::State(state));
        if self.states.is_empty() {
            let getters = vec![(Call::EnumFilesGetCount, HResult::S_OK, Out::Count(1))];
            self.states.again(&[Shown { job: JobId(0), state: Some(state), getters }], [fed; JOBS]);
        }
    }

    fn names(&mut self) -> Vec<Vec<String>> {
        let course = self.states.take_course();
        assert_eq!(course.undecided, None);
        course.found.iter().map(|found| found.skeleton.clone()).collect()
    }
}

/// A job of the model has few files. An implementation that takes one more than these, or takes what it should refuse, is not blamed for that.
#[test]
fn more_files_than_the_model_has_room_for_decide_nothing() {
    let file = FileNames { remote: "http://127.0.0.1/file".into(), local: "/destination".into() };
    let mut seen = behind(&fails()[..1]);
    for number in 1..=5 {
        assert_eq!(seen.states.course.undecided, None, "{number} files");
        seen.does(Call::AddFile { file: file.clone() }, HResult::S_OK, Out::None);
    }
    let course = seen.states.take_course();
    assert_eq!(course.undecided, Some("a job has more files than the model has room for"));
    assert_eq!(course.found, []);
}

/// The set behind these steps of the model, in a slice of one job.
fn behind(steps: &[Stimulus]) -> Seen {
    let dialect = Dialect::Bits;
    let slices = slices_for(dialect.profile(), &Abilities::everything());
    let slice = slices.iter().find(|slice| slice.name == "led/job").expect("it is led");
    let case = case_of((slice, Settles::WhenStill), dialect, steps, "a path");
    Seen::of(follow(slice, &case, &|_, kind| Some(kind.clone()), &mut |_, _| ()))
}

/// A job with a file, which is resumed. The server is to answer with a status.
fn resumed(status: u16) -> Seen {
    let mut seen = behind(&fails()[..2]);
    seen.states.serve(JobId(0), Served::Status(status));
    seen.does(Call::Resume, HResult::S_OK, Out::None);
    seen
}

const GAVE_IT: Fed = Fed { is_used_up: true, is_stalled: false };
const GAVE_NOTHING: Fed = Fed { is_used_up: false, is_stalled: false };

fn error(hr: HResult, context: ErrorContext) -> Out {
    Out::Error(contract::ErrorInfo { hr, context, file: Some(contract::FileId(0)) })
}

const TOO_FATAL: [&str; 3] = ["Resume -> S_OK", "subject ERROR", "wanted TRANSIENT_ERROR"];

/// An implementation takes 503 for fatal. The error that it gives is the one that the server gave, and no other.
#[test]
fn the_code_of_a_chosen_error_is_the_one_that_was_served() {
    let read = |hr: HResult| {
        let mut seen = resumed(503);
        seen.sees(JobState::Error, GAVE_IT);
        seen.does(Call::GetError, HResult::S_OK, error(hr, ErrorContext::RemoteFile));
        seen.names()
    };
    assert_eq!(read(HResult::from_http(503)), [&TOO_FATAL[..]]);
    let another: &[&str] = &["GetError", "another code"];
    assert_eq!(read(HResult::from_http(404)), [&TOO_FATAL[..], another]);
}

/// The server was never asked, so what has failed is not known. That there is an error is.
#[test]
fn an_error_that_nothing_was_served_for_is_not_judged() {
    let read = |hr: HResult, out: Out| {
        let mut seen = resumed(503);
        seen.sees(JobState::Error, GAVE_NOTHING);
        seen.does(Call::GetError, hr, out.clone());
        seen.does(Call::ErrorGetError, hr, out);
        seen.names()
    };
    let unreached = error(HResult::E_FAIL, ErrorContext::GeneralTransport);
    assert_eq!(read(HResult::S_OK, unreached), [&TOO_FATAL[..]]);
    let none = read(HResult::BG_E_ERROR_INFORMATION_UNAVAILABLE, Out::None);
    assert_eq!(none.len(), 2, "an error that cannot be read is a failure of its own: {none:?}");
    assert_eq!(none[1][0], "GetError");
}

/// Whether a job that has ended still has its error is open.
#[test]
fn the_error_of_a_job_that_has_ended_is_not_judged() {
    let kept = error(HResult::from_http(404), ErrorContext::RemoteFile);
    for (hr, out) in [(HResult::S_OK, kept), (HResult::BG_E_ERROR_INFORMATION_UNAVAILABLE, Out::None)] {
        let mut seen = resumed(404);
        seen.sees(JobState::Error, GAVE_IT);
        seen.does(Call::Cancel, HResult::S_OK, Out::None);
        seen.sees(JobState::Cancelled, GAVE_NOTHING);
        seen.does(Call::GetError, hr, out.clone());
        seen.does(Call::ErrorGetError, hr, out);
        assert_eq!(seen.names(), Vec::<Vec<String>>::new());
    }
}

/// An object without an interface is taken, and is there from then on, also where another getter shows what no state has.
#[test]
fn what_was_taken_is_there() {
    let mut seen = behind(&fails()[..2]);
    let receiver = Some(Receiver { id: ReceiverId(1), interfaces: Interfaces::empty() });
    seen.does(Call::SetNotifyInterface { receiver }, HResult::S_OK, Out::None);
    let getters = vec![(Call::EnumFilesGetCount, HResult::S_OK, Out::Count(7))];
    let shown = Shown { job: JobId(0), state: Some(JobState::Suspended), getters };
    seen.states.again(&[shown], [GAVE_NOTHING; JOBS]);
    seen.does(Call::GetNotifyInterface, HResult::S_OK, Out::Receiver(Some(ReceiverId(1))));
    assert_eq!(seen.names(), [["SetNotifyInterface", "subject S_OK", "wanted E_NOINTERFACE"]]);
}

/// The job has ended, and the text is too long: the documents leave open which of the two refuses the call.
#[test]
fn of_two_reasons_to_refuse_a_call_each_is_right() {
    let profile = Dialect::Bits.profile();
    let describe = |len: usize, hr: HResult| {
        let mut seen = resumed(404);
        seen.sees(JobState::Error, GAVE_IT);
        seen.does(Call::Cancel, HResult::S_OK, Out::None);
        seen.sees(JobState::Cancelled, GAVE_NOTHING);
        seen.does(Call::SetDescription { description: Some("x".repeat(len).into()) }, hr, Out::None);
        seen.names().len()
    };
    assert_eq!(describe(5_000, HResult::BG_E_STRING_TOO_LONG), 0);
    assert_eq!(describe(5_000, profile.invalid_state), 0);
    assert_eq!(describe(5, profile.invalid_state), 0);
    assert_eq!(describe(5, HResult::BG_E_STRING_TOO_LONG), 1, "the text is short");
    assert_eq!(describe(5_000, HResult::S_OK), 1, "the job has ended");
}

/// The job is on its way when another call comes, so that call is not what the state is named after.
#[test]
fn a_call_that_came_meanwhile_does_not_name_the_state() {
    for call in [Call::SetNotifyFlags { flags: 0 }, Call::SetNotifyInterface { receiver: None }] {
        let mut seen = resumed(503);
        seen.sees(JobState::Connecting, GAVE_NOTHING);
        seen.does(call, HResult::S_OK, Out::None);
        seen.sees(JobState::Error, GAVE_IT);
        assert_eq!(seen.names(), [TOO_FATAL]);
    }
}

/// A call that comes while the job is at rest is what moves it.
#[test]
fn a_call_at_rest_names_the_state() {
    let mut seen = behind(&fails()[..2]);
    seen.sees(JobState::Suspended, GAVE_NOTHING);
    seen.does(Call::SetNotifyFlags { flags: 0 }, HResult::S_OK, Out::None);
    seen.sees(JobState::Error, GAVE_NOTHING);
    assert_eq!(seen.names(), [["SetNotifyFlags -> S_OK", "subject ERROR", "wanted SUSPENDED"]]);
}

/// An implementation that takes a URL which is none may fail with it, or fetch it, and may make of it in Complete what it likes.
#[test]
fn what_becomes_of_a_file_that_should_be_refused_is_open() {
    for (state, complete) in [
        (JobState::Error, HResult::BG_S_PARTIAL_COMPLETE),
        (JobState::Transferred, HResult::S_OK),
        (JobState::Transferred, HResult::E_FAIL),
        (JobState::TransientError, HResult::BG_S_PARTIAL_COMPLETE),
    ] {
        let mut seen = behind(&fails()[..1]);
        let file = FileNames { remote: "file".into(), local: GOOD_LOCAL.into() };
        seen.does(Call::AddFile { file }, HResult::S_OK, Out::None);
        seen.sees(JobState::Suspended, GAVE_NOTHING);
        seen.does(Call::Resume, HResult::S_OK, Out::None);
        seen.sees(state, GAVE_NOTHING);
        seen.does(Call::Complete, complete, Out::None);
        let names = seen.names();
        assert_eq!(names, [["AddFile", "subject S_OK", "wanted E_INVALIDARG"]], "{state}, {complete}");
    }
}
