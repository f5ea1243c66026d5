//! Evidence of which version of a file a server has.

use ureq::http::HeaderMap;
use ureq::http::header::{AsHeaderName, ETAG, LAST_MODIFIED};

/// What a server sent about the version of a file.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Validator {
    etag: Option<String>,
    last_modified: Option<String>,
    size: Option<u64>,
}

impl Validator {
    /// The evidence in these headers and this size.
    pub(super) fn of(headers: &HeaderMap, size: Option<u64>) -> Validator {
        Validator { etag: text(headers, ETAG), last_modified: text(headers, LAST_MODIFIED), size }
    }

    /// The size of the file in bytes, if the server declared it.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Whether a later answer could show that it is of this version. Neither a size nor a weak tag promises equal bytes.
    #[must_use]
    pub fn is_evidence(&self) -> bool {
        self.strong_etag().is_some() || self.last_modified.is_some()
    }

    /// The entity tag, if it promises equal bytes. A weak one does not.
    pub(super) fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|tag| tag.starts_with('"'))
    }

    /// Whether both are of one version: nothing differs, and what promises equal bytes is equal.
    ///
    /// A server need not repeat everything in the answer to a range, so what one of them lacks speaks neither for nor against.
    pub(super) fn agrees_with(&self, other: &Validator) -> bool {
        let compared = [
            compare(self.etag.as_ref(), other.etag.as_ref()),
            compare(self.last_modified.as_ref(), other.last_modified.as_ref()),
            compare(self.size.as_ref(), other.size.as_ref()),
        ];
        let proof = [self.strong_etag().and(compared[0]), compared[1]];
        !compared.contains(&Some(false)) && proof.contains(&Some(true))
    }

    /// All that is known of the version that `later` describes.
    pub(super) fn and(self, later: Validator) -> Validator {
        Validator {
            etag: later.etag.or(self.etag),
            last_modified: later.last_modified.or(self.last_modified),
            size: later.size.or(self.size),
        }
    }
}

fn compare<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> Option<bool> {
    Some(one? == other?)
}

fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validator(etag: &str, modified: &str, size: u64) -> Validator {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Validator { etag: text(etag), last_modified: text(modified), size: (size > 0).then_some(size) }
    }

    #[test]
    fn versions_agree_when_nothing_differs_and_the_evidence_is_equal() {
        let here = validator("\"a\"", "Mon", 9);
        for same in [validator("\"a\"", "", 0), validator("", "Mon", 9), validator("\"a\"", "Mon", 9)] {
            assert!(here.agrees_with(&same), "{same:?}");
        }
        let other = [
            validator("", "", 0),
            validator("", "", 9),
            validator("\"b\"", "Mon", 9),
            validator("\"a\"", "Tue", 9),
            validator("\"a\"", "", 8),
        ];
        for other in other {
            assert!(!here.agrees_with(&other), "{other:?}");
        }
        let weak = validator("W/\"a\"", "", 9);
        assert!(!weak.is_evidence() && !weak.agrees_with(&weak), "equal meaning, perhaps other bytes");
        assert_eq!(here.strong_etag(), Some("\"a\""));
        assert_eq!(validator("W/\"a\"", "", 0).strong_etag(), None);
    }
}
