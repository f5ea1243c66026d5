//! The engine of this repository as an adapter process.
//!
//! **What it is.** The reference implementation of the protocol: our service with real threads, real HTTP and real files behind
//! [`adapter::serve`]. It sees of the service what its clients see.
//!
//! **What it is not.** A way around the protocol: no recorder of the service reaches bgcheck. One fact comes from inside: for which
//! job a notification program is started, which a program cannot know (`programs.rs`).
//!
//! **The law it keeps.** Numbers on the pipe are bgcheck's, also where the service is reset and counts from 0 again.

#![forbid(unsafe_code)]

mod clock;
mod disk;
mod objects;
mod programs;
mod subject;
mod world;

use std::io::{self, BufReader, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use adapter::serve::{Subject, serve};
use adapter::wire::{GivesUp, Hello, Slow, can};
use clap::Parser;
use contract::core::Config;
use contract::defect::{Fault, Seeded};
use contract::{Dialect, Event, Method};
use engine::transfer::{ClientConfig, Roots, Slowest};

use self::clock::Pace;
use self::subject::Engine;
use self::world::Setup;

/// Our engine as an adapter process. It speaks `bgcheck-adapter/1` on stdin and stdout.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The dialect. Without it, the one that bgcheck asks for.
    #[arg(long)]
    dialect: Option<Dialect>,
    /// Time stands still until a `clock` command moves it. Without it, time is real.
    #[arg(long)]
    held_clock: bool,
    /// A mistake that the engine is to have, and may be given several times; needs a build with the feature `faults`.
    #[arg(long, value_name = "NAME", value_parser = defect)]
    defect: Vec<Fault>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let started = serve(BufReader::new(io::stdin().lock()), io::stdout(), |greeting, callbacks| {
        let dialect = options.dialect.unwrap_or(greeting.dialect);
        let seeded = options.defect.iter().fold(Seeded::NONE, |seeded, fault| seeded.and(*fault));
        let config = Config { seeded, ..Config::of(dialect.profile()) };
        let pace = if options.held_clock { Pace::Held } else { Pace::Real };
        let trusted = greeting.certificate.as_ref().map(std::fs::read).transpose()?;
        let roots = trusted.map_or(Roots::Web, |certificate| Roots::Only(vec![certificate]));
        let http = ClientConfig { seeded, roots, slowest: SLOWEST, ..ClientConfig::default() };
        let hello = hello(pace, dialect, &http);
        let setup = Setup { config, http, pace };
        let subject = Engine::start(setup, callbacks.clone()).map_err(io::Error::other)?;
        Ok((hello, Arc::new(subject) as Arc<dyn Subject>))
    });
    match started {
        // What is left of threads ends with the process.
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without stderr the error cannot be reported.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Slower bodies are given up: soon enough that bgcheck can wait for it, and later than any silence.
const SLOWEST: Slowest = Slowest { bytes: 1024, within: Duration::from_secs(6) };

fn hello(pace: Pace, dialect: Dialect, http: &ClientConfig) -> Hello {
    let events = [Event::JobTransferred, Event::JobError, Event::JobModification, Event::FileTransferred];
    let mut able = vec![
        can::RACE,
        can::NESTED,
        can::NESTED_JOBS,
        can::ORDER_JOBS,
        can::HOLD,
        can::THROW,
        can::GIVEN,
        can::DISK,
        can::NETWORK,
        can::USERS,
        can::STALL,
        can::WAITS,
        can::CALLBACK3,
    ];
    if http.roots != Roots::Web {
        able.push(can::HTTPS);
    }
    if pace == Pace::Held {
        able.push(can::CLOCK);
    }
    if dialect.profile().command_line.is_on() {
        able.push(can::PROGRAMS);
    }
    Hello {
        name: "engine".to_owned(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        language: Some("rust".to_owned()),
        methods: Method::ALL.iter().map(|method| method.name().to_owned()).collect(),
        events: events.iter().map(Event::to_string).collect(),
        can: able.into_iter().map(str::to_owned).collect(),
        gives_up: Some(GivesUp {
            silence_ms: Some(in_ms(http.read_timeout)),
            slow: Some(Slow { bytes: http.slowest.bytes, ms: in_ms(http.slowest.within) }),
        }),
        ..Hello::default()
    }
}

fn in_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The fault of this name, where this build can have one.
fn defect(name: &str) -> Result<Fault, String> {
    let fault = name.parse().map_err(|_| {
        let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        format!("there is no such defect; expected one of: {}", names.join(", "))
    })?;
    if Seeded::AVAILABLE {
        return Ok(fault);
    }
    Err("this build has no defects; build with `cargo build --release -p adapter-engine --features faults`"
        .to_owned())
}
