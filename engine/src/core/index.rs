//! What is at hand about many jobs: which of them queue, run, wait for a timer or have an event to deliver.
//!
//! **What it is.** The answers that the service needs at every call, in a time that does not grow with the number of jobs. A core has
//! an index while it keeps more than a few records; with fewer, looking at each record is faster. With [`Jobs::Many`] it always has one.
//!
//! **What it is not.** A second truth. Every entry is computed from one record, by the functions that the look at all records uses;
//! an entry whose record was touched is computed anew before the index is read (`Core::settle`). The view, equality and hash of
//! a core do not know it.
//!
//! **The law it keeps.** A core with an index and one without answer alike (the test below).

use std::collections::{BTreeMap, BTreeSet};

use contract::call::Priority;
use contract::core::{Jobs, Timer};
use contract::{JobId, JobState, Time, UserId, fault};

use super::Core;
use super::job::{Job, Modification};
use super::transfers::is_background;

/// With more records than this a core has an index; one that is to be ready for many always has it.
const MANY: usize = 32;
/// With fewer it drops the index again.
const FEW: usize = 16;

/// See the module's documentation.
#[derive(Clone, Default, Debug)]
pub(super) struct Index {
    entries: BTreeMap<JobId, Entry>,
    /// Records that were touched.
    touched: Vec<JobId>,
    /// The first timer of each job; slices are apart, because whether they count depends on other jobs.
    timers: BTreeSet<(Time, JobId, Timer)>,
    pub(super) sliced: BTreeSet<JobId>,
    queue: BTreeSet<(Priority, u64, JobId)>,
    idle: BTreeSet<JobId>,
    running: BTreeSet<JobId>,
    background: BTreeSet<JobId>,
    telling: BTreeSet<JobId>,
    live: u32,
    live_of: BTreeMap<UserId, u32>,
}

/// All that the index holds of one job.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Entry {
    timer: Option<(Time, Timer)>,
    sliced: bool,
    queued: Option<(Priority, u64)>,
    idle: bool,
    running: bool,
    background: bool,
    telling: bool,
    owner: Option<UserId>,
}

impl Core {
    /// Brings the index up to date, or makes or drops it. To be called after records were touched and before anything is looked up.
    pub(super) fn settle(&mut self) {
        let Some(mut index) = self.jobs.index.take() else {
            #[cfg(test)]
            if self.jobs.stays_plain {
                return;
            }
            if self.jobs.len() > MANY || self.jobs.jobs == Jobs::Many {
                self.make_index();
            }
            return;
        };
        if self.jobs.len() < FEW && self.jobs.jobs == Jobs::Few {
            return;
        }
        while let Some(id) = index.touched.pop() {
            let entry = self.jobs.get(id).map_or_else(Entry::default, |job| self.entry_of(job));
            index.set(id, entry);
        }
        self.jobs.index = Some(index);
    }

    /// The index, when it is up to date.
    pub(super) fn index(&self) -> Option<&Index> {
        self.jobs.index.as_deref().filter(|index| index.touched.is_empty())
    }

    fn make_index(&mut self) {
        let mut index = Box::<Index>::default();
        for (id, job) in self.ids() {
            index.set(id, self.entry_of(job));
        }
        self.jobs.index = Some(index);
    }

    fn entry_of(&self, job: &Job) -> Entry {
        let queues = job.is_open() && job.state == JobState::Queued;
        Entry {
            timer: self.lone_timers_of(job).first(),
            sliced: job.is_open() && job.slice_over_at.is_some(),
            queued: queues.then_some((job.priority, job.queued)),
            idle: self.is_idle(job),
            running: job.state.is_running(),
            background: job.state.is_running() && is_background(job),
            telling: self.might_tell(job),
            owner: (!job.state.is_final()).then_some(job.owner),
        }
    }

    /// Whether `choose` could find an event to deliver now, if every user had a free slot.
    fn might_tell(&self, job: &Job) -> bool {
        let overlaps = fault!(self, DeliveriesOverlap);
        if !job.is_open() || job.begun.is_some() && !overlaps {
            return false;
        }
        let told_late = job.tell_again_at.is_some_and(|at| at > self.now);
        job.modification == Modification::Pending
            || !told_late
                && (self.files_to_tell(job).next().is_some() || self.pending_job_event(job).is_some())
    }
}

impl Index {
    /// Notes that a record was touched.
    pub(super) fn look_again(&mut self, id: JobId) {
        if self.touched.last() != Some(&id) {
            self.touched.push(id);
        }
    }

    /// The first timer but for slices, in order of time and then of job.
    pub(super) fn first_timer(&self) -> Option<(Time, JobId, Timer)> {
        self.timers.first().copied()
    }

    /// The queue, in turn.
    pub(super) fn queue(&self) -> impl Iterator<Item = (JobId, Priority)> {
        self.queue.iter().map(|(priority, _, id)| (*id, *priority))
    }

    /// The highest priority of a background job in the queue.
    pub(super) fn first_background_priority(&self) -> Option<Priority> {
        let background = self.queue.range((Priority::High, 0, JobId(0))..);
        background.map(|(priority, ..)| *priority).next()
    }

    pub(super) fn idle(&self) -> impl Iterator<Item = JobId> {
        self.idle.iter().copied()
    }

    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    pub(super) fn background(&self) -> impl Iterator<Item = JobId> {
        self.background.iter().copied()
    }

    /// The jobs that may have an event to deliver, from the one after `last` round to it.
    pub(super) fn telling_after(&self, last: JobId) -> impl Iterator<Item = JobId> {
        let after = (std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded);
        self.telling.range(after).chain(self.telling.range(..=last)).copied()
    }

    /// Live jobs: all of them, and the user's.
    pub(super) fn live(&self, user: UserId) -> (u32, u32) {
        (self.live, self.live_of.get(&user).copied().unwrap_or(0))
    }

    fn set(&mut self, id: JobId, new: Entry) {
        let old = self.entries.get(&id).copied().unwrap_or_default();
        if old == new {
            return;
        }
        if old.timer != new.timer {
            old.timer.map(|(at, timer)| self.timers.remove(&(at, id, timer)));
            new.timer.map(|(at, timer)| self.timers.insert((at, id, timer)));
        }
        if old.queued != new.queued {
            old.queued.map(|(priority, place)| self.queue.remove(&(priority, place, id)));
            new.queued.map(|(priority, place)| self.queue.insert((priority, place, id)));
        }
        let sets = [
            (&mut self.sliced, new.sliced),
            (&mut self.idle, new.idle),
            (&mut self.running, new.running),
            (&mut self.background, new.background),
            (&mut self.telling, new.telling),
        ];
        for (set, member) in sets {
            if member {
                set.insert(id)
            } else {
                set.remove(&id)
            };
        }
        if old.owner != new.owner {
            old.owner.into_iter().for_each(|user| self.count(user, Count::Less));
            new.owner.into_iter().for_each(|user| self.count(user, Count::More));
        }
        if new == Entry::default() {
            self.entries.remove(&id);
        } else {
            self.entries.insert(id, new);
        }
    }

    fn count(&mut self, user: UserId, change: Count) {
        let of_user = self.live_of.entry(user).or_default();
        match change {
            Count::More => (self.live, *of_user) = (self.live + 1, *of_user + 1),
            Count::Less => (self.live, *of_user) = (self.live - 1, *of_user - 1),
        }
        if *of_user == 0 {
            self.live_of.remove(&user);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Count {
    More,
    Less,
}

#[cfg(test)]
mod tests {
    use contract::call::ErrorContext;
    use contract::core::{Answer, Config, Core as _, DiskOutcome, Failure, Then, TransferEvent};
    use contract::event::Leave;
    use contract::{Call, DeliveryId, Dialect, FileNames, HResult, Interfaces, Millis, Receiver, ReceiverId};

    use super::*;

    /// A core with an index beside one without: both get each step, and are compared after it.
    struct Twins {
        indexed: Core,
        plain: Core,
        begun: Vec<DeliveryId>,
        chance: u64,
    }

    const USERS: u64 = 3;

    impl Twins {
        fn of(dialect: Dialect, seed: u64) -> Twins {
            let config = Config::of(dialect.profile());
            let (indexed, mut plain) = (Core::new(&config), Core::new(&config));
            plain.jobs.stays_plain = true;
            Twins { indexed, plain, begun: Vec::new(), chance: seed }
        }

        fn both<T: PartialEq + std::fmt::Debug>(&mut self, mut step: impl FnMut(&mut Core) -> T) -> T {
            let (one, other) = (step(&mut self.indexed), step(&mut self.plain));
            assert_eq!(one, other);
            let changes = |core: &mut Core| {
                let mut changes = Vec::new();
                core.take_changes(|change| changes.push(change));
                changes
            };
            assert_eq!(changes(&mut self.indexed), changes(&mut self.plain));
            assert_eq!(self.indexed.poll_timeout(), self.plain.poll_timeout());
            assert_eq!(self.indexed.next_move(), self.plain.next_move());
            assert_eq!(self.indexed.next_to_tell(), self.plain.next_to_tell());
            one
        }

        fn call(&mut self, user: UserId, job: Option<JobId>, call: &Call) -> Answer {
            self.both(|core| core.call(user, job, call))
        }

        fn below(&mut self, bound: u64) -> u64 {
            self.chance =
                self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.chance >> 33) % bound
        }

        fn job(&mut self) -> JobId {
            let next = u64::from(self.plain.jobs.next());
            let lately = next.min(70);
            JobId((next - lately + self.below(lately)) as u32)
        }

        fn step(&mut self) {
            let job = self.job();
            let user = self.plain.owner(job).unwrap_or(UserId(0));
            match self.below(24) {
                0..=2 => self.create(),
                3 => self.end(job, &Call::Cancel),
                4 => self.end(job, &Call::Complete),
                5 => drop(self.call(user, Some(job), &Call::Suspend)),
                6..=7 => drop(self.call(user, Some(job), &Call::Resume)),
                8 => {
                    let call = Call::SetPriority { priority: self.below(4) as u32 };
                    drop(self.call(user, Some(job), &call));
                }
                9 => {
                    let receiver = Receiver { id: ReceiverId(0), interfaces: Interfaces::all() };
                    let receiver = Some(receiver).filter(|_| self.below(4) > 0);
                    drop(self.call(user, Some(job), &Call::SetNotifyInterface { receiver }));
                }
                10 => {
                    let call = Call::SetNotifyFlags { flags: [3, 0x13, 0x1B, 4][self.below(4) as usize] };
                    drop(self.call(user, Some(job), &call));
                }
                11..=13 => drop(self.both(Core::poll_transfer)),
                14..=16 => self.report(),
                17..=18 => {
                    if let Some(delivery) = self.both(Core::poll_delivery) {
                        self.begun.push(delivery.id);
                    }
                }
                19 => self.leave(),
                20..=21 => {
                    let later = Millis::from_secs([1, 40, 400, 4_000, 100_000][self.below(5) as usize]);
                    let now = self.plain.now().after(later);
                    self.both(|core| core.handle_timeout(now));
                }
                22 => match self.below(3) {
                    0 => self.both(|core| core.handle_logoff(user)),
                    1 => self.both(Core::handle_network_lost),
                    _ => self.both(Core::handle_network_back),
                },
                _ => self.both(|core| core.forget(job)),
            }
        }

        fn create(&mut self) {
            let user = UserId(self.below(USERS) as u32);
            let made = self.call(user, None, &Call::CreateJob { name: Some("job".into()), kind: 0 });
            if let contract::Out::Job(job) = made.out {
                for _ in 0..=self.below(2) {
                    let file = FileNames { remote: "http://h/f".into(), local: "/f".into() };
                    drop(self.call(user, Some(job), &Call::AddFile { file }));
                }
            }
        }

        fn end(&mut self, job: JobId, call: &Call) {
            let user = self.plain.owner(job).unwrap_or(UserId(0));
            if self.call(user, Some(job), call).then == Then::Disk {
                let fails = self.below(4) == 0;
                let rename_failed = fails.then_some((contract::FileId(0), HResult::E_FAIL));
                let outcome = DiskOutcome { rename_failed, left_behind: 0 };
                drop(self.both(|core| core.handle_disk(job, &outcome)));
            }
        }

        fn report(&mut self) {
            let running: Vec<JobId> =
                self.plain.ids().filter(|(_, job)| job.fetching.is_some()).map(|(id, _)| id).collect();
            let Some(job) = running.get(self.below(running.len().max(1) as u64) as usize).copied() else {
                return;
            };
            let Some((attempt, _)) = self.plain.transfer(job) else { return };
            let (hr, context) = (HResult::BG_E_HTTP_ERROR_503, ErrorContext::RemoteFile);
            let event = match self.below(6) {
                0 => TransferEvent::Connected,
                1 => TransferEvent::Bytes(self.below(10)),
                2 => TransferEvent::Failed { class: Failure::Transient, hr, context },
                3 => TransferEvent::Failed { class: Failure::Fatal, hr, context },
                _ => TransferEvent::FileDone,
            };
            let _reply = self.both(|core| core.handle_transfer(job, attempt, event));
        }

        fn leave(&mut self) {
            if self.begun.is_empty() {
                return;
            }
            let which = self.below(self.begun.len() as u64) as usize;
            let delivery = self.begun.swap_remove(which);
            let hr = if self.below(3) == 0 { HResult::E_FAIL } else { HResult::S_OK };
            self.both(|core| core.handle_delivery_left(delivery, Leave::Returned(hr)));
        }
    }

    #[test]
    fn a_core_with_an_index_answers_as_one_without() {
        for dialect in Dialect::ALL {
            for seed in 0..6 {
                let mut twins = Twins::of(dialect, seed);
                (0..60).for_each(|_| twins.create());
                assert!(twins.indexed.index().is_some() && twins.plain.index().is_none());
                let mut told = 0;
                for _ in 0..4_000 {
                    twins.step();
                    told += usize::from(twins.plain.next_to_tell().is_some());
                }
                assert!(twins.indexed.canonical() == twins.plain.canonical());
                assert!(told > 50, "{dialect}, seed {seed}: only {told} times there was something to tell");
            }
        }
    }

    #[test]
    fn the_index_goes_when_few_records_are_left() {
        let mut twins = Twins::of(Dialect::Bits, 0);
        (0..40).for_each(|_| twins.create());
        assert!(twins.indexed.index().is_some());
        for job in (0..39).map(JobId) {
            let user = twins.plain.owner(job).expect("the job lives");
            assert_eq!(twins.call(user, Some(job), &Call::Cancel).then, Then::Disk);
            drop(twins.both(|core| core.handle_disk(job, &DiskOutcome::default())));
            twins.both(|core| core.forget(job));
        }
        assert!(twins.indexed.jobs.index.is_none());
        assert_eq!(twins.indexed.records(), 1);
    }
}
