//! Without aria2 the adapter ends with a message that has the command which installs it.

use std::io::Write as _;
use std::process::{Command, Stdio};

#[test]
fn without_aria2_it_names_the_command_that_installs_it() {
    let mut adapter = Command::new(env!("CARGO_BIN_EXE_adapter-aria2"))
        .env("ARIA2C", "/nothing-here/aria2c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the adapter starts");
    let hello = r#"{"hello":1,"dialect":"bits","root":"/nothing-here","http":"http://127.0.0.1:1","seed":1}"#;
    writeln!(adapter.stdin.take().expect("it is piped"), "{hello}").expect("the adapter reads");
    let output = adapter.wait_with_output().expect("the adapter ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("apt-get install -y aria2"), "{stderr}");
    assert!(output.stdout.is_empty(), "no `hello` is answered");
}
