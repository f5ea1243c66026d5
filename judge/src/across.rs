//! The rules about several jobs at once: R9 and R16, as one small value.
//!
//! Which calls are open and which callbacks run, over all jobs. R9 counts the callbacks of a user; R16 decides, when nothing moves
//! any more, who is to blame for a call that is still open. What R9 needs of one job is kept with the job's other monitors.

use contract::call::Call;
use contract::event::{Caller, EventView, Target};
use contract::ids::{CallId, DeliveryId, JobId, UserId};
use contract::{Rule, RuleSet};

use super::monitor::Outcome;

/// Callbacks of one user at once (facts C3.3).
pub const CALLBACK_SLOTS: u32 = 4;

/// The monitors of a whole run.
///
/// What is open stands in the order of its ids, so equal situations are equal values, whatever came first.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Across {
    calls: Vec<Calling>,
    running: Vec<Running>,
    carried: RuleSet,
    slots: u32,
}

/// A call that is not back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Calling {
    id: CallId,
    job: Option<JobId>,
    caller: Caller,
    /// The open call out of which it is made: the engine let go of an object, and the object's destructor calls.
    out_of: Option<CallId>,
    risk: Risk,
}

impl Calling {
    /// Whether a call of this caller, which may be for another user, is made on the thread of this call.
    fn is_of_thread(&self, other: Caller) -> bool {
        (self.caller.thread, self.caller.inside) == (other.thread, other.inside)
    }
}

/// Whether a service that is wrong could have blocked the call for good.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Risk {
    /// It was made outside callbacks, and no callback of its job ran meanwhile.
    None,
    /// It was made from inside a callback, or while a callback of its job ran.
    Callback,
}

/// A callback of an object that has not left. Programs are not followed: they hold no slot and no call waits for them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Running {
    delivery: DeliveryId,
    job: JobId,
    user: Option<UserId>,
    called: Called,
}

/// Whether a callback has called the engine: from then on no call may wait for it (contract section 4, clause 4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Called {
    No,
    Yes,
}

impl Across {
    /// Nothing is open. `slots` is how many callbacks of one user may run at once.
    #[must_use]
    pub(crate) fn new(rules: RuleSet, slots: u32) -> Self {
        let carried = rules.intersection(RuleSet::of(&[Rule::R9, Rule::R16, Rule::R19]));
        Across { calls: Vec::new(), running: Vec::new(), carried, slots }
    }

    /// Takes in an event, and returns which rules it violates. `owner` is the user whose job it is about; without one, R9 does
    /// not count the callback.
    pub(crate) fn step(
        &mut self,
        owner: Option<UserId>,
        event: &EventView<'_>,
        exercised: &mut RuleSet,
    ) -> RuleSet {
        if self.carried.is_empty() {
            return RuleSet::EMPTY;
        }
        let (rule, outcome) = match *event {
            EventView::Call { id, caller, job, call } => {
                self.calls_from(caller.inside);
                // Of another implementation's own methods nothing is known, not even what they wait for.
                if !matches!(call, Call::Other { .. }) {
                    self.call(id, job, caller);
                }
                return RuleSet::EMPTY;
            }
            EventView::Return { id, .. } => (Rule::R16, self.return_of(id)),
            EventView::Enter { delivery, job, target: Target::Interface(_), .. } => {
                (Rule::R9, self.enter(delivery, job, owner))
            }
            EventView::Leave { delivery, .. } => {
                self.running.retain(|running| running.delivery != delivery);
                return RuleSet::EMPTY;
            }
            _ => return RuleSet::EMPTY,
        };
        self.noted(rule, outcome, exercised)
    }

    /// The service died: nothing is open any more.
    pub(crate) fn restart(&mut self) {
        self.calls.clear();
        self.running.clear();
    }

    /// R16, when nothing moves any more: the jobs of open calls that no client is to blame for; of the manager's calls none.
    pub(crate) fn stuck(&self) -> impl Iterator<Item = Option<JobId>> {
        let carried = self.carried.contains(Rule::R16);
        let blamed = move |call: &&Calling| carried && !self.is_amid(call.id) && !self.is_excused(call.job);
        self.calls.iter().filter(blamed).map(|call| call.job)
    }

    /// Whether the open calls on the job wait for the client's code that they run, and for nothing else that is known.
    pub(crate) fn runs_client_code(&self, job: JobId) -> bool {
        let mut own = self.calls.iter().filter(|call| call.job == Some(job)).peekable();
        own.peek().is_some() && own.all(|call| self.is_amid(call.id))
    }

    /// Whether no callback runs.
    #[must_use]
    pub(crate) fn is_quiet(&self) -> bool {
        self.running().next().is_none()
    }

    /// R9, when nothing moves any more: whether a job of `user` that still has an event to deliver is kept from it by the
    /// callbacks of another user.
    #[must_use]
    pub(crate) fn is_starved(&self, user: UserId, job: JobId) -> bool {
        let own = self.running().any(|running| running.job == job);
        !own && self.count(user) < self.slots && self.is_another_full(user)
    }

    /// The callback has called the engine.
    fn calls_from(&mut self, inside: Option<DeliveryId>) {
        for running in self.running.iter_mut().filter(|running| Some(running.delivery) == inside) {
            running.called = Called::Yes;
        }
    }

    fn call(&mut self, id: CallId, job: Option<JobId>, caller: Caller) {
        let told = self.running().any(|running| Some(running.job) == job);
        let risk = if told || caller.inside.is_some() { Risk::Callback } else { Risk::None };
        let out_of = self.calls.iter().find(|call| call.is_of_thread(caller) && !self.is_amid(call.id));
        let out_of = out_of.map(|call| call.id);
        put(&mut self.calls, Calling { id, job, caller, out_of, risk }, |call| call.id);
    }

    /// Whether client code runs inside the call: it waits for that, whatever else it waits for.
    fn is_amid(&self, id: CallId) -> bool {
        self.calls.iter().any(|call| call.out_of == Some(id))
    }

    /// A call that came back although a callback could have kept it is a decision.
    fn return_of(&mut self, id: CallId) -> Outcome {
        let Ok(place) = self.calls.binary_search_by_key(&id, |call| call.id) else { return Outcome::Held };
        match self.calls.remove(place).risk {
            Risk::Callback => Outcome::Exercised,
            Risk::None => Outcome::Held,
        }
    }

    /// The limit is a decision where it is met, and so is another user's limit that did not stop this one.
    fn enter(&mut self, delivery: DeliveryId, job: JobId, user: Option<UserId>) -> Outcome {
        for call in self.calls.iter_mut().filter(|call| call.job == Some(job)) {
            call.risk = Risk::Callback;
        }
        let outcome = user.map_or(Outcome::Held, |user| match self.count(user) + 1 {
            now if now > self.slots => Outcome::Violated,
            now if now == self.slots || self.is_another_full(user) => Outcome::Exercised,
            _ => Outcome::Held,
        });
        let running = Running { delivery, job, user, called: Called::No };
        put(&mut self.running, running, |running| running.delivery);
        outcome
    }

    fn noted(&self, rule: Rule, outcome: Outcome, exercised: &mut RuleSet) -> RuleSet {
        if !self.carried.contains(rule) || outcome == Outcome::Held {
            return RuleSet::EMPTY;
        }
        *exercised = exercised.with(rule);
        if outcome == Outcome::Violated { RuleSet::of(&[rule]) } else { RuleSet::EMPTY }
    }

    fn is_excused(&self, job: Option<JobId>) -> bool {
        self.running().any(|running| Some(running.job) == job && running.called == Called::No)
    }

    fn is_another_full(&self, user: UserId) -> bool {
        let others = self.running().filter_map(|running| running.user).filter(|other| *other != user);
        others.into_iter().any(|other| self.count(other) >= self.slots)
    }

    fn count(&self, user: UserId) -> u32 {
        self.running().map(|running| u32::from(running.user == Some(user))).sum()
    }

    fn running(&self) -> impl Iterator<Item = &Running> {
        self.running.iter()
    }
}

/// Adds one in the order of ids, behind those with an equal id.
fn put<T, I: Ord>(open: &mut Vec<T>, what: T, id: impl Fn(&T) -> I) {
    let place = open.partition_point(|other| id(other) <= id(&what));
    open.insert(place, what);
}
