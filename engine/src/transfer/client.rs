//! The HTTP client that all transfers of a service share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use contract::defect::{Fault, Seeded};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::header::{ACCEPT_ENCODING, CONNECTION, IF_RANGE, RANGE};
use ureq::http::{HeaderValue, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, NextTimeout, RustlsConnector, TcpConnector};
use ureq::{Agent, Body, Error};
use url::Url;

use super::failed::Failed;
use super::patience::{Patience, Shared, Watch};

/// No read waits longer, so that a transfer whose job has gone is over soon.
const LONGEST_READ: Duration = Duration::from_secs(5);
/// What is read from a connection at once; headers have to fit in. With half of it a download over the loopback takes a fifth longer.
const INPUT_BYTES: usize = 256 * 1024;
/// A request has no body, and its URL is far shorter than this.
const OUTPUT_BYTES: usize = 32 * 1024;
const USER_AGENT: &str = concat!("bgcheck/", env!("CARGO_PKG_VERSION"));

/// The limits of a client.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// For each of: resolving the name, connecting with the TLS handshake, and sending the request.
    pub connect_timeout: Duration,
    /// From the request to the end of the response's headers.
    pub response_timeout: Duration,
    /// For each read, and for a byte of the file to come out of several; 5 s at most, whatever is set here.
    pub read_timeout: Duration,
    /// How slow the body of a response may be.
    pub slowest: Slowest,
    /// Whom to trust over HTTPS.
    pub roots: Roots,
    /// The headers of a response, in bytes; 256 KiB at most, whatever is set here.
    pub max_header_bytes: usize,
    /// Redirects followed before giving up.
    pub max_redirects: u32,
    /// The longest file, in bytes.
    pub max_body_bytes: u64,
    /// The fault it is to have, in a build that can have one.
    pub seeded: Seeded,
}

/// The slowest body that is waited for: fewer bytes in such a time, and the transfer has failed for now. What came stays, and is not
/// fetched again where the server has evidence of its version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slowest {
    /// At least this number of bytes ...
    pub bytes: u64,
    /// ... in each stretch of this time.
    pub within: Duration,
}

/// Whom to trust over HTTPS.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Roots {
    /// The authorities of the web.
    #[default]
    Web,
    /// Only these, each a certificate in DER.
    Only(Vec<Vec<u8>>),
}

impl Default for ClientConfig {
    fn default() -> Self {
        ClientConfig {
            connect_timeout: LONGEST_READ,
            response_timeout: Duration::from_secs(10),
            read_timeout: LONGEST_READ,
            slowest: Slowest { bytes: 1024, within: Duration::from_secs(60) },
            roots: Roots::Web,
            max_header_bytes: 64 * 1024,
            max_redirects: 10,
            max_body_bytes: 1 << 40,
            seeded: Seeded::NONE,
        }
    }
}

/// A client for any number of transfers at a time.
#[derive(Clone, Debug)]
pub struct Client {
    config: Config,
    tls: Arc<RustlsConnector>,
    read_timeout: Duration,
    pub(super) slowest: Slowest,
    pub(super) max_redirects: u32,
    pub(super) max_body_bytes: u64,
    pub(super) seeded: Seeded,
}

/// The client as one transfer uses it.
#[derive(Debug)]
pub(super) struct Line {
    agent: Agent,
    patience: Patience,
    read_timeout: Duration,
    seeded: Seeded,
}

/// The rest of a file, from a byte on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Rest {
    pub(super) from: u64,
    /// The entity tag that makes the server send the whole file when it is another one.
    pub(super) if_range: Option<String>,
}

impl Client {
    /// A client with these limits.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let (max_redirects, max_body_bytes) = (config.max_redirects, config.max_body_bytes);
        let (seeded, slowest) = (config.seeded, config.slowest);
        let tls = TlsConfig::builder().disable_verification(seeded.is(Fault::AnyoneTrusted));
        let read_timeout = config.read_timeout.min(LONGEST_READ);
        let config = Agent::config_builder()
            // Statuses and redirects are ours to judge, and a proxy would be one that the caller did not choose.
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(USER_AGENT)
            // A connection serves one request: whatever else a hostile server sends on it is lost.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .max_response_header_size(config.max_header_bytes.min(INPUT_BYTES))
            .input_buffer_size(INPUT_BYTES)
            .output_buffer_size(OUTPUT_BYTES)
            .timeout_resolve(Some(config.connect_timeout))
            .timeout_connect(Some(config.connect_timeout))
            .timeout_send_request(Some(config.connect_timeout))
            .timeout_recv_response(Some(config.response_timeout))
            .timeout_per_read(Some(read_timeout))
            .timeout_per_write(Some(LONGEST_READ))
            .tls_config(tls.root_certs(root_certs(config.roots)).build())
            .build();
        let tls = Arc::new(RustlsConnector::default());
        Client { config, tls, read_timeout, slowest, max_redirects, max_body_bytes, seeded }
    }

    /// A line for one transfer, with a patience of its own.
    pub(super) fn line(&self) -> Line {
        let patience = Patience::default();
        let connector =
            ().chain(TcpConnector::default())
                .chain(Watch(patience.clone()))
                .chain(Shared(Arc::clone(&self.tls)));
        let agent = Agent::with_parts(self.config.clone(), connector, Names::default());
        Line { agent, patience, read_timeout: self.read_timeout, seeded: self.seeded }
    }
}

impl Line {
    /// A read of the body begins.
    pub(super) fn expect_bytes(&self) {
        if !self.seeded.is(Fault::PatientForEver) {
            self.patience.until(Instant::now() + self.read_timeout);
        }
    }

    /// One request and the headers of its response, whatever its status.
    pub(super) fn get(&self, url: &Url, rest: Option<&Rest>) -> Result<Response<Body>, Failed> {
        // The bytes that are counted, resumed and compared are those of the file itself.
        let coding = if self.seeded.is(Fault::AnyCoding) { "identity, gzip" } else { "identity" };
        let mut request = self
            .agent
            .get(url.as_str())
            .header(ACCEPT_ENCODING, HeaderValue::from_static(coding))
            .header(CONNECTION, HeaderValue::from_static("close"));
        if let Some(rest) = rest {
            request = request.header(RANGE, format!("bytes={}-", rest.from));
            if let Some(tag) = &rest.if_range
                && !self.seeded.is(Fault::TagNotSent)
            {
                request = request.header(IF_RANGE, tag);
            }
        }
        request.call().map_err(|error| Failed::of(&error))
    }
}

/// Looks names up. The system reports a name that is not found as an I/O error, like a connection that fails.
#[derive(Debug, Default)]
struct Names(DefaultResolver);

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.0.resolve(uri, config, timeout).map_err(|error| match error {
            Error::Io(_) => Error::HostNotFound,
            error => error,
        })
    }
}

fn root_certs(roots: Roots) -> RootCerts {
    match roots {
        Roots::Web => RootCerts::WebPki,
        Roots::Only(certificates) => {
            let certificates = certificates.iter().map(|der| Certificate::from_der(der).to_owned());
            RootCerts::Specific(Arc::new(certificates.collect()))
        }
    }
}
