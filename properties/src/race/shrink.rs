//! Making a failure small: every step of the race and every choice of the schedule that can go, goes.
//!
//! A step that goes shifts the choices after it, so the same schedule rarely breaks the smaller race. Then a number of
//! other schedules are tried, near the old one first.

use std::sync::Arc;

use super::program::{Fate, Manner, Race};
use super::strategy::{Kind, Tape};
use super::subject::{Run, Session};

/// Schedules tried for each smaller race.
const TRIES: usize = 200;

/// Whether a run still fails as it should.
pub type Breaks<'a> = &'a dyn Fn(&Run) -> bool;

/// The smallest race and schedule found of which `breaks` still says so.
#[must_use]
pub fn shrink_while(race: &Race, schedule: &[u8], breaks: Breaks<'_>) -> (Race, Vec<u8>) {
    let mut small = (race.clone(), schedule.to_vec());
    loop {
        let before = small.0.print().len();
        let mut number = 0;
        while let Some(candidate) = without(&small.0, number) {
            match still(&candidate, &small.1, breaks) {
                // What stood behind it has moved up.
                Some(schedule) => small = (candidate, schedule),
                None => number += 1,
            }
        }
        if small.0.print().len() >= before {
            break;
        }
    }
    let schedule = shorten(&small.0, small.1, breaks);
    (small.0, schedule)
}

/// A schedule with which the race breaks one of the rules.
fn still(race: &Race, schedule: &[u8], breaks: Breaks<'_>) -> Option<Vec<u8>> {
    let race = Arc::new(race.clone());
    let mut same = Session::new(Box::new(Tape::new(schedule.to_vec())));
    let run = same.run(&race);
    if breaks(&run) {
        return Some(Tape::of(&run.choices).choices().to_vec());
    }
    let mut others = Session::new(Kind::Random.start(schedule.len() as u64));
    let run = (0..TRIES).map(|_| others.run(&race)).find(|run| breaks(run))?;
    Some(Tape::of(&run.choices).choices().to_vec())
}

/// Fewer choices, and of those more that are the first way.
fn shorten(race: &Race, schedule: Vec<u8>, breaks: Breaks<'_>) -> Vec<u8> {
    let race = Arc::new(race.clone());
    let breaks = |schedule: &[u8]| breaks(&Session::new(Box::new(Tape::new(schedule.to_vec()))).run(&race));
    let mut small = schedule;
    loop {
        let before = small.clone();
        for at in (0..small.len()).rev() {
            let mut shorter = small.clone();
            shorter.remove(at);
            let mut calmer = small.clone();
            calmer[at] = 0;
            if breaks(&shorter) {
                small = shorter;
            } else if small[at] != 0 && breaks(&calmer) {
                small = calmer;
            }
        }
        while small.last() == Some(&0) {
            small.pop();
        }
        if small == before {
            return small;
        }
    }
}

/// The race without its n-th part.
fn without(race: &Race, number: usize) -> Option<Race> {
    let mut smaller = race.clone();
    let mut left = number;
    if left < smaller.prefix.len() {
        smaller.prefix.remove(left);
        return Some(smaller);
    }
    left -= smaller.prefix.len();
    for branch in &mut smaller.branches {
        if left < branch.calls.len() {
            branch.calls.remove(left);
            return Some(smaller);
        }
        left -= branch.calls.len();
    }
    for object in &mut smaller.objects {
        if left < object.calls.len() {
            object.calls.remove(left);
            return Some(smaller);
        }
        left -= object.calls.len();
    }
    let unusual = |manner: &&mut Manner| **manner != Manner::default();
    if let Some(object) = smaller.objects.iter_mut().filter(unusual).nth(left) {
        *object = Manner::default();
        return Some(smaller);
    }
    left -= race.objects.iter().filter(|manner| **manner != Manner::default()).count();
    let unusual = |fate: &&mut Fate| **fate != Fate::default();
    if let Some(fate) = smaller.jobs.iter_mut().filter(unusual).nth(left) {
        *fate = Fate::default();
        return Some(smaller);
    }
    left -= race.jobs.iter().filter(|fate| **fate != Fate::default()).count();
    // A branch that has nothing left to do goes from the end, so that the others keep their numbers.
    if left == 0 && smaller.branches.last().is_some_and(|branch| branch.calls.is_empty()) {
        smaller.branches.pop();
        return Some(smaller);
    }
    None
}
