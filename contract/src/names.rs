//! Which names a client may give: URLs, paths and texts, and their limits (facts B2, B4, E).
//!
//! Pure functions of the text: no disk, no network. Whether a directory can be written is found out when the
//! transfer starts (`docs/coverage.md`).

use url::Url;

/// The longest URL, in characters.
pub const MAX_URL: usize = 2200;
/// `MAX_PATH`: the longest path and the longest segment of a URL, in characters.
pub const MAX_PATH: usize = 260;
/// The longest display name, in characters.
pub const MAX_DISPLAY_NAME: usize = 256;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 1024;
/// The longest parameters of a notification program, in characters.
pub const MAX_PARAMETERS: usize = 4000;

/// Whether a name is acceptable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Checked {
    /// It is.
    Good,
    /// It is not; the reason is for a human.
    Bad(&'static str),
}

impl Checked {
    /// Whether the name is acceptable.
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Checked::Good)
    }
}

/// Whether `remote` is a URL this service downloads from: `http` or `https`, with a host, without credentials.
///
/// ```
/// use contract::names::check_remote;
/// assert!(check_remote("http://127.0.0.1/a").is_good());
/// assert!(!check_remote("ftp://127.0.0.1/a").is_good());
/// ```
pub fn check_remote(remote: &str) -> Checked {
    if is_plain(remote) { Checked::Good } else { parse_remote(remote) }
}

/// Whether nothing about the URL needs a parser: a host of letters or an IPv4 address, and a short path of letters and digits.
/// Models and fuzzers add files with such URLs all the time.
fn is_plain(remote: &str) -> bool {
    let after = remote.strip_prefix("http://").or_else(|| remote.strip_prefix("https://"));
    let Some((host, path)) = after.and_then(|after| after.split_once('/')) else { return false };
    let is_word = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_lowercase());
    remote.len() <= MAX_LABEL
        && (is_word || host.parse::<std::net::Ipv4Addr>().is_ok())
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'/')
}

fn parse_remote(remote: &str) -> Checked {
    if remote.chars().count() > MAX_URL {
        return Checked::Bad("the URL is longer than 2200 characters");
    }
    if remote.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Checked::Bad("the URL contains white space or control characters");
    }
    let Ok(url) = Url::parse(remote) else { return Checked::Bad("not a URL") };
    if !matches!(url.scheme(), "http" | "https") {
        return Checked::Bad("the scheme is neither http nor https");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Checked::Bad("the URL has no host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Checked::Bad("credentials in URLs are not supported");
    }
    let too_long = |segment: &str| segment.chars().count() > MAX_PATH;
    if url.path_segments().is_some_and(|mut segments| segments.any(too_long)) {
        return Checked::Bad("a segment of the URL is longer than 260 characters");
    }
    Checked::Good
}

/// The longest label of a host; everything is shorter in a URL that is as short as this.
const MAX_LABEL: usize = 63;

/// Whether `local` is an absolute path of a file, with no way out of its directory.
pub fn check_local(local: &str) -> Checked {
    if local.is_empty() || local.chars().count() > MAX_PATH {
        return Checked::Bad("the path is empty or longer than 260 characters");
    }
    if local.contains('\0') {
        return Checked::Bad("the path contains a NUL");
    }
    let path = std::path::Path::new(local);
    if !path.is_absolute() {
        return Checked::Bad("the path is not absolute");
    }
    if path.components().any(|part| matches!(part, std::path::Component::ParentDir)) {
        return Checked::Bad("the path contains `..`");
    }
    if local.ends_with(std::path::is_separator) || local.ends_with("/.") || path.file_name().is_none() {
        return Checked::Bad("the path names a directory");
    }
    Checked::Good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_remote_names_are_refused() {
        let long = format!("http://h/{}", "a".repeat(261));
        let endless = format!("http://h/{}", "a/".repeat(1100));
        for bad in ["", "a", "/a", "file:///a", "http://", "http://u:p@h/", "http://h/a b", &long, &endless] {
            assert!(!check_remote(bad).is_good(), "{bad}");
        }
        assert!(check_remote("https://[::1]:8080/a?b#c").is_good());
    }

    proptest::proptest! {
        #[test]
        fn a_plain_name_is_one_that_the_parser_takes_too(remote in "https?://([a-z]{0,3}|[0-9.]{0,9}|[12]?[0-9]{1,2}(\\.[0-3]?[0-9]{1,2}){3})(/[a-zA-Z0-9/.]{0,60})?") {
            proptest::prop_assert!(!is_plain(&remote) || parse_remote(&remote).is_good());
        }
    }

    #[cfg(unix)]
    #[test]
    fn bad_local_names_are_refused() {
        for bad in ["", "a", "./a", "/", "/a/", "/a/..", "/a/../b", "/a/.", "/a\0b"] {
            assert!(!check_local(bad).is_good(), "{bad}");
        }
        assert!(check_local("/tmp/a").is_good());
    }
}
