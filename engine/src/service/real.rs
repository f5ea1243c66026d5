//! The real disk: the backend that Complete and Cancel use unless the service is given another.

use std::path::Path;

use contract::HResult;

use super::backends::{Disk, Place};

/// Temporary files beside their destinations.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn rename(&self, place: &Place) -> Result<(), HResult> {
        place.temporary().rename_to(Path::new(&place.local)).map_err(|error| error.hresult())
    }

    fn remove(&self, place: &Place) -> Result<(), HResult> {
        place.temporary().remove().map_err(|error| error.hresult())
    }
}
