//! `bgcheck explore` over HTTP, without a browser: what it shows, what its addresses hold, and what hostile requests get.

mod support;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use support::served::{Served, checked_trace, raced_trace};

/// An answer, taken apart.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let wanted = format!("{}: ", name.to_lowercase());
        self.head
            .lines()
            .find(|line| line.to_lowercase().starts_with(&wanted))
            .map(|line| &line[wanted.len()..])
    }
}

fn send(served: &Served, bytes: &[u8]) -> Answer {
    let host = served.origin().trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    // It may have answered and closed before all is sent.
    let _gone = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _gone = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

fn get(served: &Served, target: &str) -> Answer {
    send(served, format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").as_bytes())
}

fn post(served: &Served, target: &str, headers: &str, body: &[u8]) -> Answer {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    send(served, &[head.as_bytes(), body].concat())
}

/// Where an answer leads.
fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}\n{}", answer.head, answer.body);
    answer.header("Location").expect("it leads somewhere").to_owned()
}

fn broken_trace() -> &'static PathBuf {
    static TRACE: OnceLock<PathBuf> = OnceLock::new();
    TRACE.get_or_init(|| checked_trace("explore-traces"))
}

fn raced() -> &'static PathBuf {
    static TRACE: OnceLock<PathBuf> = OnceLock::new();
    TRACE.get_or_init(|| raced_trace("explore-races"))
}

fn bgcheck(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bgcheck"));
    command.args(args).env("NO_COLOR", "1").output().expect("the command runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What a page loads or leads to from its attributes.
fn links(page: &str) -> Vec<&str> {
    let attributes = ["href=\"", "src=\"", "action=\""];
    let of = |attribute| page.split(attribute).skip(1).filter_map(|rest: &str| rest.split('"').next());
    attributes.into_iter().flat_map(of).collect()
}

#[test]
fn the_first_page_is_small_and_loads_nothing_from_elsewhere() {
    let served = Served::start(&[]);
    let page = get(&served, "/");
    let style = get(&served, "/style.css");
    let script = get(&served, "/script.js");
    for answer in [&page, &style, &script] {
        assert_eq!(answer.status, 200, "{}", answer.head);
    }
    let whole = page.body.len() + style.body.len() + script.body.len();
    assert!(whole < 100_000, "the first page has {whole} bytes");
    assert!(script.body.len() < 30_000, "the script has {} bytes", script.body.len());
    for page in ["/", "/trace", "/graph", "/walk?path=create", "/nowhere"] {
        let answer = get(&served, page);
        assert!(
            answer
                .header("Content-Security-Policy")
                .is_some_and(|policy| policy.contains("default-src 'none'"))
        );
        for link in links(&answer.body) {
            let is_own = link.starts_with('/') || link.starts_with('#') || link == "data:,";
            assert!(is_own, "{page} leads to {link}");
        }
    }
}

#[test]
fn a_step_leads_to_an_address_that_has_the_whole_path() {
    let served = Served::start(&[]);
    let first = location(&get(&served, "/walk?path=create&step=j0.add"));
    assert_eq!(first, "/walk?path=create%3B+j0.add");
    let second = get(&served, &location(&get(&served, &format!("{first}&step=j0.resume"))));
    for shown in
        ["j0 is QUEUED", "After step 3", "row SUSPENDED, Resume -&gt; QUEUED", "value=\"turn\"", "CONNECTING"]
    {
        assert!(second.body.contains(shown), "{shown:?} is not in:\n{}", second.body);
    }
    // Both dialects side by side, and another core.
    let both = get(&served, "/walk?dialect=both&path=create%3Badd%3Bresume");
    assert!(both.body.contains("j0 \u{2192}") && both.body.contains("do</span>"), "{}", both.body);
    let broken = "/walk?core=recheck&path=create%3Badd%3Bregister+p0%3Bresume%3Btransfer+connected%3Btransfer+done%3Bbegin%3Bcancel%3Bdisk%3Benter";
    let broken = get(&served, broken);
    assert!(broken.body.contains("role=\"alert\"") && broken.body.contains("R1"), "{}", broken.body);
    let back = location(&get(&served, &format!("{first}&back=1")));
    assert_eq!(get(&served, &back).status, 200);
    assert!(back.starts_with("/walk?path=create") && !back.contains("add"), "{back}");
}

#[test]
fn a_random_walk_is_repeated_by_its_seed() {
    let served = Served::start(&[]);
    let walk = |seed: u64| location(&get(&served, &format!("/walk?path=create&random=12&seed={seed}")));
    assert_eq!(walk(7), walk(7));
    assert!((8..12).any(|seed| walk(seed) != walk(7)));
    // It ends early where nothing can happen any more.
    let page = get(&served, &walk(7));
    assert!(page.status == 200 && page.body.contains("After step "), "{}", page.body);
}

#[test]
fn an_address_with_a_mistake_is_a_page_that_states_it() {
    let served = Served::start(&[]);
    let wrong = [
        ("/walk?path=crate", 400, "crate"),
        ("/walk?path=cancel%3B%3F", 400, "no step"),
        ("/walk?path=create%3Bdisk", 400, "step 2, disk good, is not possible there"),
        ("/walk?path=save+x", 400, "save, is no step"),
        ("/walk?dialect=dos", 400, "dialect=dos is not one of bits, do, both"),
        ("/walk?slice=none-such", 400, "slice=none-such"),
        ("/walk?core=sun", 400, "core=sun"),
        ("/walk?back=x", 400, "back=x"),
        ("/walk?path=%00%FF%22%3Cscript%3E", 400, "character"),
        ("/walk?path=create+%22%3Cscript%3Ealert(1)%3C%2Fscript%3E", 400, "character"),
        ("/nowhere", 404, "no page /nowhere"),
        ("/trace/00000000", 404, "no trace 00000000"),
        ("/trace/..%2f..%2fetc%2fpasswd", 404, "no trace"),
        ("/graph?dialect=x", 400, "dialect=x"),
    ];
    for (target, status, says) in wrong {
        let answer = get(&served, target);
        assert_eq!(answer.status, status, "{target}\n{}", answer.body);
        assert!(answer.body.contains(says), "{target}: {says:?} is not in:\n{}", answer.body);
        assert!(!answer.body.contains("<script>alert"), "{target}");
    }
    // What is typed is text of the page, whatever it is.
    let named = get(&served, "/walk?path=create+%22%3Cb%3Ex%3C%2Fb%3E%22");
    assert!(named.status == 200 && !named.body.contains("<b>x</b>"), "{}", named.body);
}

#[test]
fn hostile_requests_are_refused_and_the_next_one_is_answered() {
    let served = Served::start(&[]);
    let big = "a".repeat(70_000);
    let long = format!("GET /walk?path={big} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let many = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", "X: y\r\n".repeat(200));
    let requests: [(&str, u16); 14] = [
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        ("GET / HTTP/1.1\r\nHost: evil.example:3000\r\n\r\n", 403),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n", 403),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 400),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        ("DELETE /trace HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405),
        ("POST /trace HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        ("POST /trace HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n", 400),
        ("POST /trace HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n", 400),
        (&long, 431),
        (&many, 431),
    ];
    for (request, status) in requests {
        let answer = send(&served, request.as_bytes());
        assert_eq!(answer.status, status, "{}\n{}", &request[..request.len().min(90)], answer.body);
    }
    let elsewhere = post(&served, "/trace", "Origin: http://evil.example\r\n", b"{}");
    assert_eq!(elsewhere.status, 403, "{}", elsewhere.body);
    // Those who send nothing keep no one waiting.
    let host = served.origin().trim_start_matches("http://").to_owned();
    let idle: Vec<TcpStream> = (0..8).filter_map(|_| TcpStream::connect(&host).ok()).collect();
    let begun = Instant::now();
    assert_eq!(get(&served, "/").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(idle);
    let head = send(&served, b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head.status == 200 && head.body.is_empty());
}

#[test]
fn a_trace_is_loaded_filtered_and_stands_beside_the_run_that_passes() {
    let served = Served::start(&[]);
    let bytes = std::fs::read(broken_trace()).expect("it has been written");
    let page = location(&post(&served, "/trace?name=R1.jsonl", "", &bytes));
    let shown = get(&served, &page);
    for says in [
        "Once a Cancel has returned with success",
        "id=\"e26\"",
        "R1 broken",
        "j0 was ERROR, and is CANCELLED",
        "R1.jsonl",
    ] {
        assert!(shown.body.contains(says), "{says:?} is not in:\n{}", shown.body);
    }
    assert!(get(&served, &format!("{page}/nearest")).body.contains("No run that differs in one decision"));
    let raced = std::fs::read(raced()).expect("it has been written");
    let raced = location(&post(&served, "/trace?name=race.jsonl", "", &raced));
    let beside = get(&served, &format!("{raced}/nearest"));
    for says in ["Passes when", "The first difference is event", "first difference</b>"] {
        assert!(beside.body.contains(says), "{says:?} is not in:\n{}", beside.body);
    }
    let rows = |target: &str| get(&served, target).body.matches("<li class=\"event").count();
    let (all, states) = (rows(&page), rows(&format!("{page}?kind=state")));
    assert!(0 < states && states < all, "{states} of {all}");
    assert_eq!(rows(&format!("{page}?kind=state&who=service&job=j0")), states);
    assert_eq!(get(&served, &format!("{page}?kind=x")).status, 400);
    assert_eq!(get(&served, &format!("{page}?at=x")).status, 400);
    assert_eq!(get(&served, &format!("{page}?at=18446744073709551615&job=j9")).status, 200);
    // A form without script sends the file as one of its parts.
    let form = [
        b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.jsonl\"\r\n\r\n".as_slice(),
        &bytes,
        b"\r\n--b--\r\n",
    ];
    let sent = post(&served, "/trace", "Content-Type: multipart/form-data; boundary=b\r\n", &form.concat());
    assert_eq!(location(&sent), page, "it is that trace");
}

#[test]
fn what_is_no_trace_is_refused_with_its_reason() {
    let served = Served::start(&[]);
    for (bytes, says) in [
        (&b"not a trace"[..], "trace.jsonl"),
        (b"", "no file"),
        (b"\x1f\x8b\x08\x00broken", "damaged"),
        (b"{\"format\":1,\"dialect\":\"dos\"}\n", "trace.jsonl"),
        (&[0xFF; 4096], "trace.jsonl"),
    ] {
        let answer = post(&served, "/trace?name=trace.jsonl", "", bytes);
        assert!(matches!(answer.status, 400 | 422), "{}", answer.head);
        assert!(answer.body.contains(says), "{says:?} is not in:\n{}", answer.body);
    }
}

#[test]
fn each_arrow_of_the_graph_has_its_sentence_and_its_test_and_can_be_walked() {
    let served = Served::start(&[]);
    let page = get(&served, "/graph").body;
    for arrow in links(&page).into_iter().filter(|link| link.starts_with('#') && link.contains('-')) {
        assert!(page.contains(&format!("id=\"{}\"", &arrow[1..])), "{arrow} leads nowhere");
    }
    assert!(!page.contains("no committed suite takes it"), "an edge has no test");
    assert!(page.contains("bgcheck conform --suite bits-tiny"));
    let walks: Vec<String> = links(&page)
        .into_iter()
        .filter(|link| link.starts_with("/walk?"))
        .map(|link| link.replace("&amp;", "&"))
        .collect();
    assert!(walks.len() > 40, "{} walks", walks.len());
    for walk in walks {
        let shown = get(&served, &walk);
        assert_eq!(shown.status, 200, "{walk}\n{}", shown.body);
    }
}

#[test]
fn a_walk_in_a_slice_has_the_menu_of_the_checker() {
    let served = Served::start(&["--slice", "tiny"]);
    let first = get(&served, "/").body;
    assert_eq!(first.matches("name=\"step\" value=\"create").count(), 1, "{first}");
    let then = get(&served, "/walk?slice=tiny&path=create").body;
    assert!(then.contains("value=\"j0.resume\"") && !then.contains("GetTimes"), "{then}");
}

#[test]
fn an_exported_page_needs_no_server() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let file = dir.path().join("walk.html");
    let name = file.display().to_string();
    let made = bgcheck(&["explore", "--path", "create; add", "--depth", "1", "--export", &name]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    assert!(text(&made).contains(" states, "), "{}", text(&made));
    let page = std::fs::read_to_string(&file).expect("it has been written");
    let outside = links(&page).into_iter().filter(|link| !link.starts_with('#') && *link != "data:,");
    assert_eq!(outside.collect::<Vec<_>>(), Vec::<&str>::new());
    // Each button leads to a state that is there.
    let numbers =
        page.split("data-to=\"").skip(1).filter_map(|rest| rest.split('"').next()?.parse::<usize>().ok());
    for to in numbers {
        assert!(page.contains(&format!("<template id=\"state-{to}\">")), "{to}");
    }
    let trace = raced().display().to_string();
    let made = bgcheck(&["explore", &trace, "--export", &name]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    let page = std::fs::read_to_string(&file).expect("it has been written");
    assert!(page.contains("R1 broken") && page.contains("Passes when"), "{page}");
}

#[test]
fn what_does_not_fit_into_a_file_is_refused_with_its_size_and_what_fits() {
    let dir = tempfile::tempdir().expect("a test may fail here");
    let file = dir.path().join("walk.html").display().to_string();
    let refused = bgcheck(&["explore", "--slice", "tiny", "--export", &file]);
    let said = text(&refused);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("300 states and more") && said.contains("--depth "), "{said}");
    let depth =
        said.split("--depth ").nth(1).and_then(|rest| rest.split('`').next()).expect("a depth that fits");
    let made = bgcheck(&["explore", "--slice", "tiny", "--export", &file, "--depth", depth]);
    assert_eq!(made.status.code(), Some(0), "what is advised works: {}", text(&made));
}

#[test]
fn what_cannot_be_served_is_a_message() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let wrong: [(&[&str], &str); 8] = [
        (&["--port", &port], "cannot listen on 127.0.0.1"),
        (&["no-such-trace.jsonl"], "no-such-trace.jsonl"),
        (&["Cargo.toml"], "Cargo.toml"),
        (&["--slice", "none-such"], "slice=none-such is not one of tiny"),
        (&["--scope", "tiny", "--slice", "default/masks"], "scope tiny has no slice default/masks"),
        (&["--design", "sun"], "\"sun\" is not a design of a core"),
        (&["--path", "crate"], "crate"),
        (&["--stateright", "protocol", "--slice", "none-such"], "scope tiny has no slice none-such"),
    ];
    for (args, says) in wrong {
        let mut all = vec!["explore"];
        if !args.contains(&"--port") {
            all.extend(["--port", "0"]);
        }
        all.extend(args);
        let refused = bgcheck(&all);
        let said = text(&refused);
        assert_eq!(refused.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains(says) && said.contains("help:"), "{args:?}: {said}");
    }
}

#[test]
fn stateright_shows_the_protocol_as_before() {
    let port =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address").port();
    let served = Served::start_at(port, &["--stateright", "protocol", "--slice", "tiny/calls"]);
    let mut next = String::new();
    for _ in 0..500 {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        };
        let asked = b"GET /.states/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
        stream.write_all(asked).expect("it is sent");
        stream.read_to_string(&mut next).expect("it answers");
        break;
    }
    drop(served);
    for said in ["j0: Transferring, flags 3", "calls left: 1 of clients", "<svg", "t0: j0.Cancel()"] {
        assert!(next.contains(said), "{said:?} is not in:\n{next}");
    }
}
