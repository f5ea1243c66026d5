//! A server of a few lines: a closure answers each request with whatever bytes it likes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The request as it came: first the request line, then the headers, in lower case.
pub(crate) type Head = Vec<String>;

pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    heads: Arc<Mutex<Vec<Head>>>,
}

impl Server {
    /// Answers every request with this closure, each on a thread of its own.
    pub(crate) fn start(answer: impl Fn(&Head, &mut dyn Write) + Send + Sync + 'static) -> Server {
        Server::listen("http", move |stream, heads| {
            let _ = respond(stream, heads, &answer);
        })
    }

    /// Answers every request with these bytes.
    pub(crate) fn fixed(bytes: impl Into<Vec<u8>>) -> Server {
        let bytes = bytes.into();
        Server::start(move |_, out| drop(out.write_all(&bytes)))
    }

    /// As [`Server::fixed`], over TLS, with a certificate for 127.0.0.1 that is given in DER.
    pub(crate) fn secure(bytes: impl Into<Vec<u8>>) -> (Server, Vec<u8>) {
        let bytes = bytes.into();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("key and certificate fit");
        let config = Arc::new(config);
        let server = Server::listen("https", move |stream, heads| {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            let _ = respond(&mut stream, heads, &|_: &Head, out: &mut dyn Write| drop(out.write_all(&bytes)));
            stream.conn.send_close_notify();
            let _ = stream.flush();
        });
        (server, made.cert.der().to_vec())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The requests so far.
    pub(crate) fn heads(&self) -> Vec<Head> {
        self.heads.lock().unwrap().clone()
    }

    fn listen(
        scheme: &'static str,
        serve: impl Fn(TcpStream, &Mutex<Vec<Head>>) + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface has a port");
        let address = listener.local_addr().expect("it is bound");
        let heads = Arc::<Mutex<Vec<Head>>>::default();
        let (seen, serve) = (Arc::clone(&heads), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, serve) = (Arc::clone(&seen), Arc::clone(&serve));
                thread::spawn(move || serve(stream, &seen));
            }
        });
        Server { address, scheme, heads }
    }
}

fn respond<S: Read + Write>(
    stream: S,
    heads: &Mutex<Vec<Head>>,
    answer: &impl Fn(&Head, &mut dyn Write),
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Head::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_ascii_lowercase()),
        }
    }
    heads.lock().unwrap().push(head.clone());
    answer(&head, stream.get_mut());
    stream.get_mut().flush()
}

/// A response with these header lines and this body; the length is added.
pub(crate) fn response(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    bare(status, &[headers, &[&length]].concat(), body)
}

/// A response exactly as given.
pub(crate) fn bare(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\n").into_bytes();
    for header in headers {
        bytes.extend_from_slice(format!("{header}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// The first byte of the range that was requested.
pub(crate) fn asked_from(head: &Head) -> Option<usize> {
    let range = head.iter().find_map(|line| line.strip_prefix("range: bytes="))?;
    range.strip_suffix('-')?.parse().ok()
}
