//! `bgcheck explore` serves states in words and a path as a picture, on this machine alone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[test]
fn a_step_is_shown_in_words_and_a_path_as_a_timeline() {
    let port = free_port();
    let _served = Served(start(port));
    // The steps from the first state, which is the first of its kind.
    let next = until_answered(port, "/.states/0");
    let step = "client 0 calls Cancel on job 0";
    for said in ["j0: Transferring, flags 3", "calls left: 1 of clients", "<svg", "t0: j0.Cancel()", step] {
        assert!(next.contains(said), "{said:?} is not in:\n{next}");
    }
}

#[test]
fn a_port_that_is_taken_is_a_message() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let refused = command(port).output().expect("the command runs");
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{text}");
    assert!(text.contains("cannot listen on 127.0.0.1") && text.contains("--port"), "{text}");
}

fn command(port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(["explore", "--slice", "tiny/calls", "--port", &port.to_string()]).env("NO_COLOR", "1");
    command
}

/// Another process may take the port in between; then the test fails and says so.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn start(port: u16) -> Child {
    let mut child = command(port).stdout(Stdio::piped()).spawn().expect("the command starts");
    let mut line = String::new();
    let stdout = child.stdout.as_mut().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    assert!(line.contains("http://127.0.0.1:"), "{line}");
    child
}

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It may be gone already, which the test has then seen.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn until_answered(port: u16, path: &str) -> String {
    for _ in 0..500 {
        if let Some(answer) = get(port, path) {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("nobody answers on port {port}")
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
