//! Races that the adapter runs: a call against the callback of a transfer.
//!
//! First a few runs show when the callback comes: the smallest delay at which it has entered before the racing call, in nearly every run.
//! Then the racing call comes at a delay that is uniform up to there, so that it meets the callback wherever it is. Narrow bins
//! would miss what happens between them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use adapter::Fault;
use adapter::wire::{PlannedCall, RaceOrder, RunOrder, Trigger, can};
use contract::{Call, FileNames, Interfaces, Method, NotifyFlags, Receiver, ReceiverId, ThreadId};
use judge::trace::Kind;
use judge::{Trace, Verdicts};

use super::Stage;
use super::abilities::Abilities;
use super::crew::Crew;
use super::ended::ended;
use super::leftovers::clear;
use super::tally::Tally;
use crate::random::Rng;

/// The calls that are raced.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Racer {
    /// Cancel.
    Cancel,
    /// Complete.
    Complete,
    /// SetNotifyFlags that masks everything.
    Mask,
    /// SetNotifyInterface with NULL.
    Unregister,
    /// SetNotifyInterface with another object.
    Exchange,
    /// Suspend.
    Suspend,
    /// Resume.
    Resume,
}

impl Racer {
    /// Each of them.
    pub const ALL: [Racer; 7] = [
        Racer::Cancel,
        Racer::Complete,
        Racer::Mask,
        Racer::Unregister,
        Racer::Exchange,
        Racer::Suspend,
        Racer::Resume,
    ];

    /// The call.
    #[must_use]
    pub fn call(self) -> Call {
        match self {
            Racer::Cancel => Call::Cancel,
            Racer::Complete => Call::Complete,
            Racer::Mask => Call::SetNotifyFlags { flags: 0 },
            Racer::Unregister => Call::SetNotifyInterface { receiver: None },
            Racer::Exchange => Call::SetNotifyInterface { receiver: Some(object(1)) },
            Racer::Suspend => Call::Suspend,
            Racer::Resume => Call::Resume,
        }
    }
}

fn object(number: u32) -> Receiver {
    Receiver { id: ReceiverId(number), interfaces: Interfaces::CALLBACK }
}

/// What a race came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Raced {
    /// The racing call.
    pub racer: String,
    /// From where on its delay is counted.
    pub trigger: Trigger,
    /// Runs.
    pub runs: u64,
    /// Runs in which the racing call met the callback: it started before the callback had left, and after the transfer had begun.
    pub met: u64,
    /// Runs in which a rule was broken.
    pub broken: u64,
    /// Delays were uniform up to this, in microseconds.
    pub up_to_us: u64,
}

/// Runs of one command: a line has at most a mebibyte, and a race that hangs should not take long.
const BATCH: u64 = 50;

/// Runs that look for the delay.
const PILOT: usize = 10;

/// The first delay that is tried, in microseconds; each is half as long again as the one before.
const FIRST_DELAY: u64 = 100;
/// And the last.
const LAST_DELAY: u64 = 400_000;

/// How long a run may take beside its delay. One that takes longer borrows from the others.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a run waits behind the racing call. What comes later is seen, too, up to the end of its race.
const SETTLE: Duration = Duration::from_millis(2);

/// How far a race may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct RaceLimits {
    /// The seed of the delays.
    pub(super) seed: u64,
    /// How many runs there are.
    pub(super) round: Round,
    /// No run is begun after it.
    pub(super) until: Instant,
    /// When the callback comes without a racing call, in microseconds after Resume.
    pub(super) undisturbed: u64,
}

/// Races come in two rounds, so that a kind has the runs that it needs before another one has more than these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Round {
    /// Each kind has as many runs as tell something: without a failure, one that is in 1 % of them is excluded with 95 %.
    First,
    /// More of them, most for what every client does.
    Second,
}

impl Round {
    pub(super) const ALL: [Round; 2] = [Round::First, Round::Second];

    const fn runs(self) -> u64 {
        match self {
            Round::First => 300,
            Round::Second => 700,
        }
    }

    /// How much of the time for races one of them gets.
    pub(super) fn weight(self, (racer, trigger): (Racer, Trigger)) -> u32 {
        match (self, racer, trigger) {
            (Round::Second, Racer::Cancel, Trigger::AfterReturn) => 4,
            (Round::Second, Racer::Complete | Racer::Mask | Racer::Unregister, Trigger::AfterReturn) => 2,
            _ => 1,
        }
    }
}

/// The methods without which there is no race.
const NEEDED: [Method; 4] = [Method::CreateJob, Method::AddFile, Method::Resume, Method::SetNotifyInterface];

/// When the callback comes undisturbed: the smallest delay after Resume at which it has entered before a call, in nearly every run. None when the adapter cannot
/// race.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn undisturbed(
    stage: &mut Stage,
    abilities: &Abilities,
    until: Instant,
) -> Result<Option<u64>, Fault> {
    if !stage.session.can(can::RACE) || !abilities.has_all(&NEEDED) {
        return Ok(None);
    }
    let mut racing = Racing {
        stage,
        worker: 0,
        abilities,
        trigger: Trigger::AfterReturn,
        call: Call::GetState,
        rng: Rng::new(0, 0),
    };
    let mut delay = FIRST_DELAY;
    while delay < LAST_DELAY && Instant::now() < until {
        let traces = racing.run(&[delay; PILOT])?;
        let late = traces.iter().filter(|trace| enters_first(trace)).count();
        if late * 10 >= traces.len() * 9 {
            return Ok(Some(delay));
        }
        delay += delay / 2;
    }
    Ok(Some(LAST_DELAY))
}

/// Races one call against the callback on several processes at once, until the runs are done or time is over. What it found goes to the
/// tally. Returns the number of runs; none when the adapter cannot.
///
/// # Errors
/// The adapter does something wrong.
pub(super) fn race(
    (racer, trigger): (Racer, Trigger),
    (crew, processes): (&mut Crew, usize),
    (stage, abilities): (&mut Stage, &Abilities),
    limits: RaceLimits,
    tally: &mut Tally,
) -> Result<Option<u64>, Fault> {
    let call = racer.call();
    if !abilities.has(call.method()) {
        return Ok(None);
    }
    let left = AtomicU64::new(limits.round.runs());
    let share = |worker| Share { racer, trigger, worker, left: &left, limits };
    let all = crew.at_once(
        processes,
        (stage, tally),
        |stage, tally| share(0).race(stage, tally),
        |worker, stage, tally| share(worker).race(stage, tally),
    );
    let mut raced = Raced { racer: call.to_string(), trigger, runs: 0, met: 0, broken: 0, up_to_us: 0 };
    let mut ended = Ok(());
    for one in all {
        match one {
            Ok(one) => raced.add(&one),
            Err(fault) => ended = ended.and(Err(fault)),
        }
    }
    if raced.runs > 0 {
        tally.count_race_runs(&raced);
    }
    ended.map(|()| Some(raced.runs))
}

/// What one process does of a race.
#[derive(Clone, Copy)]
struct Share<'a> {
    racer: Racer,
    trigger: Trigger,
    /// Which of the processes: its jobs and files are called after it, and its delays are its own.
    worker: u64,
    /// Runs that none has begun yet.
    left: &'a AtomicU64,
    limits: RaceLimits,
}

impl Share<'_> {
    fn race(self, stage: &mut Stage, tally: &mut Tally) -> Result<Raced, Fault> {
        let Share { racer, trigger, worker, left, limits } = self;
        let RaceLimits { seed, round, until, undisturbed } = limits;
        let call = racer.call();
        let name = call.to_string();
        let abilities = Abilities::of(&stage.session);
        let kind = racer as u64 + round as u64 * Racer::ALL.len() as u64;
        let rng = Rng::new(seed, kind + worker * (Racer::ALL.len() * Round::ALL.len()) as u64);
        let mut racing = Racing { stage, worker, abilities: &abilities, trigger, call, rng };
        let up_to = match trigger {
            Trigger::AfterReturn => undisturbed,
            Trigger::AtEnter => AT_ENTER_US,
        };
        let mut raced = Raced { racer: name, trigger, runs: 0, met: 0, broken: 0, up_to_us: up_to };
        let mut aim = Aim { trigger, up_to };
        while Instant::now() < until {
            let batch = claim(left, aim.batch());
            if batch == 0 {
                break;
            }
            let delays: Vec<u64> = (0..batch).map(|_| racing.rng.below(aim.up_to + 1)).collect();
            let traces = racing.run(&delays)?;
            for trace in &traces {
                raced.runs += 1;
                raced.met += u64::from(is_met(trace));
                let verdicts = Verdicts::of(trace);
                raced.broken += u64::from(!verdicts.violated().is_empty());
                tally.take_race(trace, &verdicts, &raced.racer);
                if ended(trace).is_some() {
                    break;
                }
            }
            raced.up_to_us = raced.up_to_us.max(aim.up_to);
            // Runs behind one with which the service has ended had none.
            if traces.iter().any(|trace| ended(trace).is_some()) {
                racing.stage.session.kill();
                break;
            }
            if !aim.corrects(&traces) {
                break;
            }
        }
        Ok(raced)
    }
}

/// Takes so many of the runs that are left, or what there is.
fn claim(left: &AtomicU64, wanted: u64) -> u64 {
    let taken =
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(wanted)));
    taken.unwrap_or(0).min(wanted)
}

impl Raced {
    /// The runs of another process, or of another round.
    pub(super) fn add(&mut self, other: &Raced) {
        self.runs += other.runs;
        self.met += other.met;
        self.broken += other.broken;
        self.up_to_us = self.up_to_us.max(other.up_to_us);
    }
}

/// A callback that does nothing is over soon after it has entered.
const AT_ENTER_US: u64 = 2_000;

/// Up to which delay the racing call comes. What was learned first may not stay true: a machine is busy, or an implementation becomes faster.
struct Aim {
    trigger: Trigger,
    up_to: u64,
}

impl Aim {
    /// Runs of the next command. A run that waits for an `enter` in vain takes a second.
    const fn batch(&self) -> u64 {
        match self.trigger {
            Trigger::AfterReturn => BATCH,
            Trigger::AtEnter => BATCH / 5,
        }
    }

    /// Aims again, so that the callback comes first in some runs and second in others. False when there is nothing to aim at.
    fn corrects(&mut self, traces: &[Trace]) -> bool {
        let first = traces.iter().filter(|trace| enters_first(trace)).count();
        match self.trigger {
            Trigger::AtEnter => first > 0,
            Trigger::AfterReturn => {
                if first * FEW < traces.len() {
                    self.up_to = (self.up_to + self.up_to / 2).min(LAST_DELAY);
                } else if (traces.len() - first) * FEW < traces.len() {
                    self.up_to = (self.up_to - self.up_to / 4).max(FIRST_DELAY);
                }
                true
            }
        }
    }
}

/// A side with fewer than one run in this number has too few runs.
const FEW: usize = 8;

/// How long a run waits for an `enter`, by the protocol.
const WAITS_FOR_ENTER: Duration = Duration::from_secs(1);

struct Racing<'a> {
    stage: &'a mut Stage,
    worker: u64,
    abilities: &'a Abilities,
    trigger: Trigger,
    call: Call,
    rng: Rng,
}

impl Racing<'_> {
    fn run(&mut self, delays: &[u64]) -> Result<Vec<Trace>, Fault> {
        let feed = self.stage.server.feed();
        let runs: Vec<RunOrder> = delays.iter().map(|delay| self.order(*delay, &feed)).collect();
        let names: Vec<String> = runs.iter().map(|run| self.name(run.job)).collect();
        let delays: Duration = delays.iter().copied().map(Duration::from_micros).sum();
        let limit = self.stage.session.manifest().call()
            + self.stage.session.slowest()
            + delays
            + self.patience() * runs.len() as u32;
        let header = self.stage.header(&format!("race {}", self.call.method()));
        let race = RaceOrder { settle_ms: SETTLE.as_millis() as u64, runs };
        let traces = self.stage.session.race(race, limit, &header);
        self.stage.server.forget(&feed);
        let traces = traces?;
        let Stage { session, leftovers, .. } = &mut *self.stage;
        let _ended = clear(session, &format!("races against {}", self.call.method()), leftovers)?;
        for name in names {
            // Most of them are not there, because their jobs were not completed.
            let _ = std::fs::remove_file(self.stage.session.seen_at(&name));
        }
        Ok(traces)
    }

    /// The name of a race's file: processes that reach one service have each their own.
    fn name(&self, job: u32) -> String {
        format!("w{}-r{job}", self.worker)
    }

    const fn patience(&self) -> Duration {
        match self.trigger {
            Trigger::AfterReturn => PATIENCE,
            Trigger::AtEnter => WAITS_FOR_ENTER.saturating_add(PATIENCE),
        }
    }

    fn order(&mut self, delay_us: u64, feed: &crate::server::Feed) -> RunOrder {
        let job = self.stage.session.new_race_job();
        let name = self.name(job);
        let file =
            FileNames { remote: feed.url(&name).into(), local: self.stage.session.destination(&name).into() };
        let planned = |call: &Call| PlannedCall::of(Some(job), call);
        let flags =
            (NotifyFlags::JOB_TRANSFERRED | NotifyFlags::JOB_ERROR).intersection(self.abilities.events());
        let mut before = vec![
            planned(&Call::CreateJob { name: Some(format!("w{}-race", self.worker).into()), kind: 0 }),
            planned(&Call::AddFile { file }),
        ];
        if self.abilities.has(Method::SetNotifyFlags) {
            before.push(planned(&Call::SetNotifyFlags { flags: flags.bits() }));
        }
        before.push(planned(&Call::SetNotifyInterface { receiver: Some(object(0)) }));
        before.push(planned(&Call::Resume));
        let ends = matches!(self.call, Call::Cancel | Call::Complete);
        let after = (!ends && self.abilities.has(Method::Cancel)).then(|| planned(&Call::Cancel));
        RunOrder {
            job,
            before,
            trigger: self.trigger,
            delay_us,
            racer: Some(planned(&self.call)),
            after: after.into_iter().collect(),
        }
    }
}

/// The number of the line at which the racing call starts.
fn racer_starts(trace: &Trace) -> Option<usize> {
    trace.lines.iter().position(|line| matches!(&line.what, Kind::Call(call) if call.thread == ThreadId(1)))
}

fn enters_first(trace: &Trace) -> bool {
    let enters = trace.lines.iter().position(|line| matches!(line.what, Kind::Enter(_)));
    enters.zip(racer_starts(trace)).is_some_and(|(enters, starts)| enters < starts)
}

/// Whether the racing call overlaps the callback, or comes next to it.
fn is_met(trace: &Trace) -> bool {
    let Some(starts) = racer_starts(trace) else { return false };
    let near = |at: usize| at.abs_diff(starts) <= 2;
    let is_of_callback = |what: &Kind| matches!(what, Kind::Enter(_) | Kind::Leave(_));
    trace.lines.iter().enumerate().any(|(at, line)| is_of_callback(&line.what) && near(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run in which the callback comes before the racing call, or behind it.
    fn run(callback_is_first: bool) -> Trace {
        let enter =
            r#""kind":"enter","delivery":0,"job":0,"event":"JobTransferred","receiver":{"interface":0}}"#;
        let call = r#""kind":"call","id":0,"thread":1,"user":0,"job":0,"method":"Cancel"}"#;
        let (first, second) = if callback_is_first { (enter, call) } else { (call, enter) };
        let header = r#"{"format":1,"dialect":"bits","records":["call","enter"]}"#;
        Trace::parse(&format!("{header}\n{{\"seq\":1,{first}\n{{\"seq\":2,{second}\n")).expect("a trace")
    }

    #[test]
    fn processes_share_the_runs_of_a_race() {
        let left = AtomicU64::new(120);
        let claimed: Vec<u64> = std::thread::scope(|scope| {
            let both =
                [0, 1].map(|_| scope.spawn(|| std::iter::repeat_with(|| claim(&left, 50)).take(2).sum()));
            both.into_iter().map(|one| one.join().expect("it claims")).collect()
        });
        assert_eq!((claimed.iter().sum::<u64>(), left.into_inner()), (120, 0));
        let mut all = Raced {
            racer: "Cancel".to_owned(),
            trigger: Trigger::AfterReturn,
            runs: 0,
            met: 0,
            broken: 0,
            up_to_us: 0,
        };
        all.add(&Raced { runs: 70, met: 9, broken: 1, up_to_us: 300, ..all.clone() });
        all.add(&Raced { runs: 50, met: 2, broken: 0, up_to_us: 200, ..all.clone() });
        assert_eq!((all.runs, all.met, all.broken, all.up_to_us), (120, 11, 1, 300));
    }

    #[test]
    fn a_race_aims_again_when_the_callback_is_always_first_or_never() {
        let after = |firsts: usize| {
            let traces: Vec<Trace> = (0..50).map(|number| run(number < firsts)).collect();
            let mut aim = Aim { trigger: Trigger::AfterReturn, up_to: 1_000 };
            assert!(aim.corrects(&traces));
            aim.up_to
        };
        assert_eq!([after(0), after(25), after(50)], [1_500, 1_000, 750]);
        let mut at_enter = Aim { trigger: Trigger::AtEnter, up_to: 1_000 };
        assert!(!at_enter.corrects(&[run(false)]), "no callback comes, so there is nothing to race against");
    }
}
