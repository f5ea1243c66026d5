//! The numbers that the documents give: of states, flags, codes, and the longest names.

use contract::call::ErrorContext;
use contract::names::{check_local, check_remote};
use contract::{Event, HResult, JobState, NotifyFlags};

#[test]
fn states_are_numbered_as_documented() {
    contract::follows!["state.order"];
    let documented = [
        "QUEUED",
        "CONNECTING",
        "TRANSFERRING",
        "SUSPENDED",
        "ERROR",
        "TRANSIENT_ERROR",
        "TRANSFERRED",
        "ACKNOWLEDGED",
        "CANCELLED",
    ];
    let here: Vec<(usize, String)> =
        JobState::ALL.iter().map(|state| (*state as usize, state.to_string())).collect();
    let documented: Vec<_> = documented.iter().map(ToString::to_string).enumerate().collect();
    assert_eq!(here, documented);
    assert_eq!(ErrorContext::RemoteFile as u8, 5);
}

#[test]
fn flags_have_the_documented_bits() {
    contract::follows![
        "flags.transferred",
        "flags.error",
        "flags.disable",
        "flags.modification",
        "flags.file"
    ];
    contract::follows!["flags.ranges"];
    let asks = [
        (Event::JobTransferred, 0x01),
        (Event::JobError, 0x02),
        (Event::JobModification, 0x08),
        (Event::FileTransferred, 0x10),
        (Event::FileRangesTransferred, 0x20),
    ];
    for (event, bit) in asks {
        assert_eq!(event.flag().bits(), bit, "{event}");
    }
    assert_eq!(NotifyFlags::DISABLE.bits(), 0x04);
}

#[test]
fn codes_have_the_documented_numbers() {
    contract::follows![
        "code.invalid-state",
        "code.do-invalid-state",
        "code.empty",
        "code.do-empty",
        "code.http"
    ];
    contract::follows!["code.not-found", "code.do-not-found", "code.no-error", "code.do-no-error"];
    contract::follows!["code.no-file", "code.do-no-file", "code.do-no-progress"];
    let documented = [
        (HResult::BG_E_NOT_FOUND, 0x8020_0001),
        (HResult::BG_E_INVALID_STATE, 0x8020_0002),
        (HResult::BG_E_EMPTY, 0x8020_0003),
        (HResult::BG_E_FILE_NOT_AVAILABLE, 0x8020_0004),
        (HResult::BG_E_ERROR_INFORMATION_UNAVAILABLE, 0x8020_000F),
        (HResult::BG_E_NETWORK_DISCONNECTED, 0x8020_0010),
        (HResult::BG_S_PARTIAL_COMPLETE, 0x0020_0017),
        (HResult::BG_S_UNABLE_TO_DELETE_FILES, 0x0020_001A),
        (HResult::BG_E_TOO_MANY_FILES_IN_JOB, 0x8020_0051),
        (HResult::DO_E_DOWNLOAD_NO_PROGRESS, 0x80D0_2002),
        (HResult::DO_E_NOT_FOUND, 0x80D0_2003),
        (HResult::DO_E_EMPTY, 0x80D0_2004),
        (HResult::DO_E_FILE_NOT_AVAILABLE, 0x80D0_2010),
        (HResult::DO_E_INVALID_STATE, 0x80D0_2013),
        (HResult::DO_E_ERROR_INFORMATION_UNAVAILABLE, 0x80D0_2014),
        (HResult::from_http(404), 0x8019_0194),
        (HResult::from_http(503), 0x8019_01F7),
    ];
    for (code, number) in documented {
        assert_eq!(code.0, number, "{code}");
    }
}

#[test]
fn names_may_be_as_long_as_documented_and_no_longer() {
    contract::follows!["file.url-limit", "file.segment-limit"];
    let url =
        |length: usize| format!("http://h/{}", "a/".repeat(length)).chars().take(length).collect::<String>();
    assert_eq!([2200, 2201].map(|length| check_remote(&url(length)).is_good()), [true, false]);
    let segment = |length| format!("http://h/{}", "a".repeat(length));
    assert_eq!([260, 261].map(|length| check_remote(&segment(length)).is_good()), [true, false]);
}

#[cfg(unix)]
#[test]
fn a_local_path_is_absolute_and_as_long_as_documented() {
    contract::follows!["file.path-limit"];
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    assert_eq!([260, 261].map(|length| check_local(&path(length)).is_good()), [true, false]);
    assert!(!check_local("a/file").is_good());
}
