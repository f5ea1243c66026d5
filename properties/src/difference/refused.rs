//! Two reasons to refuse a call at once: its job has ended, and a value is bad.
//!
//! **What it is.** Our engine looks at the state first. The documents leave the order open (facts G57), so another implementation may
//! give the code of the value.

use contract::{Call, FileId, FileNames, HResult, JobId, Profile, UserId};
use model::spec::World;

/// Whether the specification refuses the call for the state of its job, and the implementation for a value that is bad on a live job, too.
pub(crate) fn is_for_a_value(profile: &Profile, call: &Call, wanted: HResult, hr: HResult) -> bool {
    wanted == profile.invalid_state && hr.failed() && on_a_live_job(profile, call) == hr
}

/// What a job that lives answers.
fn on_a_live_job(profile: &Profile, call: &Call) -> HResult {
    let mut world = World::<1>::new();
    let mut make = |job: Option<JobId>, call: &Call| world.call(profile, UserId(0), job, call).hr;
    let _ = make(None, &Call::CreateJob { name: Some("job".into()), kind: 0 });
    if let Call::FileSetRemoteName { file: FileId(0), .. } = call {
        let file = FileNames { remote: "http://127.0.0.1/0".into(), local: "/0".into() };
        let _ = make(Some(JobId(0)), &Call::AddFile { file });
    }
    make(Some(JobId(0)), call)
}

#[cfg(test)]
mod tests {
    use contract::Dialect;

    use super::*;

    #[test]
    fn only_what_a_live_job_refuses_is_a_reason_besides() {
        let profile = Dialect::Bits.profile();
        let long = |len: usize| Call::SetDescription { description: Some("x".repeat(len).into()) };
        let name = |file, remote: &'static str| Call::FileSetRemoteName {
            file: FileId(file),
            remote: remote.into(),
        };
        let is = |call: &Call, hr| is_for_a_value(profile, call, profile.invalid_state, hr);
        assert!(is(&long(5_000), HResult::BG_E_STRING_TOO_LONG));
        assert!(!is(&long(5_000), HResult::E_INVALIDARG));
        assert!(!is(&long(5), HResult::BG_E_STRING_TOO_LONG));
        assert!(!is(&long(5), HResult::S_OK));
        assert!(is(&name(0, "file"), HResult::E_INVALIDARG));
        assert!(!is(&name(0, "http://127.0.0.1/1"), HResult::E_INVALIDARG));
        assert!(!is_for_a_value(profile, &long(5_000), HResult::S_OK, HResult::BG_E_STRING_TOO_LONG));
    }
}
