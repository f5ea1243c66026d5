//! HRESULTs: the answers of every method, with the names of facts D.
//!
//! [`HResult`] is a newtype over the 32-bit code. It prints as the documents write it, name first:
//!
//! ```
//! use contract::HResult;
//! assert_eq!(HResult::BG_E_INVALID_STATE.to_string(), "BG_E_INVALID_STATE (0x80200002)");
//! assert!(HResult::BG_S_PARTIAL_COMPLETE.succeeded());
//! assert_eq!("DO_E_JOB_EMPTY".parse(), Ok(HResult::DO_E_JOB_EMPTY));
//! assert_eq!("0x80070020".parse(), Ok(HResult::from_win32(0x20)));
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 32-bit result code. Negative (top bit set) means failure, everything else success (contract section 2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HResult(pub u32);

macro_rules! hresults {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        impl HResult {
            $($(#[$doc])* #[doc = concat!("`", stringify!($value), "` (facts D).")]
            pub const $name: HResult = HResult($value);)*

            /// Every code that has a name, in the order of facts D. Aliases come after the name they repeat.
            pub const NAMED: &'static [(&'static str, HResult)] = &[$((stringify!($name), HResult($value)),)*];

            /// The documented name of this code, if it has one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                // An alias has the value of an earlier row, and the earlier row wins.
                #[allow(unreachable_patterns)]
                match self.0 { $($value => Some(stringify!($name)),)* _ => None }
            }
        }
    };
}

hresults! {
    S_OK = 0x0000_0000;
    S_FALSE = 0x0000_0001;
    E_NOTIMPL = 0x8000_4001;
    E_NOINTERFACE = 0x8000_4002;
    E_POINTER = 0x8000_4003;
    E_ABORT = 0x8000_4004;
    E_FAIL = 0x8000_4005;
    E_UNEXPECTED = 0x8000_FFFF;
    E_PENDING = 0x8000_000A;
    E_ACCESSDENIED = 0x8007_0005;
    E_OUTOFMEMORY = 0x8007_000E;
    E_INVALIDARG = 0x8007_0057;
    ERROR_NOT_FOUND = 0x8007_0490;
    ERROR_SERVICE_DISABLED = 0x8007_0422;
    REGDB_E_CLASSNOTREG = 0x8004_0154;
    ERROR_RESOURCE_LANG_NOT_FOUND = 0x8007_0717;
    RPC_S_SERVER_UNAVAILABLE = 0x8007_06BA;
    RPC_S_CALL_FAILED = 0x8007_06BE;
    RPC_X_NULL_REF_POINTER = 0x8007_06F4;
    RPC_E_DISCONNECTED = 0x8001_0108;
    RPC_E_SERVERFAULT = 0x8001_0105;
    RPC_E_CALL_REJECTED = 0x8001_0001;
    RPC_E_CANTCALLOUT_ININPUTSYNCCALL = 0x8001_010D;
    CO_E_OBJNOTCONNECTED = 0x8004_01FD;
    ERROR_NOT_LOGGED_ON = 0x8007_04DD;
    INET_E_INVALID_URL = 0x800C_0002;

    DO_E_NO_SERVICE = 0x80D0_1001;
    DO_E_DOWNLOAD_NO_PROGRESS = 0x80D0_2002;
    DO_E_JOB_NOT_FOUND = 0x80D0_2003;
    DO_E_JOB_EMPTY = 0x80D0_2004;
    DO_E_NO_DOWNLOADS = 0x80D0_2005;
    DO_E_LOCALPATH_NOT_SET = 0x80D0_200D;
    DO_E_FILE_NOT_AVAILABLE = 0x80D0_2010;
    DO_E_UNKNOWN_PROPERTY_ID = 0x80D0_2011;
    DO_E_READ_ONLY_PROPERTY = 0x80D0_2012;
    DO_E_INVALID_STATE = 0x80D0_2013;
    DO_E_ERROR_INFORMATION_UNAVAILABLE = 0x80D0_2014;
    DO_E_WRITE_ONLY_PROPERTY = 0x80D0_2015;
    DO_E_FILE_DOWNLOADSINK_UNSPECIFIED = 0x80D0_2018;
    DO_E_DOWNLOAD_NO_URI = 0x80D0_2200;
    DO_E_NO_DOWNLOAD_EXTSETTINGS = 0x80D0_3002;
    DO_E_BLOCKED_BY_COST_TRANSFER_POLICY = 0x80D0_3801;
    DO_E_BLOCKED_BY_CELLULAR_POLICY = 0x80D0_3803;
    DO_E_BLOCKED_BY_POWER_STATE = 0x80D0_3804;
    DO_E_BLOCKED_BY_NO_NETWORK = 0x80D0_3805;
    DO_E_BLOCKED_BY_VPN_POLICY = 0x80D0_3807;
    DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE = 0x80D0_3808;
    DO_E_HTTP_BLOCKSIZE_MISMATCH = 0x80D0_5001;
    DO_E_INVALID_RANGE = 0x80D0_5010;
    DO_E_INSUFFICIENT_RANGE_SUPPORT = 0x80D0_5011;
    DO_E_OVERLAPPING_RANGES = 0x80D0_5012;
    DO_E_FATAL_CORE_ERROR = 0x80D0_6802;
    /// The Resume page's word for `DO_E_JOB_EMPTY` (facts G5).
    DO_E_EMPTY = 0x80D0_2004;
    /// The GetJob page's word for `DO_E_JOB_NOT_FOUND` (facts G6).
    DO_E_NOT_FOUND = 0x80D0_2003;

    BG_S_PARTIAL_COMPLETE = 0x0020_0017;
    BG_S_UNABLE_TO_DELETE_FILES = 0x0020_001A;
    BG_S_OVERRIDDEN_BY_POLICY = 0x0020_0055;
    BG_E_NOT_FOUND = 0x8020_0001;
    BG_E_INVALID_STATE = 0x8020_0002;
    BG_E_EMPTY = 0x8020_0003;
    BG_E_FILE_NOT_AVAILABLE = 0x8020_0004;
    BG_E_PROTOCOL_NOT_AVAILABLE = 0x8020_0005;
    BG_E_DESTINATION_LOCKED = 0x8020_000D;
    BG_E_VOLUME_CHANGED = 0x8020_000E;
    BG_E_ERROR_INFORMATION_UNAVAILABLE = 0x8020_000F;
    BG_E_NETWORK_DISCONNECTED = 0x8020_0010;
    BG_E_MISSING_FILE_SIZE = 0x8020_0011;
    BG_E_INSUFFICIENT_HTTP_SUPPORT = 0x8020_0012;
    BG_E_INSUFFICIENT_RANGE_SUPPORT = 0x8020_0013;
    BG_E_REMOTE_NOT_SUPPORTED = 0x8020_0014;
    BG_E_NEW_OWNER_DIFF_MAPPING = 0x8020_0015;
    BG_E_NEW_OWNER_NO_FILE_ACCESS = 0x8020_0016;
    BG_E_PROXY_LIST_TOO_LARGE = 0x8020_0018;
    BG_E_PROXY_BYPASS_LIST_TOO_LARGE = 0x8020_0019;
    BG_E_TOO_MANY_FILES = 0x8020_001C;
    BG_E_LOCAL_FILE_CHANGED = 0x8020_001D;
    BG_E_TOO_LARGE = 0x8020_0020;
    BG_E_STRING_TOO_LONG = 0x8020_0021;
    BG_E_CLIENT_SERVER_PROTOCOL_MISMATCH = 0x8020_0022;
    BG_E_SERVER_EXECUTE_ENABLE = 0x8020_0023;
    BG_E_USERNAME_TOO_LARGE = 0x8020_0025;
    BG_E_PASSWORD_TOO_LARGE = 0x8020_0026;
    BG_E_INVALID_AUTH_TARGET = 0x8020_0027;
    BG_E_INVALID_AUTH_SCHEME = 0x8020_0028;
    BG_E_INVALID_RANGE = 0x8020_002B;
    BG_E_OVERLAPPING_RANGES = 0x8020_002C;
    BG_E_BLOCKED_BY_POLICY = 0x8020_003E;
    BG_E_INVALID_PROXY_INFO = 0x8020_003F;
    BG_E_INVALID_CREDENTIALS = 0x8020_0040;
    BG_E_RECORD_DELETED = 0x8020_0042;
    BG_E_UPNP_ERROR = 0x8020_0045;
    BG_E_PEERCACHING_DISABLED = 0x8020_0047;
    BG_E_BUSYCACHERECORD = 0x8020_0048;
    BG_E_TOO_MANY_JOBS_PER_USER = 0x8020_0049;
    // The numbering jumps from 0x49 to 0x50 in the source; that is not a slip here.
    BG_E_TOO_MANY_JOBS_PER_MACHINE = 0x8020_0050;
    BG_E_TOO_MANY_FILES_IN_JOB = 0x8020_0051;
    BG_E_TOO_MANY_RANGES_IN_FILE = 0x8020_0052;
    BG_E_VALIDATION_FAILED = 0x8020_0053;
    BG_E_MAXDOWNLOAD_TIMEOUT = 0x8020_0054;
    BG_E_TOKEN_REQUIRED = 0x8020_0056;
    BG_E_UNKNOWN_PROPERTY_ID = 0x8020_0057;
    BG_E_READ_ONLY_PROPERTY = 0x8020_0058;
    BG_E_BLOCKED_BY_COST_TRANSFER_POLICY = 0x8020_0059;
    BG_E_PROPERTY_SUPPORTED_FOR_DOWNLOAD_JOBS_ONLY = 0x8020_0060;
    BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE = 0x8020_0061;
    BG_E_READ_ONLY_PROPERTY_AFTER_RESUME = 0x8020_0062;
    BG_E_MAX_DOWNLOAD_SIZE_INVALID_VALUE = 0x8020_0063;
    BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED = 0x8020_0064;
    BG_E_STANDBY_MODE = 0x8020_0065;
    BG_E_USE_STORED_CREDENTIALS_NOT_SUPPORTED = 0x8020_0066;
    BG_E_BLOCKED_BY_BATTERY_POLICY = 0x8020_0067;
    BG_E_BLOCKED_BY_BATTERY_SAVER = 0x8020_0068;
    BG_E_WATCHDOG_TIMEOUT = 0x8020_0069;
    BG_E_DATABASE_CORRUPT = 0x8020_006C;
    BG_E_RANDOM_ACCESS_NOT_SUPPORTED = 0x8020_006D;
    BG_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY = 0x8020_006E;
    BG_E_BLOCKED_BY_GAME_MODE = 0x8020_006F;
    BG_E_BLOCKED_BY_SYSTEM_POLICY = 0x8020_0070;
    BG_E_UNSUPPORTED_JOB_CONFIGURATION = 0x8020_0072;
    BG_E_REMOTE_FILE_CHANGED = 0x8020_0073;
    BG_E_READ_ONLY_WHEN_JOB_ACTIVE = 0x8020_0075;
    BG_E_HTTP_ERROR_400 = 0x8019_0190;
    BG_E_HTTP_ERROR_401 = 0x8019_0191;
    BG_E_HTTP_ERROR_403 = 0x8019_0193;
    BG_E_HTTP_ERROR_404 = 0x8019_0194;
    BG_E_HTTP_ERROR_407 = 0x8019_0197;
    BG_E_HTTP_ERROR_414 = 0x8019_019E;
    BG_E_HTTP_ERROR_500 = 0x8019_01F4;
    BG_E_HTTP_ERROR_501 = 0x8019_01F5;
    BG_E_HTTP_ERROR_503 = 0x8019_01F7;
    BG_E_HTTP_ERROR_504 = 0x8019_01F8;
    BG_E_HTTP_ERROR_505 = 0x8019_01F9;
}

impl HResult {
    /// Whether the call succeeded: the code is not negative (contract section 2).
    #[must_use]
    pub const fn succeeded(self) -> bool {
        self.0 & 0x8000_0000 == 0
    }

    /// Whether the call failed.
    #[must_use]
    pub const fn failed(self) -> bool {
        !self.succeeded()
    }

    /// `HRESULT_FROM_WIN32`: a Windows error number in the facility of file-system errors.
    #[must_use]
    pub const fn from_win32(code: u16) -> HResult {
        if code == 0 { HResult::S_OK } else { HResult(0x8007_0000 | code as u32) }
    }

    /// `BG_E_HTTP_ERROR_nnn`: an HTTP status in the facility of HTTP errors (facts D2).
    #[must_use]
    pub const fn from_http(status: u16) -> HResult {
        HResult(0x8019_0000 | status as u32)
    }

    /// Whether a policy of the machine is behind it: cost, battery, background access, game mode, VPN (facts A2, D1, D2).
    #[must_use]
    pub const fn is_policy(self) -> bool {
        matches!(
            self,
            HResult::BG_E_BLOCKED_BY_POLICY
                | HResult::BG_E_BLOCKED_BY_COST_TRANSFER_POLICY
                | HResult::BG_E_BLOCKED_BY_BATTERY_POLICY
                | HResult::BG_E_BLOCKED_BY_BATTERY_SAVER
                | HResult::BG_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY
                | HResult::BG_E_BLOCKED_BY_GAME_MODE
                | HResult::BG_E_BLOCKED_BY_SYSTEM_POLICY
                | HResult::DO_E_BLOCKED_BY_COST_TRANSFER_POLICY
                | HResult::DO_E_BLOCKED_BY_CELLULAR_POLICY
                | HResult::DO_E_BLOCKED_BY_POWER_STATE
                | HResult::DO_E_BLOCKED_BY_VPN_POLICY
                | HResult::DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE
        )
    }

    /// Whether this is a converted Windows error (facility 7), as file-system failures are.
    #[must_use]
    pub const fn is_win32(self) -> bool {
        self.0 & 0xFFFF_0000 == 0x8007_0000
    }
}

impl fmt::Display for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} (0x{:08X})", self.0),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

impl fmt::Debug for HResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08X}", self.0),
        }
    }
}

/// The text is neither a documented name nor `0x` with up to eight hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an HRESULT: expected a name such as BG_E_INVALID_STATE, or 0x and eight hexadecimal digits"
)]
pub struct ParseHResultError(String);

impl FromStr for HResult {
    type Err = ParseHResultError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((_, value)) = HResult::NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(*value);
        }
        text.strip_prefix("0x")
            .filter(|digits| (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .map(HResult)
            .ok_or_else(|| ParseHResultError(text.to_owned()))
    }
}

impl Serialize for HResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.collect_str(&format_args!("0x{:08X}", self.0)),
        }
    }
}

impl<'de> Deserialize<'de> for HResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "judge")]
impl schemars::JsonSchema for HResult {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HResult".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A documented name such as BG_E_INVALID_STATE, or 0x and eight hexadecimal digits."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_and_prints_itself_unless_it_is_an_alias() {
        for (name, value) in HResult::NAMED {
            assert_eq!(name.parse(), Ok(*value));
            let printed = value.name().expect("named codes have names");
            assert!(
                printed == *name || ["DO_E_EMPTY", "DO_E_NOT_FOUND"].contains(name),
                "{name} vs {printed}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused_with_what_was_expected() {
        for text in ["", "0x", "0x123456789", "80200002", "BG_E_", "0x+1"] {
            let error = text.parse::<HResult>().expect_err(text);
            assert!(error.to_string().contains("BG_E_INVALID_STATE"));
        }
    }
}
