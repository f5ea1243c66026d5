//! What aria2 returns for a download, in the words of jobs.

use contract::{ErrorContext, ErrorInfo, FileId, HResult, JobState, Progress};
use serde_json::Value;

/// The keys that `aria2.tellStatus` has as its parameter.
pub(crate) const KEYS: [&str; 6] =
    ["status", "totalLength", "completedLength", "connections", "errorCode", "errorMessage"];

/// The state. A word that is not in the manual is none.
pub(crate) fn state(status: &Value) -> Option<JobState> {
    Some(match text(status, "status") {
        "active" if number(status, "connections") == 0 => JobState::Connecting,
        "active" => JobState::Transferring,
        "waiting" => JobState::Queued,
        "paused" => JobState::Suspended,
        "error" => JobState::Error,
        "complete" => JobState::Transferred,
        "removed" => JobState::Cancelled,
        _ => return None,
    })
}

/// Bytes and files.
pub(crate) fn progress(status: &Value) -> Progress {
    let total = number(status, "totalLength");
    let whole = text(status, "status") == "complete";
    Progress {
        // aria2 returns 0 while the length is unknown.
        bytes_total: (total > 0 || whole).then_some(total),
        bytes_transferred: number(status, "completedLength"),
        files_total: 1,
        files_transferred: u32::from(whole),
    }
}

/// The error, of a download that has one. The numbers are from "EXIT STATUS" of aria2's manual.
pub(crate) fn error(status: &Value) -> Option<ErrorInfo> {
    if text(status, "status") != "error" {
        return None;
    }
    let http = http_status(text(status, "errorMessage"));
    let (hr, context) = match number(status, "errorCode") {
        3 => (HResult::from_http(404), ErrorContext::RemoteFile),
        22 | 24 | 29 => (http.map_or(HResult::E_FAIL, HResult::from_http), ErrorContext::RemoteFile),
        2 | 6 | 19 | 23 => (HResult::E_FAIL, ErrorContext::GeneralTransport),
        9 | 13..=18 => (HResult::E_FAIL, ErrorContext::LocalFile),
        _ => (HResult::E_FAIL, ErrorContext::Unknown),
    };
    Some(ErrorInfo { hr, context, file: Some(FileId(0)) })
}

/// `... status=503`.
fn http_status(message: &str) -> Option<u16> {
    let (_, after) = message.split_once("status=")?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn text<'a>(status: &'a Value, key: &str) -> &'a str {
    status.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Numbers are texts in aria2's answers.
fn number(status: &Value, key: &str) -> u64 {
    text(status, key).parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_has_the_code_of_its_answer() {
        let message = "The response status is not successful. status=503";
        let found = error(&json!({"status": "error", "errorCode": "22", "errorMessage": message}));
        assert_eq!(found.map(|error| error.hr), Some(HResult::from_http(503)));
        assert_eq!(error(&json!({"status": "complete", "errorCode": "0"})), None);
    }

    #[test]
    fn a_length_of_zero_is_not_known_before_the_end() {
        let open = json!({"status": "active", "totalLength": "0", "completedLength": "0"});
        let whole = json!({"status": "complete", "totalLength": "0", "completedLength": "0"});
        assert_eq!((progress(&open).bytes_total, progress(&whole).bytes_total), (None, Some(0)));
    }
}
