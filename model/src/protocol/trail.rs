//! What is seen of another machine, followed along the protocol: whether each of its steps is one of the protocol's.
//!
//! **What it is.** A [`Trail`] is the set of all states in which the protocol of one job or two may be, after what has been seen. It is fed with
//! the machine's events, and with a [`Shown`] of each job whenever the machine gives its lock back. Steps that nothing shows are taken on the
//! way. When no state is left, the machine has done what the protocol cannot: [`Lost`].
//!
//! **What it is not.** The other direction. That the machine can do all that the protocol can is not checked; [`Map::taken`] and
//! [`Map::offered`] are the kinds of steps that it took, and could have taken.
//!
//! **The law it keeps.** The set is never too small: it has every state to which steps of the protocol lead that show what was seen, in its
//! order. So a [`Lost`] trail is a run that is none of the protocol's, whatever the silent steps were. A job is in it from when its first
//! transfer begins: the protocol's jobs begin there, and do nothing that is silent before.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use contract::defect::Design;
use contract::event::Leave;
use contract::event::Target;
use contract::{
    Call, CallId, DeliveryId, EnvStep, EventView, JobId, JobState, NotifyFlags, Profile, ReceiverId,
};

use super::Reduction;
use super::act::{Act, Note};
use super::scope::{Ask, Leaves, Locks, Mishaps, Set, Slice, Transfers};
use super::state::{About, Delivery, Object, Outcome, Phase, To, Who, World};
use super::step::Rig;
use super::story::hresult;

/// What stands of a job while no thread has the lock, as both the protocol and another machine know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Shown {
    /// The job's state.
    pub state: JobState,
    /// Whether a Complete or Cancel is between its two halves.
    pub ending: Is,
    /// Its delivery that has begun and has not been reported as left.
    pub begun: Begun,
    /// Whether a delivery could begin now.
    pub ready: Is,
}

/// Whether something is so.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Is {
    /// It is.
    So,
    /// It is not.
    Not,
}

impl From<bool> for Is {
    fn from(so: bool) -> Is {
        if so { Is::So } else { Is::Not }
    }
}

/// How far the delivery of a job has come, as a call that has to wait for it sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Begun {
    /// None has begun.
    No,
    /// One has, and calls wait for it.
    Awaited,
    /// One has, and has called: nothing waits for it any more.
    Released,
}

/// The machine has done what the protocol cannot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lost {
    /// What it did or showed.
    pub what: String,
    /// The states in which the protocol could be before, in words.
    pub from: Vec<String>,
    /// Where the lock was given back: the fields in which no state of the protocol agrees.
    pub differs: Vec<&'static str>,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, which is no step of the protocol", self.what)?;
        if !self.differs.is_empty() {
            write!(f, "; it differs in {}", self.differs.join(" and "))?;
        }
        for state in &self.from {
            write!(f, "\nthe protocol may be at: {}", state.replace('\n', "; "))?;
        }
        Ok(())
    }
}

/// What a trail is about.
#[derive(Clone, PartialEq, Debug)]
pub struct Ground {
    /// The dialect.
    pub profile: Profile,
    /// Jobs of one user: one, or two.
    pub jobs: Jobs,
    /// Dispatchers.
    pub dispatchers: u8,
    /// Callback slots of the user.
    pub slots: u8,
    /// What was called on each job before its transfer began, besides CreateJob, the first AddFile and Resume.
    pub before: Vec<Ask>,
    /// Every call that may be made and that the dialect has. Any other one changes nothing.
    pub asks: Vec<Ask>,
    /// Whether renames may fail.
    pub mishaps: Mishaps,
}

/// Jobs of a trail at most.
pub const JOBS: usize = 2;

/// How many jobs the protocol has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Jobs {
    /// One.
    One,
    /// Two.
    Two,
}

/// See the module's documentation.
#[derive(Clone)]
pub struct Trail(Followed);

#[derive(Clone)]
enum Followed {
    One(Places<1>),
    Two(Places<2>),
}

/// The protocol of one ground, for all trails on it.
#[derive(Clone)]
pub struct Map(Ways);

#[derive(Clone)]
enum Ways {
    One(Arc<Steps<1>>),
    Two(Arc<Steps<2>>),
}

/// The steps of the protocol, as far as trails have asked for them.
struct Steps<const J: usize> {
    rig: Rig,
    first: World<J>,
    known: Mutex<BTreeMap<World<J>, Arc<[Next<J>]>>>,
    offered: AtomicU32,
    taken: AtomicU32,
}

/// Where a trail of `J` jobs may be.
#[derive(Clone)]
struct Places<const J: usize> {
    steps: Arc<Steps<J>>,
    all: Vec<Place<J>>,
    /// Calls that are open, by their ids.
    open: Vec<(CallId, Who)>,
    /// The jobs of deliveries that have begun. What all threads share determines them.
    begun: Vec<(DeliveryId, JobId)>,
    /// The jobs that are in the trail.
    on: [bool; J],
}

/// Kinds of steps, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Kinds(u32);

/// A state of the protocol, and what the step that led there has still to show.
#[derive(Clone, PartialEq, Debug)]
struct Place<const J: usize> {
    world: World<J>,
    owes: Vec<Note>,
    /// The kinds of steps since the trail was last sure.
    by: Kinds,
}

/// A step of the protocol.
struct Next<const J: usize> {
    act: Act,
    to: World<J>,
    shows: Vec<Note>,
}

/// Steps that are silent after one another, at most; the protocol has no circle of them.
const SILENT: usize = 16;

impl Map {
    /// The protocol on this ground.
    #[must_use]
    pub fn new(ground: &Ground) -> Map {
        Map(match ground.jobs {
            Jobs::One => Ways::One(Steps::new(ground)),
            Jobs::Two => Ways::Two(Steps::new(ground)),
        })
    }

    /// The kinds of steps that were possible in some state of a trail on this map.
    #[must_use]
    pub fn offered(&self) -> Vec<&'static str> {
        self.kinds().0.names()
    }

    /// The kinds of steps in some account of what was seen. One that is not there was not taken.
    #[must_use]
    pub fn taken(&self) -> Vec<&'static str> {
        self.kinds().1.names()
    }

    fn kinds(&self) -> (Kinds, Kinds) {
        let (offered, taken) = match &self.0 {
            Ways::One(steps) => (&steps.offered, &steps.taken),
            Ways::Two(steps) => (&steps.offered, &steps.taken),
        };
        (Kinds(offered.load(Ordering::Relaxed)), Kinds(taken.load(Ordering::Relaxed)))
    }
}

impl<const J: usize> Steps<J> {
    fn new(ground: &Ground) -> Arc<Steps<J>> {
        let slice = Slice {
            name: "trail",
            jobs: J,
            clients: super::state::CLIENTS as u8,
            calls: CALLS,
            asks: ground.asks.clone(),
            nested: CALLS,
            nested_asks: ground.asks.clone(),
            dispatchers: ground.dispatchers,
            slots: ground.slots,
            before: ground.before.clone(),
            transfers: Transfers::ArriveOrFail,
            leaves: Leaves::AcknowledgeOrFail,
            locks: Locks::None,
            mishaps: ground.mishaps,
        };
        let rig = Rig::new(Design::Barrier, &ground.profile, &slice, Reduction::Full);
        let mut first: World<J> = rig.first();
        let adds = ground.before.iter().filter(|ask| **ask == Ask::AddFile).count();
        for job in &mut first.jobs {
            (0..adds).for_each(|_| job.files.add());
        }
        let (offered, taken) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Steps { rig, first, known: Mutex::default(), offered, taken })
    }

    fn of(&self, world: &World<J>) -> Arc<[Next<J>]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(world) {
            return Arc::clone(known);
        }
        let mut acts = Vec::new();
        self.rig.acts(world, &mut acts);
        let all: Arc<[Next<J>]> = acts
            .into_iter()
            .map(|act| {
                let (mut to, mut shows) = (*world, Vec::new());
                self.rig.take(&mut to, act, &mut |note| shows.push(note));
                // The budget of calls is none here, so that states do not differ in it.
                (to.calls, to.nested) = (CALLS, CALLS);
                Next { act, to, shows }
            })
            .collect();
        let kinds = all.iter().fold(0, |kinds, next| kinds | 1 << next.act.class());
        self.offered.fetch_or(kinds, Ordering::Relaxed);
        known.insert(*world, Arc::clone(&all));
        all
    }
}

/// Calls that may always be made.
const CALLS: u8 = u8::MAX;

impl Kinds {
    fn names(self) -> Vec<&'static str> {
        let all = Act::CLASSES.iter().enumerate();
        all.filter(|(bit, _)| self.0 & 1 << bit != 0).map(|(_, name)| *name).collect()
    }

    fn with(self, act: Act) -> Kinds {
        Kinds(self.0 | 1 << act.class())
    }
}

impl Trail {
    /// The trail of a machine that has done nothing yet.
    #[must_use]
    pub fn new(map: &Map) -> Trail {
        Trail(match &map.0 {
            Ways::One(steps) => Followed::One(Places::first(steps)),
            Ways::Two(steps) => Followed::Two(Places::first(steps)),
        })
    }

    /// Adds it to a hash.
    pub fn digest<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Followed::One(places) => places.digest(state),
            Followed::Two(places) => places.digest(state),
        }
    }

    /// The machine has done this.
    ///
    /// # Errors
    /// No step of the protocol shows that.
    pub fn sees(&mut self, event: &EventView<'_>) -> Result<(), Lost> {
        match &mut self.0 {
            Followed::One(places) => places.sees(event),
            Followed::Two(places) => places.sees(event),
        }
    }

    /// The machine gives its lock back, and this stands then, job by job.
    ///
    /// # Errors
    /// No silent step of the protocol leads to a state that shows this.
    pub fn shown(&mut self, shown: &[Option<Shown>; JOBS]) -> Result<(), Lost> {
        match &mut self.0 {
            Followed::One(places) => places.shown(shown),
            Followed::Two(places) => places.shown(shown),
        }
    }
}

impl<const J: usize> Places<J> {
    fn first(steps: &Arc<Steps<J>>) -> Places<J> {
        let place = Place { world: steps.first, owes: Vec::new(), by: Kinds::default() };
        let (open, begun) = (Vec::new(), Vec::new());
        Places { steps: Arc::clone(steps), all: vec![place], open, begun, on: [false; J] }
    }

    fn digest<H: Hasher>(&self, state: &mut H) {
        // The order of the places has no meaning.
        let of = |place: &Place<J>| {
            let mut hasher = DefaultHasher::new();
            (&place.world, &place.owes).hash(&mut hasher);
            hasher.finish()
        };
        let all = self.all.iter().fold(0_u64, |sum, place| sum.wrapping_add(of(place)));
        (all, self.all.len(), &self.open, self.on).hash(state);
    }

    fn sees(&mut self, event: &EventView<'_>) -> Result<(), Lost> {
        if !self.is_on(event) {
            return Ok(());
        }
        let Some(who) = self.follow_call(event) else { return Ok(()) };
        self.follow_delivery(event);
        let reached = self.reached();
        let mut left: Vec<Place<J>> = Vec::new();
        for place in &reached {
            if let Some((owed, rest)) = place.owes.split_first() {
                if self.shows(owed, event, who) {
                    add(&mut left, Place { owes: rest.to_vec(), ..place.clone() });
                }
                continue;
            }
            for next in self.steps.of(&place.world).iter() {
                let by = place.by.with(next.act);
                if let (Act::Begin(job), EventView::Begin { job: of, event, target: to, file, .. }) =
                    (next.act, event)
                {
                    let delivery = &next.to.jobs[usize::from(job)].delivery;
                    if is_it(job, Some(*of))
                        && delivery.phase == Phase::Begun
                        && (delivery.event, target(delivery.to), delivery.file_id()) == (*event, *to, *file)
                    {
                        add(&mut left, Place { world: next.to, owes: Vec::new(), by });
                    }
                } else if let Some((first, rest)) = next.shows.split_first()
                    && self.shows(first, event, who)
                {
                    add(&mut left, Place { world: next.to, owes: rest.to_vec(), by });
                }
            }
        }
        self.keep(left, || in_words(event), Vec::new())
    }

    fn shown(&mut self, shown: &[Option<Shown>; JOBS]) -> Result<(), Lost> {
        let reached = self.reached();
        // Of a job that is not in the trail, anything may stand.
        let in_it = (0..J as u8).zip(shown).filter(|(job, _)| self.on[usize::from(*job)]);
        let shown: Vec<(u8, Shown)> = in_it.filter_map(|(job, shown)| Some((job, (*shown)?))).collect();
        let rig = &self.steps.rig;
        let of = |place: &Place<J>, job: u8| shows(rig, &place.world, job);
        let fits = |place: &&Place<J>| {
            !place.owes.is_empty() || shown.iter().all(|(job, shown)| of(place, *job) == *shown)
        };
        let left: Vec<Place<J>> = reached.iter().filter(fits).cloned().collect();
        let mut differs = Vec::new();
        if left.is_empty() {
            for (job, shown) in &shown {
                let all: Vec<Shown> = reached.iter().map(|place| of(place, *job)).collect();
                differs.extend(shown.fields_of_none(&all));
            }
        }
        let words = || {
            let words: Vec<String> = shown.iter().map(|(_, shown)| words_of(shown)).collect();
            format!("the lock is given back at {}", words.join("; "))
        };
        self.keep(left, words, differs)
    }

    fn keep(
        &mut self,
        left: Vec<Place<J>>,
        what: impl FnOnce() -> String,
        differs: Vec<&'static str>,
    ) -> Result<(), Lost> {
        if left.is_empty() {
            let from = self.all.iter().map(|place| self.steps.rig.in_words(&place.world)).collect();
            return Err(Lost { what: what(), from, differs });
        }
        let taken = left.iter().fold(0, |taken, place| taken | place.by.0);
        self.steps.taken.fetch_or(taken, Ordering::Relaxed);
        self.all = left.into_iter().map(|place| Place { by: Kinds::default(), ..place }).collect();
        Ok(())
    }

    /// Where silent steps lead, none included. A begin is not silent: it is seen.
    fn reached(&self) -> Vec<Place<J>> {
        let mut reached = self.all.clone();
        let mut from = 0;
        for _ in 0..SILENT {
            let upto = reached.len();
            for at in from..upto {
                let place = reached[at].clone();
                if !place.owes.is_empty() {
                    continue;
                }
                for next in self.steps.of(&place.world).iter() {
                    if next.shows.is_empty() && !matches!(next.act, Act::Begin(_)) {
                        let by = place.by.with(next.act);
                        add(&mut reached, Place { world: next.to, owes: Vec::new(), by });
                    }
                }
            }
            if reached.len() == upto {
                break;
            }
            from = upto;
        }
        reached
    }

    /// Whether the event is about a job that is in the trail. A job is from when its first transfer begins, which the protocol does not have.
    /// One that fails before it has begun is one that begins and fails.
    fn is_on(&mut self, event: &EventView<'_>) -> bool {
        let Some(job) = event.job() else { return true };
        let Some(on) = self.on.get_mut(job.index()) else { return false };
        let was = *on;
        match event {
            EventView::State { to: JobState::Transferring, .. } => *on = true,
            EventView::State { to: JobState::Error, .. } if !was => {
                *on = true;
                self.fail(Act::Fail(job.0 as u8));
            }
            _ => {}
        }
        was
    }

    /// The transfer has failed, and everything that shows it was seen.
    fn fail(&mut self, act: Act) {
        for place in &mut self.all {
            self.steps.rig.take(&mut place.world, act, &mut |_| ());
            place.by = place.by.with(act);
        }
    }

    /// Notes whose a delivery is.
    fn follow_delivery(&mut self, event: &EventView<'_>) {
        match event {
            EventView::Begin { delivery, job, .. } => self.begun.push((*delivery, *job)),
            EventView::Leave { delivery, .. } => self.begun.retain(|(begun, _)| begun != delivery),
            _ => {}
        }
    }

    /// Who makes the call that the event is about, if it is about one. None when the protocol has nothing of what is seen.
    fn follow_call(&mut self, event: &EventView<'_>) -> Option<Option<Who>> {
        match event {
            EventView::Call { id, caller, call, .. } => {
                // A call that the ground does not have is one that the dialect refuses.
                let ask = Ask::of(call)?;
                self.steps.rig.asks.iter().find(|asked| asked.ask == ask)?;
                let who = match caller.inside {
                    Some(delivery) => {
                        let (_, job) = self.begun.iter().find(|(begun, _)| *begun == delivery)?;
                        Who::Callback(job.0 as u8)
                    }
                    // The thread that prepares calls before all others, and is none of them later.
                    None => Who::Client(caller.thread.0.saturating_sub(1) as u8),
                };
                self.open.push((*id, who));
                Some(Some(who))
            }
            EventView::Return { id, .. } => {
                let at = self.open.iter().position(|(open, _)| open == id)?;
                Some(Some(self.open.remove(at).1))
            }
            EventView::Env {
                step:
                    EnvStep::FileDone
                    | EnvStep::FatalError { .. }
                    | EnvStep::Expiry
                    | EnvStep::Turn
                    | EnvStep::Connected,
                ..
            } => Some(None),
            EventView::Env { .. } | EventView::Wait { .. } | EventView::Given { .. } => None,
            EventView::Begin { .. }
            | EventView::Enter { .. }
            | EventView::Leave { .. }
            | EventView::State { .. } => Some(None),
        }
    }

    fn shows(&self, note: &Note, event: &EventView<'_>, who: Option<Who>) -> bool {
        let ask = |ask: u8| self.steps.rig.asks.get(usize::from(ask)).map(|asked| asked.ask);
        match (note, event) {
            (Note::Call { who: by, on, ask: asked }, EventView::Call { job, call, .. }) => {
                Some(*by) == who && is_it(*on, *job) && ask(*asked) == Ask::of(call)
            }
            (Note::Return { who: by, answer, .. }, EventView::Return { hr, .. }) => {
                Some(*by) == who && hresult(&self.steps.rig.profile, *answer) == *hr
            }
            (Note::Enter { job, delivery }, EventView::Enter { job: of, event, target, file, .. }) => {
                is_it(*job, Some(*of)) && is_of(delivery, *event, *target, *file)
            }
            (
                Note::Leave { job, delivery, outcome },
                EventView::Leave { job: of, event, target, file, leave, .. },
            ) => {
                is_it(*job, Some(*of))
                    && is_of(delivery, *event, *target, *file)
                    && *outcome == outcome_of(*leave)
            }
            (Note::Env { job: on, step, file }, EventView::Env { job, step: seen, file: of }) => {
                is_it(*on, *job)
                    && std::mem::discriminant(step) == std::mem::discriminant(seen)
                    && (file.is_none() || file == of)
            }
            (Note::State { job, from, to, .. }, EventView::State { job: of, from: seen, to: there, .. }) => {
                is_it(*job, Some(*of)) && (from, to) == (seen, there)
            }
            _ => false,
        }
    }
}

impl Shown {
    /// The fields in which it is none of these.
    fn fields_of_none(&self, all: &[Shown]) -> Vec<&'static str> {
        let mut none = Vec::new();
        let mut compare = |name: &'static str, is_like: &dyn Fn(&Shown) -> bool| {
            if !all.iter().any(is_like) {
                none.push(name);
            }
        };
        compare("the job's state", &|other| other.state == self.state);
        compare("whether it is being ended", &|other| other.ending == self.ending);
        compare("the delivery that has begun", &|other| other.begun == self.begun);
        compare("whether a delivery may begin", &|other| other.ready == self.ready);
        none
    }
}

/// Whether the protocol's job is that of the machine.
fn is_it(job: u8, of: Option<JobId>) -> bool {
    of == Some(JobId(job.into()))
}

/// One account of each place is enough; the kinds of steps of all are kept.
fn add<const J: usize>(places: &mut Vec<Place<J>>, place: Place<J>) {
    match places.iter_mut().find(|known| known.world == place.world && known.owes == place.owes) {
        Some(known) => known.by.0 |= place.by.0,
        None => places.push(place),
    }
}

fn is_of(delivery: &Delivery, event: contract::Event, to: Target, file: Option<contract::FileId>) -> bool {
    (delivery.event, target(delivery.to), delivery.file_id()) == (event, to, file)
}

fn target(to: To) -> Target {
    match to {
        To::Object(object) => Target::Interface(ReceiverId(object as u32)),
        To::Program => Target::CommandLine,
    }
}

fn outcome_of(leave: Leave) -> Outcome {
    match leave {
        Leave::Returned(hr) if hr.succeeded() => Outcome::Acknowledges,
        Leave::Exited(0) => Outcome::Acknowledges,
        Leave::Returned(_) | Leave::Exited(_) | Leave::Panicked => Outcome::Fails,
    }
}

/// What a state of the protocol shows of a job.
fn shows<const J: usize>(rig: &Rig, world: &World<J>, job: u8) -> Shown {
    let job = &world.jobs[usize::from(job)];
    let begun = match (job.delivery.has_begun(), job.delivery.about.contains(About::CALLED)) {
        (false, _) => Begun::No,
        (true, false) => Begun::Awaited,
        (true, true) => Begun::Released,
    };
    // A claim is not seen, so a slot is taken from the begin on.
    let in_slots = world.jobs.iter().filter(|job| job.delivery.has_begun() && job.delivery.to != To::Program);
    let has_slot = in_slots.count() < usize::from(rig.slice.slots);
    let may_begin = rig.wanted(job).is_some_and(|(_, to, _)| to == To::Program || has_slot);
    let ready = begun == Begun::No && may_begin;
    Shown { state: job.state, ending: job.ending.is_some().into(), begun, ready: ready.into() }
}

fn words_of(shown: &Shown) -> String {
    let Shown { state, ending, begun, ready } = shown;
    let ending = if *ending == Is::So { ", being ended" } else { "" };
    let ready = if *ready == Is::So { ", and a delivery may begin" } else { "" };
    let begun = match begun {
        Begun::No => "",
        Begun::Awaited => ", with a delivery that has begun",
        Begun::Released => ", with a delivery that has called",
    };
    format!("{state:?}{ending}{begun}{ready}")
}

fn in_words(event: &EventView<'_>) -> String {
    match event {
        EventView::Call { call, .. } => format!("a call of {}", call.method()),
        EventView::Return { call, hr, .. } => format!("{} returns {hr}", call.method()),
        EventView::Begin { event, .. } => format!("a delivery of {event:?} begins"),
        EventView::Enter { event, .. } => format!("a delivery of {event:?} enters"),
        EventView::Leave { event, leave, .. } => format!("a delivery of {event:?} leaves: {leave:?}"),
        EventView::State { from, to, .. } => format!("the job goes from {from:?} to {to:?}"),
        other => format!("{other:?}"),
    }
}

impl Ask {
    /// The call as the protocol has it, if it does.
    #[must_use]
    pub fn of(call: &Call) -> Option<Ask> {
        Some(match call {
            Call::Cancel => Ask::Cancel,
            Call::Complete => Ask::Complete,
            Call::Resume => Ask::Resume,
            Call::AddFile { .. } => Ask::AddFile,
            Call::SetNotifyFlags { flags } => Ask::Flags(NotifyFlags::from_bits_truncate(*flags)),
            Call::SetNotifyInterface { receiver: None } => Ask::Interface(None),
            Call::SetNotifyInterface { receiver: Some(receiver) } => {
                let objects = [Object::First, Object::Second];
                Ask::Interface(Some(*objects.get(receiver.id.0 as usize)?))
            }
            Call::SetNotifyCmdLine { program, .. } => {
                Ask::Program(if program.is_some() { Set::One } else { Set::None })
            }
            _ => return None,
        })
    }

    /// Whether the protocol leaves a call out: it changes nothing that the protocol has.
    #[must_use]
    pub fn is_none_of(call: &Call) -> Is {
        let changes = !matches!(
            call,
            Call::GetState
                | Call::GetProgress
                | Call::GetNotifyFlags
                | Call::EnumJobs { .. }
                | Call::SetPriority { .. }
        );
        Is::from(!changes)
    }
}

#[cfg(test)]
mod tests {
    use contract::event::{By, Caller, Target};
    use contract::{Dialect, ThreadId};

    use super::super::story::{Ids, view};
    use super::*;

    /// Clients are threads from 1 on: 0 is the one that prepares.
    struct FromOne;

    impl Ids for FromOne {
        fn job(&self, job: u8) -> JobId {
            JobId(job.into())
        }

        fn call(&self, who: Who, _: u8) -> CallId {
            CallId(match who {
                Who::Client(client) => client.into(),
                Who::Callback(job) => super::super::state::CLIENTS as u32 + u32::from(job),
            })
        }

        fn delivery(&self, job: u8, to: To) -> DeliveryId {
            DeliveryId(2 * u32::from(job) + u32::from(to == To::Program))
        }

        fn client(&self, client: u8) -> ThreadId {
            ThreadId(u32::from(client) + 1)
        }
    }

    fn map(jobs: Jobs) -> Map {
        let asks = [Ask::Cancel, Ask::Flags(NotifyFlags::empty()), Ask::Interface(None), Ask::Complete];
        map_with(jobs, &asks, Mishaps::DiskAndExpiry)
    }

    fn map_with(jobs: Jobs, asks: &[Ask], mishaps: Mishaps) -> Map {
        let profile = *Dialect::Bits.profile();
        let (before, asks) = (Vec::new(), asks.to_vec());
        Map::new(&Ground { profile, jobs, dispatchers: 2, slots: 1, before, asks, mishaps })
    }

    /// A trail of jobs whose transfers have begun.
    fn begun(map: &Map) -> Trail {
        let mut trail = Trail::new(map);
        for job in 0..JOBS as u32 {
            let (from, to, by) = (Some(JobState::Connecting), JobState::Transferring, By::Env(EnvStep::Turn));
            trail.sees(&EventView::State { job: JobId(job), from, to, by }).expect("it is no step");
        }
        trail
    }

    /// A walk of this number of steps of the protocol under a design, beside the trail.
    fn walk(map: &Map, design: Design, seed: u64, steps: usize) -> Result<(), Lost> {
        match &map.0 {
            Ways::One(of) => walk_on(of, begun(map), design, seed, steps),
            Ways::Two(of) => walk_on(of, begun(map), design, seed, steps),
        }
    }

    fn walk_on<const J: usize>(
        of: &Steps<J>,
        mut trail: Trail,
        design: Design,
        seed: u64,
        steps: usize,
    ) -> Result<(), Lost> {
        let rig = Rig { design, ..of.rig.clone() };
        let (mut world, mut state) = (of.first, seed);
        for _ in 0..steps {
            let mut acts = Vec::new();
            rig.acts(&world, &mut acts);
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let Some(act) = acts.get((state >> 33) as usize % acts.len().max(1)).copied() else { break };
            let mut notes = Vec::new();
            rig.take(&mut world, act, &mut |note| notes.push(note));
            if let Act::Begin(job) = act
                && let delivery = world.jobs[usize::from(job)].delivery
                && delivery.phase == Phase::Begun
            {
                let (target, file, event) = (target(delivery.to), delivery.file_id(), delivery.event);
                let (delivery, job) = (FromOne.delivery(job, delivery.to), FromOne.job(job));
                trail.sees(&EventView::Begin { delivery, job, event, target, file })?;
            }
            let mut seen = Ok(());
            for note in &notes {
                view(&rig, note, &FromOne, |event| {
                    seen = std::mem::replace(&mut seen, Ok(())).and(trail.sees(event))
                });
            }
            seen?;
            let of = |job: usize| (job < J).then(|| shows(&rig, &world, job as u8));
            trail.shown(&std::array::from_fn(of))?;
        }
        Ok(())
    }

    #[test]
    fn the_protocol_follows_itself() {
        for jobs in [Jobs::One, Jobs::Two] {
            let map = map(jobs);
            for seed in 0..200 {
                let walked = walk(&map, Design::Barrier, seed, 60);
                walked.unwrap_or_else(|lost| panic!("{jobs:?}, seed {seed}: {lost}"));
            }
            for kind in ["call", "effect", "disk work", "disk work that fails", "begin", "settle", "expiry"] {
                assert!(map.taken().contains(&kind), "{kind}: {:?}", map.taken());
            }
            assert!(map.taken().iter().all(|kind| map.offered().contains(kind)));
        }
    }

    #[test]
    fn a_wrong_design_is_lost() {
        let lost =
            |map: Map, design: Design| (0..200).filter_map(|seed| walk(&map, design, seed, 60).err()).count();
        for jobs in [Jobs::One, Jobs::Two] {
            let lost = lost(map(jobs), Design::ClaimThenCall);
            assert!(lost >= 10, "{jobs:?}: {lost} are lost");
        }
        // What is wrong with it needs two jobs and one slot.
        let without_calls = |jobs| map_with(jobs, &[], Mishaps::None);
        assert_eq!(lost(without_calls(Jobs::One), Design::BeginBeforeSlot), 0);
        let two = lost(without_calls(Jobs::Two), Design::BeginBeforeSlot);
        assert!(two >= 10, "{two} are lost");
    }

    /// What a job does before its transfer begins is no step of the protocol, and what another one does is.
    #[test]
    fn a_job_is_in_the_trail_from_its_transfer_on() {
        let mut trail = Trail::new(&map(Jobs::Two));
        let (by, event) = (By::Env(EnvStep::Turn), contract::Event::JobTransferred);
        let moves = |job, from, to| EventView::State { job: JobId(job), from: Some(from), to, by };
        let begins = |job| {
            let (delivery, target) = (DeliveryId(0), Target::Interface(ReceiverId(0)));
            EventView::Begin { delivery, job: JobId(job), event, target, file: None }
        };
        assert_eq!(trail.sees(&moves(1, JobState::Suspended, JobState::Queued)), Ok(()));
        assert_eq!(trail.sees(&begins(0)), Ok(()), "it is of no job that is in the trail");
        assert_eq!(trail.sees(&moves(0, JobState::Connecting, JobState::Transferring)), Ok(()));
        assert_eq!(trail.sees(&moves(1, JobState::Queued, JobState::Connecting)), Ok(()));
        let mut failed = trail.clone();
        assert_eq!(failed.sees(&moves(1, JobState::Connecting, JobState::Error)), Ok(()));
        let shown = |state| Shown {
            state,
            ending: Is::Not,
            begun: Begun::No,
            ready: Is::from(state == JobState::Error),
        };
        let both = |job| [Some(shown(JobState::Transferring)), Some(shown(job))];
        assert!(failed.clone().shown(&both(JobState::Transferring)).is_err());
        assert_eq!(failed.shown(&both(JobState::Error)), Ok(()));
        let mut other = trail.clone();
        assert!(other.sees(&moves(0, JobState::Transferring, JobState::Suspended)).is_err());
        assert!(trail.sees(&begins(0)).is_err());
    }

    #[test]
    fn what_is_no_step_is_told_with_both_sides() {
        let mut trail = begun(&map(Jobs::One));
        let (job, file) = (JobId(0), None);
        let (event, to) = (contract::Event::JobTransferred, Target::Interface(ReceiverId(0)));
        let begin = EventView::Begin { delivery: DeliveryId(0), job, event, target: to, file };
        let lost = trail.sees(&begin).expect_err("the job is still transferring");
        assert!(lost.to_string().contains("a delivery of JobTransferred begins"), "{lost}");
        assert!(lost.from[0].contains("Transferring"), "{lost}");
        let shown = Shown { state: JobState::Error, ending: Is::Not, begun: Begun::No, ready: Is::Not };
        let lost = trail.shown(&[Some(shown), None]).expect_err("nothing has failed");
        assert_eq!(lost.differs, ["the job's state"]);
        // Calls of which the protocol does not speak change nothing.
        let caller = Caller { thread: ThreadId(1), user: contract::UserId(0), inside: None };
        let call = EventView::Call { id: CallId(7), caller, job: Some(job), call: &Call::GetState };
        assert_eq!(trail.sees(&call), Ok(()));
    }
}
