//! The method x state table (facts B): which HRESULTs a method may answer in which state.
//!
//! Rule R12 judges by it. Rows are classes of methods, because facts B gives whole classes one set of columns; a
//! method's own argument errors come on top. Our engine checks the state before values (facts G57), so it answers no argument error in a
//! final state to a method that such a state forbids. Another implementation may check values first.

use crate::call::{Method, Omitted};
use crate::dialect::{Origin, Profile};
use crate::hresult::HResult;
use crate::mutation::Mutant;
use crate::sentence::Follows;
use crate::sentences;
use crate::state::JobState;

/// How a method's answers depend on the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// A row of facts B1.
    Suspend,
    /// A row of facts B1.
    Resume,
    /// A row of facts B1.
    Cancel,
    /// A row of facts B1.
    Complete,
    /// S_OK while the job lives, INVALID_STATE in a final state (facts B2).
    Setter,
    /// S_OK in every state for a pointer that is held (facts G31).
    Getter,
    /// As a getter, but without an error there is nothing to return (facts B2, G24, G25).
    ErrorGetter,
    /// Not about a job's state: the manager's methods.
    Manager,
    /// Of a method that is not in the list nothing is known.
    Other,
}

/// The class of `method`.
#[must_use]
pub const fn class(method: Method) -> Class {
    use Method as M;
    match method {
        M::Other => Class::Other,
        M::Suspend => Class::Suspend,
        M::Resume => Class::Resume,
        M::Cancel => Class::Cancel,
        M::Complete => Class::Complete,
        M::CreateJob
        | M::GetJob
        | M::EnumJobs
        | M::GetErrorDescription
        | M::EnumJobsNext
        | M::EnumJobsSkip
        | M::EnumJobsReset
        | M::EnumJobsGetCount
        | M::EnumJobsClone => Class::Manager,
        M::AddFile
        | M::AddFileSet
        | M::SetDisplayName
        | M::SetDescription
        | M::SetPriority
        | M::SetNotifyFlags
        | M::SetNotifyInterface
        | M::SetMinimumRetryDelay
        | M::SetNoProgressTimeout
        | M::SetProxySettings
        | M::TakeOwnership
        | M::SetNotifyCmdLine
        | M::FileSetRemoteName
        | M::FileSetValidationState
        | M::FileSetProperty => Class::Setter,
        M::GetError
        | M::ErrorGetError
        | M::ErrorGetFile
        | M::ErrorGetErrorDescription
        | M::ErrorGetErrorContextDescription
        | M::ErrorGetProtocol => Class::ErrorGetter,
        M::EnumFiles
        | M::GetId
        | M::GetType
        | M::GetProgress
        | M::GetTimes
        | M::GetState
        | M::GetOwner
        | M::GetDisplayName
        | M::GetDescription
        | M::GetPriority
        | M::GetNotifyFlags
        | M::GetNotifyInterface
        | M::GetMinimumRetryDelay
        | M::GetNoProgressTimeout
        | M::GetErrorCount
        | M::GetProxySettings
        | M::GetNotifyCmdLine
        | M::FileGetRemoteName
        | M::FileGetLocalName
        | M::FileGetProgress
        | M::FileGetFileRanges
        | M::FileGetProperty
        | M::EnumFilesNext
        | M::EnumFilesSkip
        | M::EnumFilesReset
        | M::EnumFilesGetCount
        | M::EnumFilesClone => Class::Getter,
    }
}

/// The errors a method gives for its arguments, in a state that allows the call (facts B2 to B5).
#[must_use]
pub const fn argument_errors(method: Method) -> &'static [HResult] {
    use Method as M;
    match method {
        M::AddFile | M::AddFileSet => &[HResult::E_INVALIDARG, HResult::BG_E_TOO_MANY_FILES_IN_JOB],
        M::SetDisplayName => &[HResult::E_INVALIDARG],
        M::SetDescription | M::SetNotifyCmdLine => &[HResult::E_INVALIDARG, HResult::BG_E_STRING_TOO_LONG],
        M::SetPriority | M::SetNotifyFlags => &[HResult::E_NOTIMPL],
        M::SetNotifyInterface => &[HResult::E_NOINTERFACE],
        M::FileSetRemoteName | M::FileGetRemoteName | M::FileGetLocalName | M::FileGetProgress => {
            &[HResult::E_INVALIDARG]
        }
        M::FileGetFileRanges => &[HResult::S_FALSE, HResult::E_INVALIDARG],
        M::EnumFilesNext | M::EnumJobsNext => &[HResult::S_FALSE, HResult::E_INVALIDARG],
        M::EnumFilesSkip | M::EnumJobsSkip => &[HResult::S_FALSE],
        M::CreateJob => &[
            HResult::E_INVALIDARG,
            HResult::E_NOTIMPL,
            HResult::BG_E_TOO_MANY_JOBS_PER_USER,
            HResult::BG_E_TOO_MANY_JOBS_PER_MACHINE,
        ],
        M::EnumJobs | M::GetJob => &[HResult::E_ACCESSDENIED],
        M::GetErrorDescription | M::ErrorGetErrorDescription | M::ErrorGetErrorContextDescription => {
            &[HResult::ERROR_RESOURCE_LANG_NOT_FOUND]
        }
        M::ErrorGetFile => &[HResult::BG_E_FILE_NOT_AVAILABLE, HResult::DO_E_FILE_NOT_AVAILABLE],
        M::ErrorGetProtocol => &[HResult::BG_E_PROTOCOL_NOT_AVAILABLE],
        _ => &[],
    }
}

/// The sentences of the documents about the codes that a state allows a method, by which R12 judges.
#[must_use]
pub const fn follows(method: Method) -> Follows {
    use Method as M;
    match method {
        M::Suspend => sentences!["suspend.twice", "suspend.at-rest", "suspend.final"],
        M::Resume => sentences!["resume.running", "resume.final"],
        M::Cancel => sentences!["cancel.ends", "cancel.do-codes", "cancel.final"],
        M::Complete => sentences!["complete.do-codes", "complete.final"],
        M::GetJob => sentences!["manager.found", "manager.gone"],
        M::AddFile => sentences!["file.any-time"],
        M::SetDisplayName | M::SetDescription | M::SetPriority | M::SetMinimumRetryDelay => {
            sentences!["properties.final"]
        }
        M::SetNotifyFlags => sentences!["flags.success", "flags.final"],
        M::SetNotifyInterface => sentences!["interface.final"],
        M::SetNoProgressTimeout => sentences!["timeout.final"],
        M::SetNotifyCmdLine => sentences!["program.final"],
        M::FileSetRemoteName => sentences!["file.new-name-final"],
        _ => &[],
    }
}

/// The sentences about which of the allowed codes it is: that depends on arguments, files and limits, which R12 does not look at. Specification
/// and core are compared in it.
#[must_use]
pub const fn follows_beyond_state(method: Method) -> Follows {
    use Method as M;
    match method {
        M::Resume => sentences!["resume.empty"],
        M::Cancel => sentences!["cancel.left-behind"],
        M::Complete => sentences![
            "complete.whole",
            "complete.partial-code",
            "complete.left-behind",
            "complete.rename-code"
        ],
        M::CreateJob => sentences![
            "manager.name-required",
            "manager.name-limit",
            "manager.downloads",
            "manager.per-user",
            "manager.per-machine"
        ],
        M::GetJob => sentences!["manager.denied"],
        M::EnumJobs => sentences!["manager.all-users"],
        M::GetErrorDescription => sentences!["error.language"],
        M::AddFile => sentences!["file.bad-names", "file.too-many"],
        M::AddFileSet => sentences!["file.bad-names", "file.too-many", "file.set-whole"],
        M::SetDisplayName => sentences!["name.required", "name.limit"],
        M::SetDescription => sentences!["description.required", "description.limit"],
        M::SetPriority => sentences!["priority.undefined"],
        M::SetNotifyFlags => sentences!["flags.invalid", "flags.ranges", "flags.do-ranges"],
        M::SetNotifyCmdLine => sentences!["program.limits", "program.parameters-alone"],
        M::FileSetRemoteName => sentences!["file.new-name"],
        M::FileGetFileRanges => sentences!["file.no-ranges"],
        M::GetError => sentences!["error.readable", "error.kept", "error.none"],
        M::ErrorGetFile => sentences!["error.file"],
        M::ErrorGetProtocol => sentences!["error.protocol"],
        M::EnumFilesNext | M::EnumJobsNext => sentences!["enum.fewer", "enum.count-pointer"],
        M::EnumFilesSkip | M::EnumJobsSkip => sentences!["enum.skip"],
        _ => &[],
    }
}

/// Whether a method gives this error for its arguments.
fn is_argument_error(profile: &Profile, method: Method, hr: HResult) -> bool {
    let number = argument_errors(method).iter().position(|error| *error == hr);
    number.is_some_and(|number| !profile.mutation.is(Mutant::AnswerForbidden(method, number as u8)))
}

/// Whether the dialect answers E_NOTIMPL to `method` in every state (contract section 1). What only our own engine lacks
/// ([`Omitted::Here`]) is no law of the dialect: another implementation may have it.
#[must_use]
pub fn is_omitted(profile: &Profile, method: Method) -> bool {
    match method.omitted() {
        Omitted::No => false,
        Omitted::Here => profile.origin == Origin::Ours,
        Omitted::ByDialect => !profile.omitted_methods.is_on(),
        Omitted::WithoutCommandLine => !profile.command_line.is_on(),
    }
}

/// Whether the code means nothing for a job's state: the caller may not, or the call did not get there, or memory or disk ran out.
///
/// Any method of another implementation may answer it at any time. On our own engine nothing of the kind can happen, so
/// there it is judged.
///
/// ```
/// use contract::{HResult, answers};
/// assert!(answers::is_about_no_state(HResult::RPC_S_CALL_FAILED));
/// assert!(!answers::is_about_no_state(HResult::BG_E_INVALID_STATE));
/// ```
#[must_use]
pub const fn is_about_no_state(hr: HResult) -> bool {
    // Facilities: 1 is RPC, 3 storage, 4 COM's own (CO_E, REGDB_E, CLASS_E), 8 COM's own for servers, 9 security.
    match (hr.0 >> 16, hr.0 & 0xFFFF) {
        (0x8001 | 0x8003 | 0x8004 | 0x8008 | 0x8009, _) => true,
        // Access: denied, no token, logon, privilege.
        (0x8007, 5 | 65 | 1008 | 1245 | 1300 | 1314 | 1326 | 1331 | 1346) => true,
        // Memory and other resources.
        (0x8007, 8 | 14 | 1450 | 1453 | 1454 | 1455) => true,
        // The disk: full, broken, write-protected, not there.
        (0x8007, 19 | 21 | 23 | 29 | 30 | 39 | 112 | 1006 | 1112 | 1117 | 1295) => true,
        // The service and the machine: disabled, not started, stopping, shutting down.
        (0x8007, 1053 | 1055 | 1058 | 1060 | 1061 | 1062 | 1068 | 1115) => true,
        // RPC, as codes of Windows: RPC_S_* and RPC_X_*, EPT_S_*.
        (0x8007, 1700..=1792 | 1817..=1833 | 1898..=1920) => true,
        _ => false,
    }
}

fn is_excused(profile: &Profile, hr: HResult) -> bool {
    profile.origin == Origin::Foreign && is_about_no_state(hr)
}

/// Whether `method` may answer `hr` when the job is in `state` (rule R12).
///
/// ```
/// use contract::{answers, Dialect, HResult, JobState, Method};
/// let bits = Dialect::Bits.profile();
/// assert!(answers::allows(bits, Method::Cancel, JobState::Cancelled, HResult::BG_E_INVALID_STATE));
/// assert!(!answers::allows(bits, Method::Cancel, JobState::Queued, HResult::BG_E_INVALID_STATE));
/// ```
#[must_use]
pub fn allows(profile: &Profile, method: Method, state: JobState, hr: HResult) -> bool {
    if method == Method::Other {
        return true;
    }
    if is_omitted(profile, method) {
        return hr == HResult::E_NOTIMPL || is_excused(profile, hr);
    }
    let lacks_it = profile.origin == Origin::Foreign && method.omitted() == Omitted::Here;
    if is_excused(profile, hr) || lacks_it && hr == HResult::E_NOTIMPL {
        return true;
    }
    // GetJob with the id of a job outside the queue is refused.
    if matches!(class(method), Class::Manager) {
        let gone = method == Method::GetJob && state.is_final();
        let known = hr == HResult::S_OK || is_argument_error(profile, method, hr);
        return if gone { hr == profile.not_found } else { known };
    }
    let of_state = match class(method) {
        Class::Getter => hr == HResult::S_OK,
        Class::ErrorGetter => hr == HResult::S_OK || hr == profile.no_error_information,
        _ if state.is_final() => {
            let is_foreign = profile.origin == Origin::Foreign;
            return hr == profile.invalid_state || is_foreign && is_argument_error(profile, method, hr);
        }
        Class::Suspend | Class::Setter => hr == HResult::S_OK,
        Class::Resume => match state {
            JobState::Suspended => hr == HResult::S_OK || hr == profile.empty,
            JobState::Transferred => hr == HResult::S_OK || hr == profile.resume_transferred,
            _ => hr == HResult::S_OK,
        },
        Class::Cancel => hr == HResult::S_OK || hr == profile.unable_to_delete,
        // Only a job that is TRANSFERRED can be whole: any other still has work, or no file at all (facts G27, G29). The rename may fail with any
        // file-system error (facts B1, G28).
        Class::Complete => {
            hr == HResult::S_OK && state == JobState::Transferred
                || hr == profile.partial_complete
                || hr == profile.unable_to_delete
                || hr.is_win32() && hr != HResult::E_INVALIDARG
        }
        Class::Manager | Class::Other => unreachable!("answered above"),
    };
    of_state || is_argument_error(profile, method, hr)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn another_implementation_may_look_at_a_value_before_the_state() {
        let (ours, method) = (Dialect::Bits.profile(), Method::SetDescription);
        let foreign = Profile { origin: Origin::Foreign, ..*ours };
        let allows = |profile, hr| allows(profile, method, JobState::Cancelled, hr);
        assert!(allows(&foreign, HResult::BG_E_STRING_TOO_LONG));
        assert!(!allows(ours, HResult::BG_E_STRING_TOO_LONG));
        assert!(!allows(&foreign, HResult::E_NOTIMPL), "an undefined priority is no reason here");
    }

    #[test]
    fn final_states_forbid_exactly_the_methods_that_change_something() {
        for dialect in Dialect::ALL {
            let profile = dialect.profile();
            for method in Method::ALL.iter().copied().filter(|method| !is_omitted(profile, *method)) {
                let changes = !matches!(class(method), Class::Getter | Class::ErrorGetter | Class::Manager);
                for state in JobState::ALL {
                    let refused = allows(profile, method, state, profile.invalid_state);
                    assert_eq!(refused, changes && state.is_final(), "{method} in {state} ({dialect})");
                }
            }
        }
    }

    #[test]
    fn delivery_optimization_omits_eleven_of_the_job_methods_of_bits_and_keeps_addfile() {
        use crate::call::Interface;
        let omitted: Vec<_> = Method::ALL
            .iter()
            .filter(|method| {
                method.interface() == Interface::Job && is_omitted(Dialect::Do.profile(), **method)
            })
            .collect();
        assert_eq!(omitted.len(), 11, "{omitted:?}");
        assert!(!is_omitted(Dialect::Do.profile(), Method::AddFile));
    }
}
