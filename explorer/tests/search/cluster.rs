//! Several processes: the result of one process, and words for everything that keeps them apart.
//!
//! The processes are threads here; what they share is only the sockets between them. Real ones, and one that is killed, are in the
//! tests of the command.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use explorer::checkpoint::{Checkpoints, Subject};
use explorer::reference::two_phase::{Fault, TwoPhase};
use explorer::{
    Cluster, ClusterError, Error, Exact, Explorer, Form, Hashed, Limits, Report, Retraced, Stop, Verdict,
};

const PATIENCE: Duration = Duration::from_secs(60);

fn subject(scope: &str) -> Subject {
    Subject { model: "two-phase commit".to_owned(), scope: scope.to_owned() }
}

/// This number of places, each with its listener.
fn clusters(processes: usize, patience: Duration) -> Vec<Cluster> {
    let listeners: Vec<_> =
        (0..processes).map(|_| TcpListener::bind("127.0.0.1:0").expect("a listener")).collect();
    let address = |listener: &TcpListener| listener.local_addr().expect("an address").to_string();
    let hosts: Vec<String> = listeners.iter().map(address).collect();
    let place =
        |(process, listener)| Cluster::at(listener, hosts.clone(), process, patience).expect("a place");
    listeners.into_iter().enumerate().map(place).collect()
}

/// What every process returns, one thread for each.
fn together<R: Send>(clusters: Vec<Cluster>, run: impl Fn(Cluster) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let run = &run;
        let running: Vec<_> = clusters.into_iter().map(|cluster| scope.spawn(move || run(cluster))).collect();
        running.into_iter().map(|process| process.join().expect("a process that does not panic")).collect()
    })
}

fn explorer<F: Form<TwoPhase>>() -> Explorer<TwoPhase, F> {
    Explorer::new(TwoPhase::broken(5, Fault::AbortsAfterPreparing))
}

fn counts<K>(report: &Report<TwoPhase, K>) -> String {
    let levels: Vec<_> =
        report.levels.iter().map(|level| (level.frontier, level.states, level.edges)).collect();
    let discovered: Vec<_> = report.discovered().collect();
    format!("{levels:?} {} {discovered:?}", report.deadlocks.states)
}

fn path<K>(report: &Report<TwoPhase, K>) -> Option<String> {
    match report.verdict("consistent") {
        Some(Verdict::Violated(path)) => path.as_ref().map(|path| format!("{path:?}")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn processes_come_to_what_one_comes_to() {
    come_together::<Exact>(2, 2);
    come_together::<Exact>(3, 1);
    come_together::<Retraced<u64>>(2, 1);
    come_together::<Retraced<u64>>(2, 2);
}

fn come_together<F: Form<TwoPhase>>(processes: usize, workers: usize) {
    let alone = explorer::<F>().explore().expect("an exploration");
    let noted = together(clusters(processes, PATIENCE), |cluster| {
        let own = 1 << cluster.process();
        let notes = Arc::new(AtomicU32::new(own));
        let cluster = cluster.about(&subject("5 managers"));
        let explorer = explorer::<F>().workers(workers).cluster(cluster.clone()).notes(Arc::clone(&notes));
        let report = explorer.explore().expect("an exploration");
        assert_eq!(counts(&report), counts(&alone));
        // Only the first process rebuilds paths.
        let expected = (cluster.process() == 0).then(|| path(&alone)).flatten();
        assert_eq!(path(&report), expected);
        notes.load(Ordering::Relaxed)
    });
    assert_eq!(noted, vec![(1 << processes) - 1; processes], "everybody knows what anybody noted");
}

#[test]
fn they_meet_again_for_the_next_exploration() {
    together(clusters(2, PATIENCE), |cluster| {
        for managers in 1..5 {
            let cluster = cluster.about(&subject(&format!("{managers} managers")));
            let explorer = Explorer::exact(TwoPhase::new(managers)).cluster(cluster);
            let alone = Explorer::exact(TwoPhase::new(managers)).explore().expect("an exploration");
            assert_eq!(explorer.explore().expect("an exploration").states, alone.states);
        }
    });
}

#[test]
fn what_processes_leave_behind_one_goes_on_with() {
    let directory = tempfile::tempdir().expect("a directory");
    let checkpoints = |directory: &Path| {
        let checkpoints = Checkpoints::new(directory, subject("5 managers"));
        Checkpoints { every: Duration::ZERO, ..checkpoints }
    };
    together(clusters(2, PATIENCE), |cluster| {
        let explorer = explorer::<Retraced<u64>>().workers(2).cluster(cluster);
        let explorer = explorer.checkpoints(checkpoints(directory.path()));
        let report = explorer.limits(Limits { depth: Some(9), ..Limits::default() }).explore();
        assert_eq!(report.expect("an exploration").stop, Some(Stop::Depth));
    });
    let alone = explorer::<Retraced<u64>>().explore().expect("an exploration");
    let resumed = explorer::<Retraced<u64>>().workers(3);
    let resumed = resumed.resume(directory.path(), &subject("5 managers")).expect("a checkpoint");
    let resumed = resumed.explore().expect("an exploration");
    assert_eq!((counts(&resumed), path(&resumed)), (counts(&alone), path(&alone)));
}

#[test]
fn a_process_of_another_run_is_refused_by_name() {
    let errors = together(clusters(2, PATIENCE), |cluster| {
        let scope = format!("{} managers", 4 + cluster.process());
        explorer::<Exact>().cluster(cluster.about(&subject(&scope))).explore().err()
    });
    for (process, error) in errors.into_iter().enumerate() {
        let Some(Error::Cluster(ClusterError::Other { process: other, what, .. })) = error else {
            panic!("{error:?}")
        };
        assert_eq!((other, what), (1 - process, "model, scope or other option"));
    }
    let errors = together(clusters(2, PATIENCE), |cluster| {
        let workers = 1 + cluster.process();
        explorer::<Exact>().workers(workers).cluster(cluster).explore().err()
    });
    let threads = |error: &Option<Error>| {
        matches!(error, Some(Error::Cluster(ClusterError::Other { what: "number of threads", .. })))
    };
    assert!(errors.iter().all(threads), "{errors:?}");
}

#[test]
fn a_process_that_does_not_come_is_named() {
    let mut first = clusters(2, Duration::from_secs(1));
    let second = first.pop();
    let error = explorer::<Exact>().cluster(first.remove(0)).explore().err();
    assert!(
        matches!(&error, Some(Error::Cluster(ClusterError::Absent { process: 1, seconds: 1, .. }))),
        "{error:?}"
    );
    drop(second);
    let nobody = Cluster::join(vec!["127.0.0.1:0".to_owned()], 1, PATIENCE).err();
    assert_eq!(nobody, Some(ClusterError::NoSuchProcess { process: 1, hosts: 1 }));
}

#[test]
fn states_that_stay_in_their_process_are_refused() {
    let cluster = clusters(1, PATIENCE).remove(0);
    let error = explorer::<Hashed<u64>>().cluster(cluster).explore().err();
    assert_eq!(error, Some(Error::NotStorable));
}
