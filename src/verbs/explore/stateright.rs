//! stateright's Explorer: the states of the protocol's model, or of the product, in the browser.

use std::net::{Ipv4Addr, TcpListener};

use contract::defect::Design;
use contract::{Core as _, Dialect};
use judge::RuleSet;
use model::product::Product;
use model::protocol::{Law, Protocol, Reduction};
use model::scope::ScopeName;
use model::{product, protocol};
use reports::ExitCode;
use stateright::Model as _;

use crate::error::Error;
use crate::output::Output;

/// What is served.
pub(super) struct Asked<'a> {
    pub(super) model: Which,
    pub(super) design: Design,
    pub(super) scope: ScopeName,
    pub(super) slice: Option<&'a str>,
    pub(super) dialect: Dialect,
}

/// Which model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(super) enum Which {
    /// Threads, lock, dispatchers and slots.
    Protocol,
    /// Specification and engine core.
    Product,
}

/// Serves until the process ends. The listener has found a port that is free, which stateright takes over.
pub(super) fn serve(asked: &Asked<'_>, free: TcpListener, output: &mut Output) -> Result<ExitCode, Error> {
    let port = free.local_addr().map_or(0, |address| address.port());
    // stateright panics when it cannot listen, and cannot state why.
    drop(free);
    let address = (Ipv4Addr::LOCALHOST, port);
    match asked.model {
        Which::Protocol => serve_protocol(asked, output, address),
        Which::Product => serve_product(asked, output, address),
    }
}

fn serve_protocol(
    asked: &Asked<'_>,
    output: &mut Output,
    address: (Ipv4Addr, u16),
) -> Result<ExitCode, Error> {
    let profile = asked.dialect.profile();
    let slice = chosen(asked, protocol::slices(asked.scope, profile), |slice| slice.name)?;
    say(asked, output, slice.name, address.1)?;
    // Without reductions, so that a path can be shown as a story.
    macro_rules! serve {
        ($jobs:literal) => {{
            let made = Protocol::<$jobs>::new(asked.design, profile, &slice, Law::ALL, Reduction::Full);
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

fn serve_product(
    asked: &Asked<'_>,
    output: &mut Output,
    address: (Ipv4Addr, u16),
) -> Result<ExitCode, Error> {
    type Core = engine::core::Core;
    let profile = asked.dialect.profile();
    let slice = chosen(asked, model::scope::slices(asked.scope, profile), |slice| slice.name)?;
    say(asked, output, slice.name, address.1)?;
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
fn chosen<S>(asked: &Asked<'_>, slices: Vec<S>, name: fn(&S) -> &'static str) -> Result<S, Error> {
    let names: Vec<&str> = slices.iter().map(name).collect();
    let wanted = |slice: &S| asked.slice.is_none_or(|wanted| name(slice) == wanted);
    let unknown = || {
        let named = asked.slice.unwrap_or("any");
        Error::usage(
            format!("scope {} has no slice {named}", asked.scope),
            format!("choose among {}", names.join(", ")),
        )
    };
    slices.into_iter().find(wanted).ok_or_else(unknown)
}

fn say(asked: &Asked<'_>, output: &mut Output, slice: &str, port: u16) -> Result<(), Error> {
    let dialect = asked.dialect;
    output.text(&format!("{slice} ({dialect}): http://127.0.0.1:{port}, until it is stopped\n"))
}
