//! The race windows: which call took effect while another thread stood at which step.
//!
//! **What it is.** A table, methods by steps. A cell counts how often a call of the method got the lock while another thread stood at
//! the step. An empty cell is a race that was never run, whatever the number of schedules.
//!
//! **What it is not.** Coverage of code. Which lines run does not depend on whether a Cancel comes before or after a callback has entered.

use std::collections::BTreeMap;

use contract::Method;
use contract::answers::{self, Class};
use serde::{Deserialize, Serialize};

/// A list of words: an enum, each value with its name, by which it is also written down.
macro_rules! words {
    ($(#[$of:meta])* $kind:ident { $($(#[$doc:meta])* $name:ident = $text:literal;)* }) => {
        $(#[$of])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        pub enum $kind {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl $kind {
            /// Every one, in their order.
            pub const ALL: &'static [$kind] = &[$($kind::$name,)*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($kind::$name => $text,)* }
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

pub(super) use words;

words! {
    /// A row: what is called.
    Row {
        /// Cancel.
        Cancel = "Cancel";
        /// Complete.
        Complete = "Complete";
        /// SetNotifyInterface, also with NULL.
        SetNotifyInterface = "SetNotifyInterface";
        /// SetNotifyFlags.
        SetNotifyFlags = "SetNotifyFlags";
        /// SetNotifyCmdLine.
        SetNotifyCmdLine = "SetNotifyCmdLine";
        /// Resume.
        Resume = "Resume";
        /// Suspend.
        Suspend = "Suspend";
        /// AddFile and AddFileSet.
        AddFile = "AddFile";
        /// The other setters.
        Setters = "other setters";
        /// Every getter.
        Getters = "getters";
        /// CreateJob and the other methods of the manager.
        Manager = "manager";
    }
}

words! {
    /// A column: where another thread stands.
    Step {
        /// It has called, and has not got the lock yet.
        Called = "called";
        /// It waits until another call is done with the disk.
        Finalising = "queued";
        /// It is in the disk work of a Complete or Cancel.
        Disk = "disk";
        /// It waits at the barrier.
        Barrier = "barrier";
        /// Its call is done and has not returned.
        Returning = "return";
        /// Its delivery has begun and has not entered.
        Begun = "begun";
        /// It is in a client's callback.
        InCallback = "callback";
        /// Its callback is back, and the service does not know yet.
        Left = "left";
        /// It has taken a transfer on.
        Fetching = "fetch";
        /// Its transfer is about to report.
        Reporting = "report";
    }
}

/// See the module's documentation.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Windows {
    cells: BTreeMap<Row, [u64; Step::ALL.len()]>,
}

/// One cell: a call that took effect, or would have, while another thread stood at a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Window {
    /// What is called.
    pub row: Row,
    /// Where another thread stands.
    pub step: Step,
}

impl Windows {
    /// How often a call of this row took effect while another thread stood there.
    #[must_use]
    pub fn of(&self, row: Row, step: Step) -> u64 {
        self.cells.get(&row).map_or(0, |cells| cells[step as usize])
    }

    /// The cells that were never hit, row by row.
    #[must_use]
    pub fn empty(&self) -> Vec<Window> {
        Window::all().filter(|window| self.of(window.row, window.step) == 0).collect()
    }

    /// A window was hit once more.
    pub fn count(&mut self, window: Window) {
        self.cells.entry(window.row).or_default()[window.step as usize] += 1;
    }
}

impl Row {
    /// The row of a method.
    #[must_use]
    pub const fn of(method: Method) -> Row {
        match method {
            Method::Cancel => Row::Cancel,
            Method::Complete => Row::Complete,
            Method::SetNotifyInterface => Row::SetNotifyInterface,
            Method::SetNotifyFlags => Row::SetNotifyFlags,
            Method::SetNotifyCmdLine => Row::SetNotifyCmdLine,
            Method::Resume => Row::Resume,
            Method::Suspend => Row::Suspend,
            Method::AddFile | Method::AddFileSet => Row::AddFile,
            _ => match answers::class(method) {
                Class::Manager => Row::Manager,
                Class::Setter => Row::Setters,
                _ => Row::Getters,
            },
        }
    }
}

impl Window {
    /// How many there are.
    pub const ALL: usize = Row::ALL.len() * Step::ALL.len();

    /// Every one, row by row.
    pub fn all() -> impl Iterator<Item = Window> {
        Row::ALL.iter().flat_map(|row| Step::ALL.iter().map(|step| Window { row: *row, step: *step }))
    }

    /// Its number among all, below [`Window::ALL`].
    #[must_use]
    pub const fn place(self) -> usize {
        self.row as usize * Step::ALL.len() + self.step as usize
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} while another thread stands at {}", self.row, self.step)
    }
}
