//! The engine's service against curl: one file from a server on this machine to the disk.
//!
//! **Why processes.** The two take turns, so that a machine that becomes slower does so for both. The service runs in a process of its
//! own, which prints how long the file took and the most memory it held; the server is in this one.
//!
//! **What is compared.** The service answers when the file is whole, on the disk, and at its destination. curl leaves the bytes in
//! memory for the system to write.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use contract::core::Config;
use contract::{Dialect, HResult, Priority, UserId};
use engine::service::{Callback, ErrorObject, Job, Service};
use serde_json::json;

use super::{Spread, apart, most_bytes_held};
use crate::error::Error;
use crate::output::Output;
use crate::progress::Work;

/// A download that takes longer has stopped.
const PATIENCE: Duration = Duration::from_secs(300);
/// What the server writes at once.
const BUFFER: usize = 1 << 20;

/// What the rounds came to, in MiB per second.
pub(crate) struct Downloads {
    mib: u64,
    service: Vec<f64>,
    /// As many as of the service, or none where there is no curl.
    curl: Vec<f64>,
    /// The most memory the service's process held, in bytes.
    most_bytes: u64,
}

/// A file of `mib` MiB, through the service and through curl in turn.
pub(crate) fn compare(mib: u64, rounds: u32, output: &Output) -> Result<Downloads, Error> {
    let failed = |error: io::Error| program("bench download", &error.to_string());
    let directory = tempfile::tempdir().map_err(failed)?;
    let local = directory.path().join("file");
    let url = format!("http://{}/{}", serve().map_err(failed)?, mib << 20);
    let progress = output.progress("bench download");
    let mut downloads = Downloads { mib, service: Vec::new(), curl: Vec::new(), most_bytes: 0 };
    for round in 1..=rounds {
        let work = Work::counted(u64::from(round - 1), u64::from(rounds), "rounds");
        progress.tell(work, || format!("round {round} of {rounds}"));
        let (seconds, bytes) = by_service(&url, &local)?;
        downloads.service.push(rate(mib, seconds, &local)?);
        downloads.most_bytes = downloads.most_bytes.max(bytes);
        if let Some(seconds) = by_curl(&url, &local)? {
            downloads.curl.push(rate(mib, seconds, &local)?);
        }
    }
    Ok(downloads)
}

impl Downloads {
    pub(crate) fn in_text(&self) -> String {
        let mut text = format!("download: a file of {} MiB, {} rounds\n", self.mib, self.service.len());
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<10} {:>7} {:>15} {:>8} {:>7}",
            "", "MiB/s", "least to most", "MB held", "ratio"
        );
        let held = format!("{:.1}", self.most_bytes as f64 / 1e6);
        let ratio = self.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let _ = writeln!(text, "{}", row("service", &self.service, &held, &ratio));
        if self.curl.is_empty() {
            text.push_str("there is no curl to compare with\n");
        } else {
            let _ = writeln!(text, "{}", row("curl", &self.curl, "", "1.00"));
        }
        text.push('\n');
        text
    }

    pub(crate) fn in_json(&self) -> serde_json::Value {
        json!({
            "mib": self.mib,
            "service_mib_per_second": self.service,
            "curl_mib_per_second": self.curl,
            "service_bytes_held": self.most_bytes,
            "median_ratio": self.ratio(),
        })
    }

    /// The median of the ratios of each round: service to curl.
    fn ratio(&self) -> Option<f64> {
        let ratios = self.service.iter().zip(&self.curl).map(|(ours, curl)| ours / curl);
        (!self.curl.is_empty()).then(|| Spread::of(ratios).median())
    }
}

fn row(name: &str, rates: &[f64], held: &str, ratio: &str) -> String {
    let rates = Spread::of(rates.iter().copied());
    let spread = match rates.0[..] {
        [] => String::new(),
        [least, .., most] => format!("{least:.0} to {most:.0}"),
        [only] => format!("{only:.0}"),
    };
    let median = rates.median();
    format!("{name:<10} {median:>7.0} {spread:>15} {held:>8} {ratio:>7}").trim_end().to_owned()
}

/// In MiB per second. The file goes.
fn rate(mib: u64, seconds: f64, local: &Path) -> Result<f64, Error> {
    let whole = fs::metadata(local).is_ok_and(|file| file.len() == mib << 20);
    if !whole {
        return Err(program("bench download", "the file is not whole"));
    }
    fs::remove_file(local).map_err(|error| program("bench download", &error.to_string()))?;
    Ok(mib as f64 / seconds)
}

/// Seconds, and the most bytes held, of a process of its own.
fn by_service(url: &str, local: &Path) -> Result<(f64, u64), Error> {
    let local = local.to_string_lossy();
    let numbers = apart("the service", &["bench", "--fetch", url, &local])?;
    match numbers[..] {
        [seconds, bytes] => Ok((seconds, bytes as u64)),
        _ => Err(program("the service", "it printed no figures")),
    }
}

/// Seconds; nothing where there is no curl.
fn by_curl(url: &str, local: &Path) -> Result<Option<f64>, Error> {
    let begun = Instant::now();
    let mut curl = Command::new("curl");
    let run = curl.args(["-sS", "-o"]).arg(local).arg(url).stdin(Stdio::null()).output();
    match run {
        Ok(run) if run.status.success() => Ok(Some(begun.elapsed().as_secs_f64())),
        Ok(run) => Err(program("curl", String::from_utf8_lossy(&run.stderr).trim())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(program("curl", &error.to_string())),
    }
}

/// Fetches here: seconds, and the most bytes held.
pub(crate) fn fetch(url: &str, local: PathBuf) -> Result<String, Error> {
    let config = Config::of(Dialect::Bits.profile());
    let service =
        Service::builder(config).start().map_err(|error| program("the service", &error.to_string()))?;
    let begun = Instant::now();
    let (says, hears) = channel();
    start(&service, url, local, says).map_err(|hr| program("the service", &hr.to_string()))?;
    let ended = hears.recv_timeout(PATIENCE).map_err(|_| program("the service", "the file did not come"))?;
    ended.map_err(|hr| program("the service", &format!("the job ends with {hr}")))?;
    Ok(format!("{} {}\n", begun.elapsed().as_secs_f64(), most_bytes_held()))
}

fn start(
    service: &Service,
    url: &str,
    local: PathBuf,
    says: Sender<Result<(), HResult>>,
) -> Result<(), HResult> {
    let job = service.manager(UserId(0)).create_job("bench")?;
    job.add_file(url, local)?;
    job.set_priority(Priority::Foreground)?;
    job.set_notify_interface(Some(Arc::new(Finish(says))))?;
    job.resume()
}

/// Completes its job, and sends how that went.
struct Finish(Sender<Result<(), HResult>>);

impl Callback for Finish {
    fn job_transferred(&self, job: &Job) -> HResult {
        let _ = self.0.send(job.complete().map(|_| ()));
        HResult::S_OK
    }

    fn job_error(&self, _: &Job, error: &ErrorObject) -> HResult {
        let _ = self.0.send(Err(error.error().1));
        HResult::S_OK
    }
}

/// A server that answers `/N` with N bytes.
fn serve() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

/// A client that goes away, or asks for something else, gets nothing.
fn answer(mut stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let length: u64 = line.split(' ').nth(1)?.trim_start_matches('/').parse().ok()?;
    while reader.read_line(&mut line).ok()? > 2 {}
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"{length}\"\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    io::copy(&mut io::repeat(b'x').take(length), &mut BufWriter::with_capacity(BUFFER, stream)).ok()?;
    Some(())
}

fn program(program: &str, why: &str) -> Error {
    Error::Program { program: program.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_through_the_service_and_the_figures_are_printed() {
        let directory = tempfile::tempdir().expect("a directory");
        let local = directory.path().join("file");
        let url = format!("http://{}/{}", serve().expect("a port"), 1 << 20);
        let printed = fetch(&url, local.clone()).expect("the file comes");
        let numbers: Vec<f64> = printed.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert!(matches!(numbers[..], [seconds, _] if seconds > 0.0), "{printed}");
        assert!(rate(2, 1.0, &local).is_err(), "a file that is not whole has no rate");
        assert_eq!(rate(1, 0.5, &local).ok(), Some(2.0));
        let downloads =
            Downloads { mib: 1, service: vec![8.0, 2.0, 3.0], curl: vec![4.0; 3], most_bytes: 4_200_000 };
        assert_eq!(downloads.ratio(), Some(0.75));
        let text = downloads.in_text();
        assert!(text.contains("service          3          2 to 8      4.2    0.75\n"), "{text}");
    }
}
