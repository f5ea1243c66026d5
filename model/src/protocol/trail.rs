//! What is seen of another machine, followed along the protocol: whether each of its steps is one of the protocol's.
//!
//! **What it is.** A [`Trail`] is the set of all states in which the protocol of one job may be, after what has been seen. It is fed with the
//! machine's events, and with a [`Shown`] whenever the machine gives its lock back. Steps that nothing shows are taken on the way. When no
//! state is left, the machine has done what the protocol cannot: [`Lost`].
//!
//! **What it is not.** The other direction. That the machine can do all that the protocol can is not checked; [`Map::taken`] and
//! [`Map::offered`] are the kinds of steps that it took, and could have taken.
//!
//! **The law it keeps.** The set is never too small: it has every state to which steps of the protocol lead that show what was seen, in its
//! order. So a [`Lost`] trail is a run that is none of the protocol's, whatever the silent steps were.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use contract::defect::Design;
use contract::event::Leave;
use contract::event::Target;
use contract::{Call, CallId, EnvStep, EventView, JobState, NotifyFlags, Profile, ReceiverId};

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
    /// What was called on the job before its transfer began, besides CreateJob, the first AddFile and Resume.
    pub before: Vec<Ask>,
    /// Every call that may be made and that the dialect has. Any other one changes nothing.
    pub asks: Vec<Ask>,
    /// Whether renames may fail.
    pub mishaps: Mishaps,
}

/// See the module's documentation.
#[derive(Clone)]
pub struct Trail {
    map: Arc<Map>,
    places: Vec<Place>,
    /// Calls that are open, by their ids.
    open: Vec<(CallId, Who)>,
}

/// The protocol of one ground, for all trails on it.
pub struct Map {
    rig: Rig,
    first: World<1>,
    steps: Mutex<BTreeMap<World<1>, Arc<[Next]>>>,
    offered: AtomicU32,
    taken: AtomicU32,
}

/// Kinds of steps, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Kinds(u32);

/// A state of the protocol, and what the step that led there has still to show.
#[derive(Clone, PartialEq, Debug)]
struct Place {
    world: World<1>,
    owes: Vec<Note>,
    /// The kinds of steps since the trail was last sure.
    by: Kinds,
}

/// A step of the protocol.
struct Next {
    act: Act,
    to: World<1>,
    shows: Vec<Note>,
}

/// Steps that are silent after one another, at most; the protocol has no circle of them.
const SILENT: usize = 16;

impl Map {
    /// The protocol on this ground.
    #[must_use]
    pub fn new(ground: &Ground) -> Arc<Map> {
        let slice = Slice {
            name: "trail",
            jobs: 1,
            clients: super::state::CLIENTS as u8,
            calls: CALLS,
            asks: ground.asks.clone(),
            nested: CALLS,
            nested_asks: ground.asks.clone(),
            dispatchers: 1,
            slots: 1,
            before: ground.before.clone(),
            transfers: Transfers::ArriveOrFail,
            leaves: Leaves::AcknowledgeOrFail,
            locks: Locks::None,
            mishaps: ground.mishaps,
        };
        let rig = Rig::new(Design::Barrier, &ground.profile, &slice, Reduction::Full);
        let mut first: World<1> = rig.first();
        let adds = ground.before.iter().filter(|ask| **ask == Ask::AddFile);
        adds.for_each(|_| first.jobs[0].files.add());
        let (offered, taken) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Map { rig, first, steps: Mutex::default(), offered, taken })
    }

    fn steps(&self, world: &World<1>) -> Arc<[Next]> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = steps.get(world) {
            return Arc::clone(known);
        }
        let mut acts = Vec::new();
        self.rig.acts(world, &mut acts);
        let all: Arc<[Next]> = acts
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
        steps.insert(*world, Arc::clone(&all));
        all
    }

    /// The kinds of steps that were possible in some state of a trail on this map.
    #[must_use]
    pub fn offered(&self) -> Vec<&'static str> {
        Kinds(self.offered.load(Ordering::Relaxed)).names()
    }

    /// The kinds of steps in some account of what was seen. One that is not there was not taken.
    #[must_use]
    pub fn taken(&self) -> Vec<&'static str> {
        Kinds(self.taken.load(Ordering::Relaxed)).names()
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
    /// The trail begins when the transfer of the job does.
    #[must_use]
    pub fn new(map: &Arc<Map>) -> Trail {
        let place = Place { world: map.first, owes: Vec::new(), by: Kinds::default() };
        Trail { map: Arc::clone(map), places: vec![place], open: Vec::new() }
    }

    /// Adds it to a hash.
    pub fn digest<H: Hasher>(&self, state: &mut H) {
        // The order of the places has no meaning.
        let of = |place: &Place| {
            let mut hasher = DefaultHasher::new();
            (&place.world, &place.owes).hash(&mut hasher);
            hasher.finish()
        };
        let all = self.places.iter().fold(0_u64, |sum, place| sum.wrapping_add(of(place)));
        (all, self.places.len(), &self.open).hash(state);
    }

    /// The machine has done this.
    ///
    /// # Errors
    /// No step of the protocol shows that.
    pub fn sees(&mut self, event: &EventView<'_>) -> Result<(), Lost> {
        let Some(who) = self.follow_call(event) else { return Ok(()) };
        let reached = self.reached();
        let mut left: Vec<Place> = Vec::new();
        for place in &reached {
            if let Some((owed, rest)) = place.owes.split_first() {
                if self.shows(owed, event, who) {
                    add(&mut left, Place { owes: rest.to_vec(), ..place.clone() });
                }
                continue;
            }
            for next in self.map.steps(&place.world).iter() {
                let by = place.by.with(next.act);
                if let (Act::Begin(_), EventView::Begin { event, target: to, file, .. }) = (next.act, event) {
                    let delivery = &next.to.jobs[0].delivery;
                    if delivery.phase == Phase::Begun
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

    /// The machine gives its lock back, and this stands then.
    ///
    /// # Errors
    /// No silent step of the protocol leads to a state that shows this.
    pub fn shown(&mut self, shown: Shown) -> Result<(), Lost> {
        let reached = self.reached();
        let of = |place: &Place| shows(&self.map.rig, &place.world);
        let fits = |place: &&Place| !place.owes.is_empty() || of(place) == shown;
        let left: Vec<Place> = reached.iter().filter(fits).cloned().collect();
        let mut differs = Vec::new();
        if left.is_empty() {
            let all: Vec<Shown> = reached.iter().map(of).collect();
            let mut none = |name, same: &dyn Fn(&Shown) -> bool| {
                if !all.iter().any(same) {
                    differs.push(name);
                }
            };
            none("the job's state", &|other| other.state == shown.state);
            none("whether it is being ended", &|other| other.ending == shown.ending);
            none("the delivery that has begun", &|other| other.begun == shown.begun);
            none("whether a delivery may begin", &|other| other.ready == shown.ready);
        }
        self.keep(left, || format!("the lock is given back at {}", words_of(&shown)), differs)
    }

    fn keep(
        &mut self,
        left: Vec<Place>,
        what: impl FnOnce() -> String,
        differs: Vec<&'static str>,
    ) -> Result<(), Lost> {
        if left.is_empty() {
            let from = self.places.iter().map(|place| self.map.rig.in_words(&place.world)).collect();
            return Err(Lost { what: what(), from, differs });
        }
        let taken = left.iter().fold(0, |taken, place| taken | place.by.0);
        self.map.taken.fetch_or(taken, Ordering::Relaxed);
        self.places = left.into_iter().map(|place| Place { by: Kinds::default(), ..place }).collect();
        Ok(())
    }

    /// Where silent steps lead, none included. A begin is not silent: it is seen.
    fn reached(&self) -> Vec<Place> {
        let mut reached = self.places.clone();
        let mut from = 0;
        for _ in 0..SILENT {
            let upto = reached.len();
            for at in from..upto {
                let place = reached[at].clone();
                if !place.owes.is_empty() {
                    continue;
                }
                for next in self.map.steps(&place.world).iter() {
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

    /// Who makes the call that the event is about, if it is about one. None when the protocol has nothing of what is seen.
    fn follow_call(&mut self, event: &EventView<'_>) -> Option<Option<Who>> {
        match event {
            EventView::Call { id, caller, call, .. } => {
                // A call that the ground does not have is one that the dialect refuses.
                let ask = Ask::of(call)?;
                self.map.rig.asks.iter().find(|asked| asked.ask == ask)?;
                let who = match caller.inside {
                    Some(_) => Who::Callback(0),
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
        let ask = |ask: u8| self.map.rig.asks.get(usize::from(ask)).map(|asked| asked.ask);
        match (note, event) {
            (Note::Call { who: by, ask: asked, .. }, EventView::Call { call, .. }) => {
                Some(*by) == who && ask(*asked) == Ask::of(call)
            }
            (Note::Return { who: by, answer, .. }, EventView::Return { hr, .. }) => {
                Some(*by) == who && hresult(&self.map.rig.profile, *answer) == *hr
            }
            (Note::Enter { delivery, .. }, EventView::Enter { event, target, file, .. }) => {
                is_of(delivery, *event, *target, *file)
            }
            (Note::Leave { delivery, outcome, .. }, EventView::Leave { event, target, file, leave, .. }) => {
                is_of(delivery, *event, *target, *file) && *outcome == outcome_of(*leave)
            }
            (Note::Env { step, file, .. }, EventView::Env { step: seen, file: of, .. }) => {
                std::mem::discriminant(step) == std::mem::discriminant(seen) && (file.is_none() || file == of)
            }
            (Note::State { from, to, .. }, EventView::State { from: seen, to: there, .. }) => {
                (from, to) == (seen, there)
            }
            _ => false,
        }
    }
}

/// One account of each place is enough; the kinds of steps of all are kept.
fn add(places: &mut Vec<Place>, place: Place) {
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

/// What a state of the protocol shows.
fn shows(rig: &Rig, world: &World<1>) -> Shown {
    let job = &world.jobs[0];
    let begun = match (job.delivery.has_begun(), job.delivery.about.contains(About::CALLED)) {
        (false, _) => Begun::No,
        (true, false) => Begun::Awaited,
        (true, true) => Begun::Released,
    };
    let ready = begun == Begun::No && rig.wanted(job).is_some();
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
    use contract::event::{Caller, Target};
    use contract::{DeliveryId, Dialect, JobId, ThreadId};

    use super::super::story::{Ids, Small, view};
    use super::*;

    /// Clients are threads from 1 on: 0 is the one that prepares.
    struct FromOne;

    impl Ids for FromOne {
        fn job(&self, job: u8) -> JobId {
            Small.job(job)
        }

        fn call(&self, who: Who, on: u8) -> CallId {
            Small.call(who, on)
        }

        fn delivery(&self, job: u8, to: To) -> DeliveryId {
            Small.delivery(job, to)
        }

        fn client(&self, client: u8) -> ThreadId {
            ThreadId(u32::from(client) + 1)
        }
    }

    fn map() -> Arc<Map> {
        let asks = [Ask::Cancel, Ask::Flags(NotifyFlags::empty()), Ask::Interface(None), Ask::Complete];
        let profile = *Dialect::Bits.profile();
        let (before, asks) = (Vec::new(), asks.to_vec());
        Map::new(&Ground { profile, before, asks, mishaps: Mishaps::DiskAndExpiry })
    }

    /// A walk of this number of steps of the protocol under a design, beside the trail.
    fn walk(map: &Arc<Map>, design: Design, seed: u64, steps: usize) -> Result<(), Lost> {
        let rig = Rig { design, ..map.rig.clone() };
        let (mut world, mut trail, mut state) = (map.first, Trail::new(map), seed);
        for _ in 0..steps {
            let mut acts = Vec::new();
            rig.acts(&world, &mut acts);
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let Some(act) = acts.get((state >> 33) as usize % acts.len().max(1)).copied() else { break };
            let mut notes = Vec::new();
            rig.take(&mut world, act, &mut |note| notes.push(note));
            let delivery = world.jobs[0].delivery;
            if let (Act::Begin(_), Phase::Begun) = (act, delivery.phase) {
                let (job, to, file) = (JobId(0), target(delivery.to), delivery.file_id());
                let id = Small.delivery(0, delivery.to);
                let event = delivery.event;
                trail.sees(&EventView::Begin { delivery: id, job, event, target: to, file })?;
            }
            let mut seen = Ok(());
            for note in &notes {
                view(&rig, note, &FromOne, |event| {
                    seen = std::mem::replace(&mut seen, Ok(())).and(trail.sees(event))
                });
            }
            seen?;
            trail.shown(shows(&rig, &world))?;
        }
        Ok(())
    }

    #[test]
    fn the_protocol_follows_itself() {
        let map = map();
        for seed in 0..200 {
            walk(&map, Design::Barrier, seed, 60).unwrap_or_else(|lost| panic!("seed {seed}: {lost}"));
        }
        for kind in ["call", "effect", "disk work", "disk work that fails", "begin", "settle", "expiry"] {
            assert!(map.taken().contains(&kind), "{kind}: {:?}", map.taken());
        }
        assert!(map.taken().iter().all(|kind| map.offered().contains(kind)));
    }

    #[test]
    fn a_wrong_design_is_lost() {
        let map = map();
        let lost = (0..200).filter_map(|seed| walk(&map, Design::ClaimThenCall, seed, 60).err());
        let lost = lost.count();
        assert!(lost >= 10, "{lost} are lost");
    }

    #[test]
    fn what_is_no_step_is_told_with_both_sides() {
        let mut trail = Trail::new(&map());
        let (job, file) = (JobId(0), None);
        let (event, to) = (contract::Event::JobTransferred, Target::Interface(ReceiverId(0)));
        let begin = EventView::Begin { delivery: DeliveryId(0), job, event, target: to, file };
        let lost = trail.sees(&begin).expect_err("the job is still transferring");
        assert!(lost.to_string().contains("a delivery of JobTransferred begins"), "{lost}");
        assert!(lost.from[0].contains("Transferring"), "{lost}");
        let shown = Shown { state: JobState::Error, ending: Is::Not, begun: Begun::No, ready: Is::Not };
        let lost = trail.shown(shown).expect_err("nothing has failed");
        assert_eq!(lost.differs, ["the job's state"]);
        // Calls of which the protocol does not speak change nothing.
        let caller = Caller { thread: ThreadId(1), user: contract::UserId(0), inside: None };
        let call = EventView::Call { id: CallId(7), caller, job: Some(job), call: &Call::GetState };
        assert_eq!(trail.sees(&call), Ok(()));
    }
}
