//! Which steps of the model an adapter can take, and what is left out because of it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use adapter::Session;
use adapter::wire::can;
use contract::call::Whose;
use contract::event::Leave;
use contract::{Call, Core, Event, Interfaces, JobId, Method, NotifyFlags};
use judge::Rule;
use model::drive::{DiskResult, From, Stimulus};
use model::lockstep::Lockstep;
use model::scope::{Bytes, Slice};
use model::suite::goes_on;

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
    pub(super) can: Vec<String>,
    left_out: RefCell<BTreeMap<String, String>>,
}

/// Getters of what a method sets.
const GETTERS: [Method; 8] = [
    Method::GetNotifyFlags,
    Method::GetNotifyInterface,
    Method::GetNotifyCmdLine,
    Method::GetDisplayName,
    Method::GetDescription,
    Method::GetPriority,
    Method::GetMinimumRetryDelay,
    Method::GetNoProgressTimeout,
];

/// Files that a job of a path may have.
const FILES: u32 = 4;

/// Whether a call asks for a job that the specification does not have, and that an implementation may have: E_NOTIMPL is a law of our engine.
pub(super) const fn is_no_download(call: &Call) -> bool {
    matches!(call, Call::CreateJob { kind: 1.., .. })
}

/// What a step is wanted for: only a caller that makes paths step by step can decide where some of them make sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Occasion {
    Suite,
    Walk,
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
        if session.can(can::CALLBACK3) {
            interfaces |= Interfaces::CALLBACK3;
        }
        let methods = Method::ALL.iter().copied().filter(|method| session.has(*method)).collect();
        Abilities {
            methods,
            events,
            interfaces,
            can: can::ALL.into_iter().filter(|word| session.can(word)).map(str::to_owned).collect(),
            left_out: RefCell::default(),
        }
    }

    /// Those of an adapter that can do everything.
    #[cfg(test)]
    pub(super) fn everything() -> Abilities {
        Abilities {
            methods: Method::ALL.to_vec(),
            events: NotifyFlags::all(),
            interfaces: Interfaces::all(),
            can: can::ALL.map(str::to_owned).to_vec(),
            left_out: RefCell::default(),
        }
    }

    /// As those of an adapter without objects of the third version.
    #[cfg(test)]
    pub(super) fn forget_third_version(&mut self) {
        self.interfaces.remove(Interfaces::CALLBACK3);
    }

    /// Whether a method is passed on.
    #[must_use]
    pub fn has(&self, method: Method) -> bool {
        self.methods.contains(&method)
    }

    /// Whether all of these methods are passed on.
    pub(super) fn has_all(&self, methods: &[Method]) -> bool {
        methods.iter().all(|method| self.has(*method))
    }

    /// What is missing for a rule to have anything to decide; nothing where all is there that it needs.
    pub(super) fn missing_for(&self, rule: Rule) -> Option<&'static str> {
        let calls_back =
            self.has(Method::SetNotifyInterface) && !self.events.difference(NotifyFlags::DISABLE).is_empty();
        let can = |word: &str| self.can.iter().any(|known| known == word);
        let has = |methods: &[Method]| methods.iter().any(|method| self.has(*method));
        let (is_there, what) = match rule {
            Rule::R1 => (calls_back && has(&[Method::Cancel]), "callbacks and Cancel"),
            Rule::R2 => (calls_back && has(&[Method::SetNotifyFlags]), "callbacks and SetNotifyFlags"),
            Rule::R3 => (calls_back, "callbacks and SetNotifyInterface"),
            Rule::R4 => (calls_back && has(&[Method::Complete]), "callbacks and Complete"),
            Rule::R9 => (calls_back && can(can::HOLD), "callbacks that can be held (`hold`)"),
            Rule::R10 => (has(&[Method::GetJob, Method::EnumJobs]), "GetJob or EnumJobs"),
            Rule::R11 => (has(&GETTERS), "a method and the getter of what it sets"),
            Rule::R16 => (
                calls_back && (can(can::HOLD) || can(can::NESTED)),
                "callbacks that are held or call (`hold`, `nested`)",
            ),
            _ => (true, ""),
        };
        (!is_there).then_some(what)
    }

    /// The events that are passed on, as flags.
    #[must_use]
    pub fn events(&self) -> NotifyFlags {
        self.events
    }

    /// Whether the implementation can be made to take this step. What cannot is noted.
    #[must_use]
    pub fn allows(&self, stimulus: &Stimulus) -> bool {
        self.allows_on(stimulus, Occasion::Suite)
    }

    /// Whether the implementation can be led along paths of a slice. What cannot is noted.
    #[must_use]
    pub fn fits(&self, slice: &Slice) -> bool {
        let why = if slice.jobs > 1 {
            Some(("two jobs at once in suites", "random paths have them"))
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

    /// Whether callbacks can be held. Noted where they cannot.
    pub(super) fn can_hold(&self) -> bool {
        self.note(self.word(can::HOLD, "calls while a callback is held"))
    }

    /// Whether calls wait for callbacks that are inside when they have to, and for no others. Noted where that is not known.
    pub(super) fn waits_for_what_it_must(&self) -> bool {
        let what = "Resume while an older callback is inside";
        self.note(self.word(can::WAITS, what).map(|_| {
            (what.to_owned(), "the adapter does not promise for what it waits (`waits`)".to_owned())
        }))
    }

    /// Whether paths may have two users.
    pub(super) fn has_users(&self) -> bool {
        self.allows_on(&Stimulus::Logoff(contract::UserId(1)), Occasion::Walk)
    }

    /// Whether what goes on now can be kept where it is while something else is done. What cannot is noted.
    pub(super) fn can_keep<C: Core, const J: usize>(&self, state: &Lockstep<C, J>) -> bool {
        if !goes_on(state) {
            return true;
        }
        let is_fetching = |job| state.driver().core().transfer(job).is_some();
        let transfers = (0..J as u32).map(JobId).any(is_fetching);
        let stall = self.word(can::STALL, "calls while a transfer stalls");
        let hold = self.word(can::HOLD, "calls while a callback is held");
        let hindrance = stall.filter(|_| transfers).or(hold.filter(|_| !state.driver().is_quiet()));
        self.note(hindrance)
    }

    fn word(&self, word: &'static str, what: &str) -> Option<(String, String)> {
        let has = self.can.iter().any(|known| known == word);
        (!has).then(|| (what.to_owned(), format!("the adapter cannot order them (`{word}`)")))
    }

    fn note(&self, hindrance: Option<(String, String)>) -> bool {
        let Some((what, why)) = hindrance else { return true };
        self.left_out.borrow_mut().entry(what).or_insert(why);
        false
    }

    pub(super) fn allows_on(&self, stimulus: &Stimulus, occasion: Occasion) -> bool {
        self.note(self.hindrance(stimulus, occasion))
    }

    /// Notes what others have left out.
    pub(super) fn note_all(&self, others: Vec<LeftOut>) {
        for LeftOut { what, why } in others {
            self.left_out.borrow_mut().entry(what).or_insert(why);
        }
    }

    /// What was left out so far.
    #[must_use]
    pub fn left_out(&self) -> Vec<LeftOut> {
        let left_out = self.left_out.borrow();
        left_out.iter().map(|(what, why)| LeftOut { what: what.clone(), why: why.clone() }).collect()
    }

    fn hindrance(&self, stimulus: &Stimulus, occasion: Occasion) -> Option<(String, String)> {
        let in_suites = |what: &str| {
            (occasion == Occasion::Suite)
                .then(|| (format!("{what} in suites"), "random paths have them".to_owned()))
        };
        match stimulus {
            Stimulus::Call { from: From::Client(_), call, .. } => self.of_call(call),
            Stimulus::Call { from: From::Callback(inside), job, call } => {
                let others = job.is_some_and(|job| job != *inside);
                in_suites("calls from inside of callbacks")
                    .or_else(|| self.word(can::NESTED, "calls from inside of callbacks"))
                    .or_else(|| {
                        self.word(can::NESTED_JOBS, "calls from inside on other jobs").filter(|_| others)
                    })
                    .or_else(|| self.of_call(call))
            }
            Stimulus::Call { from: From::User(_), call, .. } => {
                self.word(can::USERS, "calls of a second user").or_else(|| self.of_call(call))
            }
            Stimulus::Disk { result: DiskResult::Good, .. } => None,
            Stimulus::Disk { .. } => self.word(can::DISK, "disk work that fails"),
            Stimulus::Leave { leave: Leave::Panicked, .. } => self.word(can::THROW, "callbacks that throw"),
            Stimulus::Exit { .. } => self.programs(),
            Stimulus::Logoff(_) => {
                in_suites("logoff").or_else(|| self.word(can::USERS, "users that log off"))
            }
            Stimulus::NetworkLost | Stimulus::NetworkBack => in_suites("losses of the network")
                .or_else(|| self.word(can::NETWORK, "losses of the network")),
            Stimulus::Timeout => {
                in_suites("moves of the clock").or_else(|| self.word(can::CLOCK, "moves of the clock"))
            }
            // What comes too late cannot be made to come from outside.
            Stimulus::Late(_) => {
                Some(("reports that come too late".to_owned(), "they cannot be made from outside".to_owned()))
            }
            Stimulus::Transfer { .. }
            | Stimulus::Turn
            | Stimulus::Begin(_)
            | Stimulus::Enter(_)
            | Stimulus::Leave { .. } => None,
        }
    }

    fn programs(&self) -> Option<(String, String)> {
        let has = self.can.iter().any(|known| known == can::PROGRAMS);
        let why = || "the adapter has none (`programs`)".to_owned();
        (!has).then(|| ("notification programs".to_owned(), why()))
    }

    fn of_call(&self, call: &Call) -> Option<(String, String)> {
        let method = call.method();
        if !self.has(method) {
            return Some((method.to_string(), "the adapter does not pass it on".to_owned()));
        }
        match call {
            call if is_no_download(call) => Some((
                "jobs that are no downloads".to_owned(),
                "the documents have uploads, and the specification has none (facts B3)".to_owned(),
            )),
            Call::SetNotifyFlags { flags } => {
                let unknown = NotifyFlags::from_bits_retain(*flags).difference(self.events);
                let named = Event::ALL.into_iter().find(|event| unknown.contains(event.flag()));
                named.map(|event| (event.to_string(), "the adapter does not pass the event on".to_owned()))
            }
            Call::SetNotifyInterface { receiver: Some(receiver) } => {
                let unknown = receiver.interfaces.difference(self.interfaces);
                (!unknown.is_empty()).then(|| {
                    (
                        format!("objects with {unknown}"),
                        if unknown == Interfaces::CALLBACK3 {
                            "the adapter does not make them (`callback3`)".to_owned()
                        } else {
                            "the adapter does not pass the events of that interface on".to_owned()
                        },
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
                Some((
                    "calls on a file that was not added".to_owned(),
                    "a client has no object for it".to_owned(),
                ))
            }
            Call::SetNotifyCmdLine { .. } => self.programs(),
            // Who has no second user may be an administrator, who may list all.
            Call::EnumJobs { whose: Whose::All } => self.word(can::USERS, "lists of the jobs of all users"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::{Core as _, Dialect};
    use engine::core::Core;
    use model::scope::ScopeName;
    use model::suite::{Cover, Pace};

    use super::*;
    use crate::suite::{Order, generate_for, steps_of};

    /// BITS has uploads. That they are E_NOTIMPL is a law of our engine, whose suites ask for them.
    #[test]
    fn no_other_implementation_is_asked_for_an_upload() {
        for dialect in [Dialect::Bits, Dialect::Do] {
            let (cover, scope, pace) = (Cover::Sneak, ScopeName::Tiny, Pace::Untimed);
            let order = Order { cover, dialect, scope, pace, longest: 60 };
            let abilities = Abilities::everything();
            let uploads = |allows: &dyn Fn(&Stimulus) -> bool| {
                let made =
                    generate_for(&order, Core::new, (&|slice| abilities.fits(slice), allows), &|_, _| ());
                let suite = made.expect("the engine's core is right");
                let steps =
                    suite.cases.iter().flat_map(|case| steps_of(&case.trace).expect("a path of ours"));
                let is_upload =
                    |step: &Stimulus| matches!(step, Stimulus::Call { call, .. } if is_no_download(call));
                steps.filter(is_upload).count()
            };
            assert_eq!(uploads(&|step| abilities.allows(step)), 0, "{dialect}");
            assert!(uploads(&|_| true) > 0, "{dialect}: ours are asked for none any more");
            let left_out = abilities.left_out();
            assert!(left_out.iter().any(|left| left.why.contains("facts B3")), "{left_out:?}");
        }
    }
}
