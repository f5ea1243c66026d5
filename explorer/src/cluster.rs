//! Several processes that explore together, on one machine or on many.
//!
//! **What it is.** A [`Cluster`] is this process's place among others, each with an address. Before an exploration all of them
//! meet: each connects to those before it, accepts those behind it, and sends what it is about to explore. What they
//! exchange afterwards is timely's business.
//!
//! **Why not timely's own meeting.** It waits for ever, prints its attempts on stdout, and takes every caller for a peer.
//!
//! **The laws it keeps.**
//! 1. Only processes of one version, with equal numbers of addresses and of threads, on one subject, in one exploration of a row, go on.
//! 2. A process that does not come is named, after the time that the others were willing to wait.
//! 3. A process that goes away while others explore takes them along: timely's thread for its connection panics. From the name of
//!    that thread, [`lost_peer`] returns the lost process to the panic handler.
//!
//! **What it is not.** It is no protection: any program that can reach an address can disturb the run. Use it in a network of your own.

use std::any::Any;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use timely::communication::allocator::ProcessBuilder;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::{AllocatorBuilder, Hooks};

use crate::fingerprint::fingerprint;

/// How long one try to reach another process may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// What the first word of a greeting is made of, beside the version.
const GREETING: &str = "bgcheck explores together";

/// This process's place among others.
#[derive(Clone)]
pub struct Cluster {
    shared: Arc<Shared>,
    subject: u64,
}

struct Shared {
    hosts: Vec<String>,
    process: usize,
    listener: Mutex<TcpListener>,
    /// How long the others are waited for.
    patience: Duration,
    /// Explorations that have begun.
    meetings: AtomicU64,
}

/// Why the processes did not come together.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClusterError {
    /// There are too few addresses for the process's number.
    #[error("there is no process {process}: {hosts} addresses are given, and they count from 0")]
    NoSuchProcess {
        /// The number.
        process: usize,
        /// How many addresses there are.
        hosts: usize,
    },
    /// The process cannot listen at its own address.
    #[error("process {process} cannot listen at {address}: {why}")]
    Listen {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// The system's error.
        why: String,
    },
    /// Another process did not come.
    #[error("process {process} at {address} did not come within {seconds} s")]
    Absent {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Another process explores something else.
    #[error("process {process} at {address} is not of this run: it has another {what}")]
    Other {
        /// Its number.
        process: usize,
        /// Its address.
        address: String,
        /// What differs.
        what: &'static str,
    },
    /// The network failed.
    #[error("the network between the processes cannot be used: {0}")]
    Network(String),
}

/// What a process sends when it meets another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Greeting {
    version: u64,
    process: u64,
    hosts: u64,
    threads: u64,
    subject: u64,
    meeting: u64,
}

impl Greeting {
    const BYTES: usize = 6 * size_of::<u64>();

    fn say(self, to: &mut TcpStream) -> io::Result<()> {
        let words = [self.version, self.process, self.hosts, self.threads, self.subject, self.meeting];
        to.write_all(&words.map(u64::to_le_bytes).concat())
    }

    fn hear(from: &mut TcpStream) -> io::Result<Self> {
        let mut bytes = [0; Self::BYTES];
        from.read_exact(&mut bytes)?;
        let (words, _) = bytes.as_chunks::<{ size_of::<u64>() }>();
        let word = |index: usize| u64::from_le_bytes(words[index]);
        Ok(Greeting {
            version: word(0),
            process: word(1),
            hosts: word(2),
            threads: word(3),
            subject: word(4),
            meeting: word(5),
        })
    }

    /// What makes the two not of one run.
    fn differs(self, other: Self) -> Option<&'static str> {
        let pairs = [
            (self.version, other.version, "version of bgcheck"),
            (self.hosts, other.hosts, "list of addresses"),
            (self.threads, other.threads, "number of threads"),
            (self.subject, other.subject, "model, scope or other option"),
            (
                self.meeting,
                other.meeting,
                "exploration under way: it was started earlier, or resumed elsewhere",
            ),
        ];
        pairs.into_iter().find(|(mine, theirs, _)| mine != theirs).map(|(.., what)| what)
    }
}

impl Cluster {
    /// Takes this process's place: listens at the address that is its own.
    ///
    /// # Errors
    ///
    /// When there is no such place, or it cannot listen there.
    pub fn join(hosts: Vec<String>, process: usize, patience: Duration) -> Result<Self, ClusterError> {
        let Some(address) = hosts.get(process) else {
            return Err(ClusterError::NoSuchProcess { process, hosts: hosts.len() });
        };
        let refused = |error: io::Error| {
            let (address, why) = (address.clone(), error.to_string());
            ClusterError::Listen { process, address, why }
        };
        let listener = TcpListener::bind(address).map_err(refused)?;
        Self::at(listener, hosts, process, patience)
    }

    /// Takes the place with a listener that is there already, so that its port need not be known before.
    ///
    /// # Errors
    ///
    /// When the listener is of no use.
    pub fn at(
        listener: TcpListener,
        hosts: Vec<String>,
        process: usize,
        patience: Duration,
    ) -> Result<Self, ClusterError> {
        // `accept` must not block, because a process that does not come would hold it up for ever.
        listener.set_nonblocking(true).map_err(|error| ClusterError::Network(error.to_string()))?;
        let (listener, meetings) = (Mutex::new(listener), AtomicU64::new(0));
        let shared = Arc::new(Shared { hosts, process, listener, patience, meetings });
        Ok(Cluster { shared, subject: 0 })
    }

    /// This place, to explore this subject and nothing else.
    #[must_use]
    pub fn about(&self, subject: &super::Subject) -> Self {
        let text = (&subject.model, &subject.scope);
        Cluster { shared: Arc::clone(&self.shared), subject: fingerprint(&text) as u64 }
    }

    /// This process's number.
    #[must_use]
    pub fn process(&self) -> usize {
        self.shared.process
    }

    /// Every process's address.
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        &self.shared.hosts
    }

    /// Meets the other processes, and makes of the connections what timely's workers need.
    pub(super) fn meet(
        &self,
        threads: usize,
    ) -> Result<(Vec<AllocatorBuilder>, Box<dyn Any + Send>), ClusterError> {
        let meeting = self.shared.meetings.fetch_add(1, Ordering::Relaxed);
        let mine = Greeting {
            version: fingerprint(&(GREETING, env!("CARGO_PKG_VERSION"))) as u64,
            process: self.process() as u64,
            hosts: self.hosts().len() as u64,
            threads: threads as u64,
            subject: self.subject,
            meeting,
        };
        let sockets =
            Meeting { cluster: self, mine, deadline: Instant::now() + self.shared.patience }.sockets()?;
        let hooks = Hooks::default();
        let local = ProcessBuilder::new_typed_vector(threads, hooks.refill.clone(), hooks.spill.clone());
        let network = |error: io::Error| ClusterError::Network(error.to_string());
        let (builders, guard) =
            initialize_networking_from_sockets(local, sockets, self.process(), threads, hooks)
                .map_err(network)?;
        Ok((builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard)))
    }
}

/// One coming together.
struct Meeting<'a> {
    cluster: &'a Cluster,
    mine: Greeting,
    deadline: Instant,
}

impl Meeting<'_> {
    /// A connection to each other process, in their order.
    fn sockets(&self) -> Result<Vec<Option<TcpStream>>, ClusterError> {
        let mut sockets: Vec<Option<TcpStream>> = self.cluster.hosts().iter().map(|_| None).collect();
        for (process, socket) in sockets.iter_mut().enumerate().take(self.cluster.process()) {
            *socket = Some(self.call(process)?);
        }
        let waits = |sockets: &[Option<TcpStream>]| {
            (self.cluster.process() + 1..sockets.len()).find(|process| sockets[*process].is_none())
        };
        while let Some(absent) = waits(&sockets) {
            if let Some((process, socket)) = self.answer(absent)? {
                sockets[process] = Some(socket);
            }
        }
        Ok(sockets)
    }

    /// Calls a process that comes before this one.
    fn call(&self, process: usize) -> Result<TcpStream, ClusterError> {
        loop {
            if let Ok((socket, theirs)) = self.try_to_call(process) {
                self.compare(process, theirs)?;
                return Ok(socket);
            }
            self.pause(process)?;
        }
    }

    fn try_to_call(&self, process: usize) -> io::Result<(TcpStream, Greeting)> {
        let addresses = self.cluster.hosts()[process].to_socket_addrs()?;
        let mut tried = Err(io::ErrorKind::AddrNotAvailable.into());
        for address in addresses {
            tried = TcpStream::connect_timeout(&address, PATIENCE);
            if tried.is_ok() {
                break;
            }
        }
        self.greet(tried?)
    }

    /// Accepts a process that comes behind this one, if one connects.
    fn answer(&self, absent: usize) -> Result<Option<(usize, TcpStream)>, ClusterError> {
        let accepted = {
            let listener = self.cluster.shared.listener.lock().unwrap_or_else(PoisonError::into_inner);
            listener.accept()
        };
        // A caller that sends no greeting is no process of this run, and its connection is dropped.
        let Some((socket, theirs)) = accepted.and_then(|(socket, _)| self.greet(socket)).ok() else {
            self.pause(absent)?;
            return Ok(None);
        };
        let process = theirs.process as usize;
        if theirs.version != self.mine.version
            || process <= self.cluster.process()
            || process >= self.cluster.hosts().len()
        {
            return Ok(None);
        }
        self.compare(process, theirs)?;
        Ok(Some((process, socket)))
    }

    /// Sends who this is, and receives who that is.
    fn greet(&self, mut socket: TcpStream) -> io::Result<(TcpStream, Greeting)> {
        socket.set_nonblocking(false)?;
        socket.set_nodelay(true)?;
        self.mine.say(&mut socket)?;
        // A process that explores something before this sends its greeting when it has done with that.
        let left = self.deadline.saturating_duration_since(Instant::now()).max(PAUSE);
        socket.set_read_timeout(Some(left))?;
        let theirs = Greeting::hear(&mut socket)?;
        socket.set_read_timeout(None)?;
        Ok((socket, theirs))
    }

    fn compare(&self, process: usize, theirs: Greeting) -> Result<(), ClusterError> {
        match self.mine.differs(theirs) {
            None => Ok(()),
            Some(what) => Err(ClusterError::Other { process, address: self.address(process), what }),
        }
    }

    fn pause(&self, absent: usize) -> Result<(), ClusterError> {
        if Instant::now() >= self.deadline {
            let seconds = self.cluster.shared.patience.as_secs();
            return Err(ClusterError::Absent { process: absent, address: self.address(absent), seconds });
        }
        std::thread::sleep(PAUSE);
        Ok(())
    }

    fn address(&self, process: usize) -> String {
        self.cluster.hosts()[process].clone()
    }
}

/// Which process was lost, if a thread of this name panicked because of that.
#[must_use]
pub fn lost_peer(thread: &str) -> Option<usize> {
    thread.strip_prefix("timely:recv-").or_else(|| thread.strip_prefix("timely:send-"))?.parse().ok()
}
