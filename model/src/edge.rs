//! Edges: what one step of one job was, as far as the workbench counts coverage.
//!
//! **What it is.** An [`Edge`] is where a job stood ([`Context`]: state, mask class, registration, pending events), what was done to it
//! ([`Act`]: a call, a step of the environment, a part of a delivery), and what came of it ([`Outcome`]: the answer, whether the
//! call waits, the state it led to). The lockstep passes the exact edge of every step to an [`EdgeSink`].
//! Edges have names, such as `TRANSFERRED mask=T reg=object pending=T | Cancel -> begins`, and print and parse by them.
//!
//! **What it is not.** The state space: files are not counted, several jobs are not related, and what cannot matter is left out by
//! [`Context::of`]. In TRANSFERRED the mask class is which of JobTransferred and FileTransferred the mask lets through. In ERROR
//! it is which of JobError and FileTransferred, elsewhere whether FileTransferred. A program counts where it can receive an event, in
//! TRANSFERRED and ERROR. Getters,
//! properties, steps without effect, refused calls, calls that wait, enters, leaves, progress, preemption, the network's loss and return, expiry and final states have a state and
//! nothing else.
//!
//! **The law it keeps.** The abstraction is a function of what the specification holds, and does not depend on the dialect: an answer
//! of either error family has one name. Two different edges have different names, and `parse(print(edge)) = edge`.
//!
//! ```
//! use model::edge::Edge;
//! let edge: Edge = "QUEUED mask=- reg=none pending=- | Suspend -> S_OK, SUSPENDED".parse().unwrap();
//! assert_eq!(edge.to_string(), "QUEUED mask=- reg=none pending=- | Suspend -> S_OK, SUSPENDED");
//! ```

use std::fmt;
use std::str::FromStr;

use contract::core::Then;
use contract::env::StepKind;
use contract::event::{Leave, Target};
use contract::{Call, Event, HResult, Interfaces, JobState, Method, NotifyFlags, Profile};

/// What receives the edges of a run.
pub trait EdgeSink {
    /// Whether the sink takes edges. Where it does not, no edge is computed.
    const LISTENS: bool;

    /// A step of some job was this edge.
    fn edge(&mut self, edge: Edge);
}

/// A sink that takes no edges.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEdges;

impl EdgeSink for NoEdges {
    const LISTENS: bool = false;

    fn edge(&mut self, _: Edge) {}
}

impl<F: FnMut(Edge)> EdgeSink for F {
    const LISTENS: bool = true;

    fn edge(&mut self, edge: Edge) {
        self(edge);
    }
}

/// Where a job stands, what is done to it, and what comes of it. Small, and ordered by state, then context, act, outcome.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge(u32);

/// The fields of an edge's code, from the lowest bit on. They leave the top bit free.
const WAITS: u32 = 1;
const TO: Field = Field { shift: 1, bits: 4 };
const ANSWER: Field = Field { shift: 5, bits: 5 };
const ACT: Field = Field { shift: 10, bits: 8 };
const CONTEXT: Field = Field { shift: 18, bits: 12 };

#[derive(Clone, Copy)]
struct Field {
    shift: u32,
    bits: u32,
}

impl Field {
    const fn put(self, value: u32) -> u32 {
        (value & ((1 << self.bits) - 1)) << self.shift
    }

    const fn get(self, code: u32) -> u32 {
        code >> self.shift & ((1 << self.bits) - 1)
    }
}

impl Edge {
    /// The bits that an edge's code has at most: all codes fit below `1 << CODE_BITS`.
    pub const CODE_BITS: u32 = CONTEXT.shift + CONTEXT.bits;

    /// The edge. The context is cut to what can matter to the act.
    #[must_use]
    pub fn of(context: Context, act: Act, outcome: Outcome) -> Edge {
        let context =
            if keeps_context(act, outcome.answer, outcome.waits) { context } else { context.state_alone() };
        let to = outcome.to.map_or(NO_STATE, |to| to as u32);
        let waits = if outcome.waits == Waits::Yes { WAITS } else { 0 };
        Edge(CONTEXT.put(context.0) | ACT.put(act.code()) | ANSWER.put(outcome.answer) | TO.put(to) | waits)
    }

    /// The number that stands for the edge: different for different edges, and below `1 << CODE_BITS`.
    #[must_use]
    pub const fn code(self) -> u32 {
        self.0
    }

    /// The edge of a number. Nothing for one that is no edge's.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Edge> {
        let known = code >> Self::CODE_BITS == 0
            && Act::all().any(|act| act.code() == ACT.get(code))
            && ANSWER.get(code) < ANSWERS.len() as u32
            && [TO.get(code), STATE.get(CONTEXT.get(code))].iter().all(|state| *state <= NO_STATE);
        known.then_some(Edge(code))
    }
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = ACT.get(self.0);
        let act = Act::all().find(|act| act.code() == code);
        let context = Context(CONTEXT.get(self.0));
        let waits = if self.0 & WAITS == 0 { Waits::No } else { Waits::Yes };
        if act.is_some_and(|act| keeps_context(act, ANSWER.get(self.0), waits)) {
            write!(f, "{context}")?;
        } else {
            f.write_str(state_name(STATE.get(context.0)))?;
        }
        match act {
            Some(act) => write!(f, " | {act} -> ")?,
            None => write!(f, " | act {code} -> ")?,
        }
        f.write_str(ANSWERS.get(ANSWER.get(self.0) as usize).map_or("?", |(name, _)| name))?;
        if self.0 & WAITS != 0 {
            f.write_str(", waits")?;
        }
        let to = TO.get(self.0);
        if to == NO_STATE { Ok(()) } else { write!(f, ", {}", state_name(to)) }
    }
}

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// This is not the name of an edge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an edge: expected `STATE mask=.. reg=.. pending=.. | act -> outcome`")]
pub struct UnknownEdge(String);

impl FromStr for Edge {
    type Err = UnknownEdge;

    fn from_str(text: &str) -> Result<Edge, UnknownEdge> {
        let parsed = || {
            let (context, rest) = text.split_once(" | ")?;
            let (act, outcome) = rest.split_once(" -> ")?;
            let act = Act::all().find(|known| known.to_string() == act)?;
            let edge = Edge::of(Context::parse(context)?, act, Outcome::parse(outcome)?);
            // A context with more than matters, or in another spelling, is no name.
            (edge.to_string() == text).then_some(edge)
        };
        parsed().ok_or_else(|| UnknownEdge(text.to_owned()))
    }
}

/// Where a job stands, as far as it matters to what happens next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Context(u32);

/// The fields of a context.
const PENDING: Field = Field { shift: 0, bits: 3 };
const REGISTRATION: Field = Field { shift: 3, bits: 3 };
const MASK: Field = Field { shift: 6, bits: 2 };
const STATE: Field = Field { shift: 8, bits: 4 };

/// The bits of a mask class, and of the pending events: the event of the state, FileTransferred, JobModification.
const END: u32 = 1;
const FILE: u32 = 2;
const MODIFICATION: u32 = 4;

/// Behind the states: no job.
const NO_STATE: u32 = JobState::ALL.len() as u32;

/// What the specification holds of a job: all that a context is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The state.
    pub state: JobState,
    /// The events that the mask lets through.
    pub heard: EventSet,
    /// The interfaces of the registered object.
    pub interfaces: Interfaces,
    /// Whether a notification program is set.
    pub program: Program,
    /// The pending events.
    pub pending: EventSet,
}

/// Whether a notification program is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// None.
    None,
    /// One.
    Set,
}

bitflags::bitflags! {
    /// Events of a job, whichever the file.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct EventSet: u8 {
        /// JobTransferred.
        const TRANSFERRED = 1;
        /// JobError.
        const ERROR = 2;
        /// JobModification.
        const MODIFICATION = 4;
        /// FileTransferred.
        const FILE = 8;
    }
}

impl Context {
    /// There is no such job.
    pub const NO_JOB: Context = Context(STATE.put(NO_STATE));

    /// What matters of where a job stands.
    #[must_use]
    pub fn of(standing: &Standing) -> Context {
        let Standing { state, heard, interfaces, program, pending } = *standing;
        if state.is_final() {
            return Context(STATE.put(state as u32));
        }
        let end = match state {
            JobState::Transferred => EventSet::TRANSFERRED,
            JobState::Error => EventSet::ERROR,
            _ => EventSet::empty(),
        };
        let bit = |set: EventSet, event: EventSet, bit| if set.intersects(event) { bit } else { 0 };
        let class = |set| bit(set, end, END) | bit(set, EventSet::FILE, FILE);
        let object = match (interfaces.contains(Interfaces::CALLBACK2), interfaces.is_empty()) {
            (true, _) => 2,
            (false, false) => 1,
            (false, true) => 0,
        };
        let program = if program == Program::Set && !end.is_empty() { PROGRAM } else { 0 };
        let pending = class(pending) | bit(pending, EventSet::MODIFICATION, MODIFICATION);
        Context(
            STATE.put(state as u32)
                | MASK.put(class(heard))
                | REGISTRATION.put(object + program)
                | PENDING.put(pending),
        )
    }

    /// The state, if there is a job.
    #[must_use]
    pub fn state(self) -> Option<JobState> {
        JobState::ALL.get(STATE.get(self.0) as usize).copied()
    }

    fn state_alone(self) -> Context {
        Context(STATE.put(STATE.get(self.0)))
    }

    fn parse(text: &str) -> Option<Context> {
        let mut words = text.split(' ');
        let state = words.next()?;
        let state = (0..=NO_STATE).find(|known| state_name(*known) == state)?;
        let Some(mask) = words.next() else { return Some(Context(STATE.put(state))) };
        let mask = mask.strip_prefix("mask=")?;
        let registration = words.next()?.strip_prefix("reg=")?;
        let registration = REGISTRATIONS.iter().position(|known| *known == registration)? as u32;
        let pending = words.next()?.strip_prefix("pending=")?;
        let mask = (0..4).find(|known| letters(*known, state) == mask)?;
        let pending = (0..8).find(|known| letters(*known, state) == pending)?;
        Some(Context(
            STATE.put(state) | MASK.put(mask) | REGISTRATION.put(registration) | PENDING.put(pending),
        ))
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = STATE.get(self.0);
        f.write_str(state_name(state))?;
        if JobState::ALL.get(state as usize).is_none_or(|state| state.is_final()) {
            return Ok(());
        }
        let registration = REGISTRATIONS.get(REGISTRATION.get(self.0) as usize).unwrap_or(&"?");
        let (mask, pending) = (letters(MASK.get(self.0), state), letters(PENDING.get(self.0), state));
        write!(f, " mask={mask} reg={registration} pending={pending}")
    }
}

/// What is added to a registration's number for a program.
const PROGRAM: u32 = 3;

/// The registrations: an object without and with Callback2, a program, both.
const REGISTRATIONS: [&str; 6] =
    ["none", "object", "object2", "program", "object+program", "object2+program"];

/// Events as letters, in the order of delivery: `F`, `T` or `E`, `M`; `-` for none.
fn letters(set: u32, state: u32) -> String {
    let end = if state == JobState::Error as u32 { 'E' } else { 'T' };
    let all = [(FILE, 'F'), (END, end), (MODIFICATION, 'M')];
    let text: String = all.into_iter().filter(|(bit, _)| set & bit != 0).map(|(_, letter)| letter).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

/// The documents' name of a state without its prefix.
fn state_name(state: u32) -> &'static str {
    let known = JobState::ALL.get(state as usize).map(|state| state.documented_name());
    known.map_or("NONE", |name| name.strip_prefix("BG_JOB_STATE_").unwrap_or(name))
}

/// What is done to a job.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Act {
    /// A call without arguments that matter.
    Call(Method),
    /// SetNotifyFlags, and the mask class it sets.
    Flags(MaskClass),
    /// SetNotifyInterface, and what it registers: nothing, an object without Callback2, or one with it.
    Register(Registered),
    /// SetNotifyCmdLine, with a program or without.
    CommandLine(Given),
    /// The disk work of Complete or Cancel is done.
    Disk,
    /// The environment moves.
    Env(StepKind),
    /// A delivery begins.
    Begin(Notice),
    /// The client's code starts.
    Enter(Notice),
    /// The client's code is done, and acknowledges.
    Acknowledge(Notice),
    /// The client's code is done, and does not acknowledge.
    Fail(Notice),
}

/// Which of the events that matter in a state a mask lets through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MaskClass {
    /// All masked.
    Nothing,
    /// The event of the state.
    End,
    /// FileTransferred.
    File,
    /// Both.
    Both,
}

/// What SetNotifyInterface registers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Registered {
    /// NULL.
    Nothing,
    /// An object without Callback2.
    Object,
    /// An object with Callback2.
    Object2,
}

/// Whether SetNotifyCmdLine is given a program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Given {
    /// NULL.
    Nothing,
    /// A program.
    Program,
}

/// An event, and who receives it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Notice {
    /// JobTransferred, to the object.
    Transferred,
    /// JobError, to the object.
    Error,
    /// JobModification, to the object.
    Modification,
    /// FileTransferred, to the object.
    File,
    /// JobTransferred, to the program.
    ProgramTransferred,
    /// JobError, to the program.
    ProgramError,
}

impl Notice {
    const ALL: [(Notice, &'static str); 6] = [
        (Notice::Transferred, "JobTransferred"),
        (Notice::Error, "JobError"),
        (Notice::Modification, "JobModification"),
        (Notice::File, "FileTransferred"),
        (Notice::ProgramTransferred, "JobTransferred to program"),
        (Notice::ProgramError, "JobError to program"),
    ];

    /// The event.
    #[must_use]
    pub const fn event(self) -> Event {
        match self {
            Notice::Transferred | Notice::ProgramTransferred => Event::JobTransferred,
            Notice::Error | Notice::ProgramError => Event::JobError,
            Notice::Modification => Event::JobModification,
            Notice::File => Event::FileTransferred,
        }
    }

    /// The notice of this event to this target. FileRangesTransferred is never generated (contract section 2).
    #[must_use]
    pub fn of(event: Event, target: Target) -> Option<Notice> {
        Some(match (event, target) {
            (Event::JobTransferred, Target::CommandLine) => Notice::ProgramTransferred,
            (Event::JobError, Target::CommandLine) => Notice::ProgramError,
            (Event::JobTransferred, Target::Interface(_)) => Notice::Transferred,
            (Event::JobError, Target::Interface(_)) => Notice::Error,
            (Event::JobModification, _) => Notice::Modification,
            (Event::FileTransferred, _) => Notice::File,
            (Event::FileRangesTransferred, _) => return None,
        })
    }
}

/// The codes of acts that are no plain calls: each kind has a row of sixteen (of thirty-two for steps), behind the methods.
const FLAGS: u32 = 0x80;
const REGISTERS: u32 = 0x90;
const COMMAND_LINES: u32 = 0xA0;
const DISK: u32 = 0xA8;
const BEGINS: u32 = 0xB0;
const ENTERS: u32 = 0xB8;
const ACKNOWLEDGES: u32 = 0xC0;
const FAILS: u32 = 0xC8;
const STEPS: u32 = 0xD0;

impl Act {
    /// The act of a call on a job in this context.
    #[must_use]
    pub fn of_call(profile: &Profile, context: Context, call: &Call) -> Act {
        match call {
            Call::SetNotifyFlags { flags } => {
                let mask = NotifyFlags::from_bits_truncate(*flags);
                Act::Flags(MaskClass::of(profile, context, mask))
            }
            Call::SetNotifyInterface { receiver } => Act::Register(match receiver {
                None => Registered::Nothing,
                Some(object) if object.interfaces.contains(Interfaces::CALLBACK2) => Registered::Object2,
                Some(_) => Registered::Object,
            }),
            Call::SetNotifyCmdLine { program, .. } => {
                Act::CommandLine(if program.is_some() { Given::Program } else { Given::Nothing })
            }
            call => Act::Call(call.method()),
        }
    }

    /// The act of a leave: it acknowledges or it does not, whether or not that still counts.
    #[must_use]
    pub fn of_leave(profile: &Profile, told: Notice, leave: Leave) -> Act {
        let acknowledges = match leave {
            Leave::Returned(hr) => profile.acknowledges(told.event(), hr).is_yes(),
            Leave::Exited(code) => code == 0,
            Leave::Panicked => false,
        };
        // However it leaves, a JobModification is settled.
        if acknowledges || told == Notice::Modification { Act::Acknowledge(told) } else { Act::Fail(told) }
    }

    /// Every act there is.
    pub fn all() -> impl Iterator<Item = Act> {
        let calls = Method::ALL.iter().filter(|method| !has_arguments_that_matter(**method));
        let flags = [MaskClass::Nothing, MaskClass::End, MaskClass::File, MaskClass::Both];
        let objects = [Registered::Nothing, Registered::Object, Registered::Object2];
        let told = |act: fn(Notice) -> Act| Notice::ALL.iter().map(move |(told, _)| act(*told));
        calls
            .map(|method| Act::Call(*method))
            .chain(flags.map(Act::Flags))
            .chain(objects.map(Act::Register))
            .chain([Given::Nothing, Given::Program].map(Act::CommandLine))
            .chain([Act::Disk])
            .chain(StepKind::ALL.iter().map(|kind| Act::Env(*kind)))
            .chain(told(Act::Begin))
            .chain(told(Act::Enter))
            .chain(told(Act::Acknowledge))
            .chain(told(Act::Fail))
    }

    const fn code(self) -> u32 {
        match self {
            Act::Call(method) => method as u32,
            Act::Flags(class) => FLAGS + class as u32,
            Act::Register(object) => REGISTERS + object as u32,
            Act::CommandLine(given) => COMMAND_LINES + given as u32,
            Act::Disk => DISK,
            Act::Begin(told) => BEGINS + told as u32,
            Act::Enter(told) => ENTERS + told as u32,
            Act::Acknowledge(told) => ACKNOWLEDGES + told as u32,
            Act::Fail(told) => FAILS + told as u32,
            Act::Env(kind) => STEPS + kind as u32,
        }
    }

    /// Whether mask, registration and pending events can matter. Properties and getters do not look at them.
    const fn is_about_notifications(self) -> bool {
        match self {
            Act::Call(method) => {
                matches!(method, Method::Suspend | Method::Resume | Method::Cancel | Method::Complete)
            }
            // What is forbidden is to begin: between the begin and these anything may have happened.
            Act::Enter(_) | Act::Acknowledge(_) | Act::Fail(_) => false,
            // They change no event's standing, or end the job.
            Act::Env(kind) => !matches!(
                kind,
                StepKind::SizeKnown
                    | StepKind::Bytes
                    | StepKind::FileRestarted
                    | StepKind::Preempt
                    | StepKind::NetworkLost
                    | StepKind::NetworkBack
                    | StepKind::Expiry
            ),
            _ => true,
        }
    }
}

const fn has_arguments_that_matter(method: Method) -> bool {
    matches!(method, Method::SetNotifyFlags | Method::SetNotifyInterface | Method::SetNotifyCmdLine)
}

impl MaskClass {
    fn of(profile: &Profile, context: Context, mask: NotifyFlags) -> MaskClass {
        let hears = |event| profile.unmasked(mask, event).is_yes();
        let state = STATE.get(context.0);
        let end = state == JobState::Transferred as u32 && hears(Event::JobTransferred)
            || state == JobState::Error as u32 && hears(Event::JobError);
        match (end, hears(Event::FileTransferred)) {
            (false, false) => MaskClass::Nothing,
            (true, false) => MaskClass::End,
            (false, true) => MaskClass::File,
            (true, true) => MaskClass::Both,
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |told: &Notice| Notice::ALL[*told as usize].1;
        match self {
            Act::Call(method) => write!(f, "{method}"),
            Act::Flags(MaskClass::Nothing) => f.write_str("SetNotifyFlags(nothing)"),
            Act::Flags(MaskClass::End) => f.write_str("SetNotifyFlags(end)"),
            Act::Flags(MaskClass::File) => f.write_str("SetNotifyFlags(file)"),
            Act::Flags(MaskClass::Both) => f.write_str("SetNotifyFlags(end and file)"),
            Act::Register(Registered::Nothing) => f.write_str("SetNotifyInterface(NULL)"),
            Act::Register(Registered::Object) => f.write_str("SetNotifyInterface(object)"),
            Act::Register(Registered::Object2) => f.write_str("SetNotifyInterface(object2)"),
            Act::CommandLine(Given::Nothing) => f.write_str("SetNotifyCmdLine(NULL)"),
            Act::CommandLine(Given::Program) => f.write_str("SetNotifyCmdLine(program)"),
            Act::Disk => f.write_str("disk work done"),
            Act::Env(kind) => write!(f, "{kind}"),
            Act::Begin(event) => write!(f, "{} begins", told(event)),
            Act::Enter(event) => write!(f, "{} enters", told(event)),
            Act::Acknowledge(event) => write!(f, "{} acknowledged", told(event)),
            Act::Fail(event) => write!(f, "{} fails", told(event)),
        }
    }
}

/// What comes of an act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The place in [`ANSWERS`].
    answer: u32,
    waits: Waits,
    to: Option<JobState>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Waits {
    No,
    Yes,
}

impl Outcome {
    /// A call was answered: what, with what before it returns, and in which state the job is now if that is another one.
    #[must_use]
    pub fn of_call(hr: HResult, then: Then, to: Option<JobState>) -> Outcome {
        let waits = if matches!(then, Then::Wait(_)) { Waits::Yes } else { Waits::No };
        let answer = if then == Then::Disk { BEGINS_DISK_WORK } else { answer(hr) };
        Outcome { answer, waits, to }
    }

    /// A step was taken, and led to this state if that is another one.
    #[must_use]
    pub const fn of_step(to: Option<JobState>) -> Outcome {
        Outcome { answer: DONE, waits: Waits::No, to }
    }

    /// A step had no effect: the job does not want it, or it came too late. Only the state matters to that.
    #[must_use]
    pub const fn ignored() -> Outcome {
        Outcome { answer: IGNORED, waits: Waits::No, to: None }
    }

    fn parse(text: &str) -> Option<Outcome> {
        let mut parts = text.split(", ");
        let answer = parts.next()?;
        let answer = ANSWERS.iter().position(|(name, _)| *name == answer)? as u32;
        let mut outcome = Outcome { answer, waits: Waits::No, to: None };
        for part in parts {
            if part == "waits" {
                outcome.waits = Waits::Yes;
            } else {
                let state = (0..NO_STATE).find(|state| state_name(*state) == part)?;
                outcome.to = JobState::ALL.get(state as usize).copied();
            }
        }
        Some(outcome)
    }
}

fn answer(hr: HResult) -> u32 {
    ANSWERS.iter().position(|(_, codes)| codes.contains(&hr)).map_or(OTHER, |at| at as u32)
}

/// Whether more than the state matters. Arguments or the state alone refuse a call, and a refused call changes nothing (R11). Disk
/// work that went well ends the job; when it failed, it arms again what Complete had revoked.
fn keeps_context(act: Act, answer: u32, waits: Waits) -> bool {
    let failed = |(_, codes): &(&str, &[HResult])| codes.iter().any(|hr| !hr.succeeded());
    let failed = ANSWERS.get(answer as usize).is_some_and(failed);
    act.is_about_notifications() && answer != IGNORED && failed == (act == Act::Disk) && waits == Waits::No
}

const DONE: u32 = 0;
const BEGINS_DISK_WORK: u32 = 1;
const OTHER: u32 = 2;
const IGNORED: u32 = ANSWERS.len() as u32 - 1;

/// The answers, by the name that both error families share.
const ANSWERS: &[(&str, &[HResult])] = &[
    ("done", &[]),
    ("begins", &[]),
    ("another answer", &[]),
    ("S_OK", &[HResult::S_OK]),
    ("S_FALSE", &[HResult::S_FALSE]),
    ("PARTIAL_COMPLETE", &[HResult::BG_S_PARTIAL_COMPLETE]),
    ("UNABLE_TO_DELETE_FILES", &[HResult::BG_S_UNABLE_TO_DELETE_FILES]),
    ("E_NOTIMPL", &[HResult::E_NOTIMPL]),
    ("E_POINTER", &[HResult::E_POINTER, HResult::RPC_X_NULL_REF_POINTER]),
    ("E_INVALIDARG", &[HResult::E_INVALIDARG]),
    ("E_ACCESSDENIED", &[HResult::E_ACCESSDENIED]),
    ("E_NOINTERFACE", &[HResult::E_NOINTERFACE]),
    ("NOT_FOUND", &[HResult::BG_E_NOT_FOUND, HResult::DO_E_JOB_NOT_FOUND]),
    ("EMPTY", &[HResult::BG_E_EMPTY, HResult::DO_E_JOB_EMPTY]),
    ("INVALID_STATE", &[HResult::BG_E_INVALID_STATE, HResult::DO_E_INVALID_STATE]),
    (
        "ERROR_INFORMATION_UNAVAILABLE",
        &[HResult::BG_E_ERROR_INFORMATION_UNAVAILABLE, HResult::DO_E_ERROR_INFORMATION_UNAVAILABLE],
    ),
    ("FILE_NOT_AVAILABLE", &[HResult::BG_E_FILE_NOT_AVAILABLE, HResult::DO_E_FILE_NOT_AVAILABLE]),
    ("TOO_MANY_FILES_IN_JOB", &[HResult::BG_E_TOO_MANY_FILES_IN_JOB]),
    ("PROTOCOL_NOT_AVAILABLE", &[HResult::BG_E_PROTOCOL_NOT_AVAILABLE]),
    ("ERROR_RESOURCE_LANG_NOT_FOUND", &[HResult::ERROR_RESOURCE_LANG_NOT_FOUND]),
    ("ERROR_SHARING_VIOLATION", &[HResult::from_win32(32)]),
    ("ignored", &[]),
];
