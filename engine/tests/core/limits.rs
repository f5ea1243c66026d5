//! The limits: jobs, files, and the lengths of texts.

use contract::dialect::Profile;

use super::*;

fn create(bench: &mut Bench, user: u32, name: Option<String>, kind: u32) -> HResult {
    bench.core.call(UserId(user), None, &Call::CreateJob { name: name.map(Into::into), kind }).hr
}

fn named(bench: &mut Bench, user: u32) -> HResult {
    create(bench, user, Some("job".to_owned()), 0)
}

#[test]
fn a_user_has_60_jobs_that_are_not_over_and_all_have_300() {
    let mut bench = Bench::bits();
    for user in 0..5 {
        for _ in 0..60 {
            assert_eq!(named(&mut bench, user), HResult::S_OK);
        }
        assert_eq!(named(&mut bench, user), HResult::BG_E_TOO_MANY_JOBS_PER_USER);
    }
    assert_eq!(named(&mut bench, 5), HResult::BG_E_TOO_MANY_JOBS_PER_MACHINE);
    bench.end(JobId(7), Call::Cancel);
    assert_eq!(named(&mut bench, 5), HResult::S_OK);
    assert_eq!(named(&mut bench, 0), HResult::BG_E_TOO_MANY_JOBS_PER_MACHINE);
}

#[test]
fn a_job_has_200_files() {
    let mut bench = Bench::of(Config::of(&Profile { files_per_job: 3, ..*Dialect::Bits.profile() }));
    let job = bench.create_for(USER);
    let set = |files: usize| Call::AddFileSet { files: vec![names("http://h/f", "/f"); files] };
    assert_eq!(bench.call(job, set(4)), HResult::BG_E_TOO_MANY_FILES_IN_JOB);
    assert_eq!(bench.call(job, set(2)), HResult::S_OK);
    assert_eq!(bench.call(job, set(2)), HResult::BG_E_TOO_MANY_FILES_IN_JOB);
    assert_eq!(bench.call(job, add_file()), HResult::S_OK);
    assert_eq!(bench.call(job, add_file()), HResult::BG_E_TOO_MANY_FILES_IN_JOB);
    assert_eq!(bench.call(job, set(0)), HResult::S_OK);
    assert_eq!(bench.get(job, Call::EnumFilesGetCount), Out::Count(3));
    assert_eq!(Dialect::Bits.profile().files_per_job, 200);
}

/// A text is measured in characters, not in bytes.
#[test]
fn texts_end_where_the_pages_say() {
    let mut bench = Bench::bits();
    let job = bench.create_for(USER);
    let text = |characters: usize| Some("\u{e9}".repeat(characters).into());
    type Setter<'a> = &'a dyn Fn(usize) -> Call;
    let setters: [(usize, HResult, Setter<'_>); 4] = [
        (256, HResult::E_INVALIDARG, &|length| Call::SetDisplayName { name: text(length) }),
        (1024, HResult::BG_E_STRING_TOO_LONG, &|length| Call::SetDescription { description: text(length) }),
        (260, HResult::BG_E_STRING_TOO_LONG, &|length| Call::SetNotifyCmdLine {
            program: text(length),
            parameters: text(1),
        }),
        (4000, HResult::BG_E_STRING_TOO_LONG, &|length| Call::SetNotifyCmdLine {
            program: text(1),
            parameters: text(length),
        }),
    ];
    for (longest, refusal, set) in setters {
        assert_eq!(bench.call(job, set(longest)), HResult::S_OK, "{longest}");
        assert_eq!(bench.call(job, set(longest + 1)), refusal, "{longest}");
    }
    let name = |characters: usize| Some("\u{e9}".repeat(characters));
    assert_eq!(create(&mut bench, 0, name(256), 0), HResult::S_OK);
    assert_eq!(create(&mut bench, 0, name(257), 0), HResult::E_INVALIDARG);
    assert_eq!(create(&mut bench, 0, None, 0), HResult::E_INVALIDARG);
    assert_eq!(create(&mut bench, 0, name(1), 1), HResult::E_NOTIMPL);
}
