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
    ($($name:ident = $value:literal, $what:literal;)*) => {
        impl HResult {
            $(#[doc = concat!("`", stringify!($value), "` (facts D): ", $what, ".")]
            pub const $name: HResult = HResult($value);)*

            /// Every code that has a name, in the order of facts D. Aliases come after the name they repeat.
            pub const NAMED: &'static [(&'static str, HResult)] = &[$((stringify!($name), HResult($value)),)*];

            /// What each of these means, in a phrase, by its name.
            #[must_use]
            pub fn what(name: &str) -> Option<&'static str> {
                match name { $(stringify!($name) => Some($what),)* _ => None }
            }

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
    S_OK = 0x0000_0000, "it worked";
    S_FALSE = 0x0000_0001, "it worked, and gave less than was asked for";
    E_NOTIMPL = 0x8000_4001, "not implemented here, or a value that is not defined";
    E_NOINTERFACE = 0x8000_4002, "the object does not have the interface that is needed";
    E_POINTER = 0x8000_4003, "a pointer is not valid";
    E_ABORT = 0x8000_4004, "the operation was ended";
    E_FAIL = 0x8000_4005, "it failed, for no reason that has a code";
    E_UNEXPECTED = 0x8000_FFFF, "a failure that was not foreseen";
    E_PENDING = 0x8000_000A, "the data is not there yet";
    E_ACCESSDENIED = 0x8007_0005, "the caller has no right to it";
    E_OUTOFMEMORY = 0x8007_000E, "there is not enough memory";
    E_INVALIDARG = 0x8007_0057, "an argument is not valid";
    ERROR_NOT_FOUND = 0x8007_0490, "the element is not there";
    ERROR_SERVICE_DISABLED = 0x8007_0422, "the service is disabled";
    REGDB_E_CLASSNOTREG = 0x8004_0154, "the class is not registered: an older service";
    ERROR_RESOURCE_LANG_NOT_FOUND = 0x8007_0717, "there is no text in this language";
    RPC_S_SERVER_UNAVAILABLE = 0x8007_06BA, "the server cannot be reached";
    RPC_S_CALL_FAILED = 0x8007_06BE, "the remote call failed";
    RPC_X_NULL_REF_POINTER = 0x8007_06F4, "a NULL pointer where none may be";
    RPC_E_DISCONNECTED = 0x8001_0108, "the object has lost its clients";
    RPC_E_SERVERFAULT = 0x8001_0105, "the server failed while it served the call";
    RPC_E_SERVER_DIED = 0x8001_0007, "the process of the object has ended";
    RPC_E_SERVER_DIED_DNE = 0x8001_0012, "the process of the object has ended, and the call was not made";
    RPC_E_CALL_REJECTED = 0x8001_0001, "the other side refused the call";
    RPC_E_CANTCALLOUT_ININPUTSYNCCALL = 0x8001_010D, "no call can go out from within this one";
    CO_E_OBJNOTCONNECTED = 0x8004_01FD, "the object is not connected to its server";
    ERROR_NOT_LOGGED_ON = 0x8007_04DD, "the owner is not logged on";
    INET_E_INVALID_URL = 0x800C_0002, "the URL is not valid";

    DO_E_NO_SERVICE = 0x80D0_1001, "the service cannot serve";
    DO_E_DOWNLOAD_NO_PROGRESS = 0x80D0_2002, "no progress for the whole period";
    DO_E_JOB_NOT_FOUND = 0x80D0_2003, "there is no such job";
    DO_E_JOB_EMPTY = 0x80D0_2004, "there is no file to transfer";
    DO_E_NO_DOWNLOADS = 0x80D0_2005, "there are no downloads";
    DO_E_LOCALPATH_NOT_SET = 0x80D0_200D, "the file has no local path";
    DO_E_FILE_NOT_AVAILABLE = 0x80D0_2010, "the error is not about a file";
    DO_E_UNKNOWN_PROPERTY_ID = 0x80D0_2011, "there is no such property";
    DO_E_READ_ONLY_PROPERTY = 0x80D0_2012, "the property can only be read";
    DO_E_INVALID_STATE = 0x80D0_2013, "the state of the job does not allow the call";
    DO_E_ERROR_INFORMATION_UNAVAILABLE = 0x80D0_2014, "there is no error to tell of";
    DO_E_WRITE_ONLY_PROPERTY = 0x80D0_2015, "the property can only be written";
    DO_E_FILE_DOWNLOADSINK_UNSPECIFIED = 0x80D0_2018, "there is no place to download to";
    DO_E_DOWNLOAD_NO_URI = 0x80D0_2200, "there is no URL to download from";
    DO_E_NO_DOWNLOAD_EXTSETTINGS = 0x80D0_3002, "settings of the user or the administrator forbid downloads";
    DO_E_BLOCKED_BY_COST_TRANSFER_POLICY = 0x80D0_3801, "the policy on the cost of transfers holds it back";
    DO_E_BLOCKED_BY_CELLULAR_POLICY = 0x80D0_3803, "the policy on cellular networks holds it back";
    DO_E_BLOCKED_BY_POWER_STATE = 0x80D0_3804, "the state of the battery holds it back";
    DO_E_BLOCKED_BY_NO_NETWORK = 0x80D0_3805, "there is no network";
    DO_E_BLOCKED_BY_VPN_POLICY = 0x80D0_3807, "the policy on VPNs holds it back";
    DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE = 0x80D0_3808, "the machine is short of memory";
    DO_E_HTTP_BLOCKSIZE_MISMATCH = 0x80D0_5001, "the server sent a block of another size";
    DO_E_INVALID_RANGE = 0x80D0_5010, "the range is not valid";
    DO_E_INSUFFICIENT_RANGE_SUPPORT = 0x80D0_5011, "the server does not support ranges";
    DO_E_OVERLAPPING_RANGES = 0x80D0_5012, "ranges overlap";
    DO_E_FATAL_CORE_ERROR = 0x80D0_6802, "a fatal error inside the service";
    DO_E_EMPTY = 0x80D0_2004, "the Resume page's word for `DO_E_JOB_EMPTY` (facts G5)";
    DO_E_NOT_FOUND = 0x80D0_2003, "the GetJob page's word for `DO_E_JOB_NOT_FOUND` (facts G6)";

    BG_S_PARTIAL_COMPLETE = 0x0020_0017, "completed with only some of the files";
    BG_S_UNABLE_TO_DELETE_FILES = 0x0020_001A, "done, and temporary files could not be deleted";
    BG_S_OVERRIDDEN_BY_POLICY = 0x0020_0055, "set, and a policy overrides it";
    BG_E_NOT_FOUND = 0x8020_0001, "there is no such job";
    BG_E_INVALID_STATE = 0x8020_0002, "the state of the job does not allow the call";
    BG_E_EMPTY = 0x8020_0003, "there is no file to transfer";
    BG_E_FILE_NOT_AVAILABLE = 0x8020_0004, "the error is not about a file";
    BG_E_PROTOCOL_NOT_AVAILABLE = 0x8020_0005, "the error is not about a protocol";
    BG_E_DESTINATION_LOCKED = 0x8020_000D, "the volume of the destination is locked";
    BG_E_VOLUME_CHANGED = 0x8020_000E, "the volume of the destination is another one now";
    BG_E_ERROR_INFORMATION_UNAVAILABLE = 0x8020_000F, "there is no error to tell of";
    BG_E_NETWORK_DISCONNECTED = 0x8020_0010, "there is no network";
    BG_E_MISSING_FILE_SIZE = 0x8020_0011, "the server does not tell the size";
    BG_E_INSUFFICIENT_HTTP_SUPPORT = 0x8020_0012, "the server does not support HTTP 1.1";
    BG_E_INSUFFICIENT_RANGE_SUPPORT = 0x8020_0013, "the server does not support ranges";
    BG_E_REMOTE_NOT_SUPPORTED = 0x8020_0014, "the service cannot be used remotely";
    BG_E_NEW_OWNER_DIFF_MAPPING = 0x8020_0015, "the new owner has other network drives";
    BG_E_NEW_OWNER_NO_FILE_ACCESS = 0x8020_0016, "the new owner has no right to the files";
    BG_E_PROXY_LIST_TOO_LARGE = 0x8020_0018, "the list of proxies is too long";
    BG_E_PROXY_BYPASS_LIST_TOO_LARGE = 0x8020_0019, "the list of what bypasses the proxy is too long";
    BG_E_TOO_MANY_FILES = 0x8020_001C, "an upload has one file only";
    BG_E_LOCAL_FILE_CHANGED = 0x8020_001D, "the local file changed during the transfer";
    BG_E_TOO_LARGE = 0x8020_0020, "the data is too large";
    BG_E_STRING_TOO_LONG = 0x8020_0021, "a text is too long";
    BG_E_CLIENT_SERVER_PROTOCOL_MISMATCH = 0x8020_0022, "client and server speak different versions";
    BG_E_SERVER_EXECUTE_ENABLE = 0x8020_0023, "the server's directory allows execution";
    BG_E_USERNAME_TOO_LARGE = 0x8020_0025, "the user name is too long";
    BG_E_PASSWORD_TOO_LARGE = 0x8020_0026, "the password is too long";
    BG_E_INVALID_AUTH_TARGET = 0x8020_0027, "credentials are neither for the server nor for the proxy";
    BG_E_INVALID_AUTH_SCHEME = 0x8020_0028, "there is no such scheme of authentication";
    BG_E_INVALID_RANGE = 0x8020_002B, "the range is not valid";
    BG_E_OVERLAPPING_RANGES = 0x8020_002C, "ranges overlap";
    BG_E_BLOCKED_BY_POLICY = 0x8020_003E, "a policy on bandwidth holds it back";
    BG_E_INVALID_PROXY_INFO = 0x8020_003F, "the proxy settings are not valid";
    BG_E_INVALID_CREDENTIALS = 0x8020_0040, "the credentials are not valid";
    BG_E_RECORD_DELETED = 0x8020_0042, "the record of the cache is gone";
    BG_E_UPNP_ERROR = 0x8020_0045, "a gateway in the home network failed";
    BG_E_PEERCACHING_DISABLED = 0x8020_0047, "the cache of peers is off";
    BG_E_BUSYCACHERECORD = 0x8020_0048, "the record of the cache is in use";
    BG_E_TOO_MANY_JOBS_PER_USER = 0x8020_0049, "the user has as many jobs as are allowed";
    // The numbering jumps from 0x49 to 0x50 in the source; that is not a slip here.
    BG_E_TOO_MANY_JOBS_PER_MACHINE = 0x8020_0050, "the machine has as many jobs as are allowed";
    BG_E_TOO_MANY_FILES_IN_JOB = 0x8020_0051, "the job has as many files as are allowed";
    BG_E_TOO_MANY_RANGES_IN_FILE = 0x8020_0052, "the file has as many ranges as are allowed";
    BG_E_VALIDATION_FAILED = 0x8020_0053, "the client found the file wrong";
    BG_E_MAXDOWNLOAD_TIMEOUT = 0x8020_0054, "the download took longer than is allowed";
    BG_E_TOKEN_REQUIRED = 0x8020_0056, "a helper token is needed";
    BG_E_UNKNOWN_PROPERTY_ID = 0x8020_0057, "there is no such property";
    BG_E_READ_ONLY_PROPERTY = 0x8020_0058, "the property can only be read";
    BG_E_BLOCKED_BY_COST_TRANSFER_POLICY = 0x8020_0059, "the policy on the cost of transfers holds it back";
    BG_E_PROPERTY_SUPPORTED_FOR_DOWNLOAD_JOBS_ONLY = 0x8020_0060, "the property is for downloads only";
    BG_E_READ_ONLY_PROPERTY_AFTER_ADDFILE = 0x8020_0061, "the property is fixed once there is a file";
    BG_E_READ_ONLY_PROPERTY_AFTER_RESUME = 0x8020_0062, "the property is fixed once the job was resumed";
    BG_E_MAX_DOWNLOAD_SIZE_INVALID_VALUE = 0x8020_0063, "the greatest size is not a valid one";
    BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED = 0x8020_0064, "the download is larger than is allowed";
    BG_E_STANDBY_MODE = 0x8020_0065, "the machine is in standby";
    BG_E_USE_STORED_CREDENTIALS_NOT_SUPPORTED = 0x8020_0066, "stored credentials cannot be used here";
    BG_E_BLOCKED_BY_BATTERY_POLICY = 0x8020_0067, "the policy on the battery holds it back";
    BG_E_BLOCKED_BY_BATTERY_SAVER = 0x8020_0068, "the battery saver holds it back";
    BG_E_WATCHDOG_TIMEOUT = 0x8020_0069, "the transfer gave no sign of life";
    BG_E_DATABASE_CORRUPT = 0x8020_006C, "the data base of jobs is damaged";
    BG_E_RANDOM_ACCESS_NOT_SUPPORTED = 0x8020_006D, "the source cannot be read from any place";
    BG_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY = 0x8020_006E, "the policy on background access holds it back";
    BG_E_BLOCKED_BY_GAME_MODE = 0x8020_006F, "the game mode holds it back";
    BG_E_BLOCKED_BY_SYSTEM_POLICY = 0x8020_0070, "a policy of the system holds it back";
    BG_E_UNSUPPORTED_JOB_CONFIGURATION = 0x8020_0072, "the settings of the job do not go together";
    BG_E_REMOTE_FILE_CHANGED = 0x8020_0073, "the file at the server changed during the transfer";
    BG_E_READ_ONLY_WHEN_JOB_ACTIVE = 0x8020_0075, "the property is fixed while the job is active";
    BG_E_HTTP_ERROR_400 = 0x8019_0190, "the server could not read the request";
    BG_E_HTTP_ERROR_401 = 0x8019_0191, "the server wants a user who is known";
    BG_E_HTTP_ERROR_403 = 0x8019_0193, "the server forbids it";
    BG_E_HTTP_ERROR_404 = 0x8019_0194, "the server does not have it";
    BG_E_HTTP_ERROR_407 = 0x8019_0197, "the proxy wants a user who is known";
    BG_E_HTTP_ERROR_414 = 0x8019_019E, "the URL is too long for the server";
    BG_E_HTTP_ERROR_500 = 0x8019_01F4, "the server failed";
    BG_E_HTTP_ERROR_501 = 0x8019_01F5, "the server cannot do it";
    BG_E_HTTP_ERROR_503 = 0x8019_01F7, "the server is overloaded";
    BG_E_HTTP_ERROR_504 = 0x8019_01F8, "a gateway waited in vain";
    BG_E_HTTP_ERROR_505 = 0x8019_01F9, "the server does not speak this version of HTTP";
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

    /// What the code means, as a sentence with its name and number.
    ///
    /// ```
    /// use contract::HResult;
    /// assert_eq!(HResult::BG_E_EMPTY.sentence(), "There is no file to transfer: BG_E_EMPTY (0x80200003).");
    /// assert_eq!(HResult::from_http(418).sentence(), "The server answered with the HTTP status 418: 0x801901A2.");
    /// ```
    #[must_use]
    pub fn sentence(self) -> String {
        let low = self.0 & 0xFFFF;
        let what = match (self.name().and_then(HResult::what), self.0 >> 16) {
            (Some(what), _) => what.to_owned(),
            (None, 0x8019) => format!("the server answered with the HTTP status {low}"),
            (None, 0x8007) => format!("the system refused with its error {low}"),
            (None, _) if self.succeeded() => "it worked".to_owned(),
            (None, _) => "it failed with a code that has no description".to_owned(),
        };
        let mut letters = what.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        format!("{}{}: {self}.", first.unwrap_or_default(), letters.as_str())
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

impl std::error::Error for HResult {}

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

#[cfg(feature = "schema")]
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
