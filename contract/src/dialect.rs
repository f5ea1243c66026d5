//! The two dialects, and the one table of everything they disagree on (contract section 1).
//!
//! BITS and Delivery Optimization publish one set of interfaces with different words. No engine, specification or rule
//! branches on [`Dialect`]: code reads the cell it needs from the [`Profile`] of the dialect. Only what chooses explorations does
//! (`model::scope::variants`, `properties::mutate`). Every cell cites the page it comes from, and
//! `bgcheck graph --table dialects` prints the table.

use serde::{Deserialize, Serialize};

use crate::hresult::HResult;
use crate::ids::Millis;
use crate::mutation::{Mutant, Mutation, Otherwise};
use crate::sentence::Follows;

/// Which of the two documented services is meant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Background Intelligent Transfer Service.
    Bits,
    /// Delivery Optimization, the dialect of the page that started the project.
    Do,
}

impl Dialect {
    /// Both, in the order of the table.
    pub const ALL: [Dialect; 2] = [Dialect::Bits, Dialect::Do];

    /// Its name, as a user types it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::Bits => "bits",
            Dialect::Do => "do",
        }
    }

    /// This dialect's column of the table.
    #[must_use]
    pub const fn profile(self) -> &'static Profile {
        match self {
            Dialect::Bits => &BITS,
            Dialect::Do => &DO,
        }
    }
}

crate::named!(Dialect, UnknownDialect, "a dialect");

/// A yes-or-no cell of the table. A named type, because a bare `bool` says nothing at the call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// The dialect does it.
    On,
    /// It does not.
    Off,
}

impl Switch {
    /// Whether the switch is on.
    #[must_use]
    pub const fn is_on(self) -> bool {
        matches!(self, Switch::On)
    }
}

/// Whose implementation is judged. What our own engine lacks is a law for it alone, and what cannot happen to it is none of its
/// excuses ([`crate::answers`]).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The engine of this repository, its models, and programs around them.
    Ours,
    /// Another one.
    #[default]
    Foreign,
}

impl Origin {
    /// Whether it is another one.
    #[must_use]
    pub const fn is_foreign(&self) -> bool {
        matches!(self, Origin::Foreign)
    }
}

/// How many transfers run at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransferSlots {
    /// All FOREGROUND jobs, and one background job.
    ForegroundAndOne,
    /// At most this number of jobs, of any priority.
    AtMost(u32),
}

/// Where Resume takes a job that has work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ResumeTarget {
    /// To QUEUED; the scheduler takes it on.
    Queued,
    /// To TRANSFERRING when a transfer slot is free, else to QUEUED.
    TransferringIfSlot,
}

/// How long a job may make no progress before its transient error becomes fatal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NoProgress {
    /// The default of FOREGROUND jobs.
    pub foreground: Millis,
    /// The default of all others.
    pub background: Millis,
}

/// What the no-progress clock counts from (facts G41).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NoProgressFrom {
    /// The first transient error since the last progress.
    FirstTransientError,
    /// The last progress, or the start.
    LastProgress,
}

/// When a job is cancelled for its age (facts G42).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Expiry {
    /// After so long without progress or a property change.
    Inactivity(Millis),
    /// So long after CreateJob.
    Age(Millis),
}

impl Expiry {
    /// The length, whatever it counts from.
    #[must_use]
    pub const fn length(self) -> Millis {
        match self {
            Expiry::Inactivity(length) | Expiry::Age(length) => length,
        }
    }
}

/// How the error contexts of facts D4 are reported (facts G37).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Contexts {
    /// The real one.
    Real,
    /// REMOTE_FILE for HTTP 403, NONE for everything else.
    RemoteFileFor403,
}

/// Which leaves of FileTransferred acknowledge it (facts G46, contract section 2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FileAcknowledgement {
    /// Any HRESULT that is not negative.
    NotNegative,
    /// S_OK alone.
    OnlyOk,
}

macro_rules! dialect_table {
    ($($(#[$doc:meta])* $field:ident: $ty:ty, $what:literal
        => bits $bits:expr, $bits_source:literal, [$($bits_follows:literal),*]
        => do $do:expr, $do_source:literal, [$($do_follows:literal),*];)*) => {
        /// One column of the table: what a dialect does. A copy with a switch turned is a variant to explore.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct Profile {
            /// The dialect this column belongs to, for reports; nothing branches on it.
            pub dialect: Dialect,
            /// Whose implementation it is that is judged.
            pub origin: Origin,
            $($(#[$doc])* #[doc = concat!($what, ". BITS: ", $bits_source, "; DO: ", $do_source, ".")]
            pub $field: $ty,)*
            /// What is changed in the model that reads this profile; nothing, but for `bgcheck mutate`.
            pub mutation: Mutation,
        }

        static BITS: Profile =
            Profile { dialect: Dialect::Bits, origin: Origin::Ours, $($field: $bits,)* mutation: Mutation::NONE };
        static DO: Profile =
            Profile { dialect: Dialect::Do, origin: Origin::Ours, $($field: $do,)* mutation: Mutation::NONE };

        /// The names of the cells, in the order of the table.
        pub const CELLS: &[&str] = &[$(stringify!($field),)*];

        impl Profile {
            /// This profile as a model reads it that has the mutant: the cell it is about holds something else. For a core, take the
            /// unchanged profile.
            #[must_use]
            pub fn mutated(&self, mutation: Mutation) -> Profile {
                let profile = Profile { mutation, ..*self };
                match mutation.mutant() {
                    Some(Mutant::Cell(dialect, cell)) if dialect == self.dialect => profile.with_other(cell),
                    _ => profile,
                }
            }

            /// This profile with something else in the cell of this number.
            #[must_use]
            pub fn with_other(self, cell: u8) -> Profile {
                let mut profile = self;
                let mut cells = (0..CELLS.len()).map(|at| at == usize::from(cell));
                $(if cells.next() == Some(true) {
                    profile.$field = self.$field.otherwise();
                })*
                profile
            }
        }

        /// The table as text, for the documents and for reports.
        #[must_use]
        pub fn rows() -> Vec<Row> {
            vec![$(Row {
                field: stringify!($field),
                what: $what,
                bits: format!("{:?}", BITS.$field), bits_source: $bits_source,
                bits_follows: crate::sentences![$($bits_follows),*],
                delivery_optimization: format!("{:?}", DO.$field), do_source: $do_source,
                do_follows: crate::sentences![$($do_follows),*],
            },)*]
        }
    };
}

/// One row of the dialect table as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The field of [`Profile`].
    pub field: &'static str,
    /// What the row is about.
    pub what: &'static str,
    /// The BITS cell.
    pub bits: String,
    /// Where it comes from.
    pub bits_source: &'static str,
    /// The sentences of the documents that it follows; none where it is our choice.
    pub bits_follows: Follows,
    /// The Delivery Optimization cell.
    pub delivery_optimization: String,
    /// Where it comes from.
    pub do_source: &'static str,
    /// The sentences of the documents that it follows; none where it is our choice.
    pub do_follows: Follows,
}

dialect_table! {
    invalid_state: HResult, "a call the state forbids"
        => bits HResult::BG_E_INVALID_STATE, "facts B, D2", ["code.invalid-state"]
        => do HResult::DO_E_INVALID_STATE, "facts B, D1", ["code.do-invalid-state"];
    empty: HResult, "Resume with nothing to transfer"
        => bits HResult::BG_E_EMPTY, "facts D2", ["code.empty"]
        => do HResult::DO_E_EMPTY, "facts G5", ["code.do-empty"];
    not_found: HResult, "GetJob of a job that is not there"
        => bits HResult::BG_E_NOT_FOUND, "facts D2", ["code.not-found"]
        => do HResult::DO_E_NOT_FOUND, "facts G6", ["code.do-not-found"];
    no_error_information: HResult, "GetError without an error"
        => bits HResult::BG_E_ERROR_INFORMATION_UNAVAILABLE, "facts B2", ["code.no-error"]
        => do HResult::DO_E_ERROR_INFORMATION_UNAVAILABLE, "facts B2", ["code.do-no-error"];
    file_not_available: HResult, "the error is not about a file"
        => bits HResult::BG_E_FILE_NOT_AVAILABLE, "facts B5", ["code.no-file"]
        => do HResult::DO_E_FILE_NOT_AVAILABLE, "facts B5, G7", ["code.do-no-file"];
    resume_target: ResumeTarget, "Resume of a job with work goes to"
        => bits ResumeTarget::Queued, "facts B1", ["resume.queues"]
        => do ResumeTarget::TransferringIfSlot, "facts G4", ["resume.do-transfers"];
    connects: Switch, "CONNECTING is shown"
        => bits Switch::On, "facts A", ["state.connecting-shown"]
        => do Switch::Off, "facts A: not supported", ["state.do-never-connects"];
    disable_masks: Switch, "BG_NOTIFY_DISABLE masks"
        => bits Switch::On, "facts G1", ["flags.disable"]
        => do Switch::On, "facts G1: the Get page; the Set page says otherwise, explore both", ["flags.do-disable"];
    file_ranges_flag: Switch, "bit 0x20 is accepted"
        => bits Switch::On, "facts G2", ["flags.ranges"]
        => do Switch::Off, "facts G2", ["flags.do-ranges"];
    command_line: Switch, "command-line notification exists"
        => bits Switch::On, "facts C3.8", ["program.exists"]
        => do Switch::Off, "facts G10", [];
    omitted_methods: Switch, "the methods Delivery Optimization's pages omit are there"
        => bits Switch::On, "facts B2", ["methods.all"]
        => do Switch::Off, "facts B2; AddFile is there nevertheless (contract section 1)", ["methods.do-omitted"];
    retry_transferred: Switch, "JobTransferred is retried until acknowledged"
        => bits Switch::On, "facts C3.2", ["deliver.retry-transferred"]
        => do Switch::On, "facts G8", [];
    late_replay: Switch, "a late registration is told the pending event"
        => bits Switch::On, "facts C3.1", ["deliver.late", "deliver.late-program"]
        => do Switch::On, "facts G15", [];
    partial_complete: HResult, "Complete with unfinished files"
        => bits HResult::BG_S_PARTIAL_COMPLETE, "facts B1", ["complete.partial-code"]
        => do HResult::S_OK, "facts G26", ["complete.do-codes"];
    unable_to_delete: HResult, "Cancel or Complete that leaves a temporary file behind"
        => bits HResult::BG_S_UNABLE_TO_DELETE_FILES, "facts B1", ["cancel.left-behind", "complete.left-behind"]
        => do HResult::S_OK, "facts G30", ["cancel.do-codes", "complete.do-codes"];
    resume_transferred: HResult, "Resume in TRANSFERRED with nothing new"
        => bits HResult::BG_E_EMPTY, "facts G21", []
        => do HResult::S_OK, "facts G21", [];
    transfer_slots: TransferSlots, "transfers at once"
        => bits TransferSlots::ForegroundAndOne, "facts E", ["scheduler.one-background"]
        => do TransferSlots::AtMost(4), "contract section 1", ["scheduler.do-several"];
    retry_delay: Millis, "minimum retry delay"
        => bits Millis::from_secs(600), "facts E", ["retry-delay.default"]
        => do Millis::from_secs(30), "facts E", ["env.do-retry"];
    retry_delay_floor: Millis, "the least that SetMinimumRetryDelay sets"
        => bits Millis::from_secs(5), "facts E", ["retry-delay.floor"]
        => do Millis::from_secs(30), "contract section 1: fixed", ["env.do-retry"];
    no_progress: NoProgress, "no-progress timeout"
        => bits NoProgress { foreground: Millis::from_days(14), background: Millis::from_days(14) }, "facts E",
            ["timeout.default"]
        => do NoProgress { foreground: Millis::from_secs(3600), background: Millis::from_days(1) }, "facts G40",
            ["timeout.do-default"];
    no_progress_from: NoProgressFrom, "the no-progress clock counts from"
        => bits NoProgressFrom::FirstTransientError, "facts G41", ["timeout.from"]
        => do NoProgressFrom::LastProgress, "facts G41", ["timeout.do-from"];
    no_progress_error: Option<HResult>, "the error of a no-progress timeout (none: the transient error stays)"
        => bits None, "facts A2", []
        => do Some(HResult::DO_E_DOWNLOAD_NO_PROGRESS), "facts D1", ["code.do-no-progress"];
    disconnected: HResult, "the error of a lost network"
        => bits HResult::BG_E_NETWORK_DISCONNECTED, "facts A2", ["env.network-code"]
        => do HResult::DO_E_BLOCKED_BY_NO_NETWORK, "facts D1", ["env.do-network-code"];
    expiry: Expiry, "a job is cancelled after"
        => bits Expiry::Inactivity(Millis::from_days(90)), "facts G42", ["expiry.bits"]
        => do Expiry::Age(Millis::from_days(30)), "facts G42", ["expiry.do"];
    contexts: Contexts, "error contexts"
        => bits Contexts::Real, "facts D4", ["error.contexts"]
        => do Contexts::RemoteFileFor403, "facts G37", ["error.do-contexts"];
    file_acknowledgement: FileAcknowledgement, "FileTransferred is acknowledged by"
        => bits FileAcknowledgement::NotNegative, "facts C3.2", ["deliver.retry-file"]
        => do FileAcknowledgement::OnlyOk, "facts G46", [];
    jobs_per_user: u32, "jobs of one user"
        => bits 60, "facts E", ["manager.per-user"]
        => do 60, "contract section 1", [];
    jobs_per_machine: u32, "jobs of all users"
        => bits 300, "facts E", ["manager.per-machine"]
        => do 300, "contract section 1", [];
    files_per_job: u32, "files of one job"
        => bits 200, "facts E", ["file.limit"]
        => do 200, "facts E: unstated; the BITS limit", [];
}

impl Otherwise for Switch {
    fn otherwise(self) -> Switch {
        if self.is_on() { Switch::Off } else { Switch::On }
    }
}

impl Otherwise for TransferSlots {
    fn otherwise(self) -> TransferSlots {
        match self {
            TransferSlots::ForegroundAndOne => TransferSlots::AtMost(4),
            TransferSlots::AtMost(_) => TransferSlots::ForegroundAndOne,
        }
    }
}

impl Otherwise for ResumeTarget {
    fn otherwise(self) -> ResumeTarget {
        match self {
            ResumeTarget::Queued => ResumeTarget::TransferringIfSlot,
            ResumeTarget::TransferringIfSlot => ResumeTarget::Queued,
        }
    }
}

impl Otherwise for Millis {
    fn otherwise(self) -> Millis {
        Millis(self.0.saturating_mul(2))
    }
}

impl Otherwise for NoProgress {
    fn otherwise(self) -> NoProgress {
        NoProgress { foreground: self.foreground.otherwise(), background: self.background.otherwise() }
    }
}

impl Otherwise for NoProgressFrom {
    fn otherwise(self) -> NoProgressFrom {
        match self {
            NoProgressFrom::FirstTransientError => NoProgressFrom::LastProgress,
            NoProgressFrom::LastProgress => NoProgressFrom::FirstTransientError,
        }
    }
}

impl Otherwise for Expiry {
    fn otherwise(self) -> Expiry {
        match self {
            Expiry::Inactivity(length) => Expiry::Age(length),
            Expiry::Age(length) => Expiry::Inactivity(length),
        }
    }
}

impl Otherwise for Contexts {
    fn otherwise(self) -> Contexts {
        match self {
            Contexts::Real => Contexts::RemoteFileFor403,
            Contexts::RemoteFileFor403 => Contexts::Real,
        }
    }
}

impl Otherwise for FileAcknowledgement {
    fn otherwise(self) -> FileAcknowledgement {
        match self {
            FileAcknowledgement::NotNegative => FileAcknowledgement::OnlyOk,
            FileAcknowledgement::OnlyOk => FileAcknowledgement::NotNegative,
        }
    }
}

impl Profile {
    /// Whether `mask` lets `event` through in this dialect (contract section 2, "enabled", first two parts).
    pub fn unmasked(&self, mask: crate::NotifyFlags, event: crate::Event) -> Unmasked {
        let disables = self.disable_masks.is_on() && !self.mutation.is(Mutant::DisableIgnored);
        let disabled = disables && mask.contains(crate::NotifyFlags::DISABLE);
        if !disabled && self.has_bit(mask, event) { Unmasked::Yes } else { Unmasked::No }
    }

    fn has_bit(&self, mask: crate::NotifyFlags, event: crate::Event) -> bool {
        match self.mutation.mutant() {
            Some(Mutant::MaskIgnored(of)) if of == event => true,
            Some(Mutant::MaskOfAnother(of)) if of == event => mask.contains(event.another().flag()),
            _ => mask.contains(event.flag()),
        }
    }

    /// The flags SetNotifyFlags takes; any other bit is refused with E_NOTIMPL.
    #[must_use]
    pub fn accepted_flags(&self) -> crate::NotifyFlags {
        let all = crate::NotifyFlags::all();
        if self.file_ranges_flag.is_on() { all } else { all - crate::NotifyFlags::FILE_RANGES_TRANSFERRED }
    }

    /// The default no-progress timeout for a job of this priority.
    #[must_use]
    pub const fn no_progress_for(&self, priority: crate::Priority) -> Millis {
        match priority {
            crate::Priority::Foreground => self.no_progress.foreground,
            _ => self.no_progress.background,
        }
    }

    /// Whether a leave with `hr` acknowledges `event` (contract section 2, "acknowledged").
    pub fn acknowledges(&self, event: crate::Event, hr: HResult) -> Acknowledged {
        let yes = match event {
            crate::Event::JobModification | crate::Event::FileRangesTransferred => true,
            crate::Event::FileTransferred => match self.file_acknowledgement {
                FileAcknowledgement::NotNegative => hr.succeeded(),
                FileAcknowledgement::OnlyOk => hr == HResult::S_OK,
            },
            crate::Event::JobTransferred | crate::Event::JobError => hr == HResult::S_OK,
        };
        if yes { Acknowledged::Yes } else { Acknowledged::No }
    }
}

/// Whether a mask lets an event through.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Unmasked {
    /// It is reported.
    Yes,
    /// It is masked.
    No,
}

impl Unmasked {
    /// Whether the event is reported.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Unmasked::Yes)
    }
}

/// Whether a leave acknowledged its event.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Acknowledged {
    /// The event is settled.
    Yes,
    /// It is to be delivered again.
    No,
}

impl Acknowledged {
    /// Whether the event is settled.
    #[must_use]
    pub const fn is_yes(self) -> bool {
        matches!(self, Acknowledged::Yes)
    }
}
