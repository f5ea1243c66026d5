//! The events one job can have, in a set of one byte.

use std::ops::{BitAnd, BitOr, Not};

use contract::core::Pending;
use contract::{Event, FileId};

use super::job::MAX_FILES;

/// A set of events of one job. FileTransferred is there once per file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Events(u8);

impl Events {
    pub(super) const NONE: Events = Events(0);
    pub(super) const FILES: Events = Events((1 << MAX_FILES) - 1);
    pub(super) const TRANSFERRED: Events = Events(1 << MAX_FILES);
    pub(super) const ERROR: Events = Events(2 << MAX_FILES);
    pub(super) const MODIFICATION: Events = Events(4 << MAX_FILES);
    pub(super) const ALL: Events = Events((8 << MAX_FILES) - 1);

    /// FileTransferred of one file; nothing for a file the model cannot have.
    pub(super) const fn file(file: u32) -> Events {
        if file < MAX_FILES as u32 { Events(1 << file) } else { Events::NONE }
    }

    /// FileTransferred of the first `count` files.
    pub(super) const fn first_files(count: u8) -> Events {
        Events(((1u16 << count) - 1) as u8 & Events::FILES.0)
    }

    /// One event; nothing for an event that is never generated here, or a FileTransferred without a file.
    pub(super) const fn one(event: Event, file: Option<FileId>) -> Events {
        match (event, file) {
            (Event::JobTransferred, _) => Events::TRANSFERRED,
            (Event::JobError, _) => Events::ERROR,
            (Event::JobModification, _) => Events::MODIFICATION,
            (Event::FileTransferred, Some(file)) => Events::file(file.0),
            (Event::FileTransferred, None) | (Event::FileRangesTransferred, _) => Events::NONE,
        }
    }

    /// An event of a job, and FileTransferred of every file.
    pub(super) const fn all_of(event: Event) -> Events {
        match event {
            Event::FileTransferred => Events::FILES,
            other => Events::one(other, None),
        }
    }

    const fn spelt_out(self) -> Pending {
        let named = [
            (Events::TRANSFERRED, Event::JobTransferred),
            (Events::ERROR, Event::JobError),
            (Events::MODIFICATION, Event::JobModification),
        ];
        let mut pending = Pending::NONE;
        let mut i = 0;
        while i < named.len() {
            if self.contains(named[i].0) {
                pending = pending.with(named[i].1, FileId(0));
            }
            i += 1;
        }
        let mut file = 0;
        while file < MAX_FILES as u32 {
            if self.contains(Events::file(file)) {
                pending = pending.with(Event::FileTransferred, FileId(file));
            }
            file += 1;
        }
        pending
    }

    /// The set when `keep` holds, else nothing.
    pub(super) const fn when(self, keep: bool) -> Events {
        // Without a branch: the guards ask this all the time.
        Events(self.0 * keep as u8)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn contains(self, other: Events) -> bool {
        self.0 & other.0 == other.0
    }

    /// The event that comes first in the order of delivery.
    pub(super) fn first(self) -> Option<Event> {
        let first = Events(self.0 & self.0.wrapping_neg());
        Some(match first {
            Events::NONE => return None,
            Events::TRANSFERRED => Event::JobTransferred,
            Events::ERROR => Event::JobError,
            Events::MODIFICATION => Event::JobModification,
            _ => Event::FileTransferred,
        })
    }

    /// The FileTransferred of the earliest file in the set, if there is one.
    pub(super) const fn first_file(self) -> Events {
        let files = self.0 & Events::FILES.0;
        Events(files & files.wrapping_neg())
    }
}

impl BitAnd for Events {
    type Output = Events;

    fn bitand(self, other: Events) -> Events {
        Events(self.0 & other.0)
    }
}

impl BitOr for Events {
    type Output = Events;

    fn bitor(self, other: Events) -> Events {
        Events(self.0 | other.0)
    }
}

impl Not for Events {
    type Output = Events;

    fn not(self) -> Events {
        Events(!self.0 & Events::ALL.0)
    }
}

impl From<Events> for Pending {
    fn from(events: Events) -> Pending {
        /// Every set, because this is computed for every job in every step.
        const PENDING: [Pending; 1 << (MAX_FILES + 3)] = {
            let mut sets = [Pending::NONE; 1 << (MAX_FILES + 3)];
            let mut set = 0;
            while set < sets.len() {
                sets[set] = Events(set as u8).spelt_out();
                set += 1;
            }
            sets
        };
        PENDING[usize::from((events & Events::ALL).0)]
    }
}
