//! From a request to an answer, without a socket.

use maud::Markup;
use url::form_urlencoded::parse;

use crate::ask::Ask;
use crate::frame::{self, POLICY, SCRIPT, Tab};
use crate::problem::Problem;
use crate::store::{Loaded, Store};
use crate::trace::{Extent, Filter};
use crate::{graph, steps, trace, walk};

/// The methods of a request that there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// To be shown something.
    Get,
    /// To take a trace.
    Post,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method; HEAD is GET here.
    pub method: Method,
    /// The address without its query, such as `/walk`.
    pub path: &'a str,
    /// The query, without its `?`.
    pub query: &'a str,
    /// What kind of body it has, as its header states.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A request to be shown the page of an address.
    #[must_use]
    pub fn get(address: &'a str) -> Request<'a> {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        Request { method: Method::Get, path, query, content_type: "", body: &[] }
    }
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The kind of the body.
    pub content_type: &'static str,
    /// Where else to look, of a status that leads there.
    pub location: Option<String>,
    /// What a browser may do with it.
    pub policy: &'static str,
    /// The body.
    pub body: String,
}

impl Reply {
    fn of(status: u16, content_type: &'static str, body: String) -> Reply {
        Reply { status, content_type, location: None, policy: POLICY, body }
    }

    fn page(title: &str, tab: Tab, main: &Markup) -> Reply {
        Reply::of(200, HTML, frame::page(title, tab, main))
    }

    fn elsewhere(location: String) -> Reply {
        Reply { location: Some(location), ..Reply::of(303, HTML, String::new()) }
    }
}

const HTML: &str = "text/html; charset=utf-8";

/// Reads a trace out of a file's name and its bytes, whatever it is packed in.
pub type ReadTrace = Box<dyn Fn(&str, &[u8]) -> Result<judge::Trace, Problem> + Send + Sync>;

/// The pages, and the traces that were loaded.
pub struct Site {
    first: Ask,
    traces: Store,
    read: ReadTrace,
}

impl Site {
    /// The pages; `/` is the walk of `first`.
    #[must_use]
    pub fn new(first: Ask, read: ReadTrace) -> Site {
        Site { first, traces: Store::default(), read }
    }

    /// Loads a trace; returns the address of its page.
    ///
    /// # Errors
    /// It is longer than a page shows.
    pub fn load(&self, name: &str, trace: judge::Trace) -> Result<String, Problem> {
        Ok(format!("/trace/{}", self.traces.keep(Loaded::new(name, trace)?)))
    }

    /// Answers each request.
    #[must_use]
    pub fn reply(&self, request: &Request<'_>) -> Reply {
        let reply = match request.method {
            Method::Get => self.get(request.path, request.query),
            Method::Post => self.post(request),
        };
        reply.unwrap_or_else(|problem| Reply::of(problem.status(), HTML, frame::problem(&problem)))
    }

    fn get(&self, path: &str, query: &str) -> Result<Reply, Problem> {
        match path {
            "/" if query.is_empty() => show_walk(&self.first),
            "/" | "/walk" => walk(query),
            "/walk.jsonl" => saved(query),
            "/graph" => {
                let dialects = graph::asked(query)?;
                Ok(Reply::page("Graph", Tab::Graph, &graph::page(dialects)))
            }
            "/trace" => Ok(Reply::page("Trace", Tab::Trace, &trace::load(&self.traces.all()))),
            "/style.css" => Ok(Reply::of(200, "text/css; charset=utf-8", frame::style())),
            "/script.js" => Ok(Reply::of(200, "text/javascript; charset=utf-8", SCRIPT.to_owned())),
            other => match other.strip_prefix("/trace/") {
                Some(id) => self.trace(id, query),
                None => Err(Problem::NoPage(shortened(other))),
            },
        }
    }

    fn trace(&self, id: &str, query: &str) -> Result<Reply, Problem> {
        if let Some(id) = id.strip_suffix("/nearest") {
            let loaded = self.traces.find(id)?;
            return Ok(Reply::page("The nearest run that passes", Tab::Trace, &trace::nearest_page(&loaded)));
        }
        let loaded = self.traces.find(id)?;
        let filter = Filter::read(query)?;
        Ok(Reply::page(&loaded.name, Tab::Trace, &trace::page(&loaded, &filter, Extent::Window)))
    }

    fn post(&self, request: &Request<'_>) -> Result<Reply, Problem> {
        if request.path != "/trace" {
            return Err(Problem::NoPage(shortened(request.path)));
        }
        let named = parse(request.query.as_bytes()).find(|(name, _)| name == "name");
        let named = named.map(|(_, value)| value.into_owned());
        let (name, bytes) = match request.content_type.split_once("boundary=") {
            Some((kind, boundary)) if kind.trim_start().starts_with("multipart/form-data") => {
                let (name, bytes) = part(request.body, boundary).ok_or(Problem::NoFile)?;
                (Some(name), bytes)
            }
            _ => (named, request.body),
        };
        if bytes.is_empty() {
            return Err(Problem::NoFile);
        }
        let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "trace".to_owned());
        let name = shortened(&name);
        let trace = (self.read)(&name, bytes)?;
        Ok(Reply::elsewhere(self.load(&name, trace)?))
    }
}

/// Of a name that comes from outside, what a heading has room for.
fn shortened(name: &str) -> String {
    name.chars().filter(|each| !each.is_control()).take(80).collect()
}

/// Walks, or leads to the address of one more step, of a random one, or of one less.
fn walk(query: &str) -> Result<Reply, Problem> {
    let ask = Ask::read(query)?;
    let asked = |wanted: &str| {
        parse(query.as_bytes())
            .find(|(name, value)| name == wanted && !value.is_empty())
            .map(|(_, value)| value)
    };
    let number = |name: &'static str| match asked(name) {
        None => Ok(None),
        Some(value) => value.parse::<u64>().map(Some).map_err(|_| Problem::Parameter {
            name,
            value: value.into_owned(),
            choose: vec!["a number from 0".to_owned()],
        }),
    };
    if let Some(kept) = number("back")? {
        let said = steps::walk(&ask)?.said;
        let kept = usize::try_from(kept).unwrap_or(usize::MAX).min(said.len());
        return Ok(Reply::elsewhere(ask.with(said[..kept].join("; ")).url()));
    }
    if let Some(step) = asked("step") {
        return Ok(Reply::elsewhere(ask.then(&step).url()));
    }
    if let Some(count) = number("random")? {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let path = steps::wander(&ask, number("seed")?.unwrap_or(1), count)?;
        return Ok(Reply::elsewhere(ask.with(path).url()));
    }
    show_walk(&ask)
}

fn show_walk(ask: &Ask) -> Result<Reply, Problem> {
    let walked = steps::walk(ask)?;
    let title = match walked.said.last() {
        None => "Walk".to_owned(),
        Some(last) => format!("Step {}: {last}", walked.said.len()),
    };
    Ok(Reply::page(&title, Tab::Walk, &walk::page(ask, &walked)))
}

/// The run of a walk, as a trace that `bgcheck replay` reads.
fn saved(query: &str) -> Result<Reply, Problem> {
    let walked = steps::walk(&Ask::read(query)?)?;
    let text: String = walked.traces.iter().map(|side| side.what.print()).collect();
    Ok(Reply::of(200, "application/x-ndjson", text))
}

/// The first file of a form: its name and its bytes.
fn part<'b>(body: &'b [u8], boundary: &str) -> Option<(String, &'b [u8])> {
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    let begin = format!("--{boundary}\r\n");
    let from = find(body, begin.as_bytes())? + begin.len();
    let rest = &body[from..];
    let head_end = find(rest, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&rest[..head_end]);
    let content = &rest[head_end + 4..];
    let end = find(content, format!("\r\n--{boundary}").as_bytes())?;
    let name = head.split("filename=\"").nth(1)?.split('"').next()?.to_owned();
    Some((name, &content[..end]))
}

fn find(within: &[u8], wanted: &[u8]) -> Option<usize> {
    within.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_form_is_found_and_a_form_cut_off_has_none() {
        let body = b"--xy\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\n\r\none\r\ntwo\r\n--xy--\r\n";
        assert_eq!(part(body, "xy"), Some(("a.jsonl".to_owned(), &b"one\r\ntwo"[..])));
        assert_eq!(part(body, "\"xy\"; charset=x"), Some(("a.jsonl".to_owned(), &b"one\r\ntwo"[..])));
        for end in 0..body.len() - 6 {
            assert_eq!(part(&body[..end], "xy"), None, "cut at {end}");
        }
    }
}
