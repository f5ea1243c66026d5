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
