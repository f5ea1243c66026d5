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
//! order. So a [`Lost`] trail is a run that is none of the protocol's, whatever the silent steps were. A trail that comes to rest
//! ([`Trail::rests`]) is a fair run of the protocol to its end, and so what liveness proves of all fair runs holds for it. A job is in it from when its first
//! transfer begins: the protocol's jobs begin there, and do nothing that is silent before.

mod map;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use contract::event::Leave;
use contract::event::Target;
use contract::{Call, CallId, DeliveryId, EnvStep, EventView, JobId, JobState, NotifyFlags, ReceiverId};

pub use self::map::{Ground, JOBS, Jobs, Map};
use self::map::{Kinds, Steps, Ways};
use super::act::{Act, Note};
use super::live::is_fair;
use super::scope::{Ask, Set};
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
    /// What it did or showed, in a sentence.
    pub what: String,
    /// The states in which the protocol could be before, in words.
    pub from: Vec<String>,
    /// Where the lock was given back: the fields in which no state of the protocol agrees.
    pub differs: Vec<&'static str>,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        if !self.differs.is_empty() {
            write!(f, "; it differs in {}", self.differs.join(" and "))?;
        }
        for state in &self.from {
            write!(f, "\nthe protocol may be at: {}", state.replace('\n', "; "))?;
        }
        Ok(())
    }
}

/// See the module's documentation.
#[derive(Clone)]
pub struct Trail(Followed);

#[derive(Clone)]
enum Followed {
    One(Places<1>),
    Two(Places<2>),
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
    /// What was shown last of these. What all threads share determines it.
    last: Vec<(u8, Shown)>,
}

/// A state of the protocol, and what the step that led there has still to show.
#[derive(Clone, PartialEq, Debug)]
struct Place<const J: usize> {
    world: World<J>,
    owes: Vec<Note>,
    /// The kinds of steps since the trail was last sure.
    by: Kinds,
}

const NO_STEP: &str = "no step of the protocol";

/// Steps that are silent after one another, at most; the protocol has no circle of them.
const SILENT: usize = 16;

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

    /// Nothing of the machine moves any more, and no time is waited for.
    ///
    /// # Errors
    /// Wherever the protocol may be, it has a step to take that a fair run does not withhold.
    pub fn rests(&mut self) -> Result<(), Lost> {
        match &mut self.0 {
            Followed::One(places) => places.rests(),
            Followed::Two(places) => places.rests(),
        }
    }
}

impl<const J: usize> Places<J> {
    fn first(steps: &Arc<Steps<J>>) -> Places<J> {
        let place = Place { world: steps.first, owes: Vec::new(), by: Kinds::default() };
        let (open, begun) = (Vec::new(), Vec::new());
        Places { steps: Arc::clone(steps), all: vec![place], open, begun, on: [false; J], last: Vec::new() }
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
        self.keep(left, || format!("{}, which is {NO_STEP}", in_words(event)), Vec::new())
    }

    fn shown(&mut self, shown: &[Option<Shown>; JOBS]) -> Result<(), Lost> {
        let reached = self.reached();
        // Of a job that is not in the trail, anything may stand.
        let in_it = (0..J as u8).zip(shown).filter(|(job, _)| self.on[usize::from(*job)]);
        let shown: Vec<(u8, Shown)> = in_it.filter_map(|(job, shown)| Some((job, (*shown)?))).collect();
        let left: Vec<Place<J>> = reached
            .iter()
            .filter(|place| !place.owes.is_empty() || self.fits(place, &shown))
            .cloned()
            .collect();
        let mut differs = Vec::new();
        if left.is_empty() {
            for (job, shown) in &shown {
                let all: Vec<Shown> =
                    reached.iter().map(|place| shows(&self.steps.rig, &place.world, *job)).collect();
                differs.extend(shown.fields_of_none(&all));
            }
        }
        let words = || {
            let words: Vec<String> = shown.iter().map(|(_, shown)| words_of(shown)).collect();
            format!("the lock is given back at {}, which is {NO_STEP}", words.join("; "))
        };
        let kept = self.keep(left, words, differs);
        self.last = shown;
        kept
    }

    fn fits(&self, place: &Place<J>, shown: &[(u8, Shown)]) -> bool {
        shown.iter().all(|(job, shown)| shows(&self.steps.rig, &place.world, *job) == *shown)
    }

    fn rests(&mut self) -> Result<(), Lost> {
        // A job that is not in the trail has no steps of the protocol.
        let is_in_it = |act: Act| act.job().is_none_or(|job| self.on[usize::from(job)]);
        let rests = |place: &Place<J>| {
            let steps = self.steps.of(&place.world);
            place.owes.is_empty()
                && self.fits(place, &self.last)
                && !steps.iter().any(|next| is_fair(&next.act) && is_in_it(next.act))
        };
        let left = self.reached().into_iter().filter(rests).collect();
        self.keep(left, || "the service is at rest, and the protocol is not".to_owned(), Vec::new())
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
mod tests;
