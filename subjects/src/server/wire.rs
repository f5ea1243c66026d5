//! Connections, plain or over TLS, and the certificate.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long the server waits for the client to send or to take something.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a client.
pub(super) struct Wire {
    stream: Stream,
    /// The stream's socket again, to wait on it under TLS.
    socket: TcpStream,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// What a connection is made with.
#[derive(Clone)]
pub(super) enum Security {
    Plain,
    Tls(Arc<ServerConfig>),
}

impl Wire {
    pub(super) fn new(socket: TcpStream, security: &Security) -> io::Result<Wire> {
        // Answers are written in few large pieces, so waiting for more to send would only add delay.
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let stream = match security {
            Security::Plain => Stream::Plain(socket.try_clone()?),
            Security::Tls(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                Stream::Tls(Box::new(StreamOwned::new(connection, socket.try_clone()?)))
            }
        };
        Ok(Wire { stream, socket })
    }

    /// Ends the connection as a server does that has sent everything.
    pub(super) fn close(mut self) -> io::Result<()> {
        if let Stream::Tls(stream) = &mut self.stream {
            stream.conn.send_close_notify();
        }
        self.flush()?;
        self.socket.shutdown(Shutdown::Write)
    }

    /// Waits until the client closes or sends something (which, here, can only be its farewell), at most so long.
    pub(super) fn wait_for_client(&self, at_most: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(at_most))?;
        self.socket.peek(&mut [0]).map(|_| ())
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}

/// A fresh certificate for 127.0.0.1 and localhost, which is its own root, and the configuration that shows it.
pub(super) fn certificate() -> io::Result<(CertificateDer<'static>, Arc<ServerConfig>)> {
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    // The provider is named here because a process may have none installed as its default.
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate.clone()], key))
        .map_err(io::Error::other)?;
    Ok((certificate, Arc::new(config)))
}
