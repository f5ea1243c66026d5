//! Runs of the service on real threads, one after another: the engine on the subject [`subjects::live`].

mod campaign;

pub use subjects::live::*;

pub use self::campaign::{Broken, Campaign, Campaigned, campaign};
