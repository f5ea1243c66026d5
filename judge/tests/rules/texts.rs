//! R11: a call that fails leaves nothing in what getters give back.

use contract::*;
use judge::Rule::R11;

use crate::builder::*;

fn names(number: u32) -> FileNames {
    FileNames { remote: format!("http://a.test/{number}").into(), local: "/f".into() }
}

fn counts(run: &mut Run, files_total: u32) {
    let progress = Progress { bytes_total: None, bytes_transferred: 0, files_total, files_transferred: 0 };
    run.reads(Call::GetProgress, Out::Progress(progress));
}

#[test]
fn a_text_that_was_refused_is_not_given_back() {
    let long = || Some("too long".into());
    let setters: [(Call, Call, &str); 3] = [
        (Call::SetDisplayName { name: long() }, Call::GetDisplayName, "a"),
        (Call::SetDescription { description: long() }, Call::GetDescription, ""),
        (
            Call::FileSetRemoteName { file: F0, remote: "too long".into() },
            Call::FileGetRemoteName { file: F0 },
            "http://a.test/0",
        ),
    ];
    for (setter, getter, old) in setters {
        for (told, rules) in [(old, &[][..]), ("too long", &[R11])] {
            let mut run = Run::created(bits());
            run.does(Call::AddFile { file: names(0) }, OK);
            run.does(setter.clone(), HResult::E_INVALIDARG);
            run.reads(getter.clone(), Out::Text(told.to_owned().into()));
            run.breaks(rules);
        }
    }
}

#[test]
fn a_text_that_is_being_set_may_be_read_and_an_old_one_may_not() {
    let name = |text: &'static str| Call::SetDisplayName { name: Some(text.into()) };
    let mut run = Run::created(bits());
    let setter = run.call(name("b"));
    for text in ["a", "b"] {
        run.reads(Call::GetDisplayName, Out::Text(text.into()));
    }
    run.back(setter, OK);
    run.reads(Call::GetDisplayName, Out::Text("b".into()));
    run.keeps(R11);
    run.reads(Call::GetDisplayName, Out::Text("a".into()));
    run.breaks(&[R11]);
}

#[test]
fn a_program_that_was_refused_is_not_given_back() {
    let line = |program: &'static str| CommandLine { program: program.into(), parameters: "p".into() };
    let program = |text: &'static str| Call::SetNotifyCmdLine {
        program: Some(text.into()),
        parameters: Some("p".into()),
    };
    let mut run = Run::created(bits());
    run.does(program("/one"), OK);
    run.does(program("/two"), HResult::BG_E_STRING_TOO_LONG);
    run.reads(Call::GetNotifyCmdLine, Out::CommandLine(Some(line("/one"))));
    run.keeps(R11);
    run.reads(Call::GetNotifyCmdLine, Out::CommandLine(Some(line("/two"))));
    run.breaks(&[R11]);
}

#[test]
fn files_that_were_refused_are_not_counted() {
    contract::follows!["file.set-whole"];
    let mut run = Run::created(bits());
    run.does(Call::AddFile { file: names(0) }, OK);
    run.does(Call::AddFileSet { files: vec![names(1), names(2)] }, HResult::E_INVALIDARG);
    counts(&mut run, 1);
    run.reads(Call::EnumFiles, Out::Files(vec![F0]));
    let open = run.call(Call::AddFile { file: names(3) });
    (1..=2).for_each(|files| counts(&mut run, files));
    run.back(open, OK);
    counts(&mut run, 2);
    run.keeps(R11);
    counts(&mut run, 3);
    run.breaks(&[R11]);
}

/// A callback may make a job; the trace of an older recorder has the callback's job on that call.
#[test]
fn a_job_that_is_made_inside_a_callback_is_another_one() {
    let mut run = Run::created(bits());
    run.does(Call::AddFile { file: names(0) }, OK);
    let made = run.call(Call::CreateJob { name: None, kind: 0 });
    run.back_with(made, OK, Out::Job(JobId(1)));
    counts(&mut run, 1);
    run.keeps(R11);
}
