//! What a failure is called, and whether it may go away by itself.

use std::io::{self, ErrorKind};

use contract::HResult;
use contract::call::ErrorContext;
use contract::core::{Failure, TransferEvent};
use contract::defect::{Fault, Seeded};
use ureq::http::StatusCode;

use crate::store::{StoreError, hresult_of};

/// A failure, ready to be reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Failed {
    class: Failure,
    hr: HResult,
    context: ErrorContext,
}

/// The numbers of Windows' HTTP stacks, which jobs report as converted errors.
mod code {
    pub(super) const TIMEOUT: u16 = 12002;
    pub(super) const NAME_NOT_RESOLVED: u16 = 12007;
    pub(super) const CANNOT_CONNECT: u16 = 12029;
    pub(super) const CONNECTION_ABORTED: u16 = 12030;
    pub(super) const INVALID_SERVER_RESPONSE: u16 = 12152;
    pub(super) const REDIRECT_FAILED: u16 = 12156;
    pub(super) const SECURITY_CHANNEL_ERROR: u16 = 12157;
    pub(super) const SECURE_FAILURE: u16 = 12175;
}

impl Failed {
    /// The URL is none, or of a scheme that is not fetched.
    pub(super) const URL: Failed = Failed::fatal(HResult::INET_E_INVALID_URL, ErrorContext::RemoteFile);
    /// Too many redirects, a loop, another scheme, or nowhere to go.
    pub(super) const REDIRECT: Failed =
        Failed::fatal(HResult::from_win32(code::REDIRECT_FAILED), ErrorContext::RemoteFile);
    /// The body drips.
    pub(super) const TOO_SLOW: Failed = Failed::transient(code::TIMEOUT);
    /// The file is longer than the client accepts.
    pub(super) const TOO_LONG: Failed =
        Failed::fatal(HResult::BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED, ErrorContext::RemoteFile);
    /// A part came although the whole was requested.
    pub(super) const NOT_HTTP: Failed =
        Failed::fatal(HResult::BG_E_INSUFFICIENT_HTTP_SUPPORT, ErrorContext::RemoteFile);
    /// The body ended before it was whole.
    pub(super) const CUT: Failed = Failed::transient(code::CONNECTION_ABORTED);
    /// The server contradicts itself.
    pub(super) const NONSENSE: Failed = Failed::transient(code::INVALID_SERVER_RESPONSE);

    const fn fatal(hr: HResult, context: ErrorContext) -> Failed {
        Failed { class: Failure::Fatal, hr, context }
    }

    const fn transient(code: u16) -> Failed {
        let (hr, context) = (HResult::from_win32(code), ErrorContext::GeneralTransport);
        Failed { class: Failure::Transient, hr, context }
    }

    /// A status other than success.
    pub(super) fn status(status: StatusCode) -> Failed {
        let class = Failure::of_status(status.as_u16());
        Failed { class, hr: HResult::from_http(status.as_u16()), context: ErrorContext::RemoteFile }
    }

    /// This failure, or what a fault makes of it.
    pub(super) fn seeded(self, seeded: Seeded) -> Failed {
        let class = match self.hr {
            HResult::BG_E_HTTP_ERROR_404 if seeded.is(Fault::NotFoundIsRetried) => Failure::Transient,
            hr if hr == HResult::from_http(409) && seeded.is(Fault::ConflictIsFatal) => Failure::Fatal,
            _ => self.class,
        };
        Failed { class, ..self }
    }

    /// The temporary file cannot be had.
    pub(super) fn store(error: &StoreError) -> Failed {
        Failed::store_of(error, ErrorContext::LocalFile)
    }

    pub(super) fn store_of(error: &StoreError, context: ErrorContext) -> Failed {
        Failed::fatal(error.hresult(), context)
    }

    /// The temporary file cannot be written.
    pub(super) fn write(error: &io::Error) -> Failed {
        Failed::fatal(hresult_of(error), ErrorContext::LocalFile)
    }

    /// The body cannot be read. The client's own errors come wrapped.
    pub(super) fn read(error: io::Error) -> Failed {
        Failed::of(&ureq::Error::from(error))
    }

    /// The request failed. What is wrong with the network may pass; a wrong URL or certificate stays wrong.
    pub(super) fn of(error: &ureq::Error) -> Failed {
        let transport = ErrorContext::GeneralTransport;
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Failed::URL,
            ureq::Error::LargeResponseHeader(..) => {
                Failed::fatal(HResult::from_win32(code::INVALID_SERVER_RESPONSE), transport)
            }
            ureq::Error::HostNotFound => Failed::transient(code::NAME_NOT_RESOLVED),
            ureq::Error::Timeout(_) => Failed::transient(code::TIMEOUT),
            ureq::Error::ConnectionFailed => Failed::transient(code::CANNOT_CONNECT),
            ureq::Error::Rustls(error) => Failed::tls(error),
            ureq::Error::Tls(_) | ureq::Error::TlsRequired => Failed::SECURITY,
            ureq::Error::Io(error) => Failed::connection(error),
            _ => Failed::NONSENSE,
        }
    }

    pub(super) fn event(self) -> TransferEvent {
        TransferEvent::Failed { class: self.class, hr: self.hr, context: self.context }
    }

    /// The name or the certificate cannot be trusted.
    const SECURITY: Failed =
        Failed::fatal(HResult::from_win32(code::SECURE_FAILURE), ErrorContext::GeneralTransport);

    fn connection(error: &io::Error) -> Failed {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
            return Failed::tls(tls);
        }
        Failed::transient(match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => code::TIMEOUT,
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe => code::CONNECTION_ABORTED,
            ErrorKind::InvalidData => code::INVALID_SERVER_RESPONSE,
            _ => code::CANNOT_CONNECT,
        })
    }

    fn tls(error: &rustls::Error) -> Failed {
        match error {
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Failed::SECURITY,
            _ => Failed::transient(code::SECURITY_CHANNEL_ERROR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_classed_as_documented() {
        contract::follows!["code.http-class", "code.http"];
        for status in [300, 304, 305, 307, 400, 401, 403, 404, 407, 410, 416, 429, 451, 499, 501, 505] {
            let failed = Failed::status(StatusCode::from_u16(status).unwrap());
            assert_eq!((failed.class, failed.hr), (Failure::Fatal, HResult::from_http(status)), "{status}");
        }
        for status in [201, 204, 306, 308, 408, 409, 500, 502, 503, 504, 599, 700] {
            let failed = Failed::status(StatusCode::from_u16(status).unwrap());
            assert_eq!(
                (failed.class, failed.hr),
                (Failure::Transient, HResult::from_http(status)),
                "{status}"
            );
        }
    }

    #[test]
    fn a_full_disk_is_the_local_files_fault_for_good() {
        let failed = Failed::write(&ErrorKind::StorageFull.into());
        let expected = Failed::fatal(HResult::from_win32(112), ErrorContext::LocalFile);
        assert_eq!(failed, expected);
    }
}
