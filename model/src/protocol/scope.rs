//! The slices of the protocol's scopes. A proof holds in its slice and nowhere else.
//!
//! A slice bounds the number of calls, which the product leaves unbounded. It has one bound for all clients together, and one for all
//! callbacks together. Which calls they are, who makes them and when is left open. Callbacks and retries are not bounded.

use std::fmt;

use contract::{Call, FileNames, Interfaces, NotifyFlags, Profile, Receiver, ReceiverId};

use crate::scope::{ScopeName, plural};

use super::state::Object;

/// A call of which the protocol speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ask {
    /// Cancel.
    Cancel,
    /// Complete.
    Complete,
    /// Resume.
    Resume,
    /// AddFile.
    AddFile,
    /// SetNotifyFlags.
    Flags(NotifyFlags),
    /// SetNotifyInterface.
    Interface(Option<Object>),
    /// SetNotifyCmdLine.
    Program(Set),
}

/// Whether SetNotifyCmdLine sets a program or removes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Set {
    /// It sets one.
    One,
    /// It removes it.
    None,
}

impl Ask {
    /// The call with its arguments.
    #[must_use]
    pub fn call(self) -> Call {
        match self {
            Ask::Cancel => Call::Cancel,
            Ask::Complete => Call::Complete,
            Ask::Resume => Call::Resume,
            Ask::AddFile => Call::AddFile { file: file() },
            Ask::Flags(mask) => Call::SetNotifyFlags { flags: mask.bits() },
            Ask::Interface(object) => Call::SetNotifyInterface { receiver: object.map(receiver) },
            Ask::Program(Set::One) => {
                Call::SetNotifyCmdLine { program: Some("/program".into()), parameters: Some("".into()) }
            }
            Ask::Program(Set::None) => Call::SetNotifyCmdLine { program: None, parameters: None },
        }
    }
}

/// The object as the engine sees it.
pub(super) fn receiver(object: Object) -> Receiver {
    let interfaces = Interfaces::CALLBACK | Interfaces::CALLBACK2;
    Receiver { id: ReceiverId(object as u32), interfaces }
}

/// A file to add.
pub(super) fn file() -> FileNames {
    FileNames { remote: "http://127.0.0.1/file".into(), local: "/destination".into() }
}

/// How a transfer may end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Transfers {
    /// Files arrive.
    Arrive,
    /// Files arrive, or fail for good.
    ArriveOrFail,
}

/// How callbacks and programs may end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Leaves {
    /// They acknowledge.
    Acknowledge,
    /// They acknowledge, or fail, and the event is delivered again.
    AcknowledgeOrFail,
}

/// Whether callbacks take locks that their clients hold while they call (contract section 4, clause 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Locks {
    /// No.
    None,
    /// Any callback, any client's, at any time.
    OfClients,
}

/// What else may happen to a job.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mishaps {
    /// Nothing.
    None,
    /// Renames fail, and jobs expire.
    DiskAndExpiry,
}

/// One slice: one exploration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Its name, such as `default/masks`.
    pub name: &'static str,
    /// Jobs: one, two of one user, or two of one user and one of another.
    pub jobs: usize,
    /// Client threads.
    pub clients: u8,
    /// Calls of all clients together.
    pub calls: u8,
    /// What clients call, on any job.
    pub asks: Vec<Ask>,
    /// Calls of all callbacks together. A delivery makes one at most.
    pub nested: u8,
    /// What callbacks call, on any job.
    pub nested_asks: Vec<Ask>,
    /// Dispatchers.
    pub dispatchers: u8,
    /// Callback slots of a user.
    pub slots: u8,
    /// The calls made on every job before the first state, besides those that create and resume it.
    pub before: Vec<Ask>,
    /// See [`Transfers`].
    pub transfers: Transfers,
    /// See [`Leaves`].
    pub leaves: Leaves,
    /// See [`Locks`].
    pub locks: Locks,
    /// See [`Mishaps`].
    pub mishaps: Mishaps,
}

impl Slice {
    /// The slice in one line, for reports. A proof holds for these calls and no others, so they are named.
    #[must_use]
    pub fn describe(&self) -> String {
        let counted = |count: u32, what: &str| format!("{count} {}", plural(count, what));
        let things = [
            counted(self.jobs as u32, "job"),
            counted(self.clients.into(), "client thread"),
            format!("{}{}", counted(self.calls.into(), "call"), named(&self.asks)),
            format!("{}{}", counted(self.nested.into(), "nested call"), named(&self.nested_asks)),
            counted(self.dispatchers.into(), "dispatcher"),
            format!("{} per user", counted(self.slots.into(), "slot")),
            format!("before{}", named(&self.before)),
            format!("transfers {:?}, leaves {:?}", self.transfers, self.leaves),
            format!("locks {:?}, mishaps {:?}", self.locks, self.mishaps),
        ];
        let told = things.iter().filter(|thing| *thing != "before" && !thing.starts_with("0 "));
        format!("{} ({})", self.name, told.map(String::as_str).collect::<Vec<_>>().join(", "))
    }
}

/// The calls among which the caller chooses.
fn named(asks: &[Ask]) -> String {
    let names: Vec<String> = asks.iter().map(Ask::to_string).collect();
    if names.is_empty() { String::new() } else { format!(" [{}]", names.join(" ")) }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Flags(mask) => write!(f, "SetNotifyFlags({})", mask.bits()),
            Ask::Interface(None) => f.write_str("SetNotifyInterface(NULL)"),
            Ask::Interface(Some(object)) => write!(f, "SetNotifyInterface({})", receiver(*object).id),
            Ask::Program(set) => write!(f, "SetNotifyCmdLine({set:?})"),
            Ask::Cancel | Ask::Complete | Ask::Resume | Ask::AddFile => write!(f, "{self:?}"),
        }
    }
}

/// The owner of a job: the third job is another user's.
pub(super) const fn owner(job: u8) -> u32 {
    if job < 2 { 0 } else { 1 }
}

const NONE: NotifyFlags = NotifyFlags::empty();
const DEFAULT: NotifyFlags = NotifyFlags::DEFAULT;
const ERRORS: NotifyFlags = NotifyFlags::JOB_ERROR;
const FILES: NotifyFlags = NotifyFlags::DEFAULT.union(NotifyFlags::FILE_TRANSFERRED);
const REGISTER: Ask = Ask::Interface(Some(Object::First));

/// The slices of a scope in a dialect.
#[must_use]
pub fn slices(name: ScopeName, profile: &Profile) -> Vec<Slice> {
    let slices = match name {
        ScopeName::Tiny => tiny(),
        ScopeName::Small => small(),
        ScopeName::Default => default(),
        ScopeName::Wide => wide(),
    };
    let has_programs = profile.command_line.is_on();
    slices.into_iter().filter(|slice| has_programs || !slice.needs_programs()).collect()
}

impl Slice {
    fn needs_programs(&self) -> bool {
        self.asks.iter().chain(&self.before).any(|ask| matches!(ask, Ask::Program(_)))
    }
}

fn base() -> Slice {
    Slice {
        name: "base",
        jobs: 1,
        clients: 2,
        calls: 2,
        asks: Vec::new(),
        nested: 0,
        nested_asks: Vec::new(),
        dispatchers: 1,
        slots: 1,
        before: Vec::new(),
        transfers: Transfers::Arrive,
        leaves: Leaves::Acknowledge,
        locks: Locks::None,
        mishaps: Mishaps::None,
    }
}

/// One slice for each way to go wrong, as narrow as it can be.
fn tiny() -> Vec<Slice> {
    let calls = Slice {
        name: "tiny/calls",
        asks: vec![Ask::Cancel, Ask::Complete, Ask::Flags(NONE), Ask::Interface(None), REGISTER, Ask::Resume],
        transfers: Transfers::ArriveOrFail,
        ..base()
    };
    let no_clients = Slice { clients: 0, calls: 0, jobs: 2, dispatchers: 2, ..base() };
    let nested = vec![Ask::Cancel];
    let cross =
        Slice { name: "tiny/nested", nested: 2, nested_asks: nested.clone(), slots: 2, ..no_clients.clone() };
    let slot = Slice { name: "tiny/one-slot", nested: 1, nested_asks: nested, ..no_clients.clone() };
    let users = Slice { name: "tiny/users", jobs: 3, ..no_clients };
    let lock = Slice {
        name: "tiny/lock",
        clients: 1,
        calls: 1,
        asks: vec![Ask::Cancel],
        locks: Locks::OfClients,
        leaves: Leaves::AcknowledgeOrFail,
        ..base()
    };
    let files = Slice {
        name: "tiny/files",
        clients: 1,
        calls: 1,
        asks: vec![Ask::Flags(DEFAULT)],
        before: vec![Ask::Flags(FILES)],
        ..base()
    };
    let expiry =
        Slice { name: "tiny/expiry", clients: 0, calls: 0, mishaps: Mishaps::DiskAndExpiry, ..base() };
    vec![calls, cross, slot, users, lock, files, expiry]
}

/// Larger slices: calls from both sides, callbacks that fail, files, expiry and disks that fail, programs. Lock and expiry have no slice of
/// their own.
fn small() -> Vec<Slice> {
    let calls = Slice {
        name: "small/calls",
        nested: 1,
        nested_asks: vec![Ask::Cancel, Ask::Flags(NONE), REGISTER, Ask::Resume],
        leaves: Leaves::AcknowledgeOrFail,
        ..tiny().swap_remove(0)
    };
    let nested = Slice {
        name: "small/nested",
        jobs: 2,
        clients: 1,
        calls: 1,
        asks: vec![Ask::Cancel],
        nested: 2,
        nested_asks: vec![Ask::Cancel],
        dispatchers: 2,
        slots: 2,
        locks: Locks::OfClients,
        ..base()
    };
    let slot = Slice { name: "small/one-slot", slots: 1, locks: Locks::None, ..nested.clone() };
    let users = Slice {
        name: "small/users",
        jobs: 3,
        dispatchers: 2,
        calls: 1,
        clients: 1,
        nested: 0,
        slots: 1,
        asks: vec![Ask::Flags(NONE)],
        locks: Locks::None,
        ..nested.clone()
    };
    let files = Slice {
        name: "small/files",
        asks: vec![Ask::Flags(DEFAULT), Ask::Flags(FILES), Ask::AddFile, REGISTER],
        before: vec![Ask::Flags(FILES)],
        leaves: Leaves::AcknowledgeOrFail,
        mishaps: Mishaps::DiskAndExpiry,
        ..base()
    };
    vec![calls, nested, slot, users, files, programs("small/programs")]
}

/// Notification programs, after an interface and alone.
fn programs(name: &'static str) -> Slice {
    Slice {
        name,
        asks: vec![
            Ask::Program(Set::None),
            Ask::Program(Set::One),
            Ask::Interface(None),
            Ask::Flags(NONE),
            Ask::Cancel,
        ],
        before: vec![Ask::Program(Set::One)],
        leaves: Leaves::AcknowledgeOrFail,
        ..base()
    }
}

/// Slices each wide in one direction; together the scope of the committed proofs.
fn default() -> Vec<Slice> {
    let two = Slice {
        jobs: 2,
        dispatchers: 2,
        slots: 2,
        nested: 1,
        leaves: Leaves::AcknowledgeOrFail,
        transfers: Transfers::ArriveOrFail,
        ..base()
    };
    let ends = vec![Ask::Cancel, Ask::Complete];
    let together = Slice {
        name: "default/together",
        asks: vec![Ask::Cancel, Ask::Complete, Ask::Resume, Ask::Flags(NONE), Ask::Interface(None), REGISTER],
        nested: 0,
        ..two.clone()
    };
    let nested = Slice {
        name: "default/nested",
        nested: 1,
        nested_asks: vec![Ask::Cancel],
        transfers: Transfers::Arrive,
        ..together.clone()
    };
    let cross = Slice {
        name: "default/cancel-cross",
        asks: ends.clone(),
        nested: 2,
        nested_asks: ends,
        transfers: Transfers::Arrive,
        ..two.clone()
    };
    let masks = Slice {
        name: "default/masks",
        asks: vec![Ask::Flags(NONE), Ask::Flags(DEFAULT), Ask::Flags(ERRORS)],
        nested_asks: vec![Ask::Flags(NONE)],
        ..two.clone()
    };
    let resume = Slice {
        name: "default/resume",
        jobs: 1,
        calls: 3,
        asks: vec![Ask::Resume, Ask::AddFile, Ask::Cancel],
        nested_asks: vec![Ask::Resume, Ask::AddFile],
        ..two.clone()
    };
    let registration = Slice {
        name: "default/registration",
        asks: vec![Ask::Interface(None), REGISTER, Ask::Interface(Some(Object::Second))],
        nested_asks: vec![Ask::Interface(None), REGISTER],
        transfers: Transfers::Arrive,
        ..two.clone()
    };
    let every = Slice {
        name: "default/calls",
        jobs: 1,
        dispatchers: 1,
        slots: 1,
        asks: vec![
            Ask::Cancel,
            Ask::Complete,
            Ask::Resume,
            Ask::Flags(NONE),
            Ask::Flags(ERRORS),
            Ask::Interface(None),
            REGISTER,
        ],
        nested_asks: vec![
            Ask::Cancel,
            Ask::Complete,
            Ask::Resume,
            Ask::Flags(NONE),
            Ask::Interface(None),
            REGISTER,
        ],
        mishaps: Mishaps::DiskAndExpiry,
        locks: Locks::OfClients,
        ..two.clone()
    };
    let files = Slice {
        name: "default/files",
        jobs: 1,
        asks: vec![Ask::Flags(DEFAULT), Ask::Flags(FILES), Ask::AddFile, Ask::Resume, REGISTER],
        nested_asks: vec![Ask::AddFile],
        before: vec![Ask::Flags(FILES)],
        ..two.clone()
    };
    let slot = Slice { name: "default/one-slot", slots: 1, ..cross.clone() };
    let users = Slice {
        name: "default/users",
        jobs: 3,
        calls: 1,
        nested: 0,
        nested_asks: Vec::new(),
        slots: 1,
        asks: vec![Ask::Cancel, Ask::Flags(NONE)],
        transfers: Transfers::Arrive,
        ..two
    };
    let alone = programs("default/programs");
    let programs = Slice {
        asks: alone.asks.iter().copied().chain([Ask::Resume, REGISTER]).collect(),
        nested: 1,
        nested_asks: vec![Ask::Cancel, Ask::Program(Set::None)],
        transfers: Transfers::ArriveOrFail,
        mishaps: Mishaps::DiskAndExpiry,
        ..alone
    };
    vec![together, nested, cross, masks, resume, registration, every, files, slot, users, programs]
}

/// Two calls more everywhere.
fn wide() -> Vec<Slice> {
    let more = |slice: Slice| Slice { calls: slice.calls + 2, ..slice };
    let mut slices: Vec<Slice> = default().into_iter().map(more).collect();
    for (slice, name) in slices.iter_mut().zip(WIDE) {
        slice.name = name;
    }
    slices
}

const WIDE: [&str; 11] = [
    "wide/together",
    "wide/nested",
    "wide/cancel-cross",
    "wide/masks",
    "wide/resume",
    "wide/registration",
    "wide/calls",
    "wide/files",
    "wide/one-slot",
    "wide/users",
    "wide/programs",
];
