//! The real disk, except where a `disk` command has ordered that it fails.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use adapter::wire::DiskOrder;
use contract::{HResult, JobId};
use engine::service::{Disk, Place, RealDisk};

/// What the file system returns for a file that is open elsewhere.
const SHARING_VIOLATION: HResult = HResult::from_win32(32);

/// A disk that fails on order.
#[derive(Debug, Default)]
pub(crate) struct OrderedDisk {
    orders: Mutex<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    /// For the next call.
    next: Option<DiskOrder>,
    /// For the calls that go on, and the renames that each has made.
    of: BTreeMap<JobId, (DiskOrder, u32)>,
}

impl OrderedDisk {
    /// How the disk work of the next Complete or Cancel goes.
    pub(crate) fn order(&self, order: DiskOrder) {
        self.orders().next = Some(order);
    }

    /// A Complete or Cancel begins: it takes the order.
    pub(crate) fn begins(&self, job: JobId) {
        let mut orders = self.orders();
        if let Some(order) = orders.next.take() {
            orders.of.insert(job, (order, 0));
        }
    }

    /// It is back.
    pub(crate) fn ends(&self, job: JobId) {
        self.orders().of.remove(&job);
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for OrderedDisk {
    fn rename(&self, place: &Place) -> Result<(), HResult> {
        let fails = self.orders().of.get_mut(&place.job).is_some_and(|(order, renames)| {
            let fails = *order == DiskOrder::RenameFails(*renames);
            *renames += 1;
            fails
        });
        if fails { Err(SHARING_VIOLATION) } else { RealDisk.rename(place) }
    }

    fn remove(&self, place: &Place) -> Result<(), HResult> {
        let ordered = self.orders().of.get(&place.job).copied();
        let fails = matches!(ordered, Some((DiskOrder::LeavesBehind, _)));
        if fails { Err(SHARING_VIOLATION) } else { RealDisk.remove(place) }
    }
}
