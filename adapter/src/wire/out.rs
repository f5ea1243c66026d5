//! What a getter gave back.

use contract::call::{ErrorContext, ErrorInfo, FileProgress, Progress, Times};
use contract::{
    CommandLine, FileId, HResult, JobId, JobState, Millis, NotifyFlags, Out, Priority, ReceiverId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a getter gave back: one key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WireOut {
    /// A state.
    State(JobState),
    /// Notification flags.
    Flags(u32),
    /// A number.
    Count(u32),
    /// A text.
    Text(String),
    /// Jobs.
    Jobs(Vec<u32>),
    /// A job.
    Job(u32),
    /// Files.
    Files(Vec<u32>),
    /// A file.
    File(u32),
    /// A length of time in ms.
    Delay(u64),
    /// A priority.
    Priority(Priority),
    /// The registered object.
    Receiver(Option<u32>),
    /// The job's progress.
    Progress(Progress),
    /// A file's progress.
    FileProgress(FileProgress),
    /// The job's times.
    Times(Times),
    /// An error.
    Error(WireError),
    /// The notification program.
    CommandLine(Option<CommandLine>),
}

/// An error object.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WireError {
    /// The code.
    pub hr: HResult,
    /// Where it happened.
    pub context: ErrorContext,
    /// The file it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<u32>,
}

impl WireOut {
    /// As the contract has it. `job` turns the adapter's number of a job into the one of the trace; a job that it does not know makes
    /// the whole answer one that is not known.
    #[must_use]
    pub fn to_contract(&self, job: &dyn Fn(u32) -> Option<JobId>) -> Out {
        match self {
            WireOut::State(state) => Out::State(*state),
            WireOut::Flags(flags) => Out::Flags(NotifyFlags::from_bits_retain(*flags)),
            WireOut::Count(count) => Out::Count(*count),
            WireOut::Text(text) => Out::Text(text.clone().into()),
            WireOut::Jobs(jobs) => {
                jobs.iter().map(|number| job(*number)).collect::<Option<_>>().map_or(Out::None, Out::Jobs)
            }
            WireOut::Job(number) => job(*number).map_or(Out::None, Out::Job),
            WireOut::Files(files) => Out::Files(files.iter().copied().map(FileId).collect()),
            WireOut::File(file) => Out::File(FileId(*file)),
            WireOut::Delay(delay) => Out::Delay(Millis(*delay)),
            WireOut::Priority(priority) => Out::Priority(*priority),
            WireOut::Receiver(receiver) => Out::Receiver(receiver.map(ReceiverId)),
            WireOut::Progress(progress) => Out::Progress(*progress),
            WireOut::FileProgress(progress) => Out::FileProgress(*progress),
            WireOut::Times(times) => Out::Times(*times),
            WireOut::Error(WireError { hr, context, file }) => {
                Out::Error(ErrorInfo { hr: *hr, context: *context, file: file.map(FileId) })
            }
            WireOut::CommandLine(program) => Out::CommandLine(program.clone()),
        }
    }

    /// As an adapter in Rust writes it; none for nothing.
    #[must_use]
    pub fn of(out: &Out) -> Option<WireOut> {
        Some(match out {
            Out::None => return None,
            Out::State(state) => WireOut::State(*state),
            Out::Flags(flags) => WireOut::Flags(flags.bits()),
            Out::Count(count) => WireOut::Count(*count),
            Out::Text(text) => WireOut::Text(text.to_string()),
            Out::Jobs(jobs) => WireOut::Jobs(jobs.iter().map(|job| job.0).collect()),
            Out::Job(job) => WireOut::Job(job.0),
            Out::Files(files) => WireOut::Files(files.iter().map(|file| file.0).collect()),
            Out::File(file) => WireOut::File(file.0),
            Out::Delay(delay) => WireOut::Delay(delay.0),
            Out::Priority(priority) => WireOut::Priority(*priority),
            Out::Receiver(receiver) => WireOut::Receiver(receiver.map(|receiver| receiver.0)),
            Out::Progress(progress) => WireOut::Progress(*progress),
            Out::FileProgress(progress) => WireOut::FileProgress(*progress),
            Out::Times(times) => WireOut::Times(*times),
            Out::Error(error) => WireOut::Error(WireError {
                hr: error.hr,
                context: error.context,
                file: error.file.map(|file| file.0),
            }),
            Out::CommandLine(program) => WireOut::CommandLine(program.clone()),
        })
    }
}
