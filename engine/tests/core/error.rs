//! The error object: what it holds about a failure, and how long it is shown.

use super::*;

#[test]
fn it_says_what_failed_and_where() {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    assert_eq!(bench.core.error(job), None);
    bench.fail(job, Failure::Fatal);
    let error = bench.core.error(job).expect("the job is in ERROR");
    assert_eq!(
        (error.hr, error.context, error.file),
        (HResult::BG_E_HTTP_ERROR_503, ErrorContext::RemoteFile, Some(FileId(0)))
    );
    assert_eq!(bench.get(job, Call::ErrorGetProtocol), Out::Text("http".into()));
    let described = bench.get(job, Call::ErrorGetErrorDescription { language: 0 });
    assert_eq!(described, Out::Text("The server is overloaded: BG_E_HTTP_ERROR_503 (0x801901F7).".into()));
    let described = bench.get(job, Call::ErrorGetErrorContextDescription { language: 0x0409 });
    assert_eq!(described, Out::Text("The error happened at the remote file.".into()));
    let german = Call::ErrorGetErrorDescription { language: 0x0407 };
    assert_eq!(bench.call(job, german), HResult::ERROR_RESOURCE_LANG_NOT_FOUND);
    bench.end(job, Call::Cancel);
    assert_eq!(bench.core.error(job), None);
}

#[test]
fn an_error_that_is_about_no_file_has_neither_file_nor_protocol() {
    let mut bench = Bench::bits();
    let job = bench.transferring();
    bench.core.handle_network_lost();
    let error = bench.core.error(job).expect("a transient error has one, too");
    assert_eq!((error.context, error.file), (ErrorContext::GeneralTransport, None));
    assert_eq!(bench.call(job, Call::ErrorGetFile), HResult::BG_E_FILE_NOT_AVAILABLE);
    assert_eq!(bench.call(job, Call::ErrorGetProtocol), HResult::BG_E_PROTOCOL_NOT_AVAILABLE);
}

#[test]
fn delivery_optimization_names_the_file_for_403_alone() {
    let failures = [(HResult::BG_E_HTTP_ERROR_403, Some(FileId(0))), (HResult::BG_E_HTTP_ERROR_404, None)];
    for (hr, file) in failures {
        let mut bench = Bench::delivery_optimization();
        let job = bench.transferring();
        let context = ErrorContext::GeneralTransport;
        let _reply = bench.report(job, TransferEvent::Failed { class: Failure::Fatal, hr, context });
        let error = bench.core.error(job).expect("the job is in ERROR");
        assert_eq!((error.hr, error.file), (hr, file));
        let named = if file.is_some() { ErrorContext::RemoteFile } else { ErrorContext::None };
        assert_eq!(error.context, named);
    }
}
