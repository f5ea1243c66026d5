//! JSON-RPC over a WebSocket: questions from any thread, one thread that reads.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// Called by the reading thread with the method of a notification and the download it is about.
pub(crate) type Notified = Box<dyn Fn(&str, &str) + Send>;

/// Who waits for the answer to a question, by its number.
type Waiting = BTreeMap<u64, Sender<Result<Value, No>>>;

/// A connection. Its clones share it.
#[derive(Clone)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    /// Only writes. The reading thread has a WebSocket of its own around this stream.
    writer: Mutex<WebSocket<TcpStream>>,
    /// Those who wait for an answer; none when no answer will come any more.
    waiting: Mutex<Option<Waiting>>,
    next: AtomicU64,
    secret: String,
}

/// A connection whose reading thread has not started yet.
pub(crate) struct Opened {
    reader: WebSocket<TcpStream>,
    connection: Connection,
}

/// aria2 refuses, or is gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum No {
    /// aria2 sent an error.
    Refused(String),
    /// There is no connection.
    Gone(String),
}

impl fmt::Display for No {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            No::Refused(why) => write!(f, "aria2 refuses: {why}"),
            No::Gone(why) => write!(f, "aria2 is gone: {why}"),
        }
    }
}

impl Connection {
    pub(crate) fn open(port: u16, secret: &str) -> io::Result<Opened> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        let writing = stream.try_clone()?;
        let url = format!("ws://127.0.0.1:{port}/jsonrpc");
        let (reader, _) = tungstenite::client(url, stream).map_err(io::Error::other)?;
        let shared = Shared {
            writer: Mutex::new(WebSocket::from_raw_socket(writing, Role::Client, None)),
            waiting: Mutex::new(Some(BTreeMap::new())),
            next: AtomicU64::new(1),
            secret: secret.to_owned(),
        };
        Ok(Opened { reader, connection: Connection { shared: Arc::new(shared) } })
    }

    /// Sends a request, and waits for the answer.
    pub(crate) fn ask(&self, method: &str, params: Vec<Value>) -> Result<Value, No> {
        let shared = &self.shared;
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        let (tell, hear) = channel();
        let gone = |why: &str| No::Gone(why.to_owned());
        shared.waiting().as_mut().ok_or_else(|| gone("the connection was closed"))?.insert(id, tell);
        let mut all = vec![Value::from(format!("token:{}", shared.secret))];
        all.extend(params);
        let question = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": all});
        let sent = shared.writer().send(Message::text(question.to_string()));
        sent.map_err(|error| gone(&error.to_string()))?;
        hear.recv().unwrap_or_else(|_| Err(gone("the connection was closed")))
    }
}

impl Opened {
    /// Starts the thread that reads.
    pub(crate) fn listen(self, notified: Notified) -> io::Result<Connection> {
        let Opened { mut reader, connection } = self;
        let shared = Arc::clone(&connection.shared);
        let body = move || {
            while let Ok(message) = reader.read() {
                if let Ok(text) = message.to_text()
                    && let Ok(value) = serde_json::from_str(text)
                {
                    shared.heard(value, &notified);
                }
            }
            // Dropped senders wake those who wait.
            *shared.waiting() = None;
        };
        std::thread::Builder::new().name("aria2".to_owned()).spawn(body)?;
        Ok(connection)
    }
}

impl Shared {
    fn heard(&self, mut value: Value, notified: &Notified) {
        if let Some(method) = value.get("method").and_then(Value::as_str) {
            let gid = value.pointer("/params/0/gid").and_then(Value::as_str);
            return notified(method, gid.unwrap_or_default());
        }
        let answer = match value.get("error") {
            Some(error) => {
                let message = error.get("message").and_then(Value::as_str);
                Err(No::Refused(message.unwrap_or("without a reason").to_owned()))
            }
            None => Ok(value.get_mut("result").map(Value::take).unwrap_or_default()),
        };
        let asked = value.get("id").and_then(Value::as_u64);
        let waits = asked.and_then(|id| self.waiting().as_mut()?.remove(&id));
        if let Some(waits) = waits {
            // The caller may have given up.
            let _ = waits.send(answer);
        }
    }

    fn writer(&self) -> MutexGuard<'_, WebSocket<TcpStream>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
