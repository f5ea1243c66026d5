//! Which client object an id stands for, and for how long.
//!
//! The core holds receivers by id only. An object stays here while a job has it registered, while a call that registers it is under
//! way, or for good when it was registered by id. Nothing of a client runs under this lock: objects to drop are
//! handed out, and dropped by the caller without any lock.

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher};
use std::sync::Arc;

use contract::{JobId, Receiver, ReceiverId};

use super::callback::Callback;
use super::runtime::Protected;

/// Ids that the service gives by itself start here, so that they never meet those a driver chooses.
const FIRST_OWN: u32 = 1 << 16;

/// The registered objects.
pub(super) struct Registry {
    objects: BTreeMap<ReceiverId, Entry>,
    on_job: BTreeMap<JobId, ReceiverId>,
    next: u32,
}

struct Entry {
    object: Arc<dyn Callback>,
    /// Jobs that have it registered, calls under way, and one for an object that stays for good.
    uses: u32,
}

/// The object that the registry does not keep, if there is one, to be dropped without a lock.
pub(super) type Dropped = Option<Arc<dyn Callback>>;

impl Registry {
    pub(super) fn new() -> Self {
        Registry { objects: BTreeMap::new(), on_job: BTreeMap::new(), next: FIRST_OWN }
    }

    /// Makes `id` stand for `object`, for good. Gives back what it stood for.
    pub(super) fn pin(&mut self, id: ReceiverId, object: Arc<dyn Callback>) -> Dropped {
        match self.objects.get_mut(&id) {
            Some(entry) => Some(std::mem::replace(&mut entry.object, object)),
            None => {
                self.objects.insert(id, Entry { object, uses: 1 });
                None
            }
        }
    }

    /// The id of an object for a call that is about to be made; an object keeps its id while it is here.
    pub(super) fn lend(&mut self, object: &Arc<dyn Callback>) -> ReceiverId {
        let known = self.objects.iter_mut().find(|(_, entry)| is_same(&entry.object, object));
        if let Some((id, entry)) = known {
            entry.uses += 1;
            return *id;
        }
        let id = ReceiverId(self.next);
        self.next = self.next.wrapping_add(1).max(FIRST_OWN);
        self.objects.insert(id, Entry { object: Arc::clone(object), uses: 1 });
        id
    }

    /// As [`Registry::lend`], under an id of the driver. Gives the object back when another one stands there already: that one stays.
    pub(super) fn lend_as(&mut self, id: ReceiverId, object: Arc<dyn Callback>) -> Dropped {
        match self.objects.get_mut(&id) {
            Some(entry) => {
                entry.uses += 1;
                Some(object)
            }
            None => {
                self.objects.insert(id, Entry { object, uses: 1 });
                None
            }
        }
    }

    /// The call for which [`Registry::lend`] gave the id is over.
    pub(super) fn give_back(&mut self, id: ReceiverId) -> Dropped {
        self.unuse(id)
    }

    /// A SetNotifyInterface has succeeded. Called in the order in which they succeed, under the engine's lock.
    pub(super) fn bind(&mut self, job: JobId, receiver: Option<Receiver>) -> Dropped {
        let new = receiver.map(|receiver| receiver.id).filter(|id| self.objects.contains_key(id));
        if let Some(entry) = new.and_then(|id| self.objects.get_mut(&id)) {
            entry.uses += 1;
        }
        let old = match new {
            Some(id) => self.on_job.insert(job, id),
            None => self.on_job.remove(&job),
        };
        old.and_then(|id| self.unuse(id))
    }

    /// The object behind an id.
    pub(super) fn get(&self, id: ReceiverId) -> Option<Arc<dyn Callback>> {
        self.objects.get(&id).map(|entry| Arc::clone(&entry.object))
    }

    /// An object behind another id, for a fault.
    pub(super) fn get_other(&self, id: ReceiverId) -> Option<Arc<dyn Callback>> {
        let other = self.objects.iter().find(|(known, _)| **known != id);
        other.map(|(_, entry)| Arc::clone(&entry.object))
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) -> Vec<Arc<dyn Callback>> {
        self.on_job.clear();
        std::mem::take(&mut self.objects).into_values().map(|entry| entry.object).collect()
    }

    fn unuse(&mut self, id: ReceiverId) -> Dropped {
        let entry = self.objects.get_mut(&id)?;
        entry.uses -= 1;
        if entry.uses > 0 {
            return None;
        }
        self.objects.remove(&id).map(|entry| entry.object)
    }
}

impl Protected for Registry {
    /// An object is known by its id: which one stands behind it is for who compares states to know.
    fn digest<H: Hasher>(&self, state: &mut H) {
        let Registry { objects, on_job, next } = self;
        objects.iter().for_each(|(id, entry)| (id, entry.uses).hash(state));
        (objects.len(), on_job, next).hash(state);
    }
}

fn is_same(a: &Arc<dyn Callback>, b: &Arc<dyn Callback>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(a), Arc::as_ptr(b))
}
