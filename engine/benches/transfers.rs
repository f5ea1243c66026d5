//! How fast files come through the service, from a server on this machine.
//!
//! `cargo bench -p engine --bench transfers` runs both measurements, `-- jobs` and `-- disk` one of them:
//!
//! - `jobs`: 2,000 background jobs with a file of 20 kB each in BITS, where one background job is transferred at a time.
//! - `disk`: one file of 1 GiB, in turn through the service and through `curl` (skipped where there is none), five rounds.
//!   `BENCH_MIB` sets another size. Printed are the rates, their ratio and the most memory that this process had.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use contract::core::Config;
use contract::dialect::Profile;
use contract::{Dialect, HResult, Priority, UserId};
use engine::service::{Callback, Job, Service};

const JOBS: usize = 2_000;
const SMALL: u64 = 20_000;
const ROUNDS: u32 = 5;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    let directory = std::env::temp_dir().join(format!("engine-transfers-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory for the files");
    let server = serve();
    if runs("jobs") {
        jobs(server, &directory);
    }
    if runs("disk") {
        disk(server, &directory);
    }
    fs::remove_dir_all(&directory).expect("the files go");
}

fn jobs(server: SocketAddr, directory: &Path) {
    let (service, begun) = (service(), Instant::now());
    let (say, hear) = channel();
    for number in 0..JOBS {
        let job = service.manager(UserId(0)).create_job("small").expect("there is no limit");
        let local = directory.join(format!("small-{number}"));
        job.add_file(&format!("http://{server}/{SMALL}"), &local).expect("the names are good");
        job.set_notify_interface(Some(Arc::new(Finish(say.clone())))).expect("the job is new");
        job.resume().expect("it has a file");
    }
    let queued = begun.elapsed();
    for _ in 0..JOBS {
        hear.recv_timeout(Duration::from_secs(120)).expect("the next file").expect("a job that ends well");
    }
    let took = begun.elapsed();
    println!("jobs: {JOBS} background jobs of {SMALL} B in {took:.2?}, of which {queued:.2?} to queue them");
}

fn disk(server: SocketAddr, directory: &Path) {
    let mib: u64 = std::env::var("BENCH_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(1024);
    let (url, local) = (format!("http://{server}/{}", mib << 20), directory.join("large"));
    let service = service();
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let ours = rate(mib, &local, || download(&service, &url, &local));
        let curl = || {
            Command::new("curl")
                .args(["-s", "-o"])
                .arg(&local)
                .arg(&url)
                .status()
                .is_ok_and(|it| it.success())
        };
        if !curl_is_here() {
            println!("disk: {ours:.0} MiB/s; there is no curl to compare with");
            continue;
        }
        let theirs = rate(mib, &local, || assert!(curl(), "curl failed"));
        println!(
            "disk, round {round}: service {ours:.0} MiB/s, curl {theirs:.0} MiB/s, ratio {:.2}",
            ours / theirs
        );
        ratios.push(ours / theirs);
    }
    ratios.sort_by(f64::total_cmp);
    if let Some(median) = ratios.get(ratios.len() / 2) {
        println!("disk: {mib} MiB, median ratio {median:.2}, most memory {}", most_memory());
    }
}

fn download(service: &Service, url: &str, local: &Path) {
    let (say, hear) = channel();
    let job = service.manager(UserId(0)).create_job("large").expect("there is no limit");
    job.add_file(url, local).expect("the names are good");
    job.set_priority(Priority::Foreground).expect("the job is new");
    job.set_notify_interface(Some(Arc::new(Finish(say)))).expect("the job is new");
    job.resume().expect("it has a file");
    hear.recv_timeout(Duration::from_secs(300)).expect("the file").expect("a job that ends well");
}

/// In MiB per second.
fn rate(mib: u64, local: &Path, fetch: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    fetch();
    let took = begun.elapsed();
    assert_eq!(fs::metadata(local).expect("the file").len(), mib << 20);
    fs::remove_file(local).expect("the file goes");
    mib as f64 / took.as_secs_f64()
}

fn curl_is_here() -> bool {
    Command::new("curl").arg("--version").output().is_ok()
}

/// The most memory this process had, where the system says it.
fn most_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}

fn service() -> Service {
    let limits = Profile { jobs_per_user: u32::MAX, jobs_per_machine: u32::MAX, ..*Dialect::Bits.profile() };
    Service::builder(Config::of(&limits)).start().expect("the machine has threads")
}

/// Completes its job, and says how that went.
struct Finish(Sender<Result<(), HResult>>);

impl Callback for Finish {
    fn job_transferred(&self, job: &Job) -> HResult {
        let _ = self.0.send(job.complete().map(|_| ()));
        HResult::S_OK
    }

    fn job_error(&self, _: &Job, error: &engine::service::ErrorObject) -> HResult {
        let _ = self.0.send(Err(error.error().1));
        HResult::S_OK
    }
}

/// A server that answers `/N` with N bytes.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let length: u64 = line.split(' ').nth(1)?.trim_start_matches('/').parse().ok()?;
    while reader.read_line(&mut line).ok()? > 2 {}
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"{length}\"\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    std::io::copy(
        &mut std::io::repeat(b'x').take(length),
        &mut std::io::BufWriter::with_capacity(1 << 20, stream),
    )
    .ok()?;
    Some(())
}
