//! A file server on this machine that misbehaves on request, for tests and for the live run.
//!
//! **What it is.** HTTP/1.1 and HTTPS on free ports of 127.0.0.1. The path names what is requested: a [`Fault`], then the size
//! and the [`Seed`] of the file. So a URL alone determines what happens to it: `/cut/2/100000/7` is the file of
//! 100,000 bytes with seed 7, whose first two downloads break in the middle. The bytes follow from seed and size
//! ([`content`]), so a client can check them without having kept them.
//!
//! **What it is not.** A good web server: one request per connection, GET and HEAD only, no caching, no speed records.
//!
//! **The law it keeps.** An answer depends on the request and on how many requests came for its path before it, and on
//! nothing else. At most [`MAX_THREADS`] threads run; dropping the server ends them all at once, also in the
//! middle of an answer.
//!
//! ```
//! use std::io::{Read, Write};
//! use subjects::server::{Fault, Seed, Server};
//!
//! let server = Server::start()?;
//! let url = server.url(&Fault::Status(404), 100, Seed(1));
//! let (host, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("an http URL");
//! let mut connection = std::net::TcpStream::connect(host)?;
//! write!(connection, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
//! let mut answer = String::new();
//! connection.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 404 "));
//! # Ok::<(), std::io::Error>(())
//! ```

mod answer;
mod coding;
mod content;
mod fault;
mod feed;
mod live;
mod plan;
mod request;
mod script;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::pki_types::CertificateDer;

pub use self::answer::{ENDLESS, STALL};
pub use self::content::{Compared, Content, Seed, content};
use self::fault::Resource;
pub use self::fault::{BadRange, Change, Endless, Fault, Garbage, Redirect, StallAt};
pub use self::feed::{Feed, GoesOn, SEED as FEED_SEED, SIZE as FEED_SIZE, Served};
use self::live::{Live, MAX_CONNECTIONS, Paused};
use self::script::Playing;
pub use self::script::{Heard, Page, Piece, Reply, Script};
use self::wire::{Security, Wire, certificate};

/// Threads of a server at most: one per connection, and two that accept.
pub const MAX_THREADS: usize = MAX_CONNECTIONS + 2;

/// A running server. Dropped, it is gone.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    certificate: CertificateDer<'static>,
    acceptors: Vec<Acceptor>,
}

/// How a URL is reached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Scheme {
    /// In plain.
    Http,
    /// Over TLS, with [`Server::certificate`].
    Https,
}

/// What went over the wire for one URL, over both schemes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Requests.
    pub requests: u32,
    /// Requests among them that asked for a range.
    pub ranges: u32,
    /// Those among them under no condition: whatever version the file has by then, its bytes are asked for.
    pub unconditional: u32,
    /// Bytes of files sent: the bodies of whole and partial files, without their framing. A client that went away may not have
    /// taken all of them.
    pub bytes: u64,
}

impl Server {
    /// Starts a server on two free ports, one for each scheme.
    ///
    /// # Errors
    /// When there is no port, no thread or no randomness for a key.
    pub fn start() -> io::Result<Server> {
        let (certificate, tls) = certificate()?;
        let (http, https) = (listen()?, listen()?);
        let addresses = (http.local_addr()?, https.local_addr()?);
        let shared = Arc::new(Shared { addresses, ..Shared::empty() });
        let mut server = Server { shared, certificate, acceptors: Vec::new() };
        // Should the second fail, dropping the server ends the first.
        server.accept(http, Security::Plain)?;
        server.accept(https, Security::Tls(tls))?;
        Ok(server)
    }

    /// Where a file with this fault is, over HTTP.
    #[must_use]
    pub fn url(&self, fault: &Fault, size: u64, seed: Seed) -> String {
        self.url_over(Scheme::Http, fault, size, seed)
    }

    /// Where a file with this fault is.
    #[must_use]
    pub fn url_over(&self, scheme: Scheme, fault: &Fault, size: u64, seed: Seed) -> String {
        self.shared.url(scheme, &Resource { fault: *fault, size, seed })
    }

    /// The root to trust for HTTPS, in DER. Each server has its own.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// What went over the wire for a file so far.
    #[must_use]
    pub fn traffic(&self, fault: &Fault, size: u64, seed: Seed) -> Traffic {
        let path = Resource { fault: *fault, size, seed }.to_string();
        self.shared.with_traffic(&path, |traffic| *traffic)
    }

    /// Plays a script from now on, until the server is gone.
    #[must_use]
    pub fn play(&self, pages: Vec<Page>) -> Script {
        let mut scripts = self.shared.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let number = scripts.keys().next_back().map_or(0, |last| last + 1);
        scripts.insert(number, Playing::new(pages));
        Script::new(number, &self.shared)
    }

    /// The requests to a script so far, in the order in which they came.
    #[must_use]
    pub fn heard(&self, script: &Script) -> Vec<Heard> {
        self.shared.with_script(script.number(), |playing| playing.heard().to_vec()).unwrap_or_default()
    }

    /// A part of the server whose downloads end as they are ordered to.
    #[must_use]
    pub fn feed(&self) -> Feed {
        let mut feeds = self.shared.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let number = feeds.keys().next_back().map_or(0, |last| last + 1);
        feeds.insert(number, feed::Orders::default());
        Feed::new(number, &self.shared)
    }

    /// How the next download of a feed ends.
    pub fn serve(&self, feed: &Feed, served: Served) {
        let _ = self.shared.with_feed(feed.number(), |orders| orders.add(served));
    }

    /// What of a feed stalls goes on, or is closed.
    pub fn go_on(&self, feed: &Feed, how: GoesOn) {
        let _ = self.shared.with_feed(feed.number(), |orders| orders.go_on(how));
    }

    /// Whether every answer that was ordered of a feed was given.
    #[must_use]
    pub fn is_used_up(&self, feed: &Feed) -> bool {
        self.shared.with_feed(feed.number(), |orders| orders.is_used_up()).unwrap_or(true)
    }

    /// Whether a download of a feed stalls now.
    #[must_use]
    pub fn is_stalled(&self, feed: &Feed) -> bool {
        self.shared.with_feed(feed.number(), |orders| orders.is_stalled()).unwrap_or(false)
    }

    /// Requests that came for a feed so far.
    #[must_use]
    pub fn requests(&self, feed: &Feed) -> u32 {
        self.shared.with_feed(feed.number(), |orders| orders.requests).unwrap_or(0)
    }

    /// Forgets a feed: its files are not there any more.
    pub fn forget(&self, feed: &Feed) {
        self.shared.feeds.lock().unwrap_or_else(PoisonError::into_inner).remove(&feed.number());
    }

    /// Where the server is, over HTTP.
    #[must_use]
    pub fn base(&self) -> String {
        self.shared.base(Scheme::Http)
    }

    fn accept(&mut self, listener: TcpListener, security: Security) -> io::Result<()> {
        let (address, shared) = (listener.local_addr()?, Arc::clone(&self.shared));
        let body = move || accept(&listener, &security, &shared);
        let thread = thread::Builder::new().name("file-server".to_owned()).spawn(body)?;
        self.acceptors.push(Acceptor { address, thread });
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.live.stop();
        for Acceptor { address, thread } in self.acceptors.drain(..) {
            while !thread.is_finished() {
                // An acceptor checks for the end only after a connection, so this makes one.
                let _ = TcpStream::connect_timeout(&address, Duration::from_millis(50));
                thread::sleep(Duration::from_millis(1));
            }
            // A bug in the server must not pass for a fault that was asked for.
            assert!(thread.join().is_ok() || thread::panicking(), "a thread of the file server panicked");
        }
    }
}

#[derive(Debug)]
struct Acceptor {
    address: SocketAddr,
    thread: JoinHandle<()>,
}

/// What all threads of a server share.
struct Shared {
    live: Live,
    /// Of HTTP and of HTTPS.
    addresses: (SocketAddr, SocketAddr),
    traffic: Mutex<BTreeMap<String, Traffic>>,
    scripts: Mutex<BTreeMap<u32, Playing>>,
    feeds: Mutex<BTreeMap<u32, feed::Orders>>,
}

impl Shared {
    fn empty() -> Shared {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Shared {
            live: Live::default(),
            addresses: (nowhere, nowhere),
            traffic: Mutex::default(),
            scripts: Mutex::default(),
            feeds: Mutex::default(),
        }
    }

    /// Where everything of a scheme is.
    fn base(&self, scheme: Scheme) -> String {
        match scheme {
            Scheme::Http => format!("http://{}", self.addresses.0),
            Scheme::Https => format!("https://{}", self.addresses.1),
        }
    }

    fn with_script<T>(&self, number: u32, act: impl FnOnce(&mut Playing) -> T) -> Option<T> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&number).map(act)
    }

    fn with_feed<T>(&self, number: u32, act: impl FnOnce(&mut feed::Orders) -> T) -> Option<T> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&number).map(act)
    }

    fn url(&self, scheme: Scheme, resource: &Resource) -> String {
        format!("{}{resource}", self.base(scheme))
    }

    fn with_traffic<T>(&self, path: &str, act: impl FnOnce(&mut Traffic) -> T) -> T {
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        act(traffic.entry(path.to_owned()).or_default())
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

fn listen() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}

/// The life of an acceptor: a thread per connection, and their end awaited at its own.
fn accept(listener: &TcpListener, security: &Security, shared: &Shared) {
    thread::scope(|scope| {
        while !shared.live.is_stopped() {
            let Ok((socket, _)) = listener.accept() else {
                // Too many open files, most likely: some will be closed soon.
                let _: Paused = shared.live.pause(Duration::from_millis(5));
                continue;
            };
            let Some(ticket) = shared.live.admit(&socket) else { continue };
            let serve = move || {
                let _ticket = ticket;
                // An error here is a client that went away, or one that did not speak TLS.
                let _ = Wire::new(socket, security)
                    .and_then(|wire| answer::answer(wire, scheme(security), shared));
            };
            // Without a thread the connection closes, which is one more fault for the client to bear.
            let _ = thread::Builder::new().name("file-server".to_owned()).spawn_scoped(scope, serve);
        }
    });
}

fn scheme(security: &Security) -> Scheme {
    match security {
        Security::Plain => Scheme::Http,
        Security::Tls(_) => Scheme::Https,
    }
}
