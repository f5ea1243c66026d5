//! Scopes: named presets that make the exploration finite. A proof holds in its scope and nowhere else.
//!
//! A scope bounds *things* (jobs, files, client threads, masks, objects) and chooses *freedoms* (failures, re-entrant
//! calls, timers). It does not bound how often a client calls: every scope is explored to the end, for programs of any length.

use contract::core::Config;
use contract::dialect::{Expiry, Switch};
use contract::{Dialect, Interfaces, JobId, Millis, NotifyFlags, Profile, Receiver, ReceiverId, UserId};

/// The named presets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ScopeName {
    /// One job, one file, three masks: seconds even unoptimised. For tests and for a first look.
    Tiny,
    /// One job, one file that arrives byte by byte, and JobModification.
    Small,
    /// Several slices, each wide in another direction; together the scope of the committed proofs.
    Default,
    /// As far as a night goes.
    Wide,
}

impl ScopeName {
    /// Every preset, smallest first.
    pub const ALL: [ScopeName; 4] = [ScopeName::Tiny, ScopeName::Small, ScopeName::Default, ScopeName::Wide];

    /// Its name, as typed on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ScopeName::Tiny => "tiny",
            ScopeName::Small => "small",
            ScopeName::Default => "default",
            ScopeName::Wide => "wide",
        }
    }
}

contract::named!(ScopeName, UnknownScope, "a scope");

/// Which disk results a scope explores besides the good one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DiskFailures {
    /// None.
    None,
    /// Renames and removals fail.
    All,
}

/// How long the delays of the service are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Delays {
    /// So short that only their order matters: time jumps from timer to timer.
    Short,
    /// Those of the dialect, for an implementation whose clock is moved.
    Own,
}

/// Which clock steps a scope explores.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timers {
    /// Retries of transfers and callbacks, and the no-progress timeout; expiry is out of sight.
    Retries,
    /// These and expiry.
    All,
}

/// What the network does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Network {
    /// Files arrive or fail for good.
    Simple,
    /// Also transient errors, loss and return of the network, and logoff.
    Full,
}

/// How files arrive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bytes {
    /// A file is done or not.
    Whole,
    /// Size known, one byte, restart, done.
    Stepwise,
}

/// What callbacks do besides leaving.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reentrancy {
    /// Nothing.
    None,
    /// Cancel, Complete, Resume and the setters, on their own job and on every other.
    Calls,
}

/// How callbacks and programs end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Leaves {
    /// With S_OK or E_FAIL.
    OkOrFail,
    /// Also with S_FALSE, and by a panic.
    All,
}

/// Whether notification programs exist in the scope, where the dialect has them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Programs {
    /// No.
    None,
    /// One, set and removed at any time.
    One,
}

/// Whose the jobs are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Users {
    /// All of one user.
    One,
    /// Of two users in turn. Each also asks for the jobs of the other.
    Two,
}

impl Users {
    /// Who is to own each job.
    #[must_use]
    pub fn owners(self) -> fn(JobId) -> UserId {
        match self {
            Users::One => |_| UserId(0),
            Users::Two => |job| UserId(job.0 % 2),
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u32 {
        match self {
            Users::One => 1,
            Users::Two => 2,
        }
    }
}

/// One slice of a scope: one exploration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slice {
    /// Its name, such as `small` or `default/masks`.
    pub name: &'static str,
    /// Jobs.
    pub jobs: usize,
    /// Whose they are.
    pub users: Users,
    /// Files of each job at most.
    pub files: u32,
    /// Client threads.
    pub clients: u32,
    /// The masks SetNotifyFlags sets, besides one that is refused.
    pub masks: Vec<NotifyFlags>,
    /// The objects SetNotifyInterface registers, besides NULL.
    pub receivers: Vec<Receiver>,
    /// Callback slots of a user.
    pub callback_slots: u32,
    /// See [`DiskFailures`].
    pub disk: DiskFailures,
    /// See [`Timers`].
    pub timers: Timers,
    /// See [`Delays`].
    pub delays: Delays,
    /// See [`Network`].
    pub network: Network,
    /// See [`Bytes`].
    pub bytes: Bytes,
    /// See [`Reentrancy`].
    pub reentrancy: Reentrancy,
    /// See [`Leaves`].
    pub leaves: Leaves,
    /// See [`Programs`].
    pub programs: Programs,
}

impl Slice {
    /// The configuration of the core in this slice. Short delays are such that the no-progress timeout is two retry
    /// delays and expiry four: only their order matters to a model in which time jumps from timer to timer.
    #[must_use]
    pub fn config(&self, profile: &Profile) -> Config {
        if self.delays == Delays::Own {
            let config = Config::of(profile);
            let expiry = config.expiry.filter(|_| self.timers == Timers::All);
            return Config { callback_slots: self.callback_slots, expiry, ..config };
        }
        let delay = profile.retry_delay_floor;
        let short = Millis(delay.0 * 2);
        let mut profile = *profile;
        profile.retry_delay = delay;
        profile.no_progress.foreground = short;
        profile.no_progress.background = short;
        let length = Millis(delay.0 * 4);
        profile.expiry = match profile.expiry {
            Expiry::Inactivity(_) => Expiry::Inactivity(length),
            Expiry::Age(_) => Expiry::Age(length),
        };
        let expiry = (self.timers == Timers::All).then_some(profile.expiry);
        Config { callback_slots: self.callback_slots, time_slice: delay, expiry, ..Config::of(&profile) }
    }

    /// The slice in one line, for reports.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "{} ({} {}{}, up to {} {} each, {} client {}, {} masks, {} objects, {} callback {}, disk failures {:?}, \
             timers {:?}, network {:?}, bytes {:?}, re-entrancy {:?}, leaves {:?}, programs {:?}; calls unbounded)",
            self.name,
            self.jobs,
            plural(self.jobs as u32, "job"),
            match self.users {
                Users::One => "",
                Users::Two => " of two users",
            },
            self.files,
            plural(self.files, "file"),
            self.clients,
            plural(self.clients, "thread"),
            self.masks.len(),
            self.receivers.len(),
            self.callback_slots,
            plural(self.callback_slots, "slot"),
            self.disk,
            self.timers,
            self.network,
            self.bytes,
            self.reentrancy,
            self.leaves,
            self.programs
        )
    }
}

pub(crate) fn plural(count: u32, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}

/// An object with Callback and Callback2.
const FULL: Receiver =
    Receiver { id: ReceiverId(0), interfaces: Interfaces::CALLBACK.union(Interfaces::CALLBACK2) };
/// An object with Callback alone: FileTransferred has no receiver.
const PLAIN: Receiver = Receiver { id: ReceiverId(1), interfaces: Interfaces::CALLBACK };

/// All masks that differ in behaviour: every subset of the four events, and DISABLE, which hides the others.
#[must_use]
pub fn masks_that_differ(profile: &Profile) -> Vec<NotifyFlags> {
    let events = NotifyFlags::all() - NotifyFlags::DISABLE - NotifyFlags::FILE_RANGES_TRANSFERRED;
    let subsets =
        (0..=events.bits()).filter_map(NotifyFlags::from_bits).filter(|mask| events.contains(*mask));
    let disabled = NotifyFlags::DEFAULT | NotifyFlags::DISABLE;
    match profile.disable_masks {
        Switch::On => subsets.chain([disabled]).collect(),
        Switch::Off => subsets.collect(),
    }
}

fn tiny() -> Slice {
    Slice {
        name: "tiny",
        jobs: 1,
        users: Users::One,
        files: 1,
        clients: 1,
        masks: vec![
            NotifyFlags::empty(),
            NotifyFlags::DEFAULT,
            NotifyFlags::DEFAULT | NotifyFlags::FILE_TRANSFERRED,
        ],
        receivers: vec![FULL],
        callback_slots: 1,
        disk: DiskFailures::All,
        timers: Timers::Retries,
        delays: Delays::Short,
        network: Network::Full,
        bytes: Bytes::Whole,
        reentrancy: Reentrancy::None,
        leaves: Leaves::OkOrFail,
        programs: Programs::None,
    }
}

/// The slices of a scope in a dialect.
#[must_use]
pub fn slices(name: ScopeName, profile: &Profile) -> Vec<Slice> {
    match name {
        ScopeName::Tiny => vec![tiny()],
        ScopeName::Small => vec![small()],
        ScopeName::Default => default_slices(profile),
        ScopeName::Wide => wide_slices(),
    }
}

/// The slice of this name, in whichever scope.
#[must_use]
pub fn slice(name: &str, profile: &Profile) -> Option<Slice> {
    // No slice has no name, and programs that are of none ask often.
    if name.is_empty() {
        return None;
    }
    let all = ScopeName::ALL.into_iter().flat_map(|scope| slices(scope, profile));
    all.chain(slices_to_lead(profile)).find(|slice| slice.name == name)
}

/// Slices of no scope, for random paths along which an implementation is led: all freedoms at once, in the delays of the dialect. Nothing
/// explores them.
#[must_use]
pub fn slices_to_lead(profile: &Profile) -> Vec<Slice> {
    let slots = Config::of(profile).callback_slots;
    let job = Slice {
        name: "led/job",
        files: 2,
        clients: 3,
        masks: masks_that_differ(profile),
        receivers: vec![FULL, PLAIN],
        callback_slots: slots,
        timers: Timers::All,
        delays: Delays::Own,
        reentrancy: Reentrancy::Calls,
        leaves: Leaves::All,
        programs: Programs::One,
        ..tiny()
    };
    let told = vec![NotifyFlags::DEFAULT, NotifyFlags::DEFAULT | NotifyFlags::FILE_TRANSFERRED];
    let jobs = Slice { name: "led/jobs", jobs: 2, masks: told, receivers: vec![FULL], ..job.clone() };
    let users = Slice { name: "led/users", users: Users::Two, ..jobs.clone() };
    vec![job, jobs, users]
}

/// Bytes one by one, and JobModification.
fn small() -> Slice {
    let masks = vec![
        NotifyFlags::empty(),
        NotifyFlags::DEFAULT | NotifyFlags::FILE_TRANSFERRED,
        NotifyFlags::JOB_MODIFICATION,
    ];
    Slice { name: "small", masks, bytes: Bytes::Stepwise, disk: DiskFailures::None, ..tiny() }
}

fn default_slices(profile: &Profile) -> Vec<Slice> {
    let some = vec![NotifyFlags::empty(), NotifyFlags::DEFAULT | NotifyFlags::FILE_TRANSFERRED];
    let base = Slice { masks: some, disk: DiskFailures::None, ..tiny() };
    // Every mask at every moment is wide enough; what else the network does meets some masks in the other slices.
    let masks = Slice {
        name: "default/masks",
        masks: masks_that_differ(profile),
        network: Network::Simple,
        ..base.clone()
    };
    let bytes = Slice { name: "default/bytes", ..small() };
    let objects = Slice { name: "default/objects", receivers: vec![FULL, PLAIN], ..base.clone() };
    let programs = Slice { name: "default/programs", programs: Programs::One, ..base.clone() };
    // A switch is explored where what it changes is: at the masks, or at who receives events; and where every rule bites.
    let table = profile.dialect.profile();
    if profile.disable_masks != table.disable_masks {
        return vec![masks, bytes];
    }
    if *profile != *table {
        let told = if profile.command_line.is_on() { programs } else { objects };
        return vec![told, bytes];
    }
    let nested = Slice {
        name: "default/nested",
        reentrancy: Reentrancy::Calls,
        leaves: Leaves::All,
        clients: 2,
        ..base.clone()
    };
    let files = Slice { name: "default/files", files: 2, disk: DiskFailures::All, ..base.clone() };
    let expiry = Slice { name: "default/expiry", timers: Timers::All, ..base.clone() };
    // Two jobs multiply the states, so no callbacks are made there: the jobs share transfer slots, and one network.
    let users = Slice {
        name: "default/users",
        jobs: 2,
        users: Users::Two,
        masks: Vec::new(),
        receivers: Vec::new(),
        ..base
    };
    let jobs = Slice { name: "default/jobs", users: Users::One, network: Network::Simple, ..users.clone() };
    let mut slices = vec![masks, objects, nested, files, expiry, bytes, jobs, users];
    if profile.command_line.is_on() {
        slices.push(programs);
    }
    slices
}

/// Two jobs that share slots, and all freedoms at once on one.
fn wide_slices() -> Vec<Slice> {
    let masks = vec![NotifyFlags::empty()];
    let jobs = Slice {
        name: "wide/jobs",
        jobs: 2,
        masks,
        disk: DiskFailures::None,
        leaves: Leaves::OkOrFail,
        ..tiny()
    };
    let freedoms = Slice {
        name: "wide/freedoms",
        files: 2,
        clients: 2,
        receivers: vec![FULL, PLAIN],
        reentrancy: Reentrancy::Calls,
        leaves: Leaves::All,
        timers: Timers::All,
        programs: Programs::One,
        ..small()
    };
    vec![jobs, freedoms]
}

/// A dialect with its switches, as a check explores it: the documented one, or a variant with a switch turned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Variant {
    /// The column of the table, with the switch turned.
    pub profile: Profile,
    /// What differs from the table, or nothing.
    pub turned: &'static str,
}

/// The variants of a dialect that a check explores. Contract section 1 asks for both readings of DISABLE in
/// Delivery Optimization; the other two switches are On in both columns and explored off from `default` on.
#[must_use]
pub fn variants(dialect: Dialect, scope: ScopeName) -> Vec<Variant> {
    let profile = *dialect.profile();
    let mut variants = vec![Variant { profile, turned: "" }];
    if dialect == Dialect::Do {
        let profile = Profile { disable_masks: Switch::Off, ..profile };
        variants.push(Variant { profile, turned: "disable_masks off" });
    }
    if matches!(scope, ScopeName::Default | ScopeName::Wide) {
        let off = Profile { late_replay: Switch::Off, ..profile };
        variants.push(Variant { profile: off, turned: "late_replay off" });
        let off = Profile { retry_transferred: Switch::Off, ..profile };
        variants.push(Variant { profile: off, turned: "retry_transferred off" });
    }
    variants
}
