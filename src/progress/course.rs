//! Work in parts that differ in cost, such as slices, races and mutants: how much of the cost is behind it.
//!
//! **What it is.** A plan of the parts in their order, what each is known to cost, and how far each is. Several lanes may work at once, so
//! what counts is when the last lane is free.
//!
//! **What it is not.** An estimate of time: costs are in any unit, and [`Pace`](super::work::Pace) learns how long one takes.

use super::work::{Spent, Work};

/// The parts of an engine's work.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    parts: Vec<Part>,
    lanes: usize,
    /// The number of the stage that further parts belong to. None begins before all of the stage before are done.
    stage: usize,
}

/// What is known of the cost of a part: a guess in one unit, what was measured in another.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Known {
    pub(crate) guess: Option<f64>,
    /// As many measurements are worth as much as the guess.
    pub(crate) worth: u32,
    /// The cost, and by how many measurements.
    pub(crate) measured: Option<(f64, u32)>,
}

impl Known {
    #[cfg(test)]
    pub(super) fn as_measured(cost: f64) -> Known {
        Known { measured: Some((cost, 1)), ..Known::default() }
    }

    /// The cost in the unit of measurements, if a guess is worth so much of it.
    fn cost(self, scale: f64) -> Option<f64> {
        match (self.guess.map(|guess| guess * scale), self.measured) {
            (Some(guess), Some((measured, times))) => {
                // One measurement on a busy machine may be far off, and so may a guess: what they have is multiplied, not added.
                let all = f64::from(self.worth + times);
                let by = f64::from(times) / all.max(1.0);
                Some(guess.max(LEAST).powf(1.0 - by) * measured.max(LEAST).powf(by))
            }
            (guess, measured) => measured.map(|(cost, _)| cost).or(guess),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Part {
    /// What there is of it, in a unit of its own, where that is known.
    amount: Option<u64>,
    done: u64,
    known: Known,
    stage: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    Begun,
    Ended,
    /// It is not done after all, and costs nothing.
    Skipped,
}

impl Part {
    /// The part of it that is not done.
    fn left(&self) -> f64 {
        match (self.state, self.amount) {
            (State::Open, _) | (State::Begun, None | Some(0)) => 1.0,
            (State::Begun, Some(amount)) => 1.0 - (self.done.min(amount) as f64 / amount as f64),
            (State::Ended | State::Skipped, _) => 0.0,
        }
    }
}

impl Course {
    /// Parts that this number of lanes work at, each taking the next one.
    pub(crate) const fn on(lanes: usize) -> Course {
        Course { parts: Vec::new(), lanes: if lanes == 0 { 1 } else { lanes }, stage: 0 }
    }

    /// One more part, with its amount and what is known of its cost. Gives its number.
    pub(crate) fn expect(&mut self, amount: Option<u64>, known: Known) -> usize {
        let stage = self.stage;
        self.parts.push(Part { amount, done: 0, known, stage, state: State::Open });
        self.parts.len() - 1
    }

    /// What is expected from here on begins when all before is done.
    pub(crate) fn next_stage(&mut self) {
        self.stage += 1;
    }

    /// A part has so much.
    pub(crate) fn has(&mut self, number: usize, amount: u64) {
        if let Some(part) = self.parts.get_mut(number) {
            part.amount = Some(amount);
        }
    }

    /// A part has come so far.
    pub(crate) fn reach(&mut self, number: usize, done: u64) {
        if let Some(part) = self.parts.get_mut(number).filter(|part| part.state != State::Ended) {
            (part.done, part.state) = (done, if done == 0 { part.state } else { State::Begun });
        }
    }

    /// A part that was not begun will not be.
    pub(crate) fn skip(&mut self, number: usize) {
        if let Some(part) = self.parts.get_mut(number).filter(|part| part.state == State::Open) {
            (part.amount, part.state) = (Some(0), State::Skipped);
        }
    }

    /// A part has ended, and had so much.
    pub(crate) fn end(&mut self, number: usize, amount: u64) {
        if let Some(part) = self.parts.get_mut(number) {
            (part.amount, part.done, part.state) = (Some(amount), amount, State::Ended);
        }
    }

    /// The work, counted in parts.
    pub(crate) fn parts(&self, unit: &'static str) -> Work {
        let ended = self.parts.iter().filter(|part| part.state == State::Ended).count();
        let all = self.parts.iter().filter(|part| part.state != State::Skipped).count();
        Work::counted(ended as u64, all as u64, unit).weighing(self.spent())
    }

    /// The work, counted in what its parts have; nothing where that is not known of every part.
    pub(crate) fn amounts(&self, unit: &'static str) -> Option<Work> {
        // A part that has grown since has at least what it has already.
        let of = |part: &Part| Some(part.amount?.max(part.done));
        let all = self.parts.iter().map(of).sum::<Option<u64>>()?;
        let done = self.parts.iter().map(|part| part.done).sum();
        Some(Work::counted(done, all, unit).weighing(self.spent()))
    }

    /// The cost that is behind, and the cost that is ahead.
    fn spent(&self) -> Spent {
        let costs = self.costs();
        let (mut whole, mut left) = (0.0, 0.0);
        for stage in 0..=self.stage {
            let is_here = |part: &Part| part.stage == stage && part.state != State::Skipped;
            let parts = || self.parts.iter().zip(&costs).filter(|(part, _)| is_here(part));
            whole += self.last_is_free(Vec::new(), parts().map(|(_, cost)| *cost));
            let begun = parts().filter(|(part, _)| part.state == State::Begun);
            let open = parts().filter(|(part, _)| part.state == State::Open).map(|(_, cost)| *cost);
            left += self.last_is_free(begun.map(|(part, cost)| cost * part.left()).collect(), open);
        }
        Spent { behind: whole - left, ahead: left }
    }

    /// What each part costs. Guesses are brought to the unit of what was measured.
    fn costs(&self) -> Vec<f64> {
        let both = self.parts.iter().filter_map(|part| Some((part.known.guess?, part.known.measured?.0)));
        let (guessed, measured) = both.fold((0.0, 0.0), |sum, both| (sum.0 + both.0, sum.1 + both.1));
        let scale = if guessed > 0.0 && measured > 0.0 { measured / guessed } else { 1.0 };
        let known = || self.parts.iter().filter_map(|part| part.known.cost(scale));
        // Of a part that nothing is known of, what the others have on average is as likely as anything.
        let number = known().count();
        let usual = if number == 0 { 1.0 } else { known().sum::<f64>() / number as f64 };
        let cost = |part: &Part| part.known.cost(scale).unwrap_or(usual).max(usual * LEAST);
        self.parts.iter().map(cost).collect()
    }

    /// When the last lane is free, if some parts are under way and each lane that is free takes the next one.
    fn last_is_free(&self, under_way: Vec<f64>, open: impl Iterator<Item = f64>) -> f64 {
        let mut free = under_way;
        // What is all but done and not known to have ended holds no lane that another one has.
        free.sort_by(|one, other| other.total_cmp(one));
        free.resize(self.lanes, 0.0);
        for cost in open {
            if let Some(lane) = free.iter_mut().min_by(|one, other| one.total_cmp(other)) {
                *lane += cost;
            }
        }
        free.into_iter().fold(0.0, f64::max)
    }
}

/// No part is free: one that was measured as nothing costs this part of what is usual.
const LEAST: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use super::*;

    const fn spent(behind: f64, ahead: f64) -> Spent {
        Spent { behind, ahead }
    }

    /// What is left on two lanes is what the busier one has: a large part that comes last is waited for.
    #[test]
    fn the_busiest_lane_counts() {
        let mut course = Course::on(2);
        let parts = [10.0, 10.0, 80.0].map(|cost| course.expect(None, Known::as_measured(cost)));
        assert_eq!(course.parts("races"), Work::counted(0, 3, "races").weighing(spent(0.0, 90.0)));
        course.end(parts[0], 5);
        course.end(parts[1], 5);
        assert_eq!(course.parts("races"), Work::counted(2, 3, "races").weighing(spent(10.0, 80.0)));
        assert_eq!(course.amounts("schedules"), None, "what the third has is not known");
        course.end(parts[2], 90);
        assert_eq!(
            course.amounts("schedules"),
            Some(Work::counted(100, 100, "schedules").weighing(spent(90.0, 0.0)))
        );
    }

    /// A guess is brought to the unit of what was measured, and a measurement that is far off counts for half.
    #[test]
    fn a_guess_and_a_measurement_are_held_against_each_other() {
        let mut course = Course::on(1);
        let known = |measured| Known { guess: Some(1.0), worth: 1, measured };
        course.expect(None, known(Some((2.0, 1))));
        course.expect(None, known(Some((8.0, 1))));
        course.expect(None, known(None));
        let costs = course.costs();
        assert_eq!(
            costs.iter().map(|cost| (cost * 100.0).round()).collect::<Vec<_>>(),
            [316.0, 632.0, 500.0]
        );
        assert_eq!(
            known(Some((8.0, 1_000))).cost(5.0).map(f64::round),
            Some(8.0),
            "many measurements are right"
        );
    }

    /// What is of a later stage waits for the last part of the one before, however many lanes are free.
    #[test]
    fn stages_follow_one_another() {
        let mut course = Course::on(2);
        let first = course.expect(None, Known::as_measured(30.0));
        course.next_stage();
        course.expect(None, Known::as_measured(10.0));
        assert_eq!(course.parts("races"), Work::counted(0, 2, "races").weighing(spent(0.0, 40.0)));
        course.end(first, 1);
        assert_eq!(course.parts("races"), Work::counted(1, 2, "races").weighing(spent(30.0, 10.0)));
        course.skip(1);
        assert_eq!(course.parts("races"), Work::counted(1, 1, "races").weighing(spent(30.0, 0.0)));
    }
}
