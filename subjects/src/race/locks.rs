//! The locks of one execution: who holds which, who waits for which, and in which orders they were taken.
//!
//! **What it is.** A lock is a number and a kind, and its kind is the type of what it protects: all locks of one kind keep one place in the
//! order. [`Locks::take`] records the order in which a task takes locks of two kinds, so an order that goes round in a circle is known
//! from any schedule that takes the locks both ways, also from one that does not hang.
//!
//! **What it is not.** A mutex: the values are protected by those of the standard library, which are free whenever this table grants
//! them.
//!
//! **The law it keeps.** A task that could only wait for a lock is not chosen ([`Locks::lets_go_on`]). What it would do is to note that it waits,
//! which nothing depends on; so a schedule in which it does that first is one in which it does not.

use std::hash::{Hash as _, Hasher};

use super::digest::{Digest, Forgets, sorted};

/// Kinds of locks that are followed. The service has three.
const KINDS: usize = 16;

/// See the module's documentation.
#[derive(Default)]
pub(super) struct Locks {
    all: Vec<One>,
    /// By task: the lock that it takes as soon as it goes on.
    wants: Vec<Option<usize>>,
    kinds: Vec<&'static str>,
    /// By the kind that was held: a bit for each kind that was taken then.
    taken_under: [u16; KINDS],
    circle: Option<Circle>,
}

#[derive(Default)]
struct One {
    kind: usize,
    owner: Option<usize>,
    /// The tasks that are blocked until it is given back.
    waiters: Vec<usize>,
    /// The digest of what it protects, as it was when the lock was last given back.
    contents: Digest,
}

/// Whether a task has got a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(super) enum Taken {
    /// It holds it now.
    Yes,
    /// Another task holds it: this one waits.
    Later,
    /// It can never have it: it holds the lock itself, or the holder waits for it.
    Never,
}

/// Locks that are taken in an order that goes round: tasks that do so at one time wait for each other for ever (R16).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Circle {
    /// Each kind is taken while the one before it is held, and the first while the last is.
    pub kinds: Vec<&'static str>,
}

impl std::fmt::Display for Circle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let [kind] = &*self.kinds {
            return write!(f, "the lock {kind} is taken by a thread that holds it");
        }
        let next = self.kinds.iter().cycle().skip(1);
        for (number, (held, taken)) in self.kinds.iter().zip(next).enumerate() {
            let and = if number == 0 { "" } else { ", and " };
            write!(f, "{and}the lock {taken} is taken while {held} is held")?;
        }
        Ok(())
    }
}

impl Locks {
    /// A new lock around a value of this type.
    pub(super) fn create<T>(&mut self) -> usize {
        let kind = kind_of::<T>();
        let known = self.kinds.iter().position(|known| *known == kind);
        let kind = known.unwrap_or_else(|| {
            self.kinds.push(kind);
            self.kinds.len() - 1
        });
        self.all.push(One { kind, ..One::default() });
        self.all.len() - 1
    }

    /// The task takes this lock as soon as it goes on.
    pub(super) fn stands_before(&mut self, lock: usize, task: usize) {
        if self.wants.len() <= task {
            self.wants.resize(task + 1, None);
        }
        self.wants[task] = Some(lock);
    }

    /// Whether the task would do more than wait if it were chosen: the lock that it wants is free, or can never be had.
    pub(super) fn lets_go_on(&self, task: usize) -> bool {
        let wanted = self.wanted(task).and_then(|lock| self.all[lock].owner);
        wanted.is_none_or(|owner| owner == task || self.waits_for(owner, task))
    }

    /// The task wants the lock now.
    pub(super) fn take(&mut self, lock: usize, task: usize) -> Taken {
        self.note_order(lock, task);
        self.stands_before(lock, task);
        let taken = match self.all[lock].owner {
            None => {
                self.all[lock].owner = Some(task);
                Taken::Yes
            }
            Some(owner) if owner == task => {
                self.circle = Some(Circle { kinds: vec![self.name(lock)] });
                Taken::Never
            }
            Some(owner) if self.waits_for(owner, task) => Taken::Never,
            Some(_) => {
                self.all[lock].waiters.push(task);
                Taken::Later
            }
        };
        if taken != Taken::Later {
            self.wants[task] = None;
        }
        taken
    }

    fn wanted(&self, task: usize) -> Option<usize> {
        self.wants.get(task).copied().flatten()
    }

    /// The lock is free again. Gives the tasks that may try to take it.
    pub(super) fn release(&mut self, lock: usize) -> Vec<usize> {
        self.all[lock].owner = None;
        let waiters = std::mem::take(&mut self.all[lock].waiters);
        // They are where they were before they tried.
        waiters.iter().for_each(|waiter| self.wants[*waiter] = None);
        waiters
    }

    /// The digest of what the lock protects, as it was when it was last given back.
    pub(super) fn contents(&self, lock: usize) -> Digest {
        self.all[lock].contents
    }

    /// What the lock protects has this digest when the lock is given back.
    pub(super) fn protects(&mut self, lock: usize, contents: Digest) {
        self.all[lock].contents = contents;
    }

    /// What each lock protects, as it was when it was last given back.
    pub(super) fn all_contents(&self) -> impl Iterator<Item = Digest> {
        self.all.iter().map(|one| one.contents)
    }

    /// In another run these locks protected this.
    pub(super) fn recall(&mut self, contents: &[Digest]) {
        self.all.iter_mut().zip(contents).for_each(|(one, contents)| one.contents = *contents);
    }

    /// Adds the locks to a digest. What a lock protects that is held follows from what its holder has read.
    pub(super) fn digest<H: Hasher>(&self, forgets: Forgets, state: &mut H) {
        for One { kind: _, owner, waiters, contents } in &self.all {
            let free = owner.is_none() && forgets != Forgets::Contents;
            (owner, sorted(waiters), free.then_some(contents)).hash(state);
        }
        for wanting in self.wants.iter().enumerate().filter(|(_, wants)| wants.is_some()) {
            wanting.hash(state);
        }
        (self.taken_under, self.circle.is_some()).hash(state);
    }

    /// Whether the task holds a lock.
    pub(super) fn holds_any(&self, task: usize) -> bool {
        self.all.iter().any(|one| one.owner == Some(task))
    }

    /// The locks that the task holds, and the one it waits for.
    pub(super) fn of(&self, task: usize) -> (Vec<&'static str>, Option<&'static str>) {
        let name = |one: &One| self.kinds[one.kind];
        let holds = self.all.iter().filter(|one| one.owner == Some(task)).map(name).collect();
        let wanted = self.wanted(task).map(|lock| &self.all[lock]);
        (holds, wanted.filter(|one| one.owner.is_some()).map(name))
    }

    /// The first order that goes round, if there is one.
    pub(super) const fn circle(&self) -> Option<&Circle> {
        self.circle.as_ref()
    }

    fn name(&self, lock: usize) -> &'static str {
        self.kinds[self.all[lock].kind]
    }

    /// Whether a task waits, over others, for one that this task holds.
    fn waits_for(&self, mut who: usize, task: usize) -> bool {
        // Each step goes to another lock, so there are no more steps than locks.
        for _ in 0..self.all.len() {
            match self.wanted(who).and_then(|lock| self.all[lock].owner) {
                Some(owner) if owner == task => return true,
                Some(owner) => who = owner,
                None => return false,
            }
        }
        false
    }

    fn note_order(&mut self, lock: usize, task: usize) {
        let taken = self.all[lock].kind;
        for at in 0..self.all.len() {
            let held = self.all[at].kind;
            if self.all[at].owner != Some(task) || held == taken || held >= KINDS || taken >= KINDS {
                continue;
            }
            let bit = 1 << taken;
            if self.taken_under[held] & bit != 0 {
                continue;
            }
            self.taken_under[held] |= bit;
            if self.circle.is_none()
                && let Some(path) = self.path(taken, held, &mut vec![held])
            {
                self.circle = Some(Circle { kinds: path.into_iter().map(|kind| self.kinds[kind]).collect() });
            }
        }
    }

    /// The kinds on a way from one kind to another, along the orders that were seen.
    fn path(&self, from: usize, to: usize, so_far: &mut Vec<usize>) -> Option<Vec<usize>> {
        so_far.push(from);
        for next in (0..KINDS).filter(|next| self.taken_under[from] & 1 << next != 0) {
            if next == to {
                return Some(so_far.clone());
            }
            if !so_far.contains(&next)
                && let Some(path) = self.path(next, to, so_far)
            {
                return Some(path);
            }
        }
        so_far.pop();
        None
    }
}

/// The name of a type without its path and without its parameters.
fn kind_of<T>() -> &'static str {
    let whole = std::any::type_name::<T>();
    let plain = whole.split('<').next().unwrap_or(whole);
    plain.rsplit("::").next().unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Left;
    struct Middle;
    struct Right;

    #[test]
    fn an_order_that_goes_round_is_seen_although_no_task_waits() {
        let mut locks = Locks::default();
        let (left, middle, right) =
            (locks.create::<Left>(), locks.create::<Middle>(), locks.create::<Right>());
        for (held, taken) in [(left, middle), (middle, right), (right, left)] {
            assert_eq!(locks.circle(), None);
            assert_eq!((locks.take(held, 1), locks.take(taken, 1)), (Taken::Yes, Taken::Yes));
            assert!(locks.release(held).is_empty() && locks.release(taken).is_empty());
        }
        let circle = locks.circle().map(ToString::to_string);
        let expected = "the lock Left is taken while Right is held, and the lock Middle is taken while Left is held, \
                        and the lock Right is taken while Middle is held";
        assert_eq!(circle.as_deref(), Some(expected));
    }

    #[test]
    fn a_task_goes_on_when_it_would_not_only_wait() {
        let mut locks = Locks::default();
        let (left, right) = (locks.create::<Left>(), locks.create::<Right>());
        locks.stands_before(left, 2);
        assert!(locks.lets_go_on(2), "the lock is free");
        assert_eq!(locks.take(left, 1), Taken::Yes);
        assert!(!locks.lets_go_on(2), "another task holds it");
        assert!(locks.lets_go_on(3), "it wants none");
        locks.stands_before(left, 1);
        assert!(locks.lets_go_on(1), "it holds the lock itself, which has to be found");
        assert_eq!(locks.take(right, 2), Taken::Yes);
        locks.stands_before(left, 2);
        locks.stands_before(right, 1);
        assert!(
            locks.lets_go_on(1) && locks.lets_go_on(2),
            "each waits for the other, which has to be found"
        );
        assert_eq!(locks.take(left, 3), Taken::Later);
        assert_eq!(locks.release(left), [3]);
        assert!(locks.lets_go_on(3));
    }

    #[test]
    fn a_task_that_could_only_wait_for_itself_never_gets_the_lock() {
        let mut locks = Locks::default();
        let (left, right) = (locks.create::<Left>(), locks.create::<Right>());
        assert_eq!((locks.take(left, 1), locks.take(right, 2)), (Taken::Yes, Taken::Yes));
        assert_eq!(locks.take(right, 1), Taken::Later);
        assert_eq!((locks.take(left, 2), locks.take(left, 1)), (Taken::Never, Taken::Never));
        assert_eq!(locks.release(right), [1]);
    }
}
