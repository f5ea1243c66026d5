//! Paths that are made on purpose: situations that a random path seldom comes to, each with what has to follow.
//!
//! **What it is.** Families of paths of the model: every mask against every end, two calls that wait for one callback, callbacks that fail in each way
//! until they are repeated, disk work that fails with two files, users and the network, programs, refused calls with each getter behind
//! them. They are led, compared and made smaller as any other path.
//!
//! **What it is not.** A list of expected answers: what has to follow is what the model does.
//!
//! **The law it keeps.** A path has only what the adapter can be made to do; what it cannot is noted by [`Abilities`].

use contract::call::Whose;
use contract::core::{Failure, TransferEvent};
use contract::event::Leave;
use contract::{
    Call, ErrorContext, FileNames, HResult, Interfaces, JobId, Profile, Receiver, ReceiverId, ThreadId,
    UserId,
};
use model::drive::{DiskResult, From, Stimulus};
use model::scope::{Slice, slices_to_lead};
use model::suite::calls;

use super::abilities::{Abilities, Occasion};
use super::path::Path;
use crate::suite::{Case, Settles, case_of, steps_of};

/// Every path that the adapter can be led along; the families take turns, so that a short time has something of each.
pub(super) fn probes(profile: &Profile, abilities: &Abilities) -> Vec<Case> {
    let slices = slices_to_lead(profile);
    let named = |name: &str| slices.iter().find(|slice| slice.name == name);
    let (Some(job), Some(jobs), Some(users)) = (named("led/job"), named("led/jobs"), named("led/users"))
    else {
        return Vec::new();
    };
    let families = [
        ("mask", job, masks()),
        ("interface", job, interfaces()),
        ("refused", job, refused()),
        ("ended", job, ended()),
        ("error", job, errors()),
        ("disk", job, disk()),
        ("retry", job, retries()),
        ("timer", job, timers()),
        ("program", job, programs()),
        ("inside", job, inside()),
        ("held", job, held()),
        ("job", jobs, two_jobs()),
        ("user", users, two_users()),
    ];
    let mut cases = Vec::new();
    for (family, slice, paths) in families {
        for (number, path) in paths.into_iter().enumerate() {
            let case = case(profile, slice, abilities, &path, &format!("{family}-{number}"));
            cases.extend(case.map(|case| (number, case)));
        }
    }
    cases.sort_by_key(|(number, _)| *number);
    cases.into_iter().map(|(_, case)| case).collect()
}

/// The path as the model has it, when the adapter can follow.
fn case(
    profile: &Profile,
    slice: &Slice,
    abilities: &Abilities,
    path: &[Stimulus],
    name: &str,
) -> Option<Case> {
    // A call that is there to show something, and that the adapter does not pass on, takes nothing else with it.
    let shows = name.starts_with("refused") || name.starts_with("ended");
    let is_there =
        |step: &&Stimulus| !(shows || is_getter(step)) || abilities.allows_on(step, Occasion::Walk);
    let path: Steps = path.iter().filter(is_there).cloned().collect();
    if !path.iter().all(|step| abilities.allows_on(step, Occasion::Walk)) {
        return None;
    }
    let path = &path;
    let case = case_of((slice, Settles::WhenStill), profile.dialect, path, name);
    let led = Path::of(slice, profile, &steps_of(&case.trace).ok()?).ok()?;
    led.needs.iter().all(|word| abilities.can.iter().any(|can| can == word)).then_some(case)
}

fn is_getter(step: &Stimulus) -> bool {
    matches!(step, Stimulus::Call { from: From::Client(_), call, .. } if getters().contains(call))
}

type Steps = Vec<Stimulus>;

const J0: JobId = JobId(0);
const J1: JobId = JobId(1);
const FAILS: [Leave; 3] =
    [Leave::Returned(HResult::E_FAIL), Leave::Returned(HResult::S_FALSE), Leave::Panicked];
const GOOD: Leave = Leave::Returned(HResult::S_OK);

fn on(thread: u32, job: JobId, call: Call) -> Stimulus {
    Stimulus::Call { from: From::Client(ThreadId(thread)), job: Some(job), call }
}

fn does(call: Call) -> Stimulus {
    on(0, J0, call)
}

fn create() -> Stimulus {
    Stimulus::Call {
        from: From::Client(ThreadId(0)),
        job: None,
        call: Call::CreateJob { name: Some("job".into()), kind: 0 },
    }
}

fn add() -> Call {
    let file = FileNames { remote: "http://127.0.0.1/file".into(), local: "/destination".into() };
    Call::AddFile { file }
}

/// Registers an object that receives everything.
fn register(id: u32) -> Call {
    let interfaces = Interfaces::CALLBACK | Interfaces::CALLBACK2;
    Call::SetNotifyInterface { receiver: Some(Receiver { id: ReceiverId(id), interfaces }) }
}

fn flags(flags: u32) -> Call {
    Call::SetNotifyFlags { flags }
}

/// A job with this number of files and a registered object.
fn ready(job: JobId, files: usize) -> Steps {
    let mut steps = vec![create()];
    steps.extend((0..files).map(|_| on(0, job, add())));
    steps.push(on(0, job, register(job.0)));
    steps
}

fn transfer(job: JobId, event: TransferEvent) -> Stimulus {
    Stimulus::Transfer { job, event }
}

fn failed(job: JobId, class: Failure) -> Stimulus {
    let hr = match class {
        Failure::Fatal => HResult::BG_E_HTTP_ERROR_404,
        Failure::Transient => HResult::BG_E_HTTP_ERROR_503,
    };
    transfer(job, TransferEvent::Failed { class, hr, context: ErrorContext::RemoteFile })
}

/// How a transfer ends that goes on without anything from outside.
#[derive(Clone, Copy)]
enum Way {
    /// This number of files is transferred.
    Done(usize),
    /// This number of files is transferred, and the next one fails.
    Fails(usize, Failure),
}

/// The job has its turn, and its transfer ends.
fn goes(job: JobId, way: Way) -> Steps {
    let (done, ends) = match way {
        Way::Done(done) => (done, None),
        Way::Fails(done, class) => (done, Some(failed(job, class))),
    };
    let mut steps = vec![Stimulus::Turn];
    steps.extend((0..done).map(|_| transfer(job, TransferEvent::FileDone)));
    steps.extend(ends);
    steps
}

/// The job is resumed, has its turn, and its transfer ends.
fn runs(job: JobId, way: Way) -> Steps {
    [vec![on(0, job, Call::Resume)], goes(job, way)].concat()
}

/// A callback begins and enters.
fn enters(job: JobId) -> Steps {
    vec![Stimulus::Begin(job), Stimulus::Enter(job)]
}

fn leaves(job: JobId, leave: Leave) -> Stimulus {
    Stimulus::Leave { job, leave }
}

/// A callback, from begin to leave, if one is due.
fn told(job: JobId, leave: Leave) -> Steps {
    [enters(job), vec![leaves(job, leave)]].concat()
}

/// How a transfer of one file ends. Each end makes an event due.
const ENDS: [Way; 2] = [Way::Done(1), Way::Fails(0, Failure::Fatal)];

/// Each mask against each end: set before, and set when the job is there already.
fn masks() -> Vec<Steps> {
    let masks = (0..32).filter(|mask| mask & 8 == 0);
    let mut all = Vec::new();
    for (mask, way) in masks.flat_map(|mask| ENDS.map(|way| (mask, way))) {
        let after = [vec![does(Call::GetNotifyFlags), does(Call::GetState)]].concat();
        all.push([ready(J0, 1), vec![does(flags(mask))], runs(J0, way), after.clone()].concat());
        all.push(
            [ready(J0, 1), vec![does(flags(0))], runs(J0, way), vec![does(flags(mask))], after].concat(),
        );
    }
    all
}

/// An object of each set of interfaces against each end: registered before it, and when the job is there already. One without the first
/// interface is refused, and the object before it stays.
fn interfaces() -> Vec<Steps> {
    let third = Interfaces::CALLBACK3;
    let sets = [Interfaces::CALLBACK, Interfaces::CALLBACK2, Interfaces::CALLBACK | Interfaces::CALLBACK2];
    let mut all = Vec::new();
    for (set, way) in sets
        .into_iter()
        .flat_map(|set| [set, set | third])
        .chain([third])
        .flat_map(|set| ENDS.map(|way| (set, way)))
    {
        let receiver = Some(Receiver { id: ReceiverId(2), interfaces: set });
        let register = does(Call::SetNotifyInterface { receiver });
        let after = vec![does(Call::GetNotifyInterface), does(Call::GetState)];
        let mask = vec![does(flags(0x13))];
        all.push([ready(J0, 1), mask.clone(), vec![register.clone()], runs(J0, way), after.clone()].concat());
        all.push([ready(J0, 1), mask, runs(J0, way), vec![register], after].concat());
    }
    all
}

/// Getters whose answers follow from calls alone.
fn getters() -> Vec<Call> {
    vec![
        Call::GetDisplayName,
        Call::GetDescription,
        Call::GetPriority,
        Call::GetNotifyFlags,
        Call::GetNotifyInterface,
        Call::GetNotifyCmdLine,
        Call::GetMinimumRetryDelay,
        Call::GetNoProgressTimeout,
        Call::EnumFilesGetCount,
        Call::EnumFiles,
        Call::GetState,
    ]
}

/// Each call in each state at rest, and each getter behind it. What is refused leaves no trace.
fn refused() -> Vec<Steps> {
    let set = || {
        [
            Call::SetDisplayName { name: Some("before".into()) },
            Call::SetDescription { description: Some("before".into()) },
            flags(1),
        ]
        .map(does)
    };
    let states = [
        Vec::new(),
        runs(J0, Way::Done(1)),
        runs(J0, Way::Fails(0, Failure::Fatal)),
        runs(J0, Way::Fails(0, Failure::Transient)),
        vec![does(Call::Cancel)],
    ];
    let mut all = Vec::new();
    for state in &states {
        let before = [ready(J0, 1), set().to_vec(), state.clone()].concat();
        for some in calls().chunks(AT_ONCE) {
            // What leads the job on its way would end the state that this is about.
            let some = some.iter().filter(|call| !is_of_the_way(call)).cloned();
            let steps: Steps = some.chain(getters()).map(does).collect();
            all.push([before.clone(), steps].concat());
        }
    }
    all
}

/// Each call on a job that has ended in each way, and each getter behind it.
fn ended() -> Vec<Steps> {
    let transferred = || runs(J0, Way::Done(1));
    let ways = [
        [transferred(), vec![does(Call::Cancel)]].concat(),
        [transferred(), vec![does(Call::Complete)]].concat(),
        [runs(J0, Way::Fails(0, Failure::Fatal)), vec![does(Call::Cancel)]].concat(),
        vec![does(Call::Complete)],
        vec![does(Call::Cancel)],
    ];
    let is_there = |call: &Call| !matches!(call, Call::CreateJob { .. } | Call::ErrorGetFile);
    let calls: Vec<Call> = calls().into_iter().filter(is_there).collect();
    let of = |way: &Steps| {
        let before = [ready(J0, 1), way.clone()].concat();
        let parts = calls.chunks(AT_ONCE).map(move |some| {
            let steps: Steps = some.iter().cloned().chain(getters()).map(does).collect();
            [before.clone(), steps].concat()
        });
        parts.collect::<Vec<_>>()
    };
    ways.iter().flat_map(of).collect()
}

/// Calls that are tried on one path, with the getters behind them.
const AT_ONCE: usize = 6;

fn is_of_the_way(call: &Call) -> bool {
    matches!(
        call,
        Call::CreateJob { .. }
            | Call::Cancel
            | Call::Complete
            | Call::Resume
            | Call::Suspend
            | Call::ErrorGetFile
    )
}

/// Which of two files failed, and what is known of it.
fn errors() -> Vec<Steps> {
    let looks = || [Call::GetError, Call::ErrorGetError, Call::GetErrorCount, Call::ErrorGetFile];
    let mut all = Vec::new();
    for (done, class) in
        [(0, Failure::Fatal), (1, Failure::Fatal), (0, Failure::Transient), (1, Failure::Transient)]
    {
        for look in looks() {
            all.push([ready(J0, 2), runs(J0, Way::Fails(done, class)), vec![does(look)]].concat());
        }
    }
    let twice = vec![does(flags(0x13))];
    all.push([ready(J0, 2), twice, runs(J0, Way::Done(2))].concat());
    all
}

/// Disk work that fails, with two files of which one or both have come, and what is done about it.
fn disk() -> Vec<Steps> {
    let fails = |result| Stimulus::Disk { job: J0, result };
    let again = [
        vec![does(Call::Complete)],
        vec![does(Call::Cancel)],
        runs(J0, Way::Done(2)),
        [vec![does(Call::Suspend)], runs(J0, Way::Done(2)), vec![does(Call::Complete)]].concat(),
    ];
    let mut all = Vec::new();
    for (result, again) in
        [0, 1].into_iter().flat_map(|at| again.iter().map(move |again| (DiskResult::RenameFails(at), again)))
    {
        let first = vec![does(Call::Complete), fails(result), does(Call::GetState)];
        all.push([ready(J0, 2), runs(J0, Way::Done(2)), first.clone(), again.clone()].concat());
        // The second file has begun to come, and comes to its end behind the Complete that failed.
        let goes_on = vec![transfer(J0, TransferEvent::FileDone)];
        let half = [ready(J0, 2), runs(J0, Way::Done(1)), first];
        all.push([half.concat(), goes(J0, Way::Done(1)), goes_on, again.clone()].concat());
    }
    for call in [Call::Cancel, Call::Complete] {
        for way in [Way::Done(2), Way::Done(1), Way::Fails(1, Failure::Fatal)] {
            let left = vec![does(call.clone()), fails(DiskResult::LeavesBehind), does(Call::GetState)];
            all.push([ready(J0, 2), runs(J0, way), left].concat());
        }
    }
    all
}

/// Callbacks that fail are repeated when the delay is over, and not before.
fn retries() -> Vec<Steps> {
    let mut all = Vec::new();
    for (fails, way) in FAILS.into_iter().flat_map(|fails| ENDS.map(|way| (fails, way))) {
        for mask in [0x3, 0x13] {
            let begins = [ready(J0, 1), vec![does(flags(mask))], runs(J0, way)].concat();
            let again = [vec![Stimulus::Timeout], told(J0, GOOD), told(J0, GOOD)].concat();
            let first = told(J0, fails);
            let delay = vec![does(Call::SetMinimumRetryDelay { seconds: 60 })];
            all.push([begins.clone(), first.clone(), again.clone(), again.clone()].concat());
            all.push([begins.clone(), first.clone(), delay, again.clone()].concat());
            all.push([begins.clone(), first.clone(), vec![does(register(1))], again.clone()].concat());
            all.push(
                [begins, first, vec![does(flags(0)), Stimulus::Timeout, does(flags(mask))], again].concat(),
            );
        }
    }
    // Events that come while an older one is not acknowledged yet.
    for fails in FAILS {
        let error = runs(J0, Way::Fails(0, Failure::Fatal));
        let again = [vec![Stimulus::Timeout], told(J0, GOOD)].concat();
        all.push([ready(J0, 1), error.clone(), told(J0, fails), error.clone(), again.clone()].concat());
        all.push([ready(J0, 1), error.clone(), told(J0, fails), runs(J0, Way::Done(1)), again].concat());
    }
    all
}

/// Retries of transfers, and the end of patience.
fn timers() -> Vec<Steps> {
    let fails = || runs(J0, Way::Fails(0, Failure::Transient));
    let again = |way| [vec![Stimulus::Timeout], goes(J0, way)].concat();
    let timeout = |seconds| vec![does(Call::SetNoProgressTimeout { seconds })];
    let looks = || vec![does(Call::GetState), does(Call::GetErrorCount)];
    vec![
        [ready(J0, 1), fails(), again(Way::Done(1)), looks()].concat(),
        [ready(J0, 1), fails(), again(Way::Fails(0, Failure::Fatal)), looks()].concat(),
        [ready(J0, 1), timeout(60), fails(), vec![Stimulus::Timeout], looks()].concat(),
        [ready(J0, 1), timeout(0), fails(), vec![Stimulus::Timeout], looks()].concat(),
        [ready(J0, 1), fails(), timeout(60), vec![Stimulus::Timeout], looks()].concat(),
        [
            ready(J0, 1),
            timeout(900),
            fails(),
            again(Way::Fails(0, Failure::Transient)),
            vec![Stimulus::Timeout],
            looks(),
        ]
        .concat(),
        [
            ready(J0, 1),
            fails(),
            vec![does(Call::Suspend), does(Call::Resume)],
            goes(J0, Way::Done(1)),
            looks(),
        ]
        .concat(),
    ]
}

/// Programs start behind the object's callback, are not waited for, and are started again when they fail.
fn programs() -> Vec<Steps> {
    let program = |program: Option<&'static str>| Call::SetNotifyCmdLine {
        program: program.map(Into::into),
        parameters: program.map(|_| "".into()),
    };
    let exits = |code| Stimulus::Exit { job: J0, code };
    let again = || vec![Stimulus::Timeout, Stimulus::Begin(J0), Stimulus::Enter(J0), exits(0)];
    let mut all = Vec::new();
    for way in ENDS {
        let alone = [vec![create(), does(add()), does(program(Some("/program")))], runs(J0, way), enters(J0)]
            .concat();
        let behind = [ready(J0, 1), vec![does(program(Some("/program")))], runs(J0, way)].concat();
        for call in
            [Call::Cancel, Call::Complete, program(None), program(Some("/other")), flags(0), Call::Resume]
        {
            let after = goes(J0, Way::Done(1));
            all.push([alone.clone(), vec![does(call)], after, vec![exits(0)]].concat());
        }
        for code in [0, 3, -1] {
            all.push([alone.clone(), vec![exits(code)], again()].concat());
        }
        all.push([behind.clone(), told(J0, GOOD), enters(J0), vec![exits(0)], again()].concat());
        for fails in FAILS {
            all.push([behind.clone(), told(J0, fails), enters(J0), vec![exits(0)], again()].concat());
        }
    }
    all
}

/// Each call that a callback can make on its own job, first thing.
fn inside() -> Vec<Steps> {
    let calls = [
        Call::Cancel,
        Call::Complete,
        Call::Resume,
        Call::Suspend,
        flags(0),
        flags(3),
        Call::SetNotifyInterface { receiver: None },
        register(0),
        register(1),
        Call::GetState,
        Call::GetError,
        add(),
    ];
    let within = |call: &Call| Stimulus::Call { from: From::Callback(J0), job: Some(J0), call: call.clone() };
    let mut all = Vec::new();
    for (call, way) in calls.iter().flat_map(|call| ENDS.map(|way| (call, way))) {
        for leave in [GOOD, Leave::Returned(HResult::E_FAIL)] {
            let calls = [enters(J0), vec![within(call), leaves(J0, leave)]].concat();
            let behind = vec![does(Call::GetNotifyFlags), does(Call::GetState), does(register(2))];
            all.push([ready(J0, 1), runs(J0, way), calls, behind].concat());
        }
    }
    all
}

/// Calls while a callback is inside: those that forbid it, one at a time and two at once, and those that do not.
fn held() -> Vec<Steps> {
    let forbids = [
        Call::Cancel,
        Call::Complete,
        Call::Resume,
        flags(0),
        flags(4),
        Call::SetNotifyInterface { receiver: None },
        register(0),
        register(1),
    ];
    let harmless = [Call::GetState, flags(0x13), Call::Suspend, add(), Call::GetNotifyFlags];
    let looks = || vec![does(Call::GetState), does(Call::GetNotifyFlags)];
    let mut all = Vec::new();
    for (mask, way) in [(3, Way::Done(1)), (3, Way::Fails(0, Failure::Fatal)), (0x13, Way::Done(1))] {
        let begins = [ready(J0, 1), vec![does(flags(mask))], runs(J0, way), enters(J0)].concat();
        for call in forbids.iter().chain(&harmless) {
            for leave in [GOOD, Leave::Returned(HResult::E_FAIL)] {
                let path = vec![does(call.clone()), leaves(J0, leave)];
                all.push([begins.clone(), path, looks()].concat());
            }
        }
        for first in &forbids[3..] {
            for second in &forbids[3..] {
                let path = vec![on(0, J0, first.clone()), on(1, J0, second.clone()), leaves(J0, GOOD)];
                all.push([begins.clone(), path, looks()].concat());
            }
        }
        let many =
            vec![on(0, J0, flags(0)), on(1, J0, register(1)), on(2, J0, Call::Cancel), leaves(J0, GOOD)];
        all.push([begins, many].concat());
    }
    all
}

/// Two jobs: one is left alone by what is done to the other.
fn two_jobs() -> Vec<Steps> {
    let both = || [ready(J0, 1), ready(J1, 1)].concat();
    let within =
        |job: JobId, on: JobId, call: Call| Stimulus::Call { from: From::Callback(job), job: Some(on), call };
    let mut all = Vec::new();
    // A callback of one that has called on the other is inside, and nothing waits for it any more.
    for call in [Call::Cancel, Call::Complete, flags(0), register(1)] {
        let calls = vec![within(J0, J1, Call::GetState), does(call), leaves(J0, GOOD)];
        all.push([both(), runs(J0, Way::Done(1)), enters(J0), calls].concat());
    }
    // A call is made on one job, and the other one's object receives what it is owed.
    for call in [Call::Cancel, Call::Suspend, flags(0), Call::SetNotifyInterface { receiver: None }] {
        let first = vec![on(0, J1, call)];
        let last = vec![on(0, J1, Call::GetState), does(Call::GetState)];
        all.push([both(), first, runs(J0, Way::Done(1)), last].concat());
    }
    for second in [Way::Done(1), Way::Fails(0, Failure::Fatal)] {
        all.push([both(), runs(J0, Way::Done(1)), runs(J1, second), vec![does(Call::GetState)]].concat());
    }
    // The network also goes and comes back for the job that does not transfer.
    for before in [Vec::new(), runs(J0, Way::Fails(0, Failure::Transient)), runs(J0, Way::Done(1))] {
        let lost = vec![Stimulus::NetworkLost, does(Call::GetState), Stimulus::NetworkBack];
        all.push([both(), before, lost, goes(J0, Way::Done(1)), vec![does(Call::GetState)]].concat());
    }
    let all_jobs = || Stimulus::Call {
        from: From::Client(ThreadId(0)),
        job: None,
        call: Call::EnumJobs { whose: Whose::Mine },
    };
    all.push(
        [
            both(),
            vec![all_jobs(), does(Call::Cancel), all_jobs(), does(Call::GetJob), on(0, J1, Call::GetJob)],
        ]
        .concat(),
    );
    all
}

/// Two users: a logoff is about the jobs of one.
fn two_users() -> Vec<Steps> {
    let users = [UserId(0), UserId(1)];
    let job = |job: JobId| {
        let mut steps = ready(job, 1);
        steps.push(on(0, job, Call::Resume));
        steps
    };
    let ends = |job: JobId| vec![transfer(job, TransferEvent::FileDone), Stimulus::Turn];
    let mut all = Vec::new();
    for user in users {
        let off = vec![Stimulus::Logoff(user), does(Call::GetState), on(0, J1, Call::GetState)];
        all.push([ready(J0, 1), ready(J1, 1), off.clone()].concat());
        // One transfers, and the other one has not begun or waits for its turn.
        all.push([job(J0), vec![Stimulus::Turn], ready(J1, 1), off.clone(), ends(J0)].concat());
        all.push([job(J0), job(J1), off.clone(), ends(J0), ends(J1), ends(J0)].concat());
        all.push([job(J0), off, ends(J0)].concat());
    }
    for (user, job) in [(UserId(1), J0), (UserId(0), J1)] {
        for call in
            [Call::GetJob, Call::EnumJobs { whose: Whose::Mine }, Call::EnumJobs { whose: Whose::All }]
        {
            let job = matches!(call, Call::GetJob).then_some(job);
            let asks = Stimulus::Call { from: From::User(user), job, call };
            all.push([ready(J0, 1), ready(J1, 1), vec![asks]].concat());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Dialect;

    #[test]
    fn most_paths_can_be_led_by_an_adapter_that_can_do_everything() {
        for dialect in [Dialect::Bits, Dialect::Do] {
            let cases = probes(dialect.profile(), &Abilities::everything());
            let of = |family: &str| cases.iter().filter(|case| case.name.starts_with(family)).count();
            let families: &[&str] = match dialect {
                Dialect::Bits => &[
                    "mask", "refused", "ended", "error", "disk", "retry", "timer", "program", "inside",
                    "held", "job", "user",
                ],
                Dialect::Do => {
                    &["mask", "refused", "ended", "error", "disk", "retry", "inside", "held", "job"]
                }
            };
            for family in families {
                assert!(of(family) >= 4, "{dialect}: {} of {family}", of(family));
            }
            assert!(cases.len() > 200, "{}", cases.len());
        }
    }
}
