//! The seams to the network, the disk and other programs, so that a test can put simulated ones in their place.

use std::hash::{Hash as _, Hasher};
use std::io;
use std::path::Path;

use contract::call::Priority;
use contract::{CommandLine, FileId, HResult, JobId};

use super::runtime::Protected;
use crate::store::{Instance, Temporary};
use crate::transfer::Progress;

/// One file to fetch.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Order {
    /// The service, whose number is in the name of the temporary file.
    pub instance: Instance,
    /// The job.
    pub job: JobId,
    /// Its file.
    pub file: FileId,
    /// The URL.
    pub remote: String,
    /// The destination; the bytes go to a temporary file beside it.
    pub local: String,
    /// Bytes that are already in the temporary file.
    pub from: u64,
    /// The job's priority.
    pub priority: Priority,
}

impl Order {
    /// The temporary file.
    #[must_use]
    pub fn temporary(&self) -> Temporary {
        Temporary::beside(Path::new(&self.local), self.instance, self.job, self.file)
    }
}

impl Place {
    /// The temporary file.
    #[must_use]
    pub fn temporary(&self) -> Temporary {
        Temporary::beside(Path::new(&self.local), self.instance, self.job, self.file)
    }
}

/// Fetches files.
pub trait Fetch: Send + Sync + 'static {
    /// Fetches one file and reports on the way, until it is whole, has failed, or a reply is something other than
    /// [`contract::core::TransferReply::Continue`]. The last report is FileDone, Failed, or the one that was answered so.
    fn fetch(&self, order: &Order, progress: &mut dyn Progress);
}

/// One file of a job on the disk.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// The service, whose number is in the name of the temporary file.
    pub instance: Instance,
    /// The job.
    pub job: JobId,
    /// Its file.
    pub file: FileId,
    /// The destination.
    pub local: String,
}

/// What Complete and Cancel do to files. Called without the engine's lock.
pub trait Disk: Send + Sync + 'static {
    /// Renames the temporary file to the destination.
    ///
    /// # Errors
    /// The HRESULT of the file system; the temporary file is still there.
    fn rename(&self, place: &Place) -> Result<(), HResult>;

    /// Removes the temporary file, if there is one.
    ///
    /// # Errors
    /// The HRESULT of the file system; the temporary file is still there.
    fn remove(&self, place: &Place) -> Result<(), HResult>;
}

/// Starts notification programs.
pub trait Programs: Send + Sync + 'static {
    /// Creates the process, and waits for nothing.
    ///
    /// # Errors
    /// There is no process now.
    fn start(&self, line: &CommandLine) -> io::Result<Box<dyn Process>>;
}

/// A process that runs.
pub trait Process: Send {
    /// Waits until it has exited, and gives its exit code.
    fn wait(&mut self) -> i32;
}

/// A process on its way to the thread that waits for it.
impl Protected for Option<Box<dyn Process>> {
    fn digest<H: Hasher>(&self, state: &mut H) {
        self.is_some().hash(state);
    }
}
