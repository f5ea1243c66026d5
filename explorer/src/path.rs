//! Paths: how a state was come to, rebuilt after the run.
//!
//! **Why after.** Keeping a parent beside every visited key would double the visited set, for the few states whose path is
//! wanted. So a second run, only as deep as the deepest of them, remembers parents, and the model walks the path again.
//!
//! **The law it keeps.** A state's parent is the smallest key of the level before that has an edge to it, and the step between them
//! is the model's first: the path is identical in every run and with any number of workers.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use stateright::Model;

use super::form::Form;
use super::graph::Recording;
use super::key::Key;
use super::{Classes, Error, Limits, Plan, Trail, launch};

/// A way from a first state to another.
pub struct Path<M: Model> {
    /// Where it begins.
    pub first: M::State,
    /// The steps, each with the state it leads to.
    pub steps: Vec<(M::Action, M::State)>,
}

impl<M: Model> Path<M> {
    /// The state it leads to.
    #[must_use]
    pub fn last(&self) -> &M::State {
        self.steps.last().map_or(&self.first, |(_, state)| state)
    }

    /// The actions alone.
    pub fn actions(&self) -> impl Iterator<Item = &M::Action> {
        self.steps.iter().map(|(action, _)| action)
    }
}

impl<M: Model> fmt::Debug for Path<M>
where
    M::Action: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.actions()).finish()
    }
}

/// The paths to some states, by their keys. `targets` has each one's level and key.
pub(super) fn rebuild<M, F>(
    plan: &Plan<M, F>,
    workers: usize,
    targets: Vec<(u32, F::Key)>,
) -> Result<BTreeMap<F::Key, Arc<Path<M>>>, Error>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone,
    F: Form<M>,
{
    let Some(deepest) = targets.iter().map(|(level, _)| *level).max() else {
        return Ok(BTreeMap::new());
    };
    let quiet = Arc::new(Plan::<M, F> {
        model: Arc::clone(&plan.model),
        limits: Limits { depth: Some(deepest), ..Limits::default() },
        classes: Classes { names: Vec::new(), of: |_| 0 },
        is_final: |_, _| true,
        recording: Recording::Nothing,
        progress: Arc::new(|_| ()),
        checkpoints: None,
        resumed: None,
        memory: None,
        notes: None,
        workers,
        cluster: None,
        form: std::marker::PhantomData,
    });
    let parts = launch::<M, F, Trail<F::Key>>(&quiet)?;
    let trail = |key: F::Key| parts.iter().find_map(|part| part.table.mark(key));
    let mut paths = BTreeMap::new();
    for (_, target) in targets {
        let path = walk::<M, F>(&plan.model, &keys_to(target, trail).ok_or(Error::Path)?)?;
        paths.insert(target, Arc::new(path));
    }
    Ok(paths)
}

/// The keys from a first state to the target.
fn keys_to<K: Key>(target: K, trail: impl Fn(K) -> Option<Trail<K>>) -> Option<Vec<K>> {
    let mut keys = vec![target];
    let mut at = trail(target)?;
    while at.level > 0 {
        keys.push(at.parent);
        at = trail(at.parent)?;
    }
    keys.reverse();
    Some(keys)
}

/// Walks along the keys, by the first action that leads on.
pub(super) fn walk<M, F>(model: &M, keys: &[F::Key]) -> Result<Path<M>, Error>
where
    M: Model,
    M::State: Clone,
    F: Form<M>,
{
    let key = |state: &M::State| F::key_of(model, state);
    let (first_key, rest) = keys.split_first().ok_or(Error::Path)?;
    let first = model.init_states().into_iter().find(|state| key(state) == *first_key).ok_or(Error::Path)?;
    let mut path = Path { first, steps: Vec::new() };
    for next in rest {
        let steps = model.next_steps(path.last()).into_iter();
        let step = steps.into_iter().find(|(_, state)| key(state) == *next).ok_or(Error::Path)?;
        path.steps.push(step);
    }
    Ok(path)
}
