//! One execution under shuttle, with stacks that outlive it.
//!
//! **What it is.** The one place that uses shuttle's internals, which its facade does not show; that is why their version is pinned.
//! [`run`] is what `Runner::run` does for one execution, without what it does for each anew: stacks are kept per thread of the
//! system, so an execution maps no memory.
//!
//! **What it is not.** A schedule: [`World::decide`] is called at every scheduling point.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, FailurePersistence, MaxSteps};
use shuttle_engine::runtime::execution::{Execution, ExecutionState};
use shuttle_engine::runtime::thread::continuation::{CONTINUATION_POOL, ContinuationPool};

use super::world::World;

/// The stack of a task. It is mapped, and only the part in use takes memory.
pub(super) const STACK_BYTES: usize = if cfg!(debug_assertions) { 1024 * 1024 } else { 256 * 1024 };

thread_local! {
    static STACKS: ContinuationPool = ContinuationPool::new();
}

/// Runs `host` and every task it starts to their ends.
pub(super) fn run(world: &Arc<World>, host: impl FnOnce() + Send + 'static) {
    let scheduler = Turns { world: Arc::clone(world), runnable: Vec::with_capacity(16) };
    let scheduler: Rc<RefCell<dyn Scheduler>> = Rc::new(RefCell::new(scheduler));
    let execution = Execution::new(scheduler, Schedule::new(0));
    STACKS.with(|stacks| {
        CONTINUATION_POOL.set(stacks, || execution.run(&config(), host, Location::caller()));
    });
}

/// A scheduling point.
pub(super) fn switch() {
    shuttle_engine::runtime::thread::switch();
}

/// Makes the task that runs one that cannot go on. It still runs, up to its next [`switch`].
pub(super) fn block() {
    ExecutionState::with(|state| state.current_mut().block(false));
}

/// Makes a blocked task one that can go on.
pub(super) fn unblock(task: usize) {
    ExecutionState::with(|state| state.get_mut(TaskId::from(task)).unblock());
}

/// Starts a task. This is a scheduling point.
pub(super) fn spawn(body: Box<dyn FnOnce()>, stack_bytes: usize) -> usize {
    let here = Location::caller();
    usize::from(ExecutionState::spawn_thread(body, stack_bytes, None, None, here))
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    // A schedule is a tape and a trace here; shuttle's own text is not used.
    config.failure_persistence = FailurePersistence::None;
    // The world counts, and ends a run that is too long without an error.
    config.max_steps = MaxSteps::None;
    config
}

/// Takes from the world which task is next.
struct Turns {
    world: Arc<World>,
    runnable: Vec<usize>,
}

impl Scheduler for Turns {
    fn new_execution(&mut self) -> Option<Schedule> {
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], _: Option<TaskId>, _: bool) -> Option<TaskId> {
        self.runnable.clear();
        self.runnable.extend(runnable.iter().map(|task| usize::from(task.id())));
        self.world.inner().decide(&mut self.runnable).map(TaskId::from)
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}
