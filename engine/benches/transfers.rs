//! How fast many small files come through the service, from a server on this machine: 2,000 background jobs with a file of 20 kB each
//! in BITS, where one background job is transferred at a time. One large file: `bgcheck bench download`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use contract::core::Config;
use contract::dialect::Profile;
use contract::{Dialect, HResult, UserId};
use engine::service::{Callback, Job, Service};

const JOBS: usize = 2_000;
const SMALL: u64 = 20_000;

fn main() {
    let directory = std::env::temp_dir().join(format!("engine-transfers-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory for the files");
    jobs(serve(), &directory);
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

fn service() -> Service {
    let limits = Profile { jobs_per_user: u32::MAX, jobs_per_machine: u32::MAX, ..*Dialect::Bits.profile() };
    Service::builder(Config::of(&limits)).start().expect("the machine has threads")
}

/// Completes its job, and sends the result.
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
