//! How much of an engine's work is done, and how fast it goes on: the one place where the time that is left is estimated.
//!
//! **What it is.** [`Work`] is what an engine hands over: counted work, a budget of time, or both. [`Pace`] is a function of the samples
//! that it was given, each with the time since the beginning. It reads no clock.
//!
//! **The law.** Each time something is done in the second half of the work, the estimate is within 20 % of the time that is left, if what
//! the parts cost was known and the machine is steady from the first quarter on. A budget that is kept is right by construction.

use std::collections::VecDeque;
use std::time::Duration;

use indicatif::HumanCount;

/// So much of the work is done.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Work {
    counted: Option<Counted>,
    /// It ends after so long, from its beginning, if it has not ended before.
    budget: Option<Duration>,
    /// What has a budget of its own and comes later in this run.
    later: Duration,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Counted {
    done: u64,
    of: u64,
    unit: &'static str,
    /// What it costs; none where the time does not follow from the count.
    cost: Option<Spent>,
}

/// The cost that is behind, and the cost that is ahead, in any one unit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Spent {
    pub(crate) behind: f64,
    pub(crate) ahead: f64,
}

impl Spent {
    /// The part that is behind, from 0 to 1.
    fn fraction(self) -> f64 {
        let whole = self.behind + self.ahead;
        if whole > 0.0 { (self.behind / whole).clamp(0.0, 1.0) } else { 0.0 }
    }
}

impl Work {
    /// Work whose end is not known, such as a build.
    pub(crate) const UNKNOWN: Work = Work { counted: None, budget: None, later: Duration::ZERO };

    /// It goes on until this time is spent.
    pub(crate) const fn timed(budget: Duration) -> Work {
        Work { budget: Some(budget), ..Work::UNKNOWN }
    }

    /// So much of so much, each unit as costly as another.
    pub(crate) fn counted(done: u64, of: u64, unit: &'static str) -> Work {
        let cost = Some(Spent { behind: done as f64, ahead: of.saturating_sub(done) as f64 });
        Work { counted: Some(Counted { done, of: of.max(done), unit, cost }), ..Work::UNKNOWN }
    }

    /// It goes on until the budget is spent, or until so much is done where there is a most.
    pub(crate) fn until(budget: Duration, done: u64, most: Option<u64>, unit: &'static str) -> Work {
        let counted = |most| Work::counted(done, most, unit).within(Some(budget));
        most.map_or(Work::timed(budget), counted)
    }

    /// Steps that are in no proportion to each other: they are counted, and give no estimate.
    pub(crate) const fn step(done: u64, of: u64) -> Work {
        Work { counted: Some(Counted { done, of, unit: "steps", cost: None }), ..Work::UNKNOWN }
    }

    /// The units differ in cost: so much is behind, and so much ahead.
    pub(crate) fn weighing(mut self, cost: Spent) -> Work {
        if let Some(counted) = &mut self.counted {
            counted.cost = Some(cost);
        }
        self
    }

    /// It ends with this budget, done or not.
    pub(crate) const fn within(self, budget: Option<Duration>) -> Work {
        Work { budget, ..self }
    }

    /// Behind it comes what has this budget.
    pub(crate) const fn before(self, later: Duration) -> Work {
        Work { later, ..self }
    }
}

/// Where work stands at a time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Standing {
    /// Done, and of how much, in a unit. Of work with a budget and no count these are milliseconds.
    pub(crate) amount: Option<(u64, u64, &'static str)>,
    /// The budget, where work that is counted has one, too.
    budget: Option<Duration>,
    pub(crate) elapsed: Duration,
    /// The part of it that is behind it, from 0 to 1.
    pub(crate) fraction: Option<f64>,
    pub(crate) left: Option<Duration>,
}

/// The unit of work that is bounded by time.
pub(crate) const MILLISECONDS: &str = "ms";

impl Standing {
    /// In words, such as `12 of 60 s, about 48 s left`.
    pub(crate) fn in_words(&self) -> String {
        let seconds = self.elapsed.as_secs();
        let after = match self.budget {
            Some(budget) => format!("{} of {} s", seconds.min(budget.as_secs()), budget.as_secs()),
            None => format!("after {seconds} s"),
        };
        let amount = self.amount.filter(|(.., unit)| *unit != MILLISECONDS).map(|(done, of, unit)| {
            let percent = self.fraction.map(|part| format!(" ({:.0} %)", part * 100.0)).unwrap_or_default();
            format!("{} of {} {unit}{percent}, ", HumanCount(done), HumanCount(of))
        });
        let left = self.left.map(|left| format!(", about {} left", in_words(left))).unwrap_or_default();
        format!("{}{after}{left}", amount.unwrap_or_default())
    }
}

/// A length of time, no more exact than it is known: `48 s`, `12 min`, `3 h`.
pub(crate) fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h", (seconds + 1_800) / 3_600),
    }
}

/// How fast work goes on.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    work: Work,
    /// When more was done than before, and the cost of what then was. The first one is at half the time of the last one, or before.
    news: VecDeque<(Duration, f64)>,
}

/// News that are closer together than this part of the time are as good as one.
const CLOSE: u32 = 256;

impl Default for Pace {
    fn default() -> Pace {
        Pace { work: Work::UNKNOWN, news: VecDeque::from([(Duration::ZERO, 0.0)]) }
    }
}

impl Pace {
    /// So long after the beginning, so much is done.
    pub(crate) fn note(&mut self, at: Duration, work: Work) {
        self.work = work;
        let Some(Spent { behind, .. }) = work.counted.and_then(|counted| counted.cost) else { return };
        // A sample with nothing new done changes no pace.
        if self.news.back().is_some_and(|(_, before)| *before >= behind) {
            return;
        }
        let mut newest = self.news.iter().rev().map(|(at, _)| *at);
        if let (Some(last), Some(before)) = (newest.next(), newest.next())
            && last.saturating_sub(before) < at / CLOSE
        {
            self.news.pop_back();
        }
        self.news.push_back((at, behind));
        while self.news.get(1).is_some_and(|(second, _)| *second <= at / 2) {
            self.news.pop_front();
        }
    }

    /// Where the work stands so long after its beginning.
    pub(crate) fn standing(&self, elapsed: Duration) -> Standing {
        let Work { counted, budget, later } = self.work;
        let by_time = budget.map(|budget| budget.saturating_sub(elapsed));
        let left = match (self.left_by_count(elapsed), by_time) {
            (Some(count), Some(time)) => Some(count.min(time)),
            (count, time) => count.or(time),
        };
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (amount, fraction) = match (counted, budget) {
            (Some(Counted { done, of, unit, cost }), _) => {
                (Some((done, of, unit)), cost.map(Spent::fraction))
            }
            (None, Some(budget)) => {
                let done = elapsed.min(budget);
                let part = done.as_secs_f64() / budget.as_secs_f64().max(f64::MIN_POSITIVE);
                (Some((millis(done), millis(budget), MILLISECONDS)), Some(part))
            }
            (None, None) => (None, None),
        };
        Standing { amount, budget, elapsed, fraction, left: left.map(|left| left + later) }
    }

    /// What is left takes as long as the newest half of the time shows. What was before, such as a slow beginning, is forgotten.
    fn left_by_count(&self, elapsed: Duration) -> Option<Duration> {
        let Spent { ahead, .. } = self.work.counted?.cost?;
        let ((from, before), (to, now)) = (*self.news.front()?, *self.news.back()?);
        let (took, done) = ((to.checked_sub(from)?).as_secs_f64(), now - before);
        if took <= 0.0 || done <= 0.0 {
            return None;
        }
        let left = Duration::try_from_secs_f64(ahead.max(0.0) * took / done).ok()?;
        Some((to + left).saturating_sub(elapsed))
    }
}

#[cfg(test)]
mod tests {
    use properties::random::Rng;

    use super::super::course::{Course, Known};
    use super::*;

    /// Work as it goes: parts of known cost, done in order on some lanes, on a machine that is slow or fast at first.
    #[derive(Clone, Debug)]
    struct Case {
        /// The cost that is known of each part, and how much longer it takes.
        parts: Vec<(f64, f64)>,
        lanes: usize,
        /// Milliseconds of each unit of cost, and how many times as many in the beginning.
        speed: f64,
        beginning: f64,
    }

    /// The case of a seed.
    fn case(seed: u64) -> Case {
        let mut rng = Rng::new(seed, 0);
        let lanes = rng.weighted(&[(2, 1), (1, 2), (1, 4)]);
        // On several lanes a part that takes longer than it was known to may change which lane does the others.
        let strays = if lanes == 1 { 101 } else { 1 };
        let parts = (0..1 + rng.below(40)).map(|_| {
            let cost = 1 + rng.below(10) * rng.below(100);
            (cost as f64, 0.95 + rng.below(strays) as f64 / 1e3)
        });
        let parts = parts.collect();
        let speed = rng.weighted(&[(1, 0.05), (1, 1.0), (1, 50.0)]);
        Case { parts, lanes, speed, beginning: rng.weighted(&[(1, 0.1), (1, 1.0), (1, 10.0)]) }
    }

    impl Case {
        /// When each part begins and ends, in units of cost.
        fn plan(&self) -> Vec<(f64, f64)> {
            let mut free = vec![0.0_f64; self.lanes];
            let on_the_first = |(cost, longer): &(f64, f64)| {
                let lane = free.iter_mut().min_by(|one, other| one.total_cmp(other)).expect("there is one");
                let begins = *lane;
                *lane += cost * longer;
                (begins, *lane)
            };
            self.parts.iter().map(on_the_first).collect()
        }

        /// The samples: the time of each, and how far each part is then. And the time of the end.
        fn told(&self) -> (Vec<(Duration, Vec<f64>)>, Duration) {
            let plan = self.plan();
            let end = plan.iter().map(|(_, end)| *end).fold(0.0, f64::max);
            // The beginning takes less than a fifth of the time, whatever its speed.
            let slow = end / 5.0 / self.beginning.max(1.0);
            let time = |at: f64| {
                let at = at.min(slow) * self.beginning + (at - slow).max(0.0);
                Duration::from_secs_f64(at * self.speed / 1e3)
            };
            let told = (1..200).map(|number| {
                let at = end * f64::from(number) / 200.0;
                let of = |(begin, over): &(f64, f64)| ((at - begin) / (over - begin)).clamp(0.0, 1.0);
                (time(at), plan.iter().map(of).collect())
            });
            (told.collect(), time(end))
        }
    }

    /// The law of this file. With each part as costly as another, or with the pace of all the time, it does not hold.
    #[test]
    fn what_is_left_is_right_within_a_fifth_in_the_second_half() {
        for case in (0..2_000).map(case) {
            let mut course = Course::on(case.lanes);
            for (cost, _) in &case.parts {
                course.expect(Some(1_000_000), Known::as_measured(*cost));
            }
            let (told, whole) = case.told();
            let mut pace = Pace::default();
            for (at, parts) in told {
                for (part, done) in parts.iter().enumerate() {
                    course.reach(part, (done * 1e6) as u64);
                }
                pace.note(at, course.parts("parts"));
                if at * 2 < whole {
                    continue;
                }
                let left = pace.standing(at).left.expect("half of it is done").as_secs_f64();
                let real = (whole - at).as_secs_f64();
                assert!(
                    (left - real).abs() <= real / 5.0,
                    "{left} s for {real} s, at {at:?} of {whole:?}: {case:?}"
                );
            }
        }
    }

    #[test]
    fn a_budget_bounds_what_is_counted_and_what_comes_later_is_added() {
        let seconds = Duration::from_secs;
        let mut pace = Pace::default();
        pace.note(
            seconds(10),
            Work::counted(10, 1_000, "files").within(Some(seconds(60))).before(seconds(5)),
        );
        let standing = pace.standing(seconds(10));
        assert_eq!(standing.left, Some(seconds(55)), "990 s at this pace, and 50 s by the budget");
        assert_eq!(standing.in_words(), "10 of 1,000 files (1 %), 10 of 60 s, about 55 s left");
        pace.note(seconds(40), Work::counted(900, 1_000, "files").within(Some(seconds(60))));
        assert!(pace.standing(seconds(40)).left < Some(seconds(4)), "it is done before the budget is spent");
        let mut timed = Pace::default();
        timed.note(seconds(0), Work::timed(seconds(60)));
        assert_eq!(timed.standing(seconds(70)).in_words(), "60 of 60 s, about 0 s left");
        assert_eq!(Pace::default().standing(seconds(3)).in_words(), "after 3 s");
    }
}
