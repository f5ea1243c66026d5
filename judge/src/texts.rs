//! R11 by what the registers do not hold: names, descriptions, programs, URLs, and how many files a job has.
//!
//! The registers of [`super::registers`] are small, because models carry them. These here belong to whole runs: a value is possible
//! while some setter of it has started, has not failed, and has not been superseded for certain; a getter must give back
//! a value that was possible at some moment while it was open. Texts are compared by their hash. Files cannot be taken back, so
//! their number lies between those added before a getter started and those that may have been added until it is back.

use std::collections::{BTreeMap, BTreeSet};

use contract::call::{Call, Out};
use contract::event::EventView;
use contract::hresult::HResult;
use contract::ids::{CallId, FileId};

use super::failure::fingerprint;

/// What has been set in one job, and the open calls that set or get it.
#[derive(Clone, Hash, Debug, Default)]
pub(crate) struct Texts {
    settled: BTreeMap<Property, BTreeSet<Value>>,
    open: BTreeMap<CallId, Open>,
    /// Files added by calls that are back; none when the job's beginning was not seen.
    files: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
enum Property {
    Name,
    Description,
    /// The path of the notification program.
    Program,
    Remote(FileId),
}

/// The hash of a text; none for no text.
type Value = Option<u32>;

#[derive(Clone, Hash, Debug)]
enum Open {
    /// A setter, and the values that it supersedes if it succeeds.
    Sets(Property, Value, BTreeSet<Value>),
    /// A getter, and the values that it may see; none when a value is possible that was never seen.
    Gets(Property, Option<BTreeSet<Value>>),
    /// Adds this number of files, and whether another call adds some meanwhile.
    Adds(u32, Beside),
    /// Counts the files, and how many were there when it started.
    Counts(u32),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Beside {
    Nothing,
    Another,
}

/// What came of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Read {
    /// It was nothing that is followed.
    Nothing,
    /// It may be so.
    Possible,
    /// No call has set that, or only one that failed.
    Impossible,
}

impl Texts {
    /// Takes in an event of the job, with the ids of the run.
    pub(crate) fn event(&mut self, event: &EventView<'_>) -> Read {
        match *event {
            EventView::Call { id, call, .. } => {
                self.call(id, call);
                Read::Nothing
            }
            // A call that makes another job is none of this one.
            EventView::Return { call: Call::CreateJob { name, .. }, job, hr, out, .. }
                if hr.succeeded() && job.is_some_and(|job| *out == Out::Job(job)) =>
            {
                self.created(name.as_deref());
                Read::Nothing
            }
            EventView::Return { id, call, hr, out, .. } => match self.open.remove(&id) {
                Some(open) => self.back(open, call, hr, out),
                None => Read::Nothing,
            },
            _ => Read::Nothing,
        }
    }

    /// The service died: an open setter may have taken effect.
    pub(crate) fn restart(&mut self) {
        for open in std::mem::take(&mut self.open).into_values() {
            match open {
                Open::Sets(property, value, _) => {
                    if let Some(settled) = self.settled.get_mut(&property) {
                        settled.insert(value);
                    }
                }
                Open::Adds(..) => self.files = None,
                Open::Gets(..) | Open::Counts(_) => {}
            }
        }
    }

    fn created(&mut self, name: Option<&str>) {
        let first = [
            (Property::Name, name.map(hash)),
            (Property::Description, Some(hash(""))),
            (Property::Program, None),
        ];
        self.settled.extend(first.map(|(property, value)| (property, BTreeSet::from([value]))));
        self.files = Some(0);
    }

    fn call(&mut self, id: CallId, call: &Call) {
        let open = match call {
            Call::SetDisplayName { name } => self.sets(Property::Name, name.as_deref().map(hash)),
            Call::SetDescription { description } => {
                self.sets(Property::Description, description.as_deref().map(hash))
            }
            Call::SetNotifyCmdLine { program, .. } => {
                self.sets(Property::Program, program.as_deref().map(hash))
            }
            Call::FileSetRemoteName { file, remote } => {
                self.sets(Property::Remote(*file), Some(hash(remote)))
            }
            Call::GetDisplayName => self.gets(Property::Name),
            Call::GetDescription => self.gets(Property::Description),
            Call::GetNotifyCmdLine => self.gets(Property::Program),
            Call::FileGetRemoteName { file } => self.gets(Property::Remote(*file)),
            Call::AddFile { .. } => self.adds(1),
            Call::AddFileSet { files } => self.adds(u32::try_from(files.len()).unwrap_or(u32::MAX)),
            Call::GetProgress | Call::EnumFiles | Call::EnumFilesGetCount => {
                Open::Counts(self.files.unwrap_or(0))
            }
            _ => return,
        };
        self.open.insert(id, open);
    }

    fn sets(&mut self, property: Property, value: Value) -> Open {
        for open in self.open.values_mut() {
            if let Open::Gets(got, Some(seen)) = open
                && *got == property
            {
                seen.insert(value);
            }
        }
        Open::Sets(property, value, self.settled.get(&property).cloned().unwrap_or_default())
    }

    fn adds(&mut self, files: u32) -> Open {
        let mut own = Beside::Nothing;
        for open in self.open.values_mut() {
            if let Open::Adds(_, other) = open {
                (*other, own) = (Beside::Another, Beside::Another);
            }
        }
        Open::Adds(files, own)
    }

    fn gets(&self, property: Property) -> Open {
        let open = self.open.values().filter_map(|open| match open {
            Open::Sets(set, value, _) if *set == property => Some(*value),
            _ => None,
        });
        Open::Gets(
            property,
            self.settled.get(&property).map(|settled| settled.iter().copied().chain(open).collect()),
        )
    }

    fn back(&mut self, open: Open, call: &Call, hr: HResult, out: &Out) -> Read {
        match open {
            Open::Sets(property, value, superseded) if hr.succeeded() => {
                self.settle(property, value, &superseded);
                Read::Nothing
            }
            Open::Adds(more, beside) if hr.succeeded() => {
                self.added(call, beside);
                self.files = self.files.map(|files| files.saturating_add(more));
                Read::Nothing
            }
            Open::Gets(_, Some(seen)) if hr.succeeded() => match value_of(out) {
                Some(value) if seen.contains(&value) => Read::Possible,
                Some(_) => Read::Impossible,
                None => Read::Nothing,
            },
            Open::Counts(least) if hr.succeeded() => self.counted(least, call, out),
            _ => Read::Nothing,
        }
    }

    fn settle(&mut self, property: Property, value: Value, superseded: &BTreeSet<Value>) {
        let settled = self.settled.entry(property).or_default();
        settled.retain(|old| !superseded.contains(old));
        settled.insert(value);
        for open in self.open.values_mut() {
            if let Open::Sets(other, _, supersedes) = open
                && *other == property
            {
                // It was set after that setter started, so that one does not supersede it for certain.
                supersedes.remove(&value);
            }
        }
    }

    /// A single file has a number that is known when no other call adds one meanwhile.
    fn added(&mut self, call: &Call, beside: Beside) {
        if let (Call::AddFile { file }, Some(number), Beside::Nothing) = (call, self.files, beside) {
            let first = || BTreeSet::from([Some(hash(&file.remote))]);
            self.settled.entry(Property::Remote(FileId(number))).or_insert_with(first);
        }
    }

    fn counted(&self, least: u32, call: &Call, out: &Out) -> Read {
        let number = match (call, out) {
            (Call::GetProgress, Out::Progress(progress)) => progress.files_total,
            (Call::EnumFiles, Out::Files(files)) => u32::try_from(files.len()).unwrap_or(u32::MAX),
            (Call::EnumFilesGetCount, Out::Count(count)) => *count,
            _ => return Read::Nothing,
        };
        let Some(files) = self.files else { return Read::Nothing };
        let open = self.open.values().map(|open| if let Open::Adds(more, _) = open { *more } else { 0 });
        let most = open.fold(files, u32::saturating_add);
        if (least..=most).contains(&number) { Read::Possible } else { Read::Impossible }
    }
}

fn value_of(out: &Out) -> Option<Value> {
    match out {
        Out::Text(text) => Some(Some(hash(text))),
        Out::CommandLine(line) => Some(line.as_ref().map(|line| hash(&line.program))),
        _ => None,
    }
}

fn hash(text: &str) -> u32 {
    fingerprint([text])
}
