//! The real network: the backend that fetches files unless the service is given another.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use contract::defect::{Fault, Seeded};
use contract::{FileId, JobId};

use super::backends::{Fetch, Order};
use crate::transfer::{self, Client, ClientConfig, Progress, Request, Validator};

/// Validators remembered at most. Without one a file starts again from nothing, so forgetting is safe.
const REMEMBERED: usize = 1024;

/// Fetches files over HTTP and HTTPS into temporary files beside their destinations.
///
/// Between two attempts at a file it remembers the server's validator, so that a file that has changed since is
/// fetched from the start and not glued together.
pub struct HttpFetch {
    client: Client,
    seeded: Seeded,
    /// A lock of its own, because transfers run without the engine's; held for a look-up and never across I/O.
    validators: Mutex<BTreeMap<(JobId, FileId), Validator>>,
}

impl HttpFetch {
    /// A client for all transfers of a service.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let seeded = config.seeded;
        HttpFetch { client: Client::new(config), seeded, validators: Mutex::default() }
    }

    fn remembered(&self, order: &Order) -> Option<Validator> {
        let validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        validators.get(&(order.job, order.file)).cloned()
    }

    fn remember(&self, order: &Order, validator: Option<Validator>) {
        let validator = validator.filter(|_| !self.seeded.is(Fault::VersionForgotten));
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        match validator {
            Some(validator) => validators.insert((order.job, order.file), validator),
            None => validators.remove(&(order.job, order.file)),
        };
        while validators.len() > REMEMBERED {
            // The oldest job is the least likely to be resumed.
            validators.pop_first();
        }
    }
}

impl Fetch for HttpFetch {
    fn fetch(&self, order: &Order, progress: &mut dyn Progress) {
        let temporary = order.temporary();
        let validator = if order.from == 0 { None } else { self.remembered(order) };
        let request =
            Request { remote: &order.remote, temporary: temporary.path(), from: order.from, validator };
        let ended = transfer::download(&self.client, &request, progress);
        self.remember(order, ended.validator);
    }
}

impl std::fmt::Debug for HttpFetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpFetch")
    }
}
