//! What the product model found first: a registration between a program's begin and its start.

use contract::Core as _;
use engine::core::Core;
use properties::program::Program;
use properties::run;

/// A notification program has begun; SetNotifyInterface(NULL) starts a new epoch; then the process is created and exits with 0.
/// In an engine that counts the program to the old epoch, the event is delivered a second time after it was acknowledged: R6.
#[test]
fn a_program_that_starts_after_a_registration_is_not_told_twice() {
    let program = Program::script("bits", "", 4, &SCRIPT).expect("a good script");
    run::assert_sound(&program);
    let trace = run::trace(&program, Core::new, "check product", None);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions/R6-program-epoch.jsonl");
    if std::env::var_os("UPDATE_REGRESSIONS").is_some() {
        std::fs::write(path, trace.print()).expect("the folder of regressions can be written");
    }
    assert_eq!(std::fs::read_to_string(path).expect("the committed trace"), trace.print());
}

const SCRIPT: [&str; 13] = [
    r#"client 0 job - {"method":"CreateJob","args":{"name":"job","kind":0}}"#,
    r#"client 0 job 0 {"method":"AddFile","args":{"file":{"remote":"http://h/f","local":"/f"}}}"#,
    r#"client 0 job 0 {"method":"SetNotifyCmdLine","args":{"program":"/program","parameters":""}}"#,
    r#"client 0 job 0 {"method":"Resume"}"#,
    "turn",
    "transfer 0 connected",
    "transfer 0 file_done",
    "begin 0",
    r#"client 0 job 0 {"method":"SetNotifyInterface","args":{"receiver":null}}"#,
    "enter 0",
    "exit 0 0",
    "begin 0",
    "enter 0",
];
