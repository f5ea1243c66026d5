//! Random paths that an implementation can be led along: longer than those of a suite, with calls from inside of callbacks, calls while callbacks
//! and transfers are kept where they are, time that passes, a network that is lost, two jobs and two users.
//!
//! **The law it keeps.** A path has only what the adapter can be made to do. What it cannot is noted by [`Abilities`].

use std::collections::BTreeMap;

use contract::call::Whose;
use contract::core::{Config, TransferEvent};
use contract::{Call, Core as _, JobId, JobState, Method, Millis, Profile, ReceiverId, ThreadId};
use engine::core::Core;
use judge::RuleSet;
use model::drive::{Applied, From, Stimulus};
use model::product::{Product, State};
use model::scope::{Bytes, Delays, ScopeName, Slice, Timers, Users, slices, slices_to_lead};
use model::suite::{calls, goes_on, is_still};

use super::abilities::{Abilities, Occasion};
use super::kept::{Kept, Thing};
use super::path::is_overdue;
use crate::random::Rng;
use crate::suite::is_from_outside;

/// The slices that random paths are about. In those of the scopes delays are short, so no time passes there.
pub(super) fn slices_for(profile: &Profile, abilities: &Abilities) -> Vec<Slice> {
    let all = slices(ScopeName::Default, profile).into_iter();
    let small =
        all.filter(|slice| slice.jobs == 1 && slice.bytes == Bytes::Whole && slice.timers != Timers::All);
    let large = slices_to_lead(profile).into_iter();
    let large = large.filter(|slice| slice.users == Users::One || abilities.has_users());
    // With all freedoms at once most is found; with few of them paths go deeper.
    let large: Vec<Slice> = large.collect();
    small.chain(std::iter::repeat_n(large, LARGE).flatten()).collect()
}

/// How often a large slice is chosen for each time that a small one is.
const LARGE: usize = 3;

/// A random path in a slice, with up to `acts` acts from outside, from the empty queue on. It ends where everything rests.
pub(super) fn walk(
    profile: &Profile,
    slice: &Slice,
    abilities: &Abilities,
    random: &mut Rng,
    acts: u32,
) -> Vec<Stimulus> {
    match slice.jobs {
        0 | 1 => walk_jobs::<1>(profile, slice, abilities, random, acts),
        _ => walk_jobs::<2>(profile, slice, abilities, random, acts),
    }
}

fn walk_jobs<const J: usize>(
    profile: &Profile,
    slice: &Slice,
    abilities: &Abilities,
    random: &mut Rng,
    acts: u32,
) -> Vec<Stimulus> {
    let product = Product::<Core, J>::around(profile, slice, RuleSet::EMPTY, |config: &Config| {
        contract::Core::new(config)
    });
    let state = product.first();
    let path: Vec<Stimulus> = product.prefix().collect();
    let more = if slice.delays == Delays::Own { more_calls() } else { Vec::new() };
    let network = Network::There;
    let mut walk =
        Walk { product, slice, abilities, state, path, kept: Kept::default(), stalled: false, more, network };
    let (mut made, mut steps) = (0, 0);
    while steps < MOST_STEPS && (made < acts || goes_on(&walk.state)) {
        let Some(step) = walk.next(random, made < acts) else { break };
        made += u32::from(is_from_outside(&step));
        steps += 1;
        walk.take(step);
    }
    walk.path
}

/// Steps of a path at most: a loop of retries has no end.
const MOST_STEPS: u32 = 400;

/// The timer of a retry is over so soon; the others take longer.
const SOON: Millis = Millis::from_secs(3600);

/// Nothing but expiry takes longer.
const FAR: Millis = Millis::from_secs(30 * 24 * 3600);

/// Of the moments at which something is kept, one in this number is used for something from outside.
const KEPT: u64 = 3;

/// Whether the network is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Network {
    There,
    /// Nothing is fetched until it is back.
    Lost,
}

struct Walk<'a, const J: usize> {
    product: Product<Core, J>,
    slice: &'a Slice,
    abilities: &'a Abilities,
    state: State<Core, J>,
    path: Vec<Stimulus>,
    kept: Kept,
    /// Whether a transfer has stalled on the path.
    stalled: bool,
    /// Calls beside those of the slice.
    more: Vec<Call>,
    network: Network,
}

impl<const J: usize> Walk<'_, J> {
    fn take(&mut self, step: Stimulus) {
        if is_from_outside(&step) {
            self.kept.drop_lost_transfers(&self.state);
            let news = self.kept.keep(&self.state);
            self.stalled |= news.iter().any(|(_, thing)| *thing == Thing::Transfer);
        }
        if self.state.apply(self.product.profile(), &step, &mut |_| ()) == Applied::Done {
            self.kept.after(&step);
            match step {
                Stimulus::NetworkLost => self.network = Network::Lost,
                Stimulus::NetworkBack => self.network = Network::There,
                _ => {}
            }
            self.path.push(step);
        }
    }

    /// The next step. Towards the end nothing comes from outside any more.
    fn next(&self, random: &mut Rng, acts: bool) -> Option<Stimulus> {
        let (rests, still) = (!goes_on(&self.state), is_still(&self.state));
        let mut all = self.product.enabled(&self.state);
        if still {
            all.extend(self.more_from_outside());
        }
        all.retain(|step| self.is_timely(step, still) && self.is_allowed(step));
        let (outside, inside): (Vec<Stimulus>, Vec<Stimulus>) = all.into_iter().partition(is_from_outside);
        let may = acts && (rests || still && self.abilities.can_keep(&self.state));
        let now = may && (inside.is_empty() || rests || random.below(KEPT) == 0);
        if now && !outside.is_empty() {
            let next: Vec<Stimulus> = outside.iter().filter(|step| self.is_next(step)).cloned().collect();
            if !next.is_empty() && random.below(4) < 3 {
                return random.pick(&next).cloned();
            }
            return choose(outside, random);
        }
        random.pick(&inside).cloned()
    }

    /// Whether it is what brings a job on its way, lets a retry come, or shows what the last call has set.
    fn is_next(&self, step: &Stimulus) -> bool {
        if *step == Stimulus::Timeout {
            let core = self.state.driver().core();
            return core.poll_timeout().is_some_and(|at| at.0.saturating_sub(core.now().0) <= SOON.0);
        }
        let Stimulus::Call { job, call, .. } = step else { return false };
        let calls = self.path.iter().rev().filter_map(|step| match step {
            Stimulus::Call { from: From::Client(_), job, call } => Some((job, call)),
            _ => None,
        });
        let has = |method: Method| calls.clone().any(|(on, call)| on == job && call.method() == method);
        let state = job.and_then(|job| self.state.driver().core().state(job));
        match call {
            Call::AddFile { .. } => !has(Method::AddFile),
            Call::SetNotifyInterface { receiver: Some(receiver) } => {
                receiver.id == ReceiverId(0) && !has(Method::SetNotifyInterface)
            }
            Call::Resume => state == Some(JobState::Suspended) && has(Method::AddFile),
            _ => {
                let last = calls.clone().next();
                last.is_some_and(|(on, last)| on == job && shown_by(last.method()) == Some(call.method()))
            }
        }
    }

    /// Calls that the slice does not have, of the first thread that is idle.
    fn more_from_outside(&self) -> Vec<Stimulus> {
        let driver = self.state.driver();
        let mut threads = (0..self.slice.clients).map(|thread| From::Client(ThreadId(thread)));
        let Some(from) = threads.find(|from| driver.may_call(*from)) else { return Vec::new() };
        let jobs = (0..J as u32).map(JobId);
        let on = |job: JobId| {
            self.more.iter().map(move |call| Stimulus::Call { from, job: Some(job), call: call.clone() })
        };
        let mut all: Vec<Stimulus> = jobs.flat_map(on).collect();
        if !self.more.is_empty() {
            let call = Call::EnumJobs { whose: Whose::Mine };
            all.push(Stimulus::Call { from, job: None, call });
        }
        all
    }

    /// What comes from outside comes when everything is still, and so does the end of what is kept. A callback calls first thing, which is
    /// when the implementation's calls.
    fn is_timely(&self, step: &Stimulus, still: bool) -> bool {
        let enters = |job: &JobId| matches!(self.path.last(), Some(Stimulus::Enter(of)) if of == job);
        match step {
            Stimulus::Call { from: From::Callback(job), .. } => enters(job),
            // What has begun to come comes to its end.
            Stimulus::Transfer { event: TransferEvent::Failed { .. }, .. } if self.kept.is_ended_by(step) => {
                false
            }
            step if is_from_outside(step) || self.kept.is_ended_by(step) => still,
            _ => true,
        }
    }

    fn is_allowed(&self, step: &Stimulus) -> bool {
        let timeless = *step == Stimulus::Timeout && self.slice.delays != Delays::Own;
        let overdue = is_overdue(self.state.driver().core()) && self.slice.delays == Delays::Own;
        // When the bytes of what stalls have come is not known, and time is counted from there.
        let stalls = || self.stalled || is_fetching(&self.state);
        let timeless = timeless || *step == Stimulus::Timeout && (stalls() || self.is_expiry_unsure());
        let late = overdue && is_from_outside(step) && *step != Stimulus::Timeout;
        !timeless
            && !late
            && self.abilities.allows_on(step, Occasion::Walk)
            && !self.is_lost_on(step)
            && self.is_sure(step)
    }

    /// Whether it depends on an implementation's count of bytes when a job expires: the age of a job that has transferred behind a move of the
    /// clock is counted from its last byte or from the move before.
    fn is_expiry_unsure(&self) -> bool {
        let core = self.state.driver().core();
        let next = core.poll_timeout().map_or(0, |at| at.0.saturating_sub(core.now().0));
        let moved = self.path.iter().position(|step| *step == Stimulus::Timeout);
        let transfers = |step: &Stimulus| matches!(step, Stimulus::Transfer { .. });
        next > FAR.0 && moved.is_some_and(|at| self.path[at..].iter().any(transfers))
    }

    /// Whether a step has one outcome in every implementation. A Resume may wait for any callback that is inside, where the adapter does
    /// not promise otherwise.
    fn is_sure(&self, step: &Stimulus) -> bool {
        let Stimulus::Call { from: From::Client(_) | From::User(_), job: Some(job), call: Call::Resume } =
            step
        else {
            return true;
        };
        let state = self.state.driver().core().state(*job);
        let forbids = matches!(state, Some(JobState::Error | JobState::Transferred));
        let is_inside = self.state.driver().telling(*job).is_some();
        forbids || !is_inside || self.abilities.waits_for_what_it_must()
    }

    /// Whether a step wants the network while it is lost. What that comes to is each implementation's own matter.
    fn is_lost_on(&self, step: &Stimulus) -> bool {
        if self.network == Network::There || !is_from_outside(step) || *step == Stimulus::NetworkBack {
            return false;
        }
        let mut next = self.state.clone();
        let _ = next.apply(self.product.profile(), step, &mut |_| ());
        next.driver().core().wants_transfer()
    }
}

/// Whether a transfer goes on, which stalls where something comes from outside now.
fn is_fetching<const J: usize>(state: &State<Core, J>) -> bool {
    let core = state.driver().core();
    (0..J as u32).any(|job| core.transfer(JobId(job)).is_some())
}

/// A kind first, then a method, and then one of its calls: a slice has far more masks than ways to go on.
fn choose(all: Vec<Stimulus>, random: &mut Rng) -> Option<Stimulus> {
    let mut kinds: [BTreeMap<Option<Method>, Vec<Stimulus>>; WEIGHTS.len()] = Default::default();
    for step in all {
        kinds[kind(&step)].entry(method(&step)).or_default().push(step);
    }
    let weights = WEIGHTS.into_iter().zip(&kinds).filter(|(_, kind)| !kind.is_empty());
    let weights: Vec<_> = weights.collect();
    let kind = (!weights.is_empty()).then(|| random.weighted(&weights))?;
    let methods = kind.iter().map(|(method, steps)| (method.map_or(1, weight), steps));
    let methods: Vec<_> = methods.collect();
    let steps = random.weighted(&methods);
    random.pick(steps).cloned()
}

/// The getter that shows what a call has set.
fn shown_by(method: Method) -> Option<Method> {
    Some(match method {
        Method::SetDisplayName => Method::GetDisplayName,
        Method::SetDescription => Method::GetDescription,
        Method::SetPriority => Method::GetPriority,
        Method::SetNotifyFlags => Method::GetNotifyFlags,
        Method::SetNotifyInterface => Method::GetNotifyInterface,
        Method::SetNotifyCmdLine => Method::GetNotifyCmdLine,
        Method::SetMinimumRetryDelay => Method::GetMinimumRetryDelay,
        Method::SetNoProgressTimeout => Method::GetNoProgressTimeout,
        Method::AddFileSet => Method::EnumFilesGetCount,
        _ => return None,
    })
}

fn method(step: &Stimulus) -> Option<Method> {
    if let Stimulus::Call { call, .. } = step { Some(call.method()) } else { None }
}

/// How often a call comes, beside others of its kind.
fn weight(method: Method) -> u64 {
    match method {
        Method::Resume => 5,
        Method::AddFile | Method::SetNotifyInterface => 3,
        Method::SetNotifyFlags | Method::Complete => 2,
        _ => 1,
    }
}

/// The kind of a step: a place in [`WEIGHTS`].
fn kind(step: &Stimulus) -> usize {
    match step {
        Stimulus::Call { call, .. } if is_of_the_way(call.method()) => 0,
        Stimulus::Call { .. } => 1,
        Stimulus::Timeout => 2,
        _ => 3,
    }
}

/// How often each kind comes: calls that lead a job on its way, other calls, time that passes, the network and users.
const WEIGHTS: [u64; 4] = [10, 5, 3, 2];

/// Whether a call leads a job on its way, or changes who receives its events.
fn is_of_the_way(method: Method) -> bool {
    matches!(
        method,
        Method::AddFile
            | Method::Resume
            | Method::Suspend
            | Method::Cancel
            | Method::Complete
            | Method::SetNotifyFlags
            | Method::SetNotifyInterface
            | Method::SetNotifyCmdLine
    )
}

/// Every call but those that make a job, and those that show what an implementation may choose: bytes, times, names of its own.
fn more_calls() -> Vec<Call> {
    // Raw masks that differ in nothing but single bits where DISABLE hides them all.
    let flags = [0x4, 0x5, 0x6, 0xD].map(|flags| Call::SetNotifyFlags { flags });
    let others = [
        Call::GetNotifyInterface,
        Call::GetPriority,
        Call::GetDisplayName,
        Call::GetNoProgressTimeout,
        Call::EnumFilesGetCount,
        Call::EnumFiles,
        // None that is over before the path is, where time is real.
        Call::SetMinimumRetryDelay { seconds: 60 },
        Call::SetNoProgressTimeout { seconds: 3600 },
    ];
    let all = calls().into_iter().chain(flags).chain(others);
    all.filter(|call| !is_of_its_own(call)).collect()
}

fn is_of_its_own(call: &Call) -> bool {
    matches!(
        call.method(),
        Method::CreateJob | Method::GetProgress | Method::GetTimes | Method::GetId | Method::ErrorGetFile
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use adapter::wire::can;
    use contract::Dialect;

    use super::super::path::Path;
    use super::*;
    use crate::suite::{Settles, case_of, steps_of};

    #[test]
    fn random_paths_need_everything_that_an_adapter_can_be_asked_for_and_most_can_be_led() {
        let dialect = Dialect::Bits;
        let profile = dialect.profile();
        let abilities = Abilities::everything();
        let mut random = Rng::new(3, 0);
        let (mut needs, mut led) = (BTreeSet::new(), 0);
        let slices = slices_to_lead(profile);
        for number in 0..PATHS {
            let slice = &slices[number % slices.len()];
            let path = walk(profile, slice, &abilities, &mut random, 12);
            let case = case_of((slice, Settles::WhenStill), dialect, &path, "a path");
            let steps = steps_of(&case.trace).expect("a trace of ours");
            if let Ok(path) = Path::of(slice, profile, &steps) {
                needs.extend(path.needs);
                led += 1;
            }
        }
        assert!(led * 5 > PATHS * 4, "{led} of {PATHS}");
        let wanted =
            [can::HOLD, can::STALL, can::CLOCK, can::DISK, can::NETWORK, can::USERS, can::NESTED_JOBS];
        // Callbacks of two jobs that come at once (`order_jobs`) are seldom.
        needs.remove(can::ORDER_JOBS);
        assert_eq!(needs, BTreeSet::from(wanted));
    }

    const PATHS: usize = 600;

    #[test]
    fn what_an_adapter_cannot_is_on_no_path_and_is_named() {
        let profile = Dialect::Bits.profile();
        let mut abilities = Abilities::everything();
        abilities.can.clear();
        let mut random = Rng::new(3, 0);
        let mut led = 0;
        for slice in slices_for(profile, &abilities) {
            for _ in 0..20 {
                let path = walk(profile, &slice, &abilities, &mut random, 12);
                if let Ok(path) = Path::of(&slice, profile, &path) {
                    assert_eq!(path.needs, BTreeSet::new());
                    led += 1;
                }
            }
        }
        assert!(led > 100, "{led}");
        let left_out: Vec<String> = abilities.left_out().into_iter().map(|left_out| left_out.what).collect();
        for what in ["moves of the clock", "losses of the network", "calls while a transfer stalls"] {
            assert!(left_out.iter().any(|left_out| left_out == what), "{left_out:?}");
        }
    }
}
