//! Where a redirect leads, if it may be followed.

use contract::defect::{Fault, Seeded};
use contract::names::check_remote;
use ureq::http::header::LOCATION;
use ureq::http::{HeaderMap, StatusCode};
use url::Url;

use super::failed::Failed;

/// The URL to fetch, without the fragment, which is no business of the server's.
pub(super) fn parse(remote: &str) -> Result<Url, Failed> {
    let mut url = Url::parse(remote).map_err(|_| Failed::URL)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(Failed::URL);
    }
    url.set_fragment(None);
    Ok(url)
}

/// Whether the status sends the client elsewhere.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where to. Never to another scheme: neither into the clear nor to a host that was not asked for a secret.
pub(super) fn target(from: &Url, headers: &HeaderMap, seeded: Seeded) -> Result<Url, Failed> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).ok_or(Failed::REDIRECT)?;
    let mut url = from.join(location).map_err(|_| Failed::REDIRECT)?;
    // What no client may ask for, credentials among it, no server may ask for either.
    let stays = url.scheme() == from.scheme() || seeded.is(Fault::SchemeChanges);
    if !stays || !check_remote(url.as_str()).is_good() {
        return Err(Failed::REDIRECT);
    }
    url.set_fragment(None);
    Ok(url)
}
