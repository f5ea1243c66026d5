//! The transfer oracle sees every seeded fault of transfers and of what a service owes to its clients. Needs the feature `faults`.

use std::time::Duration;

use contract::Dialect;
use contract::defect::{Fault, Place};
use properties::oracle::{OracleConfig, Stop, run};

/// The faults of the service that only a client, a server or a disk can see.
const OF_THE_SERVICE: [Fault; 11] = [
    Fault::ForeignIdFound,
    Fault::CloneStartsOver,
    Fault::SkipPastTheEnd,
    Fault::FirstFileBlamed,
    Fault::ReplacedObjectKept,
    Fault::ExitCodeIgnored,
    Fault::OlderAttemptIgnored,
    Fault::LeftoverKept,
    Fault::MuteTransferForgotten,
    Fault::HeldBackBytesLost,
    Fault::VersionForgotten,
];

#[test]
fn every_fault_of_a_transfer_is_a_row_that_comes_out_otherwise() {
    let of_transfers = Fault::ALL.iter().copied().filter(|fault| fault.place() == Place::Transfer);
    for fault in of_transfers.chain(OF_THE_SERVICE) {
        let directory = tempfile::tempdir().expect("there is room for files");
        let config = OracleConfig {
            profile: *Dialect::Bits.profile(),
            fault: Some(fault),
            budget: Duration::from_secs(60),
            threads: 8,
            stop: Stop::AtFirst,
            only: None,
            enough: None,
            directory: directory.path(),
        };
        let report = run(&config).expect("the machine has a port");
        let first = report.wrong.first().unwrap_or_else(|| panic!("no row sees {fault}"));
        println!("{fault}: {} in {:?}", first.id(), report.elapsed);
    }
}
