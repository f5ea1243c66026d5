//! The GUID of GetId, which lives at the service's border: inside, jobs have small numbers.

use std::fmt;

use contract::JobId;

/// The id of a job as clients see it, made from the service's namespace and the job's number. The namespace is random, unless the
/// builder is given one: then a program prints equal ids at every run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub u128);

/// Version 8 and the variant of RFC 9562: an id whose bits mean something to its maker alone.
const SHAPE: u128 = 0x8000_8000_0000_0000_0000;
/// The bits that the shape occupies.
const SHAPE_BITS: u128 = 0xF000_C000_0000_0000_0000;

impl Guid {
    pub(super) fn of(namespace: u64, job: JobId) -> Guid {
        let named = u128::from(namespace) << 64 & !SHAPE_BITS;
        Guid(named | SHAPE | u128::from(job.0))
    }

    /// The job, when a service of this namespace made the GUID.
    pub(super) fn job(self, namespace: u64) -> Option<JobId> {
        let job = JobId(u32::try_from(self.0 & u128::from(u32::MAX)).ok()?);
        (Guid::of(namespace, job) == self).then_some(job)
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032X}", self.0);
        write!(f, "{{{}-{}-{}-{}-{}}}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_leads_back_to_its_job_and_to_no_other_service() {
        for namespace in [0, 7, u64::MAX] {
            let guid = Guid::of(namespace, JobId(3));
            assert_eq!(guid.job(namespace), Some(JobId(3)));
            assert_eq!(guid.job(namespace ^ 1), None);
        }
        assert_eq!(Guid::of(0, JobId(0x2A)).to_string(), "{00000000-0000-8000-8000-00000000002A}");
    }
}
