//! `bgcheck explore`: the specification, a trace and the tables in the browser, or in one file.

mod stateright;
mod taken;

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use contract::Dialect;
use contract::defect::{Design, Place, UnknownDesign};
use model::scope::{ScopeName, slices};
use pages::{
    Ask, CoreChoice, Dialects, Export, NotExported, Problem, Site, export_trace, export_walk, serve,
};
use reports::ExitCode;

use self::stateright::{Asked, Which};
use crate::cli;
use crate::error::Error;
use crate::files::write;
use crate::output::Output;

/// Walk through the specification, a trace and the tables in the browser.
///
/// Three pages. *Walk* is `bgcheck simulate` with buttons: what may be done and where it leads, the sequence chart, the state graph, the rules
/// with what they remember; the address has the whole path. *Trace* shows a file event by event, with the verdicts where they fall and the
/// nearest run that passes beside it. *Graph* has the state graph, the answers by method and state, and what the dialects disagree on.
///
/// The address is of this machine alone, and no page loads anything from elsewhere. It serves until it is stopped, with Ctrl-C; with
/// `--export` it writes one file that needs no server. docs/howto/explore.md has more.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck explore                                          a walk, from nothing
  bgcheck explore --path 'create; add; resume'             from there on
  bgcheck explore --design recheck --dialect both          why looking twice is not enough
  bgcheck explore target/traces/R1-7f3a09c2-bits.jsonl     a trace, with the run that passes beside it
  bgcheck explore TRACE --export finding.html              as a file, to be sent
  bgcheck explore --path 'create; add' --depth 2 --export walk.html
  bgcheck explore --port 0                                 any port that is free; it is printed
  bgcheck explore --stateright protocol --slice tiny/calls the protocol's states, in stateright's Explorer")]
pub(crate) struct Args {
    /// A trace, or an input of a fuzz target in its folder, to begin with.
    #[arg(value_name = "TRACE", conflicts_with_all = ["path", "depth", "slice", "scope", "stateright"])]
    trace: Option<PathBuf>,
    /// Begin the walk behind these steps, as `bgcheck simulate` reads them.
    #[arg(long, value_name = "STEPS", conflicts_with = "stateright")]
    path: Option<String>,
    /// Which dialect of a walk, or both side by side.
    #[arg(long, value_enum, default_value_t = DialectChoice::Bits, value_name = "DIALECT")]
    dialect: DialectChoice,
    /// Beside the specification runs the core that is broken on purpose.
    #[arg(long, conflicts_with_all = ["design", "stateright"])]
    canary: bool,
    /// Beside the specification runs a core that waits as this design of docs/barrier.md; with `--stateright` the protocol does.
    #[arg(long, value_name = "DESIGN")]
    design: Option<String>,
    /// With the delays and the menu of a slice of the checker, such as `tiny` or `default/nested`; with `--stateright` its states.
    #[arg(long, value_name = "SLICE")]
    slice: Option<String>,
    /// The first slice of this scope, unless `--slice` names another one.
    #[arg(long, value_parser = cli::one_of(ScopeName::ALL), value_name = "SCOPE")]
    scope: Option<ScopeName>,
    /// On which port of 127.0.0.1; 0 for any that is free.
    #[arg(long, default_value_t = 3000, value_name = "PORT")]
    port: u16,
    /// Write the page to this file, and serve nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "stateright")]
    export: Option<PathBuf>,
    /// Export what is at most this number of steps behind the path; all there is when left out.
    #[arg(long, value_name = "STEPS", requires = "export")]
    depth: Option<usize>,
    /// Serve stateright's Explorer with the states of this model instead.
    #[arg(long, value_enum, value_name = "MODEL")]
    stateright: Option<Which>,
}

/// Which dialects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum DialectChoice {
    /// BITS.
    Bits,
    /// Delivery Optimization.
    Do,
    /// Both side by side.
    Both,
}

impl From<DialectChoice> for Dialects {
    fn from(choice: DialectChoice) -> Dialects {
        match choice {
            DialectChoice::Bits => Dialects::One(Dialect::Bits),
            DialectChoice::Do => Dialects::One(Dialect::Do),
            DialectChoice::Both => Dialects::Both,
        }
    }
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    if let Some(model) = args.stateright {
        return stateright(args, model, output);
    }
    let ask = ask(args)?;
    // Found before a browser is.
    let trace = args.trace.as_deref().map(taken::from_file).transpose()?;
    if let Some(file) = &args.export {
        let made = match trace {
            Some((name, trace)) => export_trace(&name, trace),
            None => export_walk(&ask, args.depth),
        };
        let Export { html, holds } = made.map_err(not_exported)?;
        write(file, &html)?;
        let size = html.len().div_ceil(1024);
        output.text(&format!("{}: {holds}, {size} KiB", file.display()))?;
        return Ok(ExitCode::Held);
    }
    // A path that is wrong is a message here, and not only a page.
    let site = Site::new(ask.clone(), Box::new(taken::from_bytes));
    let address = match trace {
        Some((name, trace)) => site.load(&name, trace).map_err(|problem| wrong(&problem))?,
        None => {
            pages::check(&ask).map_err(|problem| wrong(&problem))?;
            "/".to_owned()
        }
    };
    let listener = listen(args)?;
    let port = listener.local_addr().map_or(args.port, |address| address.port());
    output.text(&format!("http://127.0.0.1:{port}{address}, until it is stopped"))?;
    let served = serve(&listener, &Arc::new(site));
    served.map(|()| ExitCode::Held).map_err(|error| {
        Error::usage(
            format!("cannot serve any longer: {error}"),
            "begin again, or choose another port with `--port`",
        )
    })
}

/// The walk that was typed.
fn ask(args: &Args) -> Result<Ask, Error> {
    let dialects = Dialects::from(args.dialect);
    let core = match (&args.design, args.canary) {
        (Some(name), _) => CoreChoice::Design(design(Place::AroundCore, name)?),
        (None, true) => CoreChoice::Canary,
        (None, false) => CoreChoice::Core,
    };
    let slice = match (&args.slice, args.scope) {
        (Some(slice), Some(scope)) => {
            let profile = dialects.each().first().map_or(Dialect::Bits, |first| *first).profile();
            let names: Vec<&str> = slices(scope, profile).iter().map(|slice| slice.name).collect();
            if !names.contains(&slice.as_str()) {
                return Err(unknown_slice(scope, slice, &names));
            }
            slice.clone()
        }
        (Some(slice), None) => slice.clone(),
        (None, Some(scope)) => {
            let profile = dialects.each().first().map_or(Dialect::Bits, |first| *first).profile();
            slices(scope, profile).first().map(|slice| slice.name.to_owned()).unwrap_or_default()
        }
        (None, None) => String::new(),
    };
    Ok(Ask { core, dialects, slice, path: args.path.clone().unwrap_or_default() })
}

fn design(place: Place, name: &str) -> Result<Design, Error> {
    let unknown =
        |unknown: UnknownDesign| Error::usage(unknown.to_string(), "docs/barrier.md has all of them");
    Design::read(place, name).map_err(unknown)
}

fn unknown_slice(scope: ScopeName, slice: &str, known: &[&str]) -> Error {
    Error::usage(format!("scope {scope} has no slice {slice}"), format!("choose among {}", known.join(", ")))
}

fn wrong(problem: &Problem) -> Error {
    Error::usage(problem.to_string(), problem.help())
}

fn not_exported(why: NotExported) -> Error {
    Error::usage(why.to_string(), why.help())
}

fn listen(args: &Args) -> Result<TcpListener, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).map_err(|error| {
        Error::usage(
            format!("cannot listen on 127.0.0.1:{}: {error}", args.port),
            "choose another port with `--port 3001`, or any that is free with `--port 0`",
        )
    })
}

fn stateright(args: &Args, model: Which, output: &mut Output) -> Result<ExitCode, Error> {
    let dialect = match args.dialect {
        DialectChoice::Bits => Dialect::Bits,
        DialectChoice::Do => Dialect::Do,
        DialectChoice::Both => {
            return Err(Error::usage(
                "stateright's Explorer shows one dialect",
                "choose `--dialect bits` or `--dialect do`",
            ));
        }
    };
    let design = args.design.as_deref().map_or(Ok(Design::Barrier), |name| design(Place::Protocol, name))?;
    let scope = args.scope.unwrap_or(ScopeName::Tiny);
    let asked = Asked { model, design, scope, slice: args.slice.as_deref(), dialect };
    stateright::serve(&asked, listen(args)?, output)
}
