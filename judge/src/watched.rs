//! One job of a run: its monitors, and the small ids that its ids have there.

use std::fmt;
use std::hash::{Hash, Hasher};

use contract::call::{Call, Out};
use contract::dialect::Profile;
use contract::env::EnvStep;
use contract::event::{By, EventView, Target};
use contract::ids::{CallId, DeliveryId, FileId, ReceiverId};
use contract::notify::Receiver;
use contract::{Rule, RuleSet};

use super::monitor::Monitors;
use super::possible::Possible;
use super::small::FileSet;
use super::texts::{Read, Texts};

const CALLS: usize = 32;
const DELIVERIES: usize = 8;
const OBJECTS: usize = 62;

/// An id that no monitor follows: of a call on another job, or a delivery never seen to start.
const UNKNOWN: u32 = u32::MAX;

/// A job under watch.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    monitors: Monitors<CALLS>,
    texts: Texts,
    calls: Slots<CallId>,
    deliveries: Slots<DeliveryId>,
    objects: Slots<ReceiverId>,
    ended: Option<u64>,
    lost: bool,
}

/// Why a job can no longer be followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    Calls,
    Deliveries,
    Objects,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Calls => write!(f, "more than {CALLS} open calls"),
            Lost::Deliveries => write!(f, "more than {DELIVERIES} open deliveries"),
            Lost::Objects => write!(f, "more than {OBJECTS} objects that may be registered"),
        }
    }
}

impl Watched {
    pub(crate) fn new(rules: RuleSet) -> Watched {
        Watched {
            monitors: Monitors::new(rules),
            texts: Texts::default(),
            calls: Slots::default(),
            deliveries: Slots::default(),
            objects: Slots::default(),
            ended: None,
            lost: false,
        }
    }

    /// Adds it to a hash, without the number of the event that ended the job.
    pub(crate) fn digest<H: Hasher>(&self, state: &mut H) {
        let Watched { monitors, texts, calls, deliveries, objects, ended, lost } = self;
        (monitors, texts, calls, deliveries).hash(state);
        (objects, ended.is_some(), lost).hash(state);
    }

    /// See [`Monitors::possible`]; the objects have their names in the run. Nothing of a job that is no longer followed.
    pub(crate) fn possible(&self) -> Vec<Possible> {
        let named = |small: ReceiverId| {
            let object = self.objects.ids.get(small.index()).copied().flatten();
            object.unwrap_or(small)
        };
        if self.lost { Vec::new() } else { self.monitors.possible_named(named) }
    }

    /// When the job ended for the manager: the call that ended it was back, or it expired.
    pub(crate) fn ended(&self) -> Option<u64> {
        self.ended
    }

    /// The service died: calls and deliveries are gone, and with them what may still come of them.
    pub(crate) fn restart(&mut self) {
        self.monitors.restart();
        self.texts.restart();
        self.calls = Slots::default();
        self.deliveries = Slots::default();
    }

    /// See [`Monitors::is_waiting_to_tell`].
    pub(crate) fn is_waiting_to_tell(&self, profile: &Profile) -> bool {
        !self.lost && self.monitors.is_waiting_to_tell(profile)
    }

    pub(crate) fn finish(&self, profile: &Profile) -> RuleSet {
        if self.lost { RuleSet::EMPTY } else { self.monitors.finish(profile) }
    }

    /// Feeds an event with the ids of the run.
    pub(crate) fn event(
        &mut self,
        profile: &Profile,
        seq: u64,
        event: &EventView<'_>,
        exercised: &mut RuleSet,
    ) -> Result<RuleSet, Lost> {
        self.note_end(seq, event);
        if self.lost {
            return Ok(RuleSet::EMPTY);
        }
        let violated = self.translate_and_step(profile, event, exercised);
        self.lost = violated.is_err();
        violated.map(|violated| violated.union(self.read(event, exercised)))
    }

    /// R11 by what the monitors do not hold.
    fn read(&mut self, event: &EventView<'_>, exercised: &mut RuleSet) -> RuleSet {
        let r11 = RuleSet::of(&[Rule::R11]);
        if !self.monitors.rules().contains(Rule::R11) {
            return RuleSet::EMPTY;
        }
        let read = self.texts.event(event);
        if read != Read::Nothing {
            *exercised = exercised.union(r11);
        }
        if read == Read::Impossible { r11 } else { RuleSet::EMPTY }
    }

    fn note_end(&mut self, seq: u64, event: &EventView<'_>) {
        let ends = match event {
            EventView::Return { call: Call::Cancel | Call::Complete, hr, .. } => hr.succeeded(),
            EventView::State { to, by: By::Env(EnvStep::Expiry), .. } => to.is_final(),
            _ => false,
        };
        if ends {
            self.ended.get_or_insert(seq);
        }
    }

    /// The event with small ids, to the monitors. Calls and answers that carry an object are rewritten on the stack.
    fn translate_and_step(
        &mut self,
        profile: &Profile,
        event: &EventView<'_>,
        exercised: &mut RuleSet,
    ) -> Result<RuleSet, Lost> {
        let mut step = |monitors: &mut Monitors<CALLS>, event: EventView<'_>| {
            Ok(monitors.step_counting(profile, &event, exercised))
        };
        match *event {
            EventView::Call { id, caller, job, call } => {
                let id = CallId(self.calls.open(id, CALLS, 0).ok_or(Lost::Calls)?);
                let renamed = self.rename_call(call)?;
                let call = renamed.as_ref().unwrap_or(call);
                step(&mut self.monitors, EventView::Call { id, caller, job, call })
            }
            EventView::Return { id, job, call, hr, out } => {
                let id = CallId(self.calls.close(id));
                let renamed = self.rename_out(out)?;
                let out = renamed.as_ref().unwrap_or(out);
                step(&mut self.monitors, EventView::Return { id, job, call, hr, out })
            }
            EventView::Enter { delivery, job, event, target, file } => {
                let slot = self.deliveries.open(delivery, DELIVERIES, 0).ok_or(Lost::Deliveries)?;
                let (delivery, target) = (DeliveryId(slot), self.rename_target(target)?);
                step(&mut self.monitors, EventView::Enter { delivery, job, event, target, file })
            }
            EventView::Leave { delivery, job, event, target, file, leave } => {
                let delivery = DeliveryId(self.deliveries.close(delivery));
                step(&mut self.monitors, EventView::Leave { delivery, job, event, target, file, leave })
            }
            EventView::State { job, from, to, by: By::Call(id) } => {
                // CreateJob and calls on other jobs have no slot here.
                let by = By::Call(CallId(self.calls.find(id).unwrap_or(UNKNOWN)));
                step(&mut self.monitors, EventView::State { job, from, to, by })
            }
            other => step(&mut self.monitors, other),
        }
    }

    fn rename_call(&mut self, call: &Call) -> Result<Option<Call>, Lost> {
        let Call::SetNotifyInterface { receiver: Some(receiver) } = call else { return Ok(None) };
        let receiver = Receiver { id: self.object(receiver.id)?, interfaces: receiver.interfaces };
        Ok(Some(Call::SetNotifyInterface { receiver: Some(receiver) }))
    }

    fn rename_out(&mut self, out: &Out) -> Result<Option<Out>, Lost> {
        let Out::Receiver(Some(receiver)) = out else { return Ok(None) };
        Ok(Some(Out::Receiver(Some(self.object(*receiver)?))))
    }

    fn rename_target(&mut self, target: Target) -> Result<Target, Lost> {
        Ok(match target {
            Target::Interface(receiver) => Target::Interface(self.object(receiver)?),
            Target::CommandLine => Target::CommandLine,
        })
    }

    /// The small id of an object. One that is new, or that had lost its small id, gets one that no possible
    /// registration has.
    fn object(&mut self, object: ReceiverId) -> Result<ReceiverId, Lost> {
        if let Some(small) = self.objects.find(object) {
            return Ok(ReceiverId(small));
        }
        let small =
            self.objects.open(object, OBJECTS, self.monitors.objects_in_use()).ok_or(Lost::Objects)?;
        // Below 62, so it fits.
        self.monitors.forget_object(small as u8);
        Ok(ReceiverId(small))
    }
}

/// Whether the event is about a file that the rules about files do not follow.
pub(crate) fn names_late_file(event: &EventView<'_>) -> bool {
    let late = |file: Option<FileId>| file.is_some_and(|file| !FileSet::knows(file));
    match *event {
        EventView::Enter { file, .. } | EventView::Env { file, .. } => late(file),
        _ => false,
    }
}

/// Which id has which slot. Few are open at once, so they are searched one by one.
#[derive(Clone, Hash, Debug)]
struct Slots<Id> {
    ids: Vec<Option<Id>>,
}

impl<Id> Default for Slots<Id> {
    fn default() -> Slots<Id> {
        Slots { ids: Vec::new() }
    }
}

impl<Id: Copy + PartialEq> Slots<Id> {
    fn find(&self, id: Id) -> Option<u32> {
        self.ids.iter().position(|open| *open == Some(id)).map(|slot| slot as u32)
    }

    /// Gives the id a free slot; when none is free, takes one that is not among the `kept` bits, if `kept` has any.
    fn open(&mut self, id: Id, most: usize, kept: u64) -> Option<u32> {
        let free = self.ids.iter().position(Option::is_none).or_else(|| {
            (self.ids.len() < most).then(|| {
                self.ids.push(None);
                self.ids.len() - 1
            })
        });
        let reused = || (0..most).find(|slot| kept != 0 && kept & 1 << slot == 0);
        let slot = free.or_else(reused)?;
        self.ids[slot] = Some(id);
        Some(slot as u32)
    }

    fn close(&mut self, id: Id) -> u32 {
        let Some(slot) = self.find(id) else { return UNKNOWN };
        self.ids[slot as usize] = None;
        slot
    }
}
