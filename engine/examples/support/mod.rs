//! A server on this machine, so that the examples need no network: `/N/MS` is answered with N bytes in about MS milliseconds.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const PIECES: usize = 20;

/// Starts it, for as long as the process lives.
pub(crate) fn serve() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    Ok(address)
}

/// Anything that is wrong with the client ends the answer.
fn answer(mut stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    let mut numbers = request.split(' ').nth(1)?.trim_start_matches('/').split('/');
    let length: usize = numbers.next()?.parse().ok()?;
    let millis: u64 = numbers.next()?.parse().ok()?;
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"1\"\r\nConnection: close\r\n\r\n")
        .ok()?;
    for piece in vec![b'x'; length].chunks(length.div_ceil(PIECES).max(1)) {
        stream.write_all(piece).ok()?;
        thread::sleep(Duration::from_millis(millis / PIECES as u64));
    }
    Some(())
}
