//! `bgcheck explore`: stateright's Explorer in the browser.

use std::net::{Ipv4Addr, TcpListener};

use contract::{Core as _, Dialect};
use judge::RuleSet;
use model::product::Product;
use model::protocol::{Design, Law, Protocol, Reduction};
use model::scope::ScopeName;
use model::{product, protocol};
use reports::ExitCode;
use stateright::Model as _;

use crate::cli;
use crate::error::Error;
use crate::output::Output;

/// Walk through the states of a model in the browser, step by step.
///
/// The address is of this machine alone. A step of the protocol shows the state it leads to in words, and the path so far as a
/// timeline. It serves until it is stopped, with Ctrl-C.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  bgcheck explore                                       the protocol, the first slice of scope tiny
  bgcheck explore --design recheck --slice tiny/calls   why looking twice is not enough
  bgcheck explore --model product --dialect do          specification and core, one step at a time
  bgcheck explore --port 3001                           another port")]
pub(crate) struct Args {
    /// Which model.
    #[arg(long, value_enum, default_value_t = Which::Protocol, value_name = "MODEL")]
    model: Which,
    /// Which design of the protocol.
    #[arg(long, default_value_t = Design::Barrier, value_parser = cli::one_of(Design::ALL.iter().copied()), value_name = "DESIGN")]
    design: Design,
    /// How much: `tiny`, `small`, `default` or `wide`.
    #[arg(long, default_value_t = ScopeName::Tiny, value_parser = cli::one_of(ScopeName::ALL), value_name = "SCOPE")]
    scope: ScopeName,
    /// Which slice of the scope; the first when left out.
    #[arg(long, value_name = "SLICE")]
    slice: Option<String>,
    /// Which dialect, `bits` or `do`.
    #[arg(long, default_value_t = Dialect::Bits, value_parser = cli::one_of(Dialect::ALL), value_name = "DIALECT")]
    dialect: Dialect,
    /// On which port of 127.0.0.1; 0 for any that is free.
    #[arg(long, default_value_t = 3000, value_name = "PORT")]
    port: u16,
}

/// Which model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Which {
    /// Threads, lock, dispatchers and slots.
    Protocol,
    /// Specification and engine core.
    Product,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<ExitCode, Error> {
    let address = (Ipv4Addr::LOCALHOST, args.port);
    // stateright panics when it cannot listen, and cannot say why.
    let free = TcpListener::bind(address).map_err(|error| {
        Error::usage(
            format!("cannot listen on 127.0.0.1:{}: {error}", args.port),
            "choose another port: `--port 3001`".to_owned(),
        )
    })?;
    // Of port 0 the system has chosen one.
    let address = (Ipv4Addr::LOCALHOST, free.local_addr().map_or(args.port, |address| address.port()));
    drop(free);
    match args.model {
        Which::Protocol => serve_protocol(args, output, address),
        Which::Product => serve_product(args, output, address),
    }
}

fn serve_protocol(args: &Args, output: &mut Output, address: (Ipv4Addr, u16)) -> Result<ExitCode, Error> {
    let profile = args.dialect.profile();
    let slice = chosen(args, protocol::slices(args.scope, profile), |slice| slice.name)?;
    say(args, output, slice.name, address.1)?;
    // Without reductions, so that a path can be told as a story.
    macro_rules! serve {
        ($jobs:literal) => {{
            let made = Protocol::<$jobs>::new(args.design, profile, &slice, Law::ALL, Reduction::Full);
            let _served = made.checker().serve(address);
        }};
    }
    match slice.jobs {
        0 | 1 => serve!(1),
        2 => serve!(2),
        _ => serve!(3),
    }
    Ok(ExitCode::Held)
}

fn serve_product(args: &Args, output: &mut Output, address: (Ipv4Addr, u16)) -> Result<ExitCode, Error> {
    type Core = engine::core::Core;
    let profile = args.dialect.profile();
    let slice = chosen(args, model::scope::slices(args.scope, profile), |slice| slice.name)?;
    say(args, output, slice.name, address.1)?;
    let rules = RuleSet::HERE.iter().filter(|rule| product::property_names(*rule).is_some()).collect();
    match slice.jobs {
        0 | 1 => {
            let _served =
                Product::<Core, 1>::around(profile, &slice, rules, Core::new).checker().serve(address);
        }
        _ => {
            let _served =
                Product::<Core, 2>::around(profile, &slice, rules, Core::new).checker().serve(address);
        }
    }
    Ok(ExitCode::Held)
}

/// The slice asked for, or the first.
fn chosen<S>(args: &Args, slices: Vec<S>, name: fn(&S) -> &'static str) -> Result<S, Error> {
    let names: Vec<&str> = slices.iter().map(name).collect();
    let wanted = |slice: &S| args.slice.as_ref().is_none_or(|wanted| name(slice) == wanted);
    let unknown = || {
        let asked = args.slice.as_deref().unwrap_or("any");
        Error::usage(
            format!("scope {} has no slice {asked}", args.scope),
            format!("choose among {}", names.join(", ")),
        )
    };
    slices.into_iter().find(wanted).ok_or_else(unknown)
}

fn say(args: &Args, output: &mut Output, slice: &str, port: u16) -> Result<(), Error> {
    let dialect = args.dialect;
    output.text(&format!("{slice} ({dialect}): http://127.0.0.1:{port}, until it is stopped\n"))
}
