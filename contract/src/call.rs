//! API calls: every method of facts B1, B2, B3, B5 and the two command-line methods of B4.
//!
//! A [`Call`] is stateless: the methods of enumerators and of error objects are written as if the object
//! had just been fetched (`EnumFiles`, then `Skip`, then `Next`). The service gives clients real
//! objects on top of it. Numbers that a client may get wrong (flags, priorities, types) are raw, so that a wrong one is
//! refused by the engine and not by the type system.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::described::described;
use crate::hresult::HResult;
use crate::ids::{FileId, JobId, Millis, ReceiverId, Time};
use crate::notify::{NotifyFlags, Receiver};
use crate::state::JobState;

/// Text in a call. Borrowed when it comes from the program, owned when it was read.
pub type Text = Cow<'static, str>;

/// A remote and a local name: `BG_FILE_INFO` (facts F).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileNames {
    /// The URL.
    pub remote: Text,
    /// The absolute path of the destination.
    pub local: Text,
}

/// A notification program (facts B4, C3.8).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CommandLine {
    /// The program's path.
    pub program: Text,
    /// Its command line, the program's own name included, as BITS wants it.
    pub parameters: Text,
}

/// `BG_JOB_PRIORITY` (facts F). Smaller is more urgent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u8)]
pub enum Priority {
    /// Not throttled, not counted against the background slot.
    Foreground = 0,
    /// Background, before NORMAL.
    High = 1,
    /// Background; the default.
    Normal = 2,
    /// Background, after NORMAL.
    Low = 3,
}

impl Priority {
    /// The priority with this number, if there is one.
    #[must_use]
    pub const fn from_raw(raw: u32) -> Option<Priority> {
        match raw {
            0 => Some(Priority::Foreground),
            1 => Some(Priority::High),
            2 => Some(Priority::Normal),
            3 => Some(Priority::Low),
            _ => None,
        }
    }
}

/// `BG_ERROR_CONTEXT` (facts D4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u8)]
pub enum ErrorContext {
    /// No error.
    None = 0,
    /// Not known.
    Unknown = 1,
    /// The queue manager.
    GeneralQueueManager = 2,
    /// While notifying the client.
    QueueManagerNotification = 3,
    /// The destination.
    LocalFile = 4,
    /// The file at the server.
    RemoteFile = 5,
    /// The transport.
    GeneralTransport = 6,
    /// The server's application.
    RemoteApplication = 7,
}

/// What an error object tells (facts B5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorInfo {
    /// The code.
    pub hr: HResult,
    /// Where it happened.
    pub context: ErrorContext,
    /// The file it is about.
    pub file: Option<FileId>,
}

/// Whether a client passes somewhere to store a count (facts B5: `pceltFetched` may be NULL only for one element).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Fetched {
    /// The count is wanted.
    Wanted,
    /// NULL was passed.
    Null,
}

/// Whose jobs EnumJobs lists (facts B3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The caller's.
    Mine,
    /// Every user's; needs an administrator, whom this engine does not have: E_ACCESSDENIED.
    All,
}

macro_rules! calls {
    ($(#[doc = $what:literal] $name:ident $({ $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })?
        in $interface:ident, omitted: $omitted:ident;)*) => {
        /// An API call with its arguments, without the job it is made on.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "method", content = "args")]
        pub enum Call {
            $(#[doc = $what] $name $({ $($(#[$fdoc])* $field: $ty),* })?,)*
            /// A method that is not in this list: only other people's implementations have it. No rule judges it, and in a trace
            /// it stands under its own name.
            Other {
                /// Its name.
                method: Text,
                /// Its arguments, as JSON.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                args: Option<Text>,
            },
        }

        /// The name of a method, without arguments.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[repr(u8)]
        pub enum Method {
            $(#[doc = $what] $name,)*
            /// A method that is not in this list.
            Other,
        }

        impl Method {
            /// Every method of the list, in the order of facts B.
            pub const ALL: &'static [Method] = &[$(Method::$name,)*];

            /// The interface that has the method.
            #[must_use]
            pub const fn interface(self) -> Interface {
                match self { $(Method::$name => Interface::$interface,)* Method::Other => Interface::Other }
            }

            /// The method's name, as a trace has it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Method::$name => stringify!($name),)* Method::Other => "Other" }
            }

            /// What it does, in words.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self {
                    $(Method::$name => $what.trim_ascii(),)*
                    Method::Other => "A method that is not in the list.",
                }
            }

            /// Where the method is missing.
            #[must_use]
            pub const fn omitted(self) -> Omitted {
                match self { $(Method::$name => Omitted::$omitted,)* Method::Other => Omitted::Here }
            }
        }

        impl Call {
            /// The method that is called.
            #[must_use]
            pub const fn method(&self) -> Method {
                match self { $(Call::$name $({ $($field: _),* })? => Method::$name,)* Call::Other { .. } => Method::Other }
            }
        }
    };
}

described! {
    /// The interface a method belongs to (facts B1 to B5).
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    pub enum Interface {
        /// `IBackgroundCopyManager`.
        Manager,
        /// `IBackgroundCopyJob`.
        Job,
        /// `IBackgroundCopyJob2`.
        Job2,
        /// `IBackgroundCopyFile`.
        File,
        /// `IBackgroundCopyFile2`.
        File2,
        /// `IBackgroundCopyFile3`.
        File3,
        /// `IBackgroundCopyFile5`.
        File5,
        /// `IBackgroundCopyError`.
        Error,
        /// `IEnumBackgroundCopyFiles`.
        EnumFiles,
        /// `IEnumBackgroundCopyJobs`.
        EnumJobs,
        /// One that is not in this list.
        Other,
    }
}

described! {
    /// Where a method answers E_NOTIMPL in every state.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
    pub enum Omitted {
        /// Nowhere.
        No,
        /// In a dialect without the omitted methods (contract section 1).
        ByDialect,
        /// In a dialect without command lines.
        WithoutCommandLine,
        /// Here, in both dialects: outside the project so far (`docs/coverage.md`).
        Here,
    }
}

calls! {
    /// Makes a job; its first state is SUSPENDED.
    CreateJob {
        /// The display name; NULL is refused.
        name: Option<Text>,
        /// `BG_JOB_TYPE`: 0 is a download, everything else is refused.
        kind: u32,
    } in Manager, omitted: No;
    /// Gives the job that the call names.
    GetJob in Manager, omitted: No;
    /// A snapshot of the jobs that have not ended.
    EnumJobs {
        /// Whose jobs.
        whose: Whose,
    } in Manager, omitted: No;
    /// A sentence about a code.
    GetErrorDescription {
        /// The code to describe.
        hr: HResult,
        /// The language; only 0 (neutral) and 0x0409 (English) are here.
        language: u32,
    } in Manager, omitted: ByDialect;

    /// Stops the job until Resume.
    Suspend in Job, omitted: No;
    /// Starts the job, or starts it again.
    Resume in Job, omitted: No;
    /// Ends the job and throws its files away.
    Cancel in Job, omitted: No;
    /// Ends the job and keeps the files that are whole.
    Complete in Job, omitted: No;

    /// Adds one file.
    AddFile {
        /// Where from and where to.
        file: FileNames,
    } in Job, omitted: No;
    /// Adds several files, all or none (facts G62).
    AddFileSet {
        /// Where from and where to, each.
        files: Vec<FileNames>,
    } in Job, omitted: ByDialect;
    /// A snapshot of the files.
    EnumFiles in Job, omitted: No;
    /// The job's id.
    GetId in Job, omitted: No;
    /// The job's type: always a download here.
    GetType in Job, omitted: No;
    /// Bytes and files, total and transferred.
    GetProgress in Job, omitted: No;
    /// Creation, modification, transfer completion.
    GetTimes in Job, omitted: No;
    /// The state.
    GetState in Job, omitted: No;
    /// The error object.
    GetError in Job, omitted: No;
    /// The owner.
    GetOwner in Job, omitted: ByDialect;
    /// Sets the display name.
    SetDisplayName {
        /// At most 256 characters; NULL is refused.
        name: Option<Text>,
    } in Job, omitted: ByDialect;
    /// The display name.
    GetDisplayName in Job, omitted: No;
    /// Sets the description.
    SetDescription {
        /// At most 1024 characters; NULL is refused.
        description: Option<Text>,
    } in Job, omitted: ByDialect;
    /// The description.
    GetDescription in Job, omitted: ByDialect;
    /// Sets the priority.
    SetPriority {
        /// `BG_JOB_PRIORITY`; an undefined value is refused with E_NOTIMPL.
        priority: u32,
    } in Job, omitted: No;
    /// The priority.
    GetPriority in Job, omitted: No;
    /// Sets the notification flags.
    SetNotifyFlags {
        /// `BG_NOTIFY_*` bits; an unknown bit is refused with E_NOTIMPL.
        flags: u32,
    } in Job, omitted: No;
    /// The notification flags.
    GetNotifyFlags in Job, omitted: No;
    /// Registers a client object, or none.
    SetNotifyInterface {
        /// The object, and the interfaces it has; `None` is NULL.
        receiver: Option<Receiver>,
    } in Job, omitted: No;
    /// The registered object.
    GetNotifyInterface in Job, omitted: No;
    /// Sets the minimum retry delay.
    SetMinimumRetryDelay {
        /// In seconds; less than the floor is raised to it.
        seconds: u32,
    } in Job, omitted: ByDialect;
    /// The minimum retry delay.
    GetMinimumRetryDelay in Job, omitted: ByDialect;
    /// Sets the no-progress timeout.
    SetNoProgressTimeout {
        /// In seconds; 0 makes every error fatal.
        seconds: u32,
    } in Job, omitted: No;
    /// The no-progress timeout.
    GetNoProgressTimeout in Job, omitted: No;
    /// How often the transfer failed.
    GetErrorCount in Job, omitted: ByDialect;
    /// Sets the proxy: not here.
    SetProxySettings in Job, omitted: Here;
    /// The proxy: not here.
    GetProxySettings in Job, omitted: Here;
    /// Makes the caller the owner: not here.
    TakeOwnership in Job, omitted: Here;

    /// Sets the notification program, or none.
    SetNotifyCmdLine {
        /// The program; NULL with NULL parameters removes it, NULL with parameters is refused.
        program: Option<Text>,
        /// The parameters.
        parameters: Option<Text>,
    } in Job2, omitted: WithoutCommandLine;
    /// The notification program.
    GetNotifyCmdLine in Job2, omitted: WithoutCommandLine;

    /// The URL of a file.
    FileGetRemoteName {
        /// Which file.
        file: FileId,
    } in File, omitted: No;
    /// The destination of a file.
    FileGetLocalName {
        /// Which file.
        file: FileId,
    } in File, omitted: No;
    /// Bytes of a file, total and transferred, and whether it is available to the user.
    FileGetProgress {
        /// Which file.
        file: FileId,
    } in File, omitted: No;
    /// The ranges of a file: there are none, so S_FALSE.
    FileGetFileRanges {
        /// Which file.
        file: FileId,
    } in File2, omitted: No;
    /// Changes the URL of a file.
    FileSetRemoteName {
        /// Which file.
        file: FileId,
        /// The new URL.
        remote: Text,
    } in File2, omitted: No;
    /// Tells whether a file is right, for peers: not here.
    FileSetValidationState {
        /// Which file.
        file: FileId,
    } in File3, omitted: Here;
    /// A property of a file: not here.
    FileGetProperty {
        /// Which file.
        file: FileId,
        /// `BITS_FILE_PROPERTY_ID`.
        property: u32,
    } in File5, omitted: Here;
    /// Sets a property of a file: not here.
    FileSetProperty {
        /// Which file.
        file: FileId,
        /// `BITS_FILE_PROPERTY_ID`.
        property: u32,
    } in File5, omitted: Here;

    /// The code and context of the job's error object.
    ErrorGetError in Error, omitted: No;
    /// The file the error is about.
    ErrorGetFile in Error, omitted: No;
    /// A sentence about the error.
    ErrorGetErrorDescription {
        /// The language; only 0 (neutral) and 0x0409 (English) are here.
        language: u32,
    } in Error, omitted: ByDialect;
    /// A sentence about the context.
    ErrorGetErrorContextDescription {
        /// The language; only 0 (neutral) and 0x0409 (English) are here.
        language: u32,
    } in Error, omitted: ByDialect;
    /// The protocol used.
    ErrorGetProtocol in Error, omitted: ByDialect;

    /// `Next` of a fresh enumerator of the job's files, after skipping.
    EnumFilesNext {
        /// How many to skip first.
        skip: u32,
        /// How many are wanted.
        celt: u32,
        /// Where the count goes.
        fetched: Fetched,
    } in EnumFiles, omitted: No;
    /// `Skip` of a fresh enumerator of the job's files.
    EnumFilesSkip {
        /// How many.
        celt: u32,
    } in EnumFiles, omitted: No;
    /// `Reset` of a fresh enumerator of the job's files.
    EnumFilesReset in EnumFiles, omitted: No;
    /// `GetCount` of a fresh enumerator of the job's files.
    EnumFilesGetCount in EnumFiles, omitted: No;
    /// `Clone` of a fresh enumerator of the job's files.
    EnumFilesClone in EnumFiles, omitted: ByDialect;
    /// `Next` of a fresh enumerator of the caller's jobs, after skipping.
    EnumJobsNext {
        /// How many to skip first.
        skip: u32,
        /// How many are wanted.
        celt: u32,
        /// Where the count goes.
        fetched: Fetched,
    } in EnumJobs, omitted: ByDialect;
    /// `Skip` of a fresh enumerator of the caller's jobs.
    EnumJobsSkip {
        /// How many.
        celt: u32,
    } in EnumJobs, omitted: ByDialect;
    /// `Reset` of a fresh enumerator of the caller's jobs.
    EnumJobsReset in EnumJobs, omitted: ByDialect;
    /// `GetCount` of a fresh enumerator of the caller's jobs.
    EnumJobsGetCount in EnumJobs, omitted: ByDialect;
    /// `Clone` of a fresh enumerator of the caller's jobs.
    EnumJobsClone in EnumJobs, omitted: ByDialect;
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Call {
    /// As a C++ client would write it: `SetNotifyFlags(0x3)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.method();
        match self {
            Call::SetNotifyFlags { flags } => match NotifyFlags::from_bits(*flags) {
                Some(flags) => write!(f, "{method}({flags})"),
                None => write!(f, "{method}(0x{flags:x})"),
            },
            Call::SetNotifyInterface { receiver: None } => write!(f, "{method}(NULL)"),
            Call::SetNotifyInterface { receiver: Some(receiver) } => {
                write!(f, "{method}({}: {})", receiver.id, receiver.interfaces)
            }
            Call::AddFile { file } => write!(f, "{method}({} -> {})", file.remote, file.local),
            Call::AddFileSet { files } => write!(f, "{method}({} files)", files.len()),
            Call::CreateJob { name, kind } => {
                write!(f, "{method}({:?}, {kind})", name.as_deref().unwrap_or("NULL"))
            }
            Call::SetPriority { priority } => match Priority::from_raw(*priority) {
                Some(priority) => write!(f, "{method}({priority:?})"),
                None => write!(f, "{method}({priority})"),
            },
            Call::SetMinimumRetryDelay { seconds } | Call::SetNoProgressTimeout { seconds } => {
                write!(f, "{method}({seconds} s)")
            }
            Call::SetNotifyCmdLine { program, parameters } => {
                let text = |text: &Option<Text>| text.clone().unwrap_or(Cow::Borrowed("NULL"));
                write!(f, "{method}({}, {})", text(program), text(parameters))
            }
            Call::FileGetRemoteName { file }
            | Call::FileGetLocalName { file }
            | Call::FileGetProgress { file }
            | Call::FileGetFileRanges { file } => write!(f, "{method}({file})"),
            Call::FileSetRemoteName { file, remote } => write!(f, "{method}({file}, {remote})"),
            Call::Other { method, args } => write!(f, "{method}({})", args.as_deref().unwrap_or("")),
            _ => write!(f, "{method}()"),
        }
    }
}

/// `BG_JOB_TIMES` (facts F), in service time; the border turns it into FILETIME.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Times {
    /// CreateJob.
    pub creation: Time,
    /// The last change.
    pub modification: Time,
    /// The last entry into TRANSFERRED.
    pub transfer_completion: Option<Time>,
}

/// `BG_JOB_PROGRESS` (facts F). `bytes_total` is `None` where the API says BG_SIZE_UNKNOWN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// The sum of the files' sizes in bytes, when every one is known.
    pub bytes_total: Option<u64>,
    /// The sum of the bytes transferred.
    pub bytes_transferred: u64,
    /// Files in the job.
    pub files_total: u32,
    /// Files that are whole.
    pub files_transferred: u32,
}

/// `BG_FILE_PROGRESS` (facts F).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileProgress {
    /// The file's size in bytes, when it is known.
    pub bytes_total: Option<u64>,
    /// Bytes transferred.
    pub bytes_transferred: u64,
    /// Whether the file is available to the user: only after Complete (facts G39).
    pub completed: Completed,
}

/// Whether a file is available to the user.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Completed {
    /// It stands at its destination.
    Yes,
    /// Not yet.
    No,
}

/// What a call gives back besides its HRESULT.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Out {
    /// Nothing.
    #[default]
    None,
    /// A job.
    Job(JobId),
    /// Jobs, in the order of their creation.
    Jobs(Vec<JobId>),
    /// Files, in the order of AddFile.
    Files(Vec<FileId>),
    /// One file.
    File(FileId),
    /// A number.
    Count(u32),
    /// A state.
    State(JobState),
    /// Notification flags.
    Flags(NotifyFlags),
    /// The registered object, if any.
    Receiver(Option<ReceiverId>),
    /// A priority.
    Priority(Priority),
    /// A text.
    Text(Text),
    /// A length of time.
    Delay(Millis),
    /// The job's times.
    Times(Times),
    /// The job's progress.
    Progress(Progress),
    /// A file's progress.
    FileProgress(FileProgress),
    /// An error.
    Error(ErrorInfo),
    /// The notification program, if any.
    CommandLine(Option<CommandLine>),
}
