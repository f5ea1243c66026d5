//! What a suite distinguishes: the states and edges of one job, as the specification sees them.
//!
//! **What it is.** A [`Place`] is a state of the quotient: the job's state, what its mask and registration let through, what is
//! pending and what is being delivered. An edge is a place, a [`label`] (the call or step) and an [`Outcome`] (the answer, and the state
//! it leads to). A [`Quotient`] numbers both in the order in which it meets them, and names them.
//!
//! **What it is not.** A bisimulation: two concrete states of one place may differ in what they lead to later, which is why a suite
//! covers edges and no proof follows from it.
//!
//! **The law it keeps.** Whatever runs a path, on whatever core, meets equal places and edges, for they are made of the
//! specification and the events and of nothing else.

use std::collections::BTreeMap;
use std::fmt;

use contract::event::{Leave, Target};
use contract::{Core, Event, EventView, HResult, JobId, JobState, NotifyFlags, Profile};
use explorer::fingerprint::fingerprint;

use crate::drive::{DiskResult, From, Stimulus};
use crate::lockstep::Lockstep;

/// The number of a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PlaceId(pub u32);

/// The number of an edge.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EdgeId(pub u32);

/// A state of the quotient.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    state: JobState,
    marks: Marks,
    /// What the mask lets through.
    mask: NotifyFlags,
    /// The events that the registered object or a program receives.
    receives: NotifyFlags,
    /// What is pending.
    pending: NotifyFlags,
    telling: Option<Telling>,
}

bitflags::bitflags! {
    /// The yes-or-no facts of a place.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
    struct Marks: u8 {
        /// There is a file.
        const FILES = 1;
        /// There is something to transfer.
        const WORK = 1 << 1;
        /// Complete or Cancel is at the disk.
        const FINALISING = 1 << 2;
        /// A notification program is set.
        const PROGRAM = 1 << 3;
        /// A notification program runs.
        const RUNS = 1 << 4;
        /// A delivery is ready to begin.
        const READY = 1 << 5;
    }
}

/// A delivery that has begun and not left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct Telling {
    event: Event,
    whom: Whom,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Whom {
    Object,
    Program,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Phase {
    Begun,
    Entered,
}

/// What a step came to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Outcome {
    /// The answer of the call that returned, if one did.
    pub hr: Option<HResult>,
    /// The state it led to.
    pub to: JobState,
}

impl Place {
    /// The place of a job; none for a job that does not exist.
    #[must_use]
    pub fn of<C: Core, const J: usize>(
        profile: &Profile,
        lockstep: &Lockstep<C, J>,
        job: JobId,
    ) -> Option<Place> {
        let of = lockstep.spec().job(job)?;
        let driver = lockstep.driver();
        let mut marks = Marks::empty();
        marks.set(Marks::FILES, of.files() > 0);
        marks.set(Marks::WORK, of.has_work());
        marks.set(Marks::FINALISING, of.is_finalising());
        marks.set(Marks::PROGRAM, of.has_program());
        marks.set(Marks::RUNS, driver.runs_program(job));
        marks.set(Marks::READY, driver.may_begin(job));
        let unmasked = |event: Event| profile.unmasked(of.mask(), event).is_yes();
        let telling = driver.telling(job).map(|delivery| Telling {
            event: delivery.event,
            whom: if delivery.target == Target::CommandLine { Whom::Program } else { Whom::Object },
            phase: if driver.may_enter(job) { Phase::Begun } else { Phase::Entered },
        });
        let pending = lockstep.spec().pending(profile, job);
        Some(Place {
            state: of.state(),
            marks,
            mask: flags(unmasked),
            receives: flags(|event| of.receives(event)),
            pending: flags(|event| pending.iter().any(|(told, _)| told == event)),
            telling,
        })
    }

    /// The job's state.
    #[must_use]
    pub const fn state(&self) -> JobState {
        self.state
    }
}

/// The flags of the events of which something is true.
fn flags(is: impl Fn(Event) -> bool) -> NotifyFlags {
    let told = [Event::JobTransferred, Event::JobError, Event::JobModification, Event::FileTransferred];
    told.into_iter().filter(|event| is(*event)).map(Event::flag).collect()
}

impl fmt::Display for Place {
    /// `TRANSFERRED, mask 0x3, receives 0xB, pending 0x1, JobTransferred begun at the object`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { state, marks, mask, receives, pending, telling } = self;
        write!(f, "{state}")?;
        let said = [
            (Marks::FINALISING, "finalising"),
            (Marks::WORK, "with work"),
            (Marks::PROGRAM, "with a program"),
            (Marks::RUNS, "program runs"),
        ];
        for (_, words) in said.iter().filter(|(mark, _)| marks.contains(*mark)) {
            write!(f, ", {words}")?;
        }
        if !marks.contains(Marks::FILES) {
            f.write_str(", no files")?;
        }
        write!(f, ", mask 0x{:X}, receives 0x{:X}", mask.bits(), receives.bits())?;
        if !pending.is_empty() {
            let ready = if marks.contains(Marks::READY) { "ready" } else { "pending" };
            write!(f, ", {ready} 0x{:X}", pending.bits())?;
        }
        if let Some(Telling { event, whom, phase }) = telling {
            let phase = if *phase == Phase::Begun { "begun" } else { "entered" };
            let whom = if *whom == Whom::Object { "object" } else { "program" };
            write!(f, ", {event} {phase} at the {whom}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hr {
            Some(hr) => write!(f, "{hr}, {}", self.to),
            None => write!(f, "{}", self.to),
        }
    }
}

/// A step in words, without the number of the client thread, in which threads differ and behaviour does not.
#[must_use]
pub fn label(stimulus: &Stimulus) -> String {
    match stimulus {
        Stimulus::Call { from: From::Client(_), call, .. } => call.to_string(),
        Stimulus::Call { from: From::Callback(_), call, .. } => format!("callback: {call}"),
        Stimulus::Call { from: From::User(user), call, .. } => format!("{user}: {call}"),
        Stimulus::Disk { result: DiskResult::Good, .. } => "disk good".to_owned(),
        Stimulus::Disk { result: DiskResult::RenameFails(after), .. } => {
            format!("rename {after} fails")
        }
        Stimulus::Disk { result: DiskResult::LeavesBehind, .. } => "disk leaves files behind".to_owned(),
        Stimulus::Turn => "turn".to_owned(),
        Stimulus::Transfer { event, .. } => format!("transfer {event:?}"),
        Stimulus::Begin(_) => "begin".to_owned(),
        Stimulus::Enter(_) => "enter".to_owned(),
        Stimulus::Leave { leave: Leave::Returned(hr), .. } => format!("leave {hr}"),
        Stimulus::Leave { .. } => "leave by a panic".to_owned(),
        Stimulus::Exit { code, .. } => format!("exit {code}"),
        Stimulus::Timeout => "timeout".to_owned(),
        Stimulus::Logoff(_) => "logoff".to_owned(),
        Stimulus::NetworkLost => "network lost".to_owned(),
        Stimulus::NetworkBack => "network back".to_owned(),
        Stimulus::Late(_) => "something comes too late".to_owned(),
    }
}

/// What a step was seen to do: fed with every event of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// The answer of the first call that returned.
    pub returned: Option<HResult>,
}

impl Seen {
    /// Takes note of an event.
    pub fn note(&mut self, event: &EventView<'_>) {
        if let EventView::Return { hr, .. } = event {
            self.returned.get_or_insert(*hr);
        }
    }
}

/// Numbers and names for places and edges.
#[derive(Clone, Debug, Default)]
pub struct Quotient {
    places: Numbers<Place>,
    labels: Numbers<String>,
    edges: Numbers<(PlaceId, u32, Outcome)>,
    /// The label of a stimulus, by its fingerprint: words are made once per stimulus, and not once per edge.
    known: BTreeMap<u128, u32>,
}

impl Quotient {
    /// A quotient that has met nothing.
    #[must_use]
    pub fn new() -> Quotient {
        Quotient::default()
    }

    /// The number of a place.
    pub fn place(&mut self, place: Place) -> PlaceId {
        PlaceId(self.places.of(&place))
    }

    /// The edge of a step that led from `from` to `to`.
    pub fn edge(&mut self, from: PlaceId, stimulus: &Stimulus, seen: Seen, to: &Place) -> EdgeId {
        let key = fingerprint(stimulus);
        let step = match self.known.get(&key) {
            Some(step) => *step,
            None => {
                let step = self.labels.of(&label(stimulus));
                self.known.insert(key, step);
                step
            }
        };
        let outcome = Outcome { hr: seen.returned, to: to.state };
        EdgeId(self.edges.of(&(from, step, outcome)))
    }

    /// How many edges it has met.
    #[must_use]
    pub fn edges(&self) -> usize {
        self.edges.values.len()
    }

    /// How many places it has met.
    #[must_use]
    pub fn places(&self) -> usize {
        self.places.values.len()
    }

    /// The place in words.
    #[must_use]
    pub fn place_name(&self, place: PlaceId) -> String {
        self.places.get(place.0).map_or_else(String::new, ToString::to_string)
    }

    /// The edge in words: `PLACE -- STEP -> OUTCOME`.
    #[must_use]
    pub fn edge_name(&self, edge: EdgeId) -> String {
        let Some((place, step, outcome)) = self.edges.get(edge.0) else { return String::new() };
        let step = self.labels.get(*step).map_or("", String::as_str);
        format!("{} -- {step} -> {outcome}", self.place_name(*place))
    }
}

/// Values in the order in which they were met.
#[derive(Clone, Debug)]
struct Numbers<T> {
    values: Vec<T>,
    numbers: BTreeMap<T, u32>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Numbers { values: Vec::new(), numbers: BTreeMap::new() }
    }
}

impl<T: Clone + Ord> Numbers<T> {
    fn of(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.values.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }

    fn get(&self, number: u32) -> Option<&T> {
        self.values.get(number as usize)
    }
}
