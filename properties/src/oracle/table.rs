//! The table: how a server behaves, and what the service owes to its client then.
//!
//! Each row is a conversation, byte by byte. What is owed follows from facts D2, D4, B5 and E (codes and classes, contexts, files
//! and errors, limits) and from rule R15: the bytes of one version of the file, or none.

use std::time::Duration;

use contract::core::Failure::{Fatal, Transient};
use contract::{ErrorContext, HResult};

use super::case::{Ask, Case, End, Limits, MOMENT, Said, Trouble, bare, cut, pattern, response, rest, whole};
use crate::server::{Page, Piece, Reply, Scheme};

/// The numbers of Windows' HTTP stacks, which jobs report as converted errors.
const TIMEOUT: HResult = HResult::from_win32(12002);
const NAME_NOT_RESOLVED: HResult = HResult::from_win32(12007);
const CANNOT_CONNECT: HResult = HResult::from_win32(12029);
const ABORTED: HResult = HResult::from_win32(12030);
const NONSENSE: HResult = HResult::from_win32(12152);
const REDIRECT: HResult = HResult::from_win32(12156);
const NOT_TRUSTED: HResult = HResult::from_win32(12175);
const NO_PATH: HResult = HResult::from_win32(3);

const TRANSPORT: ErrorContext = ErrorContext::GeneralTransport;
const REMOTE: ErrorContext = ErrorContext::RemoteFile;
const LOCAL: ErrorContext = ErrorContext::LocalFile;

const CUT_OFF: Said = Said::Failed(Transient, ABORTED, TRANSPORT);
const GARBLED: Said = Said::Failed(Transient, NONSENSE, TRANSPORT);
const LATE: Said = Said::Failed(Transient, TIMEOUT, TRANSPORT);
const ASTRAY: Said = Said::Failed(Fatal, REDIRECT, REMOTE);
const TOO_LONG: Said = Said::Failed(Fatal, HResult::BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED, REMOTE);

const V1: &str = "etag: \"v1\"";
const TAG: Option<&str> = Some("\"v1\"");
const CHUNKED: &str = "transfer-encoding: chunked";

/// A file of several reads.
const SIZE: usize = 200_000;
/// Where a connection ends in the middle of it.
const CUT: usize = 90_000;

const VERSIONS: &str = "rule R15: the bytes of one version of the file";
const FRAMES: &str = "HTTP: the end of a body is known, or the body is not whole";
const RESUMES: &str = "facts E and B5: what is here is not fetched again";
const CLASSES: &str = "facts D2: the class of a status";
const STEPS: &str = "facts A2: connected, size, bytes, done";
const REDIRECTS: &str = "a redirect keeps its scheme, ends, and leads to a good URL";
const BOUNDS: &str = "a server cannot keep a transfer for ever";

/// Every row.
pub(super) fn cases() -> Vec<Case> {
    let groups: [fn() -> Vec<Case>; 9] =
        [wholes, statuses, breaks, resumes, changes, redirects, schemes, disks, bounds];
    groups.into_iter().flat_map(|group| group()).collect()
}

fn once(bytes: &[u8]) -> Vec<Said> {
    let size = bytes.len() as u64;
    let mut says = vec![Said::Connected, Said::Size(size), Said::Here(size), Said::Done];
    says.retain(|said| *said != Said::Here(0));
    says
}

/// What an attempt reports whose bytes do not count, but which gets the whole file.
fn again(bytes: &[u8]) -> Vec<Said> {
    let mut says = once(bytes);
    says.insert(1, Said::Restarted);
    says
}

fn rest_of(bytes: &[u8]) -> Vec<Said> {
    once(bytes)
}

fn wholes() -> Vec<Case> {
    let bytes = pattern(300_000);
    let small = b"abcde".to_vec();
    let unknown = vec![Said::Connected, Said::Here(5), Said::Size(5), Said::Done];
    let empty = vec![Said::Connected, Said::Size(0), Said::Done];
    let one = [Ask::Whole];
    let case = |name: &str, reply: Reply| Case::new(name, STEPS, vec![reply]);
    let mut query = case("a-query-is-sent-and-a-fragment-is-not", whole(&[], &small));
    (query.path, query.pages[0].path) = ("/file?x=1#part", "/file?x=1");
    let chunks = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
    let more = whole(&[], &small).then(Piece::Bytes(b" and more".to_vec()));
    vec![
        case("whole", whole(&[V1], &bytes)).expect(one.clone(), once(&bytes), End::Whole(bytes)),
        query.expect([Ask::At("/file?x=1")], once(&small), End::Whole(small.clone())),
        case("chunked", bare("200 OK", &[CHUNKED], chunks)).expect(
            one.clone(),
            unknown.clone(),
            End::Whole(small.clone()),
        ),
        case("until-the-connection-closes", bare("200 OK", &[], &small)).expect(
            one.clone(),
            unknown,
            End::Whole(small.clone()),
        ),
        case("empty", whole(&[], b"")).expect(one.clone(), empty.clone(), End::Whole(Vec::new())),
        case("empty-and-chunked", bare("200 OK", &[CHUNKED], b"0\r\n\r\n")).expect(
            one.clone(),
            empty,
            End::Whole(Vec::new()),
        ),
        case("more-than-announced", more).expect(one, once(&small), End::Whole(small.clone())),
    ]
}

/// Facts D2: 3xx transient but for 300 to 305 and 307, 4xx fatal but for 408 and 409, 5xx transient but for 501 and 505, the rest transient.
fn statuses() -> Vec<Case> {
    let fatal = [300, 304, 305, 400, 401, 402, 403, 404, 405, 407, 410, 411, 416, 429, 451, 499, 501, 505];
    let transient = [201, 202, 203, 205, 207, 299, 306, 309, 399, 408, 409, 500, 502, 503, 504, 506, 599];
    let page = |status: u16| {
        // Neither may have a body.
        let body: &[u8] = if status == 304 { b"" } else { b"not the file" };
        response(&format!("{status} Whatever"), &[], body)
    };
    let good = b"at last".to_vec();
    let failed = |class, status| Said::Failed(class, HResult::from_http(status), REMOTE);
    let mut cases: Vec<Case> = fatal
        .into_iter()
        .map(|status| {
            let says = [Said::Connected, failed(Fatal, status)];
            let case = Case::new(format!("status-{status}"), CLASSES, vec![page(status)]);
            case.expect([Ask::Whole], says, End::Error)
        })
        .collect();
    cases.extend(transient.into_iter().map(|status| {
        let says = [vec![Said::Connected, failed(Transient, status)], once(&good)].concat();
        let case = Case::new(format!("status-{status}"), CLASSES, vec![page(status), whole(&[], &good)]);
        case.expect([Ask::Whole, Ask::Whole], says, End::Whole(good.clone()))
    }));
    let part = response("206 Partial Content", &["content-range: bytes 0-3/9"], b"part");
    let unasked = Said::Failed(Fatal, HResult::BG_E_INSUFFICIENT_HTTP_SUPPORT, REMOTE);
    cases.push(Case::new("a-part-that-was-not-asked-for", "facts D2: 80200012", vec![part]).expect(
        [Ask::Whole],
        [Said::Connected, unasked],
        End::Error,
    ));
    let busy = || page(503);
    let says = [[Said::Connected, failed(Transient, 503)].repeat(3), once(&good)].concat();
    cases.push(
        Case::new(
            "three-times-busy",
            "facts E: retried, never too early",
            vec![busy(), busy(), busy(), whole(&[], &good)],
        )
        .expect(vec![Ask::Whole; 4], says, End::Whole(good)),
    );
    cases
}

/// Answers that break off or make no sense, and a good one after them. Nothing that came before may be kept without evidence.
fn breaks() -> Vec<Case> {
    let good = b"as it should be".to_vec();
    let sized = |said: &[Said]| said.to_vec();
    let chunk = |body: &[u8]| bare("200 OK", &[CHUNKED], body);
    let short = bare("200 OK", &["content-length: 10"], b"short");
    let (connected, five) = (Said::Connected, Said::Here(5));
    // The good chunk is read before the nonsense is there.
    let nonsense =
        chunk(b"5\r\nshort\r\n").then(Piece::Pause(MOMENT)).then(Piece::Bytes(b"nonsense\r\n".to_vec()));
    let broken: [(&str, Reply, Vec<Said>); 9] = [
        ("cut-short", short, sized(&[connected, Said::Size(10), five, CUT_OFF])),
        ("cut-in-chunks", chunk(b"5\r\nshort\r\n"), sized(&[connected, five, CUT_OFF])),
        ("cut-in-a-chunk", chunk(b"9\r\nshort"), sized(&[connected, five, CUT_OFF])),
        ("no-chunk-length", nonsense, sized(&[connected, five, GARBLED])),
        ("a-chunk-too-long-for-a-number", chunk(b"ffffffffffffffffff\r\nx"), sized(&[connected, GARBLED])),
        (
            "two-lengths",
            bare("200 OK", &["content-length: 5", "content-length: 6"], b"short"),
            sized(&[GARBLED]),
        ),
        ("a-negative-length", bare("200 OK", &["content-length: -5"], b"short"), sized(&[GARBLED])),
        ("not-http", Reply(vec![Piece::Bytes(b"SMTP ready\r\n\r\n".to_vec())]), sized(&[GARBLED])),
        ("nothing-at-all", Reply::default(), sized(&[CUT_OFF])),
    ];
    let cases = broken.into_iter().map(|(name, reply, first)| {
        let kept = first.contains(&five);
        let says = [first, if kept { again(&good) } else { once(&good) }].concat();
        let case = Case::new(name, FRAMES, vec![reply, whole(&[], &good)]);
        case.expect([Ask::Whole, Ask::Whole], says, End::Whole(good.clone()))
    });
    cases.collect()
}

/// What an attempt reports that gets `here` bytes of a file of this size and is cut off.
fn first_part(size: usize, here: usize) -> Vec<Said> {
    vec![Said::Connected, Said::Size(size as u64), Said::Here(here as u64), CUT_OFF]
}

/// Files that arrive in parts.
fn resumes() -> Vec<Case> {
    let bytes = pattern(SIZE);
    let from = CUT as u64;
    let in_two = |name: &str, headers: &'static [&'static str], second: Reply| {
        Case::new(name, RESUMES, vec![cut(headers, &bytes, CUT), second])
    };
    let says = [first_part(SIZE, CUT), rest_of(&bytes)].concat();
    let whole_end = || End::Whole(bytes.clone());
    const DATE: &[&str] = &["etag: W/\"v1\"", "last-modified: Mon, 06 Jan 2025 08:00:00 GMT"];
    const WEAK: &[&str] = &["etag: W/\"v1\""];
    let unknown_total = format!("content-range: bytes {CUT}-{}/*", SIZE - 1);
    let no_total = response("206 Partial Content", &[V1, &unknown_total], &bytes[CUT..]);
    let short_range = format!("content-range: bytes {CUT}-99999/{SIZE}");
    let short = response("206 Partial Content", &[V1, &short_range], &bytes[CUT..100_000]);
    let short_says = [first_part(SIZE, CUT), first_part(SIZE, 100_000), rest_of(&bytes)].concat();
    let mut cases = vec![
        in_two("only-the-rest", &[V1], rest(&[V1], CUT, &bytes)).expect(
            [Ask::Whole, Ask::Rest(from, TAG)],
            says.clone(),
            whole_end(),
        ),
        in_two("a-date-is-evidence", DATE, rest(DATE, CUT, &bytes)).expect(
            [Ask::Whole, Ask::Rest(from, None)],
            says.clone(),
            whole_end(),
        ),
        in_two("a-rest-of-unknown-total", &[V1], no_total).expect(
            [Ask::Whole, Ask::Rest(from, TAG)],
            says.clone(),
            whole_end(),
        ),
        Case::new(
            "a-range-shorter-than-asked",
            RESUMES,
            vec![cut(&[V1], &bytes, CUT), short, rest(&[V1], 100_000, &bytes)],
        )
        .expect([Ask::Whole, Ask::Rest(from, TAG), Ask::Rest(100_000, TAG)], short_says, whole_end()),
    ];
    // A tail after a tail: the evidence of the first answer still counts when the second has none.
    let middle = format!("content-range: bytes {CUT}-{}/{SIZE}", SIZE - 1);
    let second = bare(
        "206 Partial Content",
        &[V1, &middle, &format!("content-length: {}", SIZE - CUT)],
        &bytes[CUT..150_000],
    );
    let thrice = [first_part(SIZE, CUT), first_part(SIZE, 150_000), rest_of(&bytes)].concat();
    cases.push(
        Case::new(
            "in-three-parts",
            RESUMES,
            vec![
                cut(&[V1, "last-modified: Mon, 06 Jan 2025 08:00:00 GMT"], &bytes, CUT),
                second,
                rest(&[V1], 150_000, &bytes),
            ],
        )
        .expect([Ask::Whole, Ask::Rest(from, TAG), Ask::Rest(150_000, TAG)], thrice, whole_end()),
    );
    for (name, headers) in [("a-size-is-no-evidence", &[][..]), ("a-weak-tag-is-no-evidence", WEAK)] {
        let other: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
        let says = [first_part(SIZE, CUT), again(&other)].concat();
        cases.push(
            Case::new(name, VERSIONS, vec![cut(headers, &bytes, CUT), whole(headers, &other)]).expect(
                [Ask::Whole, Ask::Whole],
                says,
                End::Whole(other),
            ),
        );
    }
    for (name, trouble) in [
        ("bytes-that-were-taken-away", Trouble::TemporaryLost),
        ("bytes-of-which-some-were-taken-away", Trouble::TemporaryShorter),
    ] {
        let says = [first_part(SIZE, CUT), again(&bytes)].concat();
        let replies = vec![cut(&[V1], &bytes, CUT), whole(&[V1], &bytes)];
        let case = Case::new(name, VERSIONS, replies).trouble(trouble);
        cases.push(case.expect([Ask::Whole, Ask::Whole], says, whole_end()));
    }
    let capitals = format!("content-range: BYTES {CUT}-{}/{SIZE}", SIZE - 1);
    let loud = response("206 Partial Content", &[V1, &capitals], &bytes[CUT..]);
    cases.push(in_two("a-unit-in-capitals", &[V1], loud).expect(
        [Ask::Whole, Ask::Rest(from, TAG)],
        [first_part(SIZE, CUT), rest_of(&bytes)].concat(),
        whole_end(),
    ));
    let last = SIZE - 1;
    // The end comes late, so that it is reported by itself and the job is suspended with the whole file here.
    let late_end = cut(&[V1], &bytes, SIZE - 1000)
        .then(Piece::Pause(MOMENT))
        .then(Piece::Bytes(bytes[SIZE - 1000..].to_vec()));
    let twice = [once(&bytes), rest_of(&bytes)].concat();
    cases.push(
        Case::new("a-whole-file-costs-one-byte-more", RESUMES, vec![late_end, rest(&[V1], last, &bytes)])
            .trouble(Trouble::SuspendAt(SIZE as u64))
            .expect([Ask::Whole, Ask::Rest(last as u64, TAG)], twice, whole_end()),
    );
    cases
}

/// Files that change between two attempts: the answers to the request for the rest, and the new file.
fn changes() -> Vec<Case> {
    const NEW: &[u8] = b"quite another file";
    const OLD: &[&str] = &[V1, "last-modified: Mon, 06 Jan 2025 08:00:00 GMT"];
    let bytes = pattern(SIZE);
    let from = CUT as u64;
    let other_range = format!("content-range: bytes 10-{}/{SIZE}", SIZE - 1);
    let other_total = format!("content-range: bytes {CUT}-{}/{}", SIZE - 1, SIZE + 1);
    let past_total = format!("content-range: bytes {CUT}-{}/{}", SIZE - 1, SIZE - 1);
    let wrong = |range: &str, body: &[u8]| response("206 Partial Content", &[V1, range], body);
    let backwards = format!("content-range: bytes {CUT}-{}/{SIZE}", CUT - 1);
    // Each with whether it takes another question to see what it means.
    let answers: Vec<(&str, Reply, bool)> = vec![
        ("the-tag-differs-and-all-comes", whole(&["etag: \"v2\""], NEW), false),
        ("no-ranges", whole(&[], NEW), false),
        ("a-range-of-another-tag", rest(&["etag: \"v2\""], CUT, &bytes), true),
        (
            "a-range-of-a-later-date",
            rest(&["last-modified: Tue, 07 Jan 2025 08:00:00 GMT"], CUT, &bytes),
            true,
        ),
        ("a-range-without-evidence", rest(&[], CUT, &bytes), true),
        ("a-range-with-a-weak-tag-only", rest(&["etag: W/\"v1\""], CUT, &bytes), true),
        ("another-range", wrong(&other_range, &bytes[CUT..]), true),
        ("a-range-of-another-size", wrong(&other_total, &bytes[CUT..]), true),
        ("a-range-past-the-end", wrong(&past_total, &bytes[CUT..]), true),
        ("a-range-that-ends-before-it-starts", wrong(&backwards, b""), true),
        ("a-range-in-another-unit", wrong("content-range: items 90000-199999/200000", &bytes[CUT..]), true),
        (
            "a-range-that-is-no-number",
            wrong("content-range: bytes +90000-199999/200000", &bytes[CUT..]),
            true,
        ),
        ("a-range-that-says-nothing", wrong("x-range: none", &bytes[CUT..]), true),
        (
            "a-range-with-another-length",
            wrong(&format!("content-range: bytes {CUT}-{}/{SIZE}", SIZE - 1), &bytes[CUT..SIZE - 1]),
            true,
        ),
        ("not-so-long-any-more", response("416 Range Not Satisfiable", &[], b""), true),
    ];
    let cases = answers.into_iter().map(|(name, answer, asks_again)| {
        let mut replies = vec![cut(OLD, &bytes, CUT), answer];
        let mut asks = vec![Ask::Whole, Ask::Rest(from, TAG)];
        let mut says = [first_part(SIZE, CUT), again(NEW)].concat();
        if asks_again {
            replies.push(whole(&["etag: \"v2\""], NEW));
            asks.push(Ask::Whole);
            // A second question is a second answer.
            says.insert(4, Said::Connected);
        }
        Case::new(name, VERSIONS, replies).expect(asks, says, End::Whole(NEW.to_vec()))
    });
    let mut cases: Vec<Case> = cases.collect();
    // A body longer than its range, behind chunks, so that no length gives it away: not a byte of it too many may be kept.
    let range = format!("content-range: bytes {CUT}-{}/{SIZE}", SIZE - 1);
    let mut body = format!("{:x}\r\n", SIZE - CUT + 4).into_bytes();
    body.extend_from_slice(&bytes[CUT..]);
    body.extend_from_slice(b"more\r\n0\r\n\r\n");
    let longer = bare("206 Partial Content", &[V1, &range, CHUNKED], &body);
    cases.push(
        Case::new(
            "a-range-longer-than-it-says",
            VERSIONS,
            vec![cut(OLD, &bytes, CUT), longer, whole(&["etag: \"v2\""], NEW)],
        )
        .expect(
            [Ask::Whole, Ask::Rest(from, TAG), Ask::SomeRest(TAG)],
            [
                first_part(SIZE, CUT),
                vec![Said::Connected, Said::Size(SIZE as u64), Said::SomeHere, GARBLED],
                again(NEW),
            ]
            .concat(),
            End::Whole(NEW.to_vec()),
        ),
    );
    cases
}

fn redirects() -> Vec<Case> {
    let here = b"here".to_vec();
    let to = |status: &str, location: &str| response(status, &[&format!("location: {location}")], b"moved");
    let page = |path, reply| Page { path, replies: vec![reply] };
    let mut chain = Case::new("a-chain-of-redirects", REDIRECTS, Vec::new());
    chain.pages = vec![
        page("/file", to("302 Found", "b?x=1#part")),
        page("/b?x=1", to("303 See Other", "c#part")),
        page("/c", to("307 Temporary", "{base}/d")),
        page("/d", to("308 Permanent", "./e")),
        page("/e", whole(&[], &here)),
    ];
    let asks = ["/file", "/b?x=1", "/c", "/d", "/e"].map(Ask::At);
    let says = [vec![Said::Connected; 4], once(&here)].concat();
    let mut cases = vec![chain.expect(asks, says, End::Whole(here.clone()))];

    let astray: [(&str, &str); 7] = [
        ("a-redirect-to-itself", "{base}/file"),
        ("a-redirect-to-the-other-scheme", "https://{host}/file"),
        ("a-redirect-with-credentials", "http://user:secret@{host}/file"),
        ("a-redirect-to-a-local-file", "file:///etc/hosts"),
        ("a-redirect-to-no-url", "http://[::"),
        ("a-redirect-to-another-protocol", "ftp://{host}/file"),
        ("a-redirect-to-itself-with-a-fragment", "{base}/file#again"),
    ];
    cases.extend(astray.into_iter().map(|(name, location)| {
        let case = Case::new(name, REDIRECTS, vec![to("302 Found", location)]);
        case.expect([Ask::Whole], [Said::Connected, ASTRAY], End::Error)
    }));
    let nowhere = Case::new("a-redirect-to-nowhere", REDIRECTS, vec![response("302 Found", &[], b"")]);
    cases.push(nowhere.expect([Ask::Whole], [Said::Connected, ASTRAY], End::Error));

    let mut two = Case::new("two-redirects-in-a-circle", REDIRECTS, Vec::new());
    two.pages =
        vec![page("/file", to("302 Found", "{base}/back")), page("/back", to("302 Found", "{base}/file"))];
    let asks = ["/file", "/back"].map(Ask::At);
    cases.push(two.expect(asks, [Said::Connected, Said::Connected, ASTRAY], End::Error));

    const STEPS: [&str; 12] = ["/file", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/10", "/11"];
    for (name, hops) in [("ten-redirects", 10), ("eleven-redirects", 11)] {
        let mut long = Case::new(name, "ten redirects are followed and no more", Vec::new());
        long.pages = (0..hops)
            .map(|at| page(STEPS[at], to("302 Found", &format!("{{base}}{}", STEPS[at + 1]))))
            .chain([page(STEPS[hops], whole(&[], &here))])
            .collect();
        let asks: Vec<Ask> = STEPS[..11].iter().map(|path| Ask::At(path)).collect();
        cases.push(match hops {
            10 => {
                let says = [vec![Said::Connected; 10], once(&here)].concat();
                long.expect(asks, says, End::Whole(here.clone()))
            }
            _ => long.expect(asks, [vec![Said::Connected; 11], vec![ASTRAY]].concat(), End::Error),
        });
    }
    // A redirect with a range: the rest is requested where it is.
    let bytes = pattern(SIZE);
    let mut moved = Case::new("a-rest-that-has-moved", RESUMES, Vec::new());
    moved.pages = vec![
        Page { path: "/file", replies: vec![cut(&[V1], &bytes, CUT), to("302 Found", "{base}/there")] },
        page("/there", rest(&[V1], CUT, &bytes)),
    ];
    let says = [first_part(SIZE, CUT), vec![Said::Connected], rest_of(&bytes)].concat();
    cases.push(moved.expect(
        [Ask::Whole, Ask::Rest(CUT as u64, TAG), Ask::Rest(CUT as u64, TAG)],
        says,
        End::Whole(bytes),
    ));
    cases
}

fn schemes() -> Vec<Case> {
    let secret = b"secret".to_vec();
    let bytes = pattern(SIZE);
    let over_tls = |case: Case| Case { scheme: Scheme::Https, ..case };
    let good = Case::new("https", "TLS: the certificate is trusted", vec![whole(&[], &secret)]);
    let rest_says = [first_part(SIZE, CUT), rest_of(&bytes)].concat();
    let two = Case::new(
        "only-the-rest-over-https",
        RESUMES,
        vec![cut(&[V1], &bytes, CUT), rest(&[V1], CUT, &bytes)],
    );
    let stranger = Case::new("https-of-a-stranger", "TLS: no authority vouches", vec![whole(&[], &secret)]);
    let refused = Said::Failed(Fatal, NOT_TRUSTED, TRANSPORT);
    let silent = Case::new("nobody-listens", "facts D2: may come back", Vec::new()).once();
    let not_there = Said::Failed(Transient, CANNOT_CONNECT, TRANSPORT);
    let nowhere = Case::new("a-host-that-has-no-address", "facts D2: may come back", Vec::new()).once();
    let no_host = Said::Failed(Transient, NAME_NOT_RESOLVED, TRANSPORT);
    vec![
        over_tls(good).expect([Ask::Whole], once(&secret), End::Whole(secret)),
        over_tls(two).expect([Ask::Whole, Ask::Rest(CUT as u64, TAG)], rest_says, End::Whole(bytes)),
        over_tls(stranger).trouble(Trouble::NotTrusted).expect([], [refused], End::Error),
        silent.trouble(Trouble::NoServer).expect([], [not_there], End::Error),
        nowhere.trouble(Trouble::NoHost).expect([], [no_host], End::Error),
    ]
}

fn disks() -> Vec<Case> {
    let bytes = b"new bytes".to_vec();
    let case = |name: &str, because: &'static str, trouble| {
        Case::new(name, because, vec![whole(&[V1], b"new bytes")]).trouble(trouble)
    };
    let no_path = Said::Failed(Fatal, NO_PATH, LOCAL);
    let long = pattern(SIZE);
    // What comes behind the middle comes slowly, so that there is time to stop.
    let slowly = long[CUT..].chunks(500).fold(cut(&[V1], &long, CUT), |reply, some| {
        reply.then(Piece::Bytes(some.to_vec())).then(Piece::Pause(MOMENT / 20))
    });
    let suspended =
        Case::new("suspended-and-resumed", RESUMES, vec![slowly.clone(), whole(&["etag: \"v2\""], &long)]);
    let (some, size) = (Said::SomeHere, Said::Size(SIZE as u64));
    vec![
        case("a-directory-that-is-not-there", "facts D4: LOCAL_FILE", Trouble::NoDirectory).expect(
            [Ask::Whole],
            [Said::Connected, no_path],
            End::Error,
        ),
        case("a-file-is-replaced-by-complete-alone", "rule R15", Trouble::Foreign).expect(
            [Ask::Whole],
            once(&bytes),
            End::Whole(bytes.clone()),
        ),
        case("leftovers-of-the-dead-go", "rule R15", Trouble::Leftovers).expect(
            [Ask::Whole],
            once(&bytes),
            End::Whole(bytes.clone()),
        ),
        case("a-taken-name-stays-taken", "rule R15", Trouble::TemporaryTaken).expect(
            [Ask::Whole],
            once(&bytes),
            End::Whole(bytes.clone()),
        ),
        case("a-rename-that-fails", "facts B1, G28", Trouble::Directory).expect(
            [Ask::Whole],
            once(&bytes),
            End::Whole(bytes.clone()),
        ),
        suspended.trouble(Trouble::SuspendAt(CUT as u64)).expect(
            [Ask::Whole, Ask::SomeRest(TAG)],
            [vec![Said::Connected, size, some, Said::Stopped], again(&long)].concat(),
            End::Whole(long.clone()),
        ),
        Case::new("cancelled-in-the-middle", "rule R15; the transfer stops", vec![slowly])
            .trouble(Trouble::CancelAt(CUT as u64))
            .expect([Ask::Whole], [Said::Connected, size, some, Said::Stopped], End::Cancelled),
    ]
}

fn bounds() -> Vec<Case> {
    let good = b"at last".to_vec();
    let head = |headers: &[&str]| bare("200 OK", headers, b"");
    let silent = |name: &str, reply: Reply, first: Vec<Said>, kept: bool| {
        let says = [first, if kept { again(&good) } else { once(&good) }].concat();
        let case = Case::new(name, BOUNDS, vec![reply, whole(&[], &good)]).limits(Limits::Impatient);
        case.expect([Ask::Whole, Ask::Whole], says, End::Whole(good.clone()))
    };
    let (connected, five) = (Said::Connected, Said::Here(5));
    let ten = head(&["content-length: 10"]);
    let half = ten.clone().then(Piece::Bytes(b"five!".to_vec())).then(Piece::Silence);
    let chunked = |begin: &[u8], more: &[u8], pause| {
        bare("200 OK", &[CHUNKED], begin).then(Piece::ForEver(more.to_vec(), pause))
    };
    let trailers = b"5\r\nhello\r\n0\r\n";
    let mut cases = vec![
        silent("silence-before-the-answer", Reply(vec![Piece::Silence]), vec![LATE], false),
        silent(
            "silence-after-the-head",
            ten.clone().then(Piece::Silence),
            vec![connected, Said::Size(10), LATE],
            false,
        ),
        silent("silence-in-the-middle", half, vec![connected, Said::Size(10), five, LATE], true),
        silent("an-endless-chunk-extension", chunked(b"5;x=", b"a", MOMENT), vec![connected, LATE], false),
        silent("an-endless-chunk-length", chunked(b"", b"0", MOMENT), vec![connected, LATE], false),
        silent("endless-trailers", chunked(trailers, b"a: b\r\n", MOMENT), vec![connected, five, LATE], true),
        silent(
            "endless-trailers-in-a-hurry",
            chunked(trailers, &b"a: b\r\n".repeat(1000), Duration::ZERO),
            vec![connected, five, LATE],
            true,
        ),
    ];
    let slow = (0..10)
        .fold(ten, |reply, at| reply.then(Piece::Bytes(vec![b"drop after"[at]])).then(Piece::Pause(MOMENT)));
    let drips = [
        ("a-slow-drip-is-no-silence", "the limit is for each read", Limits::Impatient),
        ("a-drip-as-slow-as-allowed", "the slowest rate is a rate that is allowed", Limits::Least),
    ];
    for (name, why, limits) in drips {
        let mut drip = Case::new(name, why, vec![slow.clone()]);
        // Each byte but the first and the last comes so late that the core receives it by itself.
        drip.heard = 7;
        let whole = End::Whole(b"drop after".to_vec());
        cases.push(drip.limits(limits).expect([Ask::Whole], once(b"drop after"), whole));
    }
    let drips = head(&["content-length: 1000"]).then(Piece::ForEver(b"a".to_vec(), MOMENT));
    let slow = [vec![connected, Said::Size(1000), Said::SomeHere, LATE], again(&good)].concat();
    cases.push(
        Case::new("a-drip-that-never-ends", BOUNDS, vec![drips, whole(&[], &good)])
            .limits(Limits::Brisk)
            .expect([Ask::Whole, Ask::Whole], slow, End::Whole(good.clone())),
    );
    let length_100001 = head(&["content-length: 100001"]);
    cases.push(
        Case::new("longer-than-allowed", "facts D2: 80200064", vec![length_100001])
            .limits(Limits::Short(100_000))
            .expect([Ask::Whole], [connected, TOO_LONG], End::Error),
    );
    let just = pattern(100_000);
    cases.push(
        Case::new("as-long-as-allowed", "facts D2: 80200064", vec![whole(&[], &just)])
            .limits(Limits::Short(100_000))
            .expect([Ask::Whole], once(&just), End::Whole(just.clone())),
    );
    let unannounced = bare("200 OK", &[], &just);
    let says = vec![connected, Said::Here(100_000), Said::Size(100_000), Said::Done];
    cases.push(
        Case::new("as-long-as-allowed-unannounced", "facts D2: 80200064", vec![unannounced])
            .limits(Limits::Short(100_000))
            .expect([Ask::Whole], says, End::Whole(just.clone())),
    );
    let endless = head(&[]).then(Piece::ForEver(pattern(4096), Duration::ZERO));
    cases.push(
        Case::new("an-endless-body", "facts D2: 80200064", vec![endless])
            .limits(Limits::Short(100_000))
            .expect([Ask::Whole], [connected, Said::SomeHere, TOO_LONG], End::Error),
    );
    let line = |begin: &str, more: &[u8]| {
        Reply(vec![Piece::Text(begin.to_owned()), Piece::ForEver(more.to_vec(), Duration::ZERO)])
    };
    let flood = Said::Failed(Fatal, NONSENSE, TRANSPORT);
    cases.push(
        Case::new("an-endless-header", BOUNDS, vec![line("HTTP/1.1 200 OK\r\nx: ", &[b'a'; 4096])]).expect(
            [Ask::Whole],
            [flood],
            End::Error,
        ),
    );
    let many = line("HTTP/1.1 200 OK\r\n", &b"x: y\r\n".repeat(500));
    cases.push(Case::new("endless-headers", BOUNDS, vec![many]).once().expect(
        [Ask::Whole],
        [GARBLED],
        End::Error,
    ));
    cases
}
