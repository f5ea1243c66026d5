//! The process of aria2.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rpc::{Connection, Notified};

/// How long it may take until aria2 listens.
const STARTING: Duration = Duration::from_secs(5);

/// A process that listens. It ends when this is dropped.
pub(crate) struct Aria2 {
    child: Mutex<Child>,
    port: u16,
    secret: String,
}

impl Aria2 {
    /// Starts `aria2c`, or what the variable `ARIA2C` names.
    pub(crate) fn start(root: &str, seed: u64) -> io::Result<Aria2> {
        let port = free_port()?;
        let own = std::process::id();
        let secret = format!("bgcheck-{seed}-{own}");
        let program = std::env::var("ARIA2C").unwrap_or_else(|_| "aria2c".to_owned());
        let child = Command::new(&program)
            .args([
                "--no-conf=true",
                "--enable-rpc=true",
                "--quiet=true",
                "--no-netrc=true",
                "--enable-dht=false",
            ])
            .args(["--disable-ipv6=true", "--file-allocation=none"])
            // A destination is what the client sets, and what stands there is replaced.
            .args(["--auto-file-renaming=false", "--allow-overwrite=true"])
            // As BITS, it sends another request after a while; without a wait it sends five at once.
            .args(["--max-tries=3", "--retry-wait=1", "--connect-timeout=5", "--timeout=5"])
            .arg(format!("--rpc-listen-port={port}"))
            .arg(format!("--rpc-secret={secret}"))
            .arg(format!("--dir={root}"))
            .arg(format!("--stop-with-process={own}"))
            .env_remove("http_proxy")
            .env_remove("all_proxy")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("{program}: {error}; install it: apt-get install -y aria2"),
                )
            })?;
        Ok(Aria2 { child: Mutex::new(child), port, secret })
    }

    /// A connection to it. Notifications come to every connection.
    pub(crate) fn connect(&self, notified: Notified) -> io::Result<Connection> {
        let until = Instant::now() + STARTING;
        loop {
            match Connection::open(self.port, &self.secret) {
                Ok(opened) => return opened.listen(notified),
                Err(error) if Instant::now() >= until => return Err(error),
                // It does not listen yet.
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    pub(crate) fn version(&self) -> io::Result<String> {
        let connection = self.connect(Box::new(|_, _| ()))?;
        let version =
            connection.ask("aria2.getVersion", Vec::new()).map_err(|no| io::Error::other(no.to_string()))?;
        let version = version.get("version").and_then(Value::as_str);
        version.map(str::to_owned).ok_or_else(|| ErrorKind::InvalidData.into())
    }
}

impl Drop for Aria2 {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A process that has ended already is as good.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Another process may take it before aria2 does: then nothing listens with our secret, and the start fails.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
