//! The ways to go at each moment of a run, and the choice among them.
//!
//! **What it is.** Whenever a task comes to a scheduling point, [`Inner::decide`] lists who could go on, lets the strategy choose where
//! there are several, and writes down what was chosen. So are the waiters chosen that a notification wakes.
//!
//! **The law it keeps.** The first way is always "on as before", and time passes last. A run has an end: after [`DECISIONS`] it is cut.

use judge::trace::{ChooseLine, Kind};
use judge::{Ended, Line};

use super::strategy::{Options, What};
use super::world::{Choice, Deadline, Events, HOST, Idle, Inner, Mode, Name, Ticking, Turn, Went};

/// Scheduling decisions of one run at most; then it is cut. No program of the sizes used here comes near.
const DECISIONS: usize = 20_000;

/// What a choice ends with that forces a switch, after the name of who is stopped.
const STOPPED: &str = " is stopped";

/// Who is stopped where time passes although a thread could go on.
const OTHERS: &str = "every thread";

/// What part the host has in a choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Host {
    /// None.
    Waits,
    /// It is the environment, and comes last: a strategy that always takes the first way lets time pass only when no task can move.
    LetsTimePass,
    /// It is a task like any other.
    TakesPart,
}

/// The ways to go, of tasks in the order of their numbers: on with the one that runs, then the others in turn from there.
pub fn list_ways(ways: &mut Vec<usize>, runnable: &[usize], current: usize, host: Host) {
    let takes_part = |task: &usize| host == Host::TakesPart || *task != HOST;
    ways.clear();
    ways.extend(Some(current).filter(|task| runnable.contains(task) && takes_part(task)));
    let later = runnable.iter().copied().filter(|task| *task > current);
    let earlier = runnable.iter().copied().filter(|task| *task < current);
    ways.extend(later.chain(earlier).filter(takes_part));
    if host == Host::LetsTimePass {
        ways.push(HOST);
    }
}

/// Whether a line of a race's trace is a switch away from a thread that could go on, or time that passes although one could.
#[must_use]
pub fn is_forced_switch(line: &Line) -> bool {
    matches!(&line.what, Kind::Choose(choose) if choose.options > 1 && choose.site.ends_with(STOPPED))
}

impl Inner {
    /// Which task runs next, of these, in the order of their numbers. None when no task can go on, and the host cannot either.
    pub(super) fn decide(&mut self, runnable: &mut Vec<usize>) -> Option<usize> {
        self.decisions += 1;
        // The host leads a task up to the lock that it waits for.
        if self.mode != Mode::Led {
            runnable.retain(|task| self.locks.lets_go_on(*task));
        }
        let next = self.choose(runnable).filter(|next| runnable.contains(next));
        match next {
            Some(next) => self.current = next,
            None => self.give_up(),
        }
        next
    }

    /// The host itself cannot go on, because a lock is never given back: the run ends here, and what it came to is judged.
    fn give_up(&mut self) {
        if self.result.is_none() {
            let ended = if self.decisions > DECISIONS { Ended::Cut } else { Ended::AtRest };
            self.result = Some((ended, self.end_events()));
        }
    }

    fn choose(&mut self, runnable: &[usize]) -> Option<usize> {
        let goes_on = runnable.contains(&self.current);
        if goes_on && (self.pinned > 0 || self.mode == Mode::Preparing) {
            return Some(self.current);
        }
        if self.mode == Mode::Led {
            let led = self.led.take().filter(|task| runnable.contains(task));
            if self.current == HOST {
                self.went = if led.is_some() { Went::Yes } else { Went::No };
            }
            return Some(led.unwrap_or(HOST));
        }
        self.list(runnable);
        if self.decisions > DECISIONS {
            self.turn = Turn::TooLong;
            // When the run is over already, not even everything that is released comes to its end.
            return (self.mode != Mode::Over).then_some(HOST);
        }
        if self.mode == Mode::Racing {
            return Some(self.race(runnable));
        }
        Some(self.options.first().copied().unwrap_or(HOST))
    }

    /// The ways to go: on with who runs, then the others in turn from there. The host is none of them while it waits.
    fn list(&mut self, runnable: &[usize]) {
        let host = match (self.mode, self.ticking) {
            (Mode::Racing, Ticking::No) if self.deadline != Deadline::None => Host::LetsTimePass,
            (Mode::Racing | Mode::Settling, Ticking::No) => Host::Waits,
            _ => Host::TakesPart,
        };
        list_ways(&mut self.options, runnable, self.current, host);
    }

    fn race(&mut self, runnable: &[usize]) -> usize {
        let what = self.what();
        self.turn = if what == What::GoesOnOrTime { Turn::Tick } else { Turn::Rest };
        if self.is_known(runnable) {
            self.end_at_known();
            let first = self.options.first().copied().unwrap_or(HOST);
            return if runnable.contains(&HOST) { HOST } else { first };
        }
        match *self.options {
            [] => HOST,
            [only] => only,
            _ => {
                let taken = self.take(what);
                self.recall(runnable);
                let next = self.options[taken];
                if self.writes() {
                    let site = self.site(taken, what);
                    self.write_choice(site);
                }
                next
            }
        }
    }

    /// What the choice of who goes on is about.
    pub(super) fn what(&self) -> What {
        match (self.deadline, self.ticking) {
            (Deadline::None, _) | (_, Ticking::Yes) => What::GoesOn,
            (_, Ticking::No) => What::GoesOnOrTime,
        }
    }

    /// The run ends here, whichever task has the turn: what it came to is judged, and the tasks come to their ends unrecorded.
    fn end_at_known(&mut self) {
        self.turn = Turn::Known;
        self.result = Some((Ended::Cut, self.end_events()));
        self.be_over();
    }

    /// The place of one of the options, which the strategy chooses.
    fn take(&mut self, what: What) -> usize {
        let ways = self.options.len().min(usize::from(u8::MAX));
        let taken =
            self.strategy.choose(&Options { tasks: &self.options[..ways], what, current: self.current })
                % ways;
        self.choices.push(Choice { options: ways as u8, taken: taken as u8 });
        self.seq += 1;
        taken
    }

    /// The choice that was made last becomes a line of the trace.
    fn write_choice(&mut self, site: String) {
        let (seq, Some(Choice { options, taken })) = (self.seq, self.choices.last().copied()) else { return };
        let what = Kind::Choose(ChooseLine { site, options: u32::from(options), taken: u32::from(taken) });
        if let Events::Written(lines) = &mut self.events {
            lines.push(Line { seq, what });
        }
    }

    /// A new condition variable.
    pub(super) fn new_condvar(&mut self) -> usize {
        self.condvars.push(Vec::new());
        self.condvars.len() - 1
    }

    /// The tasks that wait for a notification of this condition variable.
    pub(super) fn waiters(&mut self, condvar: usize) -> &mut Vec<usize> {
        &mut self.condvars[condvar]
    }

    /// The task that runs waits for a notification from here on. Among threads that look for work it has the place of its number:
    /// they are alike, so that it does not matter which of them is woken first.
    pub(super) fn waits_for_notification(&mut self, condvar: usize) {
        let me = self.current;
        let alike = |task: &usize| {
            self.tasks[*task].idle == Idle::Yes && self.tasks[*task].name == self.tasks[me].name
        };
        let waiters = &self.condvars[condvar];
        let place = waiters.iter().position(|waiter| alike(&me) && alike(waiter) && *waiter > me);
        let place = place.unwrap_or(waiters.len());
        self.condvars[condvar].insert(place, me);
    }

    /// Which of several waiters a notification of one wakes.
    pub(super) fn which_wakes(&mut self, condvar: usize) -> usize {
        if self.mode != Mode::Racing {
            return 0;
        }
        self.options.clear();
        self.options.extend_from_slice(&self.condvars[condvar]);
        let taken = self.take(What::Wakes);
        if self.writes() {
            let site = format!("a notification wakes {}", self.who(self.options[taken]));
            self.write_choice(site);
        }
        taken
    }

    /// A task that wakes without a notification, if one does. The first way is that none does.
    pub(super) fn wakes_without_cause(&mut self) -> Option<usize> {
        if self.mode != Mode::Racing || self.spurious == 0 {
            return None;
        }
        self.options.clear();
        self.options.push(self.current);
        self.options.extend(self.condvars.iter().flatten());
        if self.options.len() < 2 {
            return None;
        }
        let taken = self.take(What::WakesWithoutCause);
        let woken = (taken > 0).then(|| self.options[taken]);
        if self.writes() {
            let site = woken.map_or_else(
                || "no thread wakes without a notification".to_owned(),
                |woken| format!("{} wakes without a notification", self.who(woken)),
            );
            self.write_choice(site);
        }
        let woken = woken?;
        self.spurious -= 1;
        self.condvars.iter_mut().for_each(|waiters| waiters.retain(|waiter| *waiter != woken));
        Some(woken)
    }

    /// A task by its name, and by its number where there may be several of the name.
    fn who(&self, task: usize) -> String {
        let name = self.tasks.get(task).map_or(Name::Host, |task| task.name);
        match name {
            Name::Service(_) => format!("{name} (thread {task})"),
            name => name.to_string(),
        }
    }

    /// A choice in words: who goes on, and from where; and where it forces a switch, who is stopped that could go on.
    fn site(&mut self, taken: usize, what: What) -> String {
        let (next, current) = (self.options[taken], self.current);
        let goes_on = self.options.first() == Some(&current);
        let passes = what == What::GoesOnOrTime && taken + 1 == self.options.len();
        let site = if next == HOST { "time passes".to_owned() } else { self.stands(next) };
        match (goes_on && taken > 0, passes) {
            (true, _) => format!("{site}; {}{STOPPED}", self.stands(current)),
            (false, true) => format!("{site}; {OTHERS}{STOPPED}"),
            (false, false) => site,
        }
    }

    /// A task and where it stands.
    fn stands(&mut self, task: usize) -> String {
        let name = self.task(task).name;
        self.task(task).step().map_or_else(|| name.to_string(), |at| format!("{name} at {at}"))
    }
}
