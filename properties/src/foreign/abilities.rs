//! Which steps of the model an adapter can take, and what is left out because of it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use adapter::Session;
use adapter::wire::can;
use contract::event::Leave;
use contract::{Call, Event, Interfaces, Method, NotifyFlags};
use model::drive::{DiskResult, From, Stimulus};
use model::scope::{Bytes, Slice};

/// Something that no path has, because the adapter cannot be made to do it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What an adapter can do, as the planner asks for it.
#[derive(Debug)]
pub struct Abilities {
    methods: Vec<Method>,
    events: NotifyFlags,
    interfaces: Interfaces,
    throw: bool,
    nested: bool,
    programs: bool,
    left_out: RefCell<BTreeMap<String, String>>,
}

/// Files that a job of a path may have.
const FILES: u32 = 4;

/// Whether calls from inside of callbacks are wanted: only who makes paths step by step can tell where they make sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Nested {
    Wanted,
    Not,
}

impl Abilities {
    /// What this adapter can do.
    #[must_use]
    pub fn of(session: &Session) -> Abilities {
        let mut events = NotifyFlags::DISABLE;
        let mut interfaces = Interfaces::CALLBACK;
        for event in Event::ALL.into_iter().filter(|event| session.reports(*event)) {
            events |= event.flag();
            interfaces |= event.interface();
        }
        let methods = Method::ALL.iter().copied().filter(|method| session.has(*method)).collect();
        Abilities {
            methods,
            events,
            interfaces,
            throw: session.can(can::THROW),
            nested: session.can(can::NESTED),
            programs: session.can(can::PROGRAMS),
            left_out: RefCell::default(),
        }
    }

    /// Whether a method is passed on.
    #[must_use]
    pub fn has(&self, method: Method) -> bool {
        self.methods.contains(&method)
    }

    /// The events that are passed on, as flags.
    #[must_use]
    pub fn events(&self) -> NotifyFlags {
        self.events
    }

    /// Whether the implementation can be made to take this step. What cannot is noted.
    #[must_use]
    pub fn allows(&self, stimulus: &Stimulus) -> bool {
        self.allows_nested(stimulus, Nested::Not)
    }

    /// Whether the implementation can be led along paths of a slice. What cannot is noted.
    #[must_use]
    pub fn fits(&self, slice: &Slice) -> bool {
        let why = if slice.jobs > 1 {
            Some(("two jobs at once", "the service chooses itself which of them it serves"))
        } else if slice.bytes != Bytes::Whole {
            Some(("single bytes of a transfer", "the protocol does not count them"))
        } else {
            None
        };
        if let Some((what, why)) = why {
            self.left_out.borrow_mut().insert(what.to_owned(), why.to_owned());
        }
        why.is_none()
    }

    pub(super) fn allows_nested(&self, stimulus: &Stimulus, nested: Nested) -> bool {
        match self.hindrance(stimulus, nested) {
            None => true,
            Some((what, why)) => {
                self.left_out.borrow_mut().entry(what).or_insert_with(|| why.to_owned());
                false
            }
        }
    }

    /// What was left out so far.
    #[must_use]
    pub fn left_out(&self) -> Vec<LeftOut> {
        let left_out = self.left_out.borrow();
        left_out.iter().map(|(what, why)| LeftOut { what: what.clone(), why: why.clone() }).collect()
    }

    fn hindrance(&self, stimulus: &Stimulus, nested: Nested) -> Option<(String, &'static str)> {
        let not = |is_there: bool, what: &str, why: &'static str| (!is_there).then(|| (what.to_owned(), why));
        match stimulus {
            Stimulus::Call { from: From::Client(_), call, .. } => self.of_call(call),
            Stimulus::Call { from: From::Callback(_), call, .. } if nested == Nested::Wanted => {
                not(self.nested, "calls from inside of callbacks", "the adapter cannot order them (`nested`)")
                    .or_else(|| self.of_call(call))
            }
            Stimulus::Call { from: From::Callback(_), .. } => {
                Some(("calls from inside of callbacks in suites".to_owned(), "random paths have them"))
            }
            Stimulus::Call { from: From::User(_), .. } => {
                Some(("calls of a second user".to_owned(), "the protocol has one user"))
            }
            Stimulus::Disk { result, .. } => not(
                *result == DiskResult::Good,
                "disk work that fails",
                "suites for adapters do not order it yet",
            ),
            Stimulus::Leave { leave: Leave::Panicked, .. } => {
                not(self.throw, "callbacks that throw", "the adapter cannot order them (`throw`)")
            }
            Stimulus::Exit { .. } => {
                not(self.programs, "notification programs", "the adapter has none (`programs`)")
            }
            Stimulus::Logoff(_) => Some(("logoff".to_owned(), "the protocol has no users that log off")),
            Stimulus::NetworkLost | Stimulus::NetworkBack => {
                Some(("loss of the network".to_owned(), "the protocol cannot order it"))
            }
            Stimulus::Timeout => Some(("time that passes".to_owned(), "no path moves the clock")),
            // What comes too late cannot be made to come from outside.
            Stimulus::Late(_) => {
                Some(("reports that come too late".to_owned(), "nobody outside can make them"))
            }
            Stimulus::Transfer { .. }
            | Stimulus::Turn
            | Stimulus::Begin(_)
            | Stimulus::Enter(_)
            | Stimulus::Leave { .. } => None,
        }
    }

    fn of_call(&self, call: &Call) -> Option<(String, &'static str)> {
        let method = call.method();
        if !self.has(method) {
            return Some((method.to_string(), "the adapter does not pass it on"));
        }
        match call {
            Call::SetNotifyFlags { flags } => {
                let unknown = NotifyFlags::from_bits_retain(*flags).difference(self.events);
                let named = Event::ALL.into_iter().find(|event| unknown.contains(event.flag()));
                named.map(|event| (event.to_string(), "the adapter does not pass the event on"))
            }
            Call::SetNotifyInterface { receiver: Some(receiver) } => {
                let unknown = receiver.interfaces.difference(self.interfaces);
                (!unknown.is_empty()).then(|| {
                    (
                        format!("objects with {unknown}"),
                        "the adapter does not pass the events of that interface on",
                    )
                })
            }
            Call::FileGetRemoteName { file }
            | Call::FileGetLocalName { file }
            | Call::FileGetProgress { file }
            | Call::FileGetFileRanges { file }
            | Call::FileSetRemoteName { file, .. }
                if file.0 >= FILES =>
            {
                Some(("calls on a file that was not added".to_owned(), "a client has no object for it"))
            }
            Call::SetNotifyCmdLine { .. } if !self.programs => {
                Some(("notification programs".to_owned(), "the adapter has none (`programs`)"))
            }
            _ => None,
        }
    }
}
