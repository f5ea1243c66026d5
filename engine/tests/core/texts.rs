//! What the texts of a job and its files are: what was set, character by character.

use contract::call::{CommandLine, Priority};

use super::*;

fn text(text: &'static str) -> Out {
    Out::Text(text.into())
}

#[test]
fn getters_give_back_what_was_set() {
    let mut bench = Bench::bits();
    let job = bench.create_for(USER);
    assert_eq!(
        [Call::GetDisplayName, Call::GetDescription].map(|call| bench.get(job, call)),
        [text("job"), text("")]
    );
    assert_eq!(bench.call(job, Call::SetDisplayName { name: Some("name".into()) }), HResult::S_OK);
    assert_eq!(bench.call(job, Call::SetDescription { description: Some("what".into()) }), HResult::S_OK);
    assert_eq!(bench.get(job, Call::GetDisplayName), text("name"));
    assert_eq!(bench.get(job, Call::GetDescription), text("what"));
    assert_eq!(bench.get(job, Call::GetType), Out::Count(0));
    assert_eq!(bench.get(job, Call::GetId), Out::Job(job));
    assert_eq!(bench.call(job, Call::SetPriority { priority: 3 }), HResult::S_OK);
    assert_eq!(bench.core.priority(job), Some(Priority::Low));
}

#[test]
fn a_command_line_is_kept_and_removed() {
    let mut bench = Bench::bits();
    let job = bench.create_for(USER);
    let set = |program: Option<&'static str>, parameters: Option<&'static str>| Call::SetNotifyCmdLine {
        program: program.map(Into::into),
        parameters: parameters.map(Into::into),
    };
    let line = CommandLine { program: "/p".into(), parameters: "p a".into() };
    assert_eq!(bench.call(job, set(Some("/p"), Some("p a"))), HResult::S_OK);
    assert_eq!(bench.core.command_line(job), Some(&line));
    assert_eq!(bench.get(job, Call::GetNotifyCmdLine), Out::CommandLine(Some(line)));
    assert_eq!(bench.call(job, set(None, Some("p a"))), HResult::E_INVALIDARG);
    assert_eq!(bench.call(job, set(None, None)), HResult::S_OK);
    assert_eq!(bench.core.command_line(job), None);
}

/// Facts B2: AddFile answers E_INVALIDARG to a bad name, to a protocol that there is not, and to a relative path. A scheme has no case. BITS
/// copies from SMB as well; `docs/coverage.md` has why we do not.
#[test]
fn a_scheme_has_no_case_and_what_names_no_http_is_refused() {
    let mut bench = Bench::bits();
    let job = bench.create_for(USER);
    let mut add = |remote: &'static str, local: &'static str| {
        let file = names(remote, local);
        let answers = [Call::AddFile { file: file.clone() }, Call::AddFileSet { files: vec![file] }];
        answers.map(|call| bench.call(job, call))
    };
    for taken in ["http://h/f", "HTTP://h/f", "Http://H/f", "HTTPS://h/f", "hTTps://h/f"] {
        assert_eq!(add(taken, "/f"), [HResult::S_OK; 2], "{taken}");
    }
    let of_smb = [
        "file:///f",
        "File:///f",
        "FILE://server/share/f",
        "/f",
        "C:\\f",
        "\\\\server\\share\\f",
        "//server/share/f",
        "smb://server/share/f",
    ];
    for refused in of_smb.into_iter().chain(["f", "./f", "ftp://h/f", "FTP://h/f", "HTTP:", "HTTP://"]) {
        assert_eq!(add(refused, "/f"), [HResult::E_INVALIDARG; 2], "{refused}");
    }
    for refused in ["f", "./f", "d/f"] {
        assert_eq!(add("http://h/f", refused), [HResult::E_INVALIDARG; 2], "{refused}");
    }
    // What is absolute is the system's matter: a share is on Windows alone.
    let share = if cfg!(windows) { HResult::S_OK } else { HResult::E_INVALIDARG };
    assert_eq!(add("http://h/f", "\\\\server\\share\\f"), [share; 2]);
    let file = FileId(0);
    assert_eq!(bench.get(job, Call::FileGetRemoteName { file }), text("http://h/f"));
    assert_eq!(bench.get(job, Call::FileGetRemoteName { file: FileId(2) }), text("HTTP://h/f"));
}

#[test]
fn files_have_the_names_they_were_given() {
    let mut bench = Bench::bits();
    let job = bench.create_for(USER);
    let files = vec![names("http://h/f", "/f"), names("https://h/g", "/g")];
    assert_eq!(bench.call(job, Call::AddFileSet { files }), HResult::S_OK);
    let (first, second) = (FileId(0), FileId(1));
    let renamed = Call::FileSetRemoteName { file: second, remote: "http://h/new".into() };
    assert_eq!(bench.call(job, renamed), HResult::S_OK);
    assert_eq!(bench.get(job, Call::FileGetRemoteName { file: first }), text("http://h/f"));
    assert_eq!(bench.get(job, Call::FileGetRemoteName { file: second }), text("http://h/new"));
    assert_eq!(bench.get(job, Call::FileGetLocalName { file: second }), text("/g"));
    assert_eq!(bench.core.remote(job, second), Some("http://h/new"));
    assert_eq!(bench.core.local(job, first), Some("/f"));
    let unknown = FileId(2);
    assert_eq!([bench.core.remote(job, unknown), bench.core.local(job, unknown)], [None; 2]);
}
