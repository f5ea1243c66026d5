//! The seeded faults: small mistakes that an engine could have made, each with a name.
//!
//! **What it is.** One list. Each fault has one sentence that states what is wrong. It names the rule that this breaks, the clause of the
//! barrier (contract section 4) that it disobeys, and its place in the engine. The engine checks [`fault!`](crate::fault!) at the
//! place of the mistake; a core or a service is built with one at most, in its [`Config`], or with several to show that one hides no other. A
//! workbench that finds each of them has shown that it can.
//!
//! **What it is not.** A behaviour of the engine. Without the feature `faults` a [`Seeded`] has no room for a fault, the question
//! is constant false, and the compiler leaves nothing of it:
//!
//! ```
//! use contract::defect::{Fault, Seeded};
//!
//! assert_eq!(Seeded::of(Some(Fault::CancelReturnsEarly)).is(Fault::CancelReturnsEarly), Seeded::AVAILABLE);
//! assert!(!Seeded::NONE.is(Fault::CancelReturnsEarly));
//! ```
//!
//! **How it was chosen.** Most of it after looking: mistakes that no engine saw are not in it. So it shows less than it seems that all of
//! it is seen. The faults of the service from `wrong-object-called` on came with the checks that are to see them.
//! Two mistakes were left out: a wake-up lost when two jobs finish in one tick, and a leave that wakes no thread. They change nothing,
//! because another thread looks again soon.
//!
//! **The law it keeps.** A fault is one line in one place, every rule that has a monitor and every clause has at least one, and
//! everything that lists faults (the command, the tests, `docs/faults.md`) goes through [`Fault::ALL`].

use std::fmt;

use super::{Breaks, Place, Reach, With, defects, rule};
use crate::Rule::{self, *};
use crate::core::{Config, Core};

defects! {
    /// A mistake an engine could have made.
    Fault:

    CancelReturnsEarly = "cancel-returns-early", Core, rule(R1, Some(3)), Reach::EveryEngine,
        "Cancel does not wait for the delivery that has begun.";
    MaskReturnsEarly = "mask-returns-early", Core, rule(R2, Some(3)), Reach::EveryEngine,
        "SetNotifyFlags does not wait for the delivery that it masks.";
    MaskNothingNew = "mask-nothing-new", Core, rule(R2, Some(3)), Reach::EveryEngine,
        "SetNotifyFlags does not wait when the old mask masked the event, too.";
    DisableNeedsErrorBit = "disable-needs-error-bit", Core, rule(R2, None), Reach::EveryEngine,
        "BG_NOTIFY_DISABLE is looked at only when the bit of JobError is set, too.";
    RegisterReturnsEarly = "register-returns-early", Core, rule(R3, Some(3)), Reach::EveryEngine,
        "SetNotifyInterface does not wait for the delivery to the old object.";
    CmdLineReturnsEarly = "cmd-line-returns-early", Core, rule(R3, Some(3)), Reach::EveryEngine,
        "SetNotifyCmdLine does not wait for the program that is about to be started.";
    CompleteReturnsEarly = "complete-returns-early", Core, rule(R4, Some(3)), Reach::EveryEngine,
        "Complete does not wait for the delivery that has begun.";
    ResumeReturnsEarly = "resume-returns-early", Core, rule(R5, Some(3)), Reach::EveryEngine,
        "Resume out of ERROR or TRANSFERRED does not wait for the delivery that has begun.";
    ErrorKeptAfterResume = "error-kept-after-resume", Core, rule(R5, None), Reach::EveryEngine,
        "JobError is still told after Resume, for as long as the job has an error object.";
    TransientErrorTold = "transient-error-told", Core, rule(R5, None), Reach::EveryEngine,
        "JobError is told in TRANSIENT_ERROR, too.";
    ExpiryIgnoresDelivery = "expiry-ignores-delivery", Core, rule(R5, Some(5)), Reach::EveryEngine,
        "A job expires although a delivery of it has begun.";
    ErrorToldAgain = "error-told-again", Core, rule(R6, None), Reach::EveryEngine,
        "An acknowledged JobError is told again after the retry delay.";
    AckOfOlderCause = "ack-of-older-cause", Core, rule(R6, None), Reach::EveryEngine,
        "The acknowledgement of an earlier error settles the error that came meanwhile.";
    JobBeforeFiles = "job-before-files", Core, rule(R7, None), Reach::EveryEngine,
        "JobTransferred and JobError do not wait for the FileTransferred that are pending.";
    DeliveriesOverlap = "deliveries-overlap", Core, rule(R7, Some(1)), Reach::EveryEngine,
        "A delivery begins although another one of the job has begun.";
    EpochForgetsFiles = "epoch-forgets-files", Core, rule(R7, None), Reach::EveryEngine,
        "A new registration is told of files again that were acknowledged.";
    OldEpochFileAckLost = "old-epoch-file-ack-lost", Core, rule(R7, None), Reach::EveryEngine,
        "The acknowledgement of a file is lost when the interface was replaced meanwhile.";
    AckCarriedIntoEpoch = "ack-carried-into-epoch", Core, rule(R7, None), Reach::EveryEngine,
        "An acknowledgement is carried into the epoch of a registration that came meanwhile.";
    SameObjectNoEpoch = "same-object-no-epoch", Core, rule(R7, Some(3)), Reach::EveryEngine,
        "SetNotifyInterface with the object that is registered already changes nothing.";
    FlagsAreModification = "flags-are-modification", Core, rule(R8, None), Reach::EveryEngine,
        "SetNotifyFlags counts as a modification.";
    ModificationStays = "modification-stays", Core, rule(R8, None), Reach::EveryEngine,
        "A modification is still pending after its delivery has begun.";
    OneSlotTooMany = "one-slot-too-many", Core, rule(R9, Some(2)), Reach::EveryEngine,
        "A delivery begins when all slots of the user are taken.";
    FinalJobFound = "final-job-found", Core, rule(R10, None), Reach::EveryEngine,
        "GetJob finds a job that has ended.";
    FinalJobListed = "final-job-listed", Core, rule(R10, None), Reach::EveryEngine,
        "EnumJobs lists jobs that have ended.";
    RefusedFlagsStick = "refused-flags-stick", Core, rule(R11, None), Reach::EveryEngine,
        "SetNotifyFlags refuses unknown bits, and keeps the known ones.";
    RefusedNameSticks = "refused-name-sticks", Core, rule(R11, None), Reach::EveryEngine,
        "SetDisplayName refuses a name that is too long, and keeps it.";
    RefusedFilesStick = "refused-files-stick", Core, rule(R11, None), Reach::EveryEngine,
        "AddFileSet refuses a file, and keeps those before it.";
    RefusedObjectUnregisters = "refused-object-unregisters", Core, rule(R11, None), Reach::EveryEngine,
        "SetNotifyInterface refuses an object, and drops the one that was registered.";
    EmptyResumeSucceeds = "empty-resume-succeeds", Core, rule(R12, None), Reach::EveryEngine,
        "Resume of a job without work answers S_OK.";
    PartialIsWhole = "partial-is-whole", Core, rule(R12, None), Reach::EveryEngine,
        "A Complete that leaves files out answers as one that does not.";
    ResumeSkipsQueue = "resume-skips-queue", Core, rule(R13, None), Reach::EveryEngine,
        "Resume goes to TRANSFERRING at once.";
    SuspendLeavesError = "suspend-leaves-error", Core, rule(R13, None), Reach::EveryEngine,
        "Suspend takes a job out of ERROR.";
    StaleBytesKept = "stale-bytes-kept", Core, rule(R14, None), Reach::EveryEngine,
        "Bytes of a file that was larger are kept when a smaller size becomes known.";
    BytesPastTheEnd = "bytes-past-the-end", Core, rule(R14, None), Reach::EveryEngine,
        "More bytes are counted than the file has.";
    CancelKeepsDone = "cancel-keeps-done", Core, rule(R15, None), Reach::EveryEngine,
        "Cancel leaves the temporary files that are whole.";
    PartialRenamesUnfinished = "partial-renames-unfinished", Core, rule(R15, None), Reach::EveryEngine,
        "A partial Complete renames an unfinished file.";
    RenamedForgotten = "renamed-forgotten", Core, rule(R15, None), Reach::EveryEngine,
        "After a failed rename the files renamed before it count as not renamed.";
    CalledIsWaitedFor = "called-is-waited-for", Core, rule(R16, Some(4)), Reach::EveryEngine,
        "A delivery that has called the engine is waited for like any other.";
    ProgramIsWaitedFor = "program-is-waited-for", Core, rule(R16, Some(6)), Reach::EveryEngine,
        "A program is waited for until it exits.";
    PanicAcknowledges = "panic-acknowledges", Core, rule(R18, None), Reach::EveryEngine,
        "A callback that panics has acknowledged its event.";
    AnySuccessAcknowledges = "any-success-acknowledges", Core, rule(R18, None), Reach::EveryEngine,
        "S_FALSE acknowledges JobTransferred and JobError.";
    OneJobTooMany = "one-job-too-many", Core, rule(R12, None), Reach::EveryEngine,
        "A user gets one job more than the limit.";
    NewEpochUntold = "new-epoch-untold", Core, rule(R19, None), Reach::EveryEngine,
        "A new registration is not told of the end that the old one has acknowledged.";
    LastFileUntold = "last-file-untold", Core, rule(R19, None), Reach::EveryEngine,
        "The FileTransferred of the last file is dropped when the job becomes TRANSFERRED.";
    OneCallbackPerUser = "one-callback-per-user", Core, rule(R19, None), Reach::EveryEngine,
        "A delivery waits until no other callback of the user runs, although slots are free.";
    NeverToldAgain = "never-told-again", Core, rule(R19, None), Reach::EveryEngine,
        "The retry time of a callback that failed starts again whenever it is over.";
    MaskWaitsForAny = "mask-waits-for-any", Core, rule(R16, Some(3)), Reach::EveryEngine,
        "SetNotifyFlags waits for a delivery that the new mask lets through, too.";
    OthersJobFound = "others-job-found", Core, rule(R12, None), Reach::EveryEngine,
        "GetJob finds the job of another user.";
    OthersJobListed = "others-job-listed", Core, rule(R12, None), Reach::EveryEngine,
        "EnumJobs lists the jobs of all users.";
    LogoffOfAll = "logoff-of-all", Core, rule(R13, None), Reach::EveryEngine,
        "The logoff of one user stops the transfers of every user.";
    FinalisingLosesNetwork = "finalising-loses-network", Core, rule(R13, None), Reach::EveryEngine,
        "The loss of the network moves a job that a call is ending.";
    NetworkBackResumes = "network-back-resumes", Core, rule(R13, None), Reach::EveryEngine,
        "The return of the network resumes suspended jobs.";
    NetworkBackForgets = "network-back-forgets", Core, rule(R13, None), Reach::EveryEngine,
        "The return of the network does not reach a job whose transfer has failed by itself.";
    OldAttemptCounts = "old-attempt-counts", Core, rule(R14, None), Reach::EveryEngine,
        "What an older attempt of a transfer reports counts for the one that runs.";
    SecondSizeIgnored = "second-size-ignored", Core, rule(R14, None), Reach::EveryEngine,
        "A size that becomes known when another one was known is ignored.";
    FetchedFromStart = "fetched-from-start", Core, rule(R14, None), Reach::EveryEngine,
        "A transfer that starts again fetches the bytes again that are here.";
    LateDiskCompletes = "late-disk-completes", Core, rule(R15, None), Reach::EveryEngine,
        "A result of disk work that no call waits for completes the job.";
    StrayLeaveEndsAnother = "stray-leave-ends-another", Core, rule(R18, None), Reach::EveryEngine,
        "The leave of a delivery that is gone ends the one that began last.";
    NoProgressRetries = "no-progress-retries", Core, rule(R13, None), Reach::EveryEngine,
        "When the no-progress timeout is over, the transfer is tried again.";
    RetryDelayDoubled = "retry-delay-doubled", Core, rule(R18, None), Reach::EveryEngine,
        "A callback that failed is told again after twice the minimum retry delay.";
    SliceLostByComplete = "slice-lost-by-complete", Core, rule(R13, None), Reach::EveryEngine,
        "A job whose Complete has failed has no time slice any more, and keeps its slot.";
    TransferNotRestarted = "transfer-not-restarted", Core, rule(R13, None), Reach::EveryEngine,
        "After a Complete that failed the transfer of the job is not started again.";
    SuspendSpins = "suspend-spins", Core, rule(R16, None), Reach::EveryEngine,
        "Suspend of a job that transfers does not come back: it is busy for ever.";

    WaitEndsAtAnyWake = "wait-ends-at-any-wake", Service, rule(R1, Some(3)), Reach::EveryEngine,
        "A call that waits at the barrier goes on at the first wake-up, whatever it was for.";
    ReleasedAtBegin = "released-at-begin", Service, rule(R1, Some(2)), Reach::EveryEngine,
        "A delivery counts as entered when it begins, a moment before it enters.";
    BegunReadBeforeLock = "begun-read-before-lock", Service, rule(R2, Some(3)),
        Reach::OnlySchedules("on real threads the moment between the two locks is too short"),
        "Whether a delivery has begun is read before the lock under which the mask changes.";
    ProgramStartedEarly = "program-started-early", Service, rule(R3, Some(6)), Reach::EveryEngine,
        "A program counts as started just before its process is created.";
    PoolStaysSmall = "pool-stays-small", Service, rule(R9, None),
        Reach::OnlySchedules("on real threads a callback that stays gives up after a while, before everything is at rest"),
        "There is one dispatcher and never a second, so that a callback keeps every other user waiting.";
    BusyIsSuccess = "busy-is-success", Service, rule(R12, None),
        Reach::OnlySchedules("on a real disk a job is being ended for too short a time"),
        "A call on a job that another call is ending answers S_OK and does nothing.";
    HiddenRenameFailure = "hidden-rename-failure", Service, rule(R15, None),
        Reach::EveryEngine,
        "A rename that fails is taken for one that did not.";
    CalledOnOwnJobOnly = "called-on-own-job-only", Service, rule(R16, Some(4)), Reach::EveryEngine,
        "A callback counts as entered only when it calls on its own job.";
    GetterWaits = "getter-waits", Service, rule(R16, Some(7)), Reach::EveryEngine,
        "GetState waits until no callback of the job runs, so that the price of clause 7 is paid by those who forbid nothing.";
    BusyAtBarrier = "busy-at-barrier", Service, rule(R16, Some(3)), Reach::EveryEngine,
        "A call that waits at the barrier is busy and keeps the lock, so that what it waits for never leaves.";
    TickWakesNobody = "tick-wakes-nobody", Service, rule(R18, None),
        Reach::OnlySchedules("on a busy service another event wakes them soon"),
        "A timer that fires wakes no dispatcher for what it has made due.";
    SlotLeakedByPanic = "slot-leaked-by-panic", Service, rule(R18, None), Reach::EveryEngine,
        "A callback that panics never gives its slot back.";
    RenamesGoOn = "renames-go-on", Service, rule(R15, None), Reach::EveryEngine,
        "Complete goes on with the other files after a rename that failed.";
    ErrorSwallowed = "error-swallowed", Service, rule(R19, None), Reach::EveryEngine,
        "A dispatcher acknowledges JobError for the client, and never calls it.";
    WrongObjectCalled = "wrong-object-called", Service, rule(R3, None), Reach::EveryEngine,
        "A delivery calls another object than the one that its job has registered.";
    WrongJobHanded = "wrong-job-handed", Service, rule(R5, None), Reach::EveryEngine,
        "A callback is handed the first job, whichever job it is about.";
    WrongFileHanded = "wrong-file-handed", Service, rule(R5, None), Reach::EveryEngine,
        "FileTransferred hands the first file of the job, whichever file is done.";
    WrongErrorHanded = "wrong-error-handed", Service, rule(R5, None), Reach::EveryEngine,
        "JobError hands an error object without the code of the error.";
    CallbackNotMade = "callback-not-made", Service, rule(R5, None), Reach::EveryEngine,
        "A delivery of JobModification enters and leaves, and the client's object is not called.";
    CallbackMadeTwice = "callback-made-twice", Service, rule(R5, None), Reach::EveryEngine,
        "One delivery of JobTransferred calls the client's object twice.";
    NotStartedAcknowledges = "not-started-acknowledges", Service, rule(R19, Some(6)), Reach::EveryEngine,
        "A program that cannot be started counts as one that exited with 0.";
    OneWakeForAll = "one-wake-for-all", Service, rule(R16, None), Reach::EveryEngine,
        "A change wakes one of the threads that wait for it, and not all of them.";
    LocksInverted = "locks-inverted", Service, rule(R16, None),
        Reach::OnlySchedules("on real threads the moment between the two locks is too short"),
        "When the last handle of a job is dropped, the two locks are taken in the other order.";
    DroppedUnderLock = "dropped-under-lock", Service, rule(R16, None), Reach::EveryEngine,
        "The object that SetNotifyInterface replaces is dropped while the lock is held, so that its destructor cannot call.";
    WaitsBusily = "waits-busily", Service, rule(R16, Some(3)), Reach::EveryEngine,
        "Cancel waits for the callback without giving the lock back, so that the callback never comes to its end.";
    TidyLooksOnce = "tidy-looks-once", Service, rule(R15, None),
        Reach::OnlySchedules("on a real disk a job is being ended for too short a time"),
        "A worker that waits until a job has ended goes on at the first wake-up, whatever it was for.";
    StopUnheard = "stop-unheard", Service, rule(R15, None), Reach::EveryEngine,
        "A transfer that is no longer wanted is told to go on.";
    PanicKillsDispatcher = "panic-kills-dispatcher", Service, rule(R19, None),
        Reach::OnlySchedules("with as many dispatchers as a real service has, there is always another one"),
        "A dispatcher ends when a callback panics.";
    ForeignIdFound = "foreign-id-found", Service, rule(R10, None),
        Reach::OnlyLive("elsewhere jobs are named by number"),
        "GetJob takes the id of another service for its own.";
    CloneStartsOver = "clone-starts-over", Service, rule(R12, None),
        Reach::OnlyLive("no other engine holds an enumerator"),
        "A clone of an enumerator starts at the first item.";
    UsersStarved = "users-starved", Service, rule(R19, None),
        Reach::OnlyLive("elsewhere there are more workers than transfers"),
        "When every worker is busy, a user whom none of them serves waits, too.";
    RefusalUnheard = "refusal-unheard", Service, rule(R12, None),
        Reach::OnlyLive("no other engine asks for the reasons of refusals"),
        "An argument is refused, and the client that asked for the reason gets none.";
    SkipPastTheEnd = "skip-past-the-end", Service, rule(R12, None),
        Reach::OnlyLive("no other engine holds an enumerator"),
        "Skip answers S_OK when fewer items are left than it was to skip.";
    FirstFileBlamed = "first-file-blamed", Service, rule(R5, None),
        Reach::OnlyLive("elsewhere the objects of an error are not looked at"),
        "GetFile of an error gives the first file of the job, whichever failed.";
    ReplacedObjectKept = "replaced-object-kept", Service, rule(R3, None),
        Reach::OnlyLive("elsewhere nothing asks whether an object goes"),
        "A client object that was replaced is never let go.";
    ExitCodeIgnored = "exit-code-ignored", Service, rule(R18, Some(6)),
        Reach::OnlyLive("in a race the exit code is chosen behind the place of the mistake"),
        "A notification program has acknowledged its event, whatever it exits with.";
    OlderAttemptIgnored = "older-attempt-ignored", Service, rule(R15, None), Reach::EveryEngine,
        "A new attempt does not wait until the older one has let go of the file.";
    FetchUnrecorded = "fetch-unrecorded", Service, rule(R15, None), Reach::EveryEngine,
        "No fetch is recorded, so that a trace does not show which attempt brought a file.";
    HandleKept = "handle-kept", Service, rule(R18, None),
        Reach::OnlySchedules("elsewhere nothing counts the handles of threads"),
        "A thread that has ended keeps its stack until the service ends.";
    LeftoverKept = "leftover-kept", Service, rule(R15, None), Reach::EveryEngine,
        "A temporary file that a transfer makes again behind Cancel stays.";
    LockKept = "lock-kept", Service, rule(R16, None), Reach::EveryEngine,
        "Cancel never lets go of the engine's lock.";
    MuteTransferForgotten = "mute-transfer-forgotten", Service, rule(R16, None),
        Reach::OnlyLive("in a race nothing asks why a job is still TRANSFERRING"),
        "A fetch that goes away without a last word is not retried.";
    HeldBackBytesLost = "held-back-bytes-lost", Service, rule(R14, None),
        Reach::OnlyLive("in a race no fetch reports few bytes"),
        "The bytes that were held back are not reported before the end of a file.";
    VersionForgotten = "version-forgotten", Service, rule(R14, None),
        Reach::OnlyLive("elsewhere there is no server with versions"),
        "Which version of a file is here is forgotten between two attempts.";

    RestWithoutEvidence = "rest-without-evidence", Transfer, rule(R15, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "The rest of a file is asked for and taken although nothing shows of which version it is.";
    RangeNotCompared = "range-not-compared", Transfer, rule(R15, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "The rest of a file is taken wherever the server says that it starts.";
    TagNotSent = "tag-not-sent", Transfer, rule(R15, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "The rest of a file is asked for without its entity tag.";
    CutIsWhole = "cut-is-whole", Transfer, rule(R15, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "A body that ends before its announced length is a whole file.";
    AnyCoding = "any-coding", Transfer, rule(R15, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "The server may encode the file: the request does not forbid it.";
    NotFoundIsRetried = "not-found-is-retried", Transfer, rule(R13, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "HTTP status 404 counts as an error that may go away.";
    ConflictIsFatal = "conflict-is-fatal", Transfer, rule(R13, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "HTTP status 409 counts as an error that stays.";
    SchemeChanges = "scheme-changes", Transfer, rule(R15, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "A redirect to another scheme is followed.";
    RemoteFileBlamed = "remote-file-blamed", Transfer, rule(R5, None),
        Reach::OnlyLive("elsewhere there is no disk to fail"),
        "What the disk refuses is reported as an error of the remote file.";
    AnyoneTrusted = "anyone-trusted", Transfer, rule(R15, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "The certificate of a server is not looked at.";
    SlowBodyTolerated = "slow-body-tolerated", Transfer, rule(R16, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "A server that sends a byte from time to time keeps its transfer for ever.";
    PatientForEver = "patient-for-ever", Transfer, rule(R16, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "A server that sends framing without a byte of the file is listened to for ever.";
    SaysMoreAfterStop = "says-more-after-stop", Transfer, rule(R13, None),
        Reach::OnlyLive("elsewhere there is no server"),
        "A transfer goes on fetching after it was told to stop.";
}

impl Fault {
    /// The rule it breaks first of all; what else goes wrong follows from it.
    #[must_use]
    pub const fn rule(self) -> Rule {
        match self.defect().breaks {
            Breaks::Rule(rule) => rule,
            _ => panic!("a fault breaks a rule"),
        }
    }

    /// The clause of contract section 4 that it disobeys, by number, where it is about the barrier.
    #[must_use]
    pub const fn clause(self) -> Option<u8> {
        self.defect().clause
    }

    /// Where it sits.
    #[must_use]
    pub const fn place(self) -> Place {
        self.defect().places[0]
    }

    /// Who can meet it.
    #[must_use]
    pub const fn reach(self) -> Reach {
        self.defect().reach
    }

    /// Whether a subject with it comes back, however long that takes. One that does not has to be in a process that can be ended.
    #[must_use]
    pub const fn comes_back(self) -> bool {
        !matches!(self, Fault::SuspendSpins | Fault::BusyAtBarrier)
    }
}

/// Without the feature it has none.
impl<C: Core> With<Fault> for C {
    fn with(fault: Fault, config: &Config) -> C {
        C::new(&Config { seeded: Seeded::of(Some(fault)), ..*config })
    }
}

/// Which of the faults are in a core or a service: none or one, and more only where it is shown that one hides no other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Seeded {
    /// A bit each.
    #[cfg(feature = "faults")]
    faults: u128,
}

/// Each fault has a bit.
const _: () = assert!(Fault::ALL.len() <= u128::BITS as usize);

impl Seeded {
    /// No fault.
    pub const NONE: Seeded = Seeded::of(None);

    /// Whether this build can have faults at all.
    pub const AVAILABLE: bool = cfg!(feature = "faults");

    /// This fault, where the build can have one.
    #[must_use]
    pub const fn of(fault: Option<Fault>) -> Seeded {
        match fault {
            Some(fault) => NOTHING.and(fault),
            None => NOTHING,
        }
    }

    /// These, and one more, where the build can have one.
    #[must_use]
    pub const fn and(self, fault: Fault) -> Seeded {
        #[cfg(feature = "faults")]
        return Seeded { faults: self.faults | 1_u128 << fault as u8 };
        #[cfg(not(feature = "faults"))]
        {
            let _ = fault;
            self
        }
    }

    /// Whether this fault is in it: constant false without the feature.
    #[inline(always)]
    #[must_use]
    pub const fn is(self, asked: Fault) -> bool {
        #[cfg(feature = "faults")]
        return self.faults >> asked as u8 & 1 == 1;
        #[cfg(not(feature = "faults"))]
        {
            let _ = asked;
            false
        }
    }
}

const NOTHING: Seeded = Seeded {
    #[cfg(feature = "faults")]
    faults: 0,
};

/// Without the feature the answer is constant false, and nothing is carried.
#[cfg(not(feature = "faults"))]
const _: () = assert!(
    size_of::<Seeded>() == 0 && !Seeded::of(Some(Fault::CancelReturnsEarly)).is(Fault::CancelReturnsEarly)
);

impl fmt::Debug for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seeded = Fault::ALL.iter().filter(|fault| self.is(**fault));
        let names: Vec<&str> = seeded.map(|fault| fault.name()).collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(" and "))
    }
}

/// Whether the fault is in the subject whose [`Config`](crate::core::Config) `$of.config` is.
#[macro_export]
macro_rules! fault {
    ($of:expr, $name:ident) => {
        $of.config.seeded.is($crate::defect::Fault::$name)
    };
}

crate::named!(Fault, UnknownFault, "a fault");
