//! The disk as it is: the backend that Complete and Cancel use unless the service is given another.

use std::path::Path;

use contract::HResult;

use super::backends::{Disk, Place};
use crate::store::Temporary;

/// Temporary files beside their destinations.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn rename(&self, place: &Place) -> Result<(), HResult> {
        let destination = Path::new(&place.local);
        let temporary = Temporary::beside(destination, place.job, place.file);
        temporary.rename_to(destination).map_err(|error| error.hresult())
    }

    fn remove(&self, place: &Place) -> Result<(), HResult> {
        let temporary = Temporary::beside(Path::new(&place.local), place.job, place.file);
        temporary.remove().map_err(|error| error.hresult())
    }
}
