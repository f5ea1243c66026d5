//! The guards and effects that are code, and what each becomes.

use std::fmt;

/// Which part of the model a site is in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Part {
    /// The specification of one job.
    Spec,
    /// The protocol of threads, lock, dispatchers and slots.
    Protocol,
    /// The monitors of the rules.
    Rules,
}

impl Part {
    /// Its name, as ids have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Part::Spec => "spec",
            Part::Protocol => "protocol",
            Part::Rules => "rules",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

macro_rules! sites {
    ($($part:ident: { $($name:ident = $text:literal, $what:literal;)* })*) => {
        /// A place in the code of the model, and how it is changed there.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Site {
            $($(#[doc = $what] $name,)*)*
        }

        impl Site {
            /// Every one, part by part.
            pub const ALL: &'static [Site] = &[$($(Site::$name,)*)*];

            /// Its name, as it is typed.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($(Site::$name => $text,)*)* }
            }

            /// What the model does there instead, as one sentence.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $($(Site::$name => $what,)*)* }
            }

            /// The part of the model it is in.
            #[must_use]
            pub const fn part(self) -> Part {
                match self { $($(Site::$name => Part::$part,)*)* }
            }
        }
    };
}

sites! {
    Spec: {
        FinalAllowsAll = "final-allows-all", "A final state forbids no method.";
        BusyIsOpen = "busy-is-open", "A call on a finalising job is answered like any other.";
        EmptyResumes = "empty-resumes", "Resume of a SUSPENDED job without work succeeds.";
        TransferredResumes = "transferred-resumes", "Resume in TRANSFERRED without new work succeeds.";
        ResumeNeedsNoWork = "resume-needs-no-work", "Resume moves a job without work.";
        ResumeIgnoresSlot = "resume-ignores-slot", "Resume goes by the dialect alone, whether a slot is free or not.";
        SuspendMovesNothing = "suspend-moves-nothing", "Suspend leaves the state as it is.";
        CompleteRenamesAll = "complete-renames-all", "Complete renames unfinished files, too.";
        CompleteRemovesNothing = "complete-removes-nothing", "Complete leaves the temporary files it does not rename.";
        CancelKeepsWhole = "cancel-keeps-whole", "Cancel removes only files that are not whole.";
        CancelRemovesRenamed = "cancel-removes-renamed", "Cancel removes files that are renamed already.";
        LeftBehindUntold = "left-behind-untold", "Cancel answers S_OK whatever it has left behind.";
        LeftBehindUntoldByComplete = "left-behind-untold-by-complete",
            "Complete answers S_OK whatever it has left behind.";
        NothingIsWhole = "nothing-is-whole", "Complete of a job without a whole file is not partial.";
        UnfinishedIsWhole = "unfinished-is-whole", "Complete with unfinished files is not partial.";
        RenamedForgotten = "renamed-forgotten", "A failed Complete forgets what it has renamed.";
        RenameFailureEnds = "rename-failure-ends", "A failed Complete leaves the job finalising.";
        OthersJobFound = "others-job-found", "GetJob gives out another user's job.";
        OthersJobListed = "others-job-listed", "EnumJobs lists other users' jobs.";
        FinalJobFound = "final-job-found", "GetJob finds a job that has ended.";
        FinalJobListed = "final-job-listed", "EnumJobs lists jobs that have ended.";
        AnyNameIsGood = "any-name-is-good", "CreateJob and SetDisplayName take any name, or none.";
        AnyKindIsGood = "any-kind-is-good", "CreateJob takes any kind of job.";
        JobsOfAUserUnlimited = "jobs-of-a-user-unlimited", "A user may have any number of jobs.";
        JobsOfAMachineUnlimited = "jobs-of-a-machine-unlimited", "A machine may have any number of jobs.";
        FilesOneByOne = "files-one-by-one", "A refused AddFileSet keeps the files before the bad one.";
        AnyFileIsGood = "any-file-is-good", "AddFile takes any names.";
        FilesUnlimited = "files-unlimited", "A full job takes another file and forgets it.";
        AnyFlagIsGood = "any-flag-is-good", "SetNotifyFlags takes unknown bits.";
        RefusedFlagsStick = "refused-flags-stick", "Refused flags are kept.";
        MaskedChangeKept = "masked-change-kept", "A change that nobody is to be told of any more is kept.";
        AnyObjectIsGood = "any-object-is-good", "An object without the first interface can be registered.";
        EpochNotCounted = "epoch-not-counted", "A registration begins no new epoch.";
        NoReplay = "no-replay", "A new registration is not told again what was acknowledged.";
        ParametersAlone = "parameters-alone", "SetNotifyCmdLine takes parameters without a program.";
        RemovedProgramOwesNothing = "removed-program-owes-nothing", "A program that is removed leaves nothing owed.";
        ProgramTurnStays = "program-turn-stays", "A program that is removed still has its turn.";
        NoFloor = "no-floor", "SetMinimumRetryDelay sets any delay.";
        AnyPriorityIsNormal = "any-priority-is-normal", "SetPriority takes unknown priorities for the normal one.";
        AnyFileExists = "any-file-exists", "A file that does not exist has a progress.";
        AnyRemoteIsGood = "any-remote-is-good", "FileSetRemoteName takes any name.";
        ErrorAlwaysThere = "error-always-there", "GetError succeeds without an error.";
        ErrorHasNoFile = "error-has-no-file", "An error is about no file.";
        WholeIsRenamed = "whole-is-renamed", "A file counts as completed when it is whole.";
        CurrentBytesUncounted = "current-bytes-uncounted", "The bytes of the current file are no progress.";
        FinalisingMoves = "finalising-moves", "Environment steps happen to a finalising job.";
        TurnNeedsNoSlot = "turn-needs-no-slot", "A job has its turn without a free slot.";
        TurnKnowsNoRank = "turn-knows-no-rank", "A job has its turn before one of higher priority.";
        AnyoneLosesTheSlot = "anyone-loses-the-slot", "A job loses its slot although nobody waits for it.";
        RetryNeedsNoTimer = "retry-needs-no-timer", "A retry comes although no timer runs.";
        ExpiryInterrupts = "expiry-interrupts", "A job expires although a delivery of it has begun.";
        LostRetries = "lost-retries", "A retry timer runs without the network.";
        TimeoutIgnoredByRetry = "timeout-ignored-by-retry", "A retry timer runs beyond the no-progress timeout.";
        TurnForgotten = "turn-forgotten", "The scheduler has nothing to do when a slot is free.";
        PreemptForgotten = "preempt-forgotten", "The scheduler takes no slot away for a higher priority.";
        BytesAnywhere = "bytes-anywhere", "Bytes arrive in any state.";
        BytesOfAnyFile = "bytes-of-any-file", "Bytes arrive for any file.";
        BytesGoBack = "bytes-go-back", "Bytes may go backwards.";
        BytesUnlimited = "bytes-unlimited", "Bytes may exceed the total.";
        TotalsUncompared = "totals-uncompared", "Bytes may come with any total.";
        RestartKeepsBytes = "restart-keeps-bytes", "A file that starts again keeps its bytes.";
        BytesAreQuiet = "bytes-are-quiet", "Bytes are no modification.";
        DoneKeepsBytes = "done-keeps-bytes", "The next file begins with the bytes of the last.";
        DoneStaysUnknown = "done-stays-unknown", "A whole file of unknown size keeps it unknown.";
        TransferredEarly = "transferred-early", "A job is TRANSFERRED after its first file.";
        ErrorUncounted = "error-uncounted", "An error is not counted.";
        ErrorFileForgotten = "error-file-forgotten", "An error forgets its file.";
        LossIsNoError = "loss-is-no-error", "A lost network leaves no error.";
        TimeoutKeepsError = "timeout-keeps-error", "A no-progress timeout keeps the error that was.";
        RenamesUnfinished = "renames-unfinished", "An unfinished file may be renamed.";
        ChangesUncompared = "changes-uncompared", "What a call changed is not compared.";
        FeltTwice = "felt-twice", "A step that concerned many is taken again by each.";
        QuietStates = "quiet-states", "A change of the state is no modification.";
        ErrorOutlivesTransfer = "error-outlives-transfer", "The error object stays while the job transfers.";
        ErrorOutlivesEnd = "error-outlives-end", "The error object stays when the job has ended.";
        ToldOutlivesState = "told-outlives-state", "What was acknowledged stays so when the state is entered again.";
        EndKeepsCauses = "end-keeps-causes", "A job that ends keeps causes of states it had left.";
        EntryNotCounted = "entry-not-counted", "A new entry into a state is not told from the old one.";
        NothingIsLost = "nothing-is-lost", "Without replay, what nobody hears is told later.";
        NoFileIsLost = "no-file-is-lost", "Without replay, a file that nobody hears of is told later.";
        ProgramsFirst = "programs-first", "A program is told before the interface.";
        ProgramsNever = "programs-never", "The program's turn never comes.";
        DeliveriesOverlap = "deliveries-overlap", "A delivery begins although one has begun.";
        AnythingBegins = "anything-begins", "A delivery begins that is not pending.";
        AnyOrder = "any-order", "Deliveries begin in any order.";
        AnyTarget = "any-target", "A delivery goes to anybody.";
        ProgramsOverlap = "programs-overlap", "A program may tell an event that a program already tells.";
        ModificationFirst = "modification-first", "JobModification begins before other events.";
        SlotsUnlimited = "slots-unlimited", "A user has any number of callback slots.";
        ProgramKeepsEpoch = "program-keeps-epoch", "A program is of the epoch in which it began.";
        ProgramHoldsOn = "program-holds-on", "A program holds back other deliveries until it exits.";
        StaleSettles = "stale-settles", "A late leave settles what was caused after it began.";
        FilesUnsettled = "files-unsettled", "A file's acknowledgement settles nothing.";
        FailureIsForgotten = "failure-is-forgotten", "A delivery that failed is not owed.";
        ChainForgotten = "chain-forgotten", "A program is not told when the interface has failed.";
        OnceIsForgotten = "once-is-forgotten", "JobTransferred is repeated where the dialect does not.";
        ChainGoesOn = "chain-goes-on", "After the program has failed it is its turn again.";
        FlightsNotCounted = "flights-not-counted", "A late leave meets no delivery in flight.";
        WaitingHidesNothing = "waiting-hides-nothing", "JobModification waits for an event that waits itself.";
    }
    Rules: {
        R1FailedCancels = "r1-failed-cancels", "R1 takes a failed Cancel for one.";
        R3ProgramsHearAll = "r3-programs-hear-all", "R3 lets a program be told anything.";
        R4FailedCompletes = "r4-failed-completes", "R4 takes a failed Complete for one.";
        R5UnfinishedFiles = "r5-unfinished-files", "R5 lets a FileTransferred report an unfinished file.";
        R5AnyState = "r5-any-state", "R5 lets JobTransferred and JobError start in any state.";
        R5LeavingIsOut = "r5-leaving-is-out", "R5 gives no time to the callback on its way when a call takes the job out.";
        R5StayedIsIn = "r5-stayed-is-in", "R5 lets a callback start when the call that took the job out is back.";
        R6CauseStays = "r6-cause-stays", "R6 takes a new entry for the one that was acknowledged.";
        R6AckForgotten = "r6-ack-forgotten", "R6 forgets the acknowledgements of JobTransferred and JobError.";
        R6FileAckForgotten = "r6-file-ack-forgotten", "R6 forgets the acknowledgements of files.";
        R6RegisteringExcusesNothing = "r6-registering-excuses-nothing", "R6 does not excuse by a registration that is under way.";
        R6RegisteredExcusesNothing = "r6-registered-excuses-nothing", "R6 does not begin anew with a registration.";
        R7FilesOverlap = "r7-files-overlap", "R7 lets file callbacks overlap.";
        R7ReplayAllowed = "r7-replay-allowed", "R7 lets an acknowledged file be told again after a registration.";
        R7OwedForgotten = "r7-owed-forgotten", "R7 lets the job's callback start before a file's.";
        R7OwedStays = "r7-owed-stays", "R7 thinks a file owed that the mask or the registration has stopped.";
        R8CallsUncounted = "r8-calls-uncounted", "R8 counts no calls as modifications.";
        R8BytesUncounted = "r8-bytes-uncounted", "R8 counts no bytes as modifications.";
        R8StatesUncounted = "r8-states-uncounted", "R8 counts no states as modifications.";
        R8FailuresCount = "r8-failures-count", "R8 counts a failed call as a modification.";
        R10EndedMoves = "r10-ended-moves", "R10 lets a job that has ended move.";
        R10Found = "r10-found", "R10 lets GetJob find a job that has ended.";
        R10OverlapCounts = "r10-overlap-counts", "R10 complains of a GetJob that overlaps the end.";
        R11StateChanges = "r11-state-changes", "R11 lets a failed call change the state.";
        R11ValuesStick = "r11-values-stick", "R11 lets a getter give back what a failed setter has set.";
        R11TextsStick = "r11-texts-stick", "R11 lets a getter give back a text or a number of files that only a failed call can have set.";
        R12Resume = "r12-resume", "R12 allows Resume no refusal for want of work.";
        R12Leftovers = "r12-leftovers", "R12 allows no code for files left behind.";
        R12Partial = "r12-partial", "R12 allows no code for a partial Complete.";
        R12RenameFails = "r12-rename-fails", "R12 allows Complete no file-system error.";
        R12NoError = "r12-no-error", "R12 allows no refusal for want of an error.";
        R12FinalAllowed = "r12-final-allowed", "R12 lets a final state allow what others allow.";
        R13GetterLies = "r13-getter-lies", "R13 lets GetState tell any state.";
        R13FromAnywhere = "r13-from-anywhere", "R13 does not compare the state a job leaves with the one it was in.";
        R13AnyEdge = "r13-any-edge", "R13 takes any change for an edge.";
        R13AnyBirth = "r13-any-birth", "R13 lets a job be born in any state.";
        R12LimitsAreOpen = "r12-limits-are-open", "R12 lets a user have a job, or a job a file, beyond the limit.";
        R12AnyOwner = "r12-any-owner", "R12 does not ask whose job it is.";
        R13AnyLogoff = "r13-any-logoff", "R13 lets a logoff move the job of another user.";
        R13EndingMoves = "r13-ending-moves", "R13 lets the environment move a job that a call is ending.";
        R14OldAttemptsReport = "r14-old-attempts-report", "R14 lets a job make progress that is not being transferred.";
        R14JobSums = "r14-job-sums", "R14 does not add up a job's progress.";
        R14FileSums = "r14-file-sums", "R14 does not add up a file's progress.";
        R14BytesUnlimited = "r14-bytes-unlimited", "R14 lets bytes exceed the total.";
        R14GoesBack = "r14-goes-back", "R14 lets bytes go backwards.";
        R14DoneEarly = "r14-done-early", "R14 lets a file be done without its bytes.";
        R14SizeBelowBytes = "r14-size-below-bytes", "R14 lets a size become known that is below the bytes.";
        R14RestartUnseen = "r14-restart-unseen", "R14 does not see a file start again.";
        R15RenamedAnyTime = "r15-renamed-any-time", "R15 lets a file be renamed without a Complete.";
        R15RenamedUnfinished = "r15-renamed-unfinished", "R15 lets an unfinished file be renamed.";
        R15WrongBytes = "r15-wrong-bytes", "R15 takes wrong bytes for good ones.";
        R15Absent = "r15-absent", "R15 lets a renamed file be absent.";
        R15Temporary = "r15-temporary", "R15 lets a clean Cancel leave temporary files.";
        R15GoesOn = "r15-goes-on", "R15 lets Complete go on after a rename that failed.";
        R15FetchesOverlap = "r15-fetches-overlap", "R15 lets two fetches of a file overlap.";
        R15FetchedAfterEnd = "r15-fetched-after-end", "R15 lets a fetch begin after the job has ended.";
        R18OwedForgotten = "r18-owed-forgotten", "R18 forgets what is owed when a callback fails.";
        R18FilesForgotten = "r18-files-forgotten", "R18 forgets what is owed when a file's callback fails.";
        R18PanicForgotten = "r18-panic-forgotten", "R18 does not mind calls that a panic has stranded.";
        R18SettledIsOwed = "r18-settled-is-owed", "R18 thinks an event owed that was told again and acknowledged.";
        R18StateKeepsOwed = "r18-state-keeps-owed", "R18 thinks an event owed when its state was left.";
        R19JobsForgotten = "r19-jobs-forgotten", "R19 forgets JobTransferred and JobError that were never told.";
        R19FilesForgotten = "r19-files-forgotten", "R19 forgets files that were never told.";
        R19SettledIsOwed = "r19-settled-is-owed", "R19 thinks an event owed that was told and acknowledged.";
        R19EpochsAreOne = "r19-epochs-are-one", "R19 lets an acknowledgement in an older registration count for the new one.";
        LeaverExcusesForever = "leaver-excuses-forever", "A call that took a job out of a state excuses callbacks for ever.";
        StaysAreUnambiguous = "stays-are-unambiguous", "A callback is always about the present stay.";
        Callback2Everywhere = "callback2-everywhere", "Every object is taken to have the second interface.";
        StatesOfCallForgotten = "states-of-call-forgotten", "A call is judged by the state it started in alone.";
        DoneForgotten = "done-forgotten", "Which files are done is forgotten.";
    }
    Protocol: {
        CallsUnlimited = "calls-unlimited", "A full job takes another file.";
        BusyGoesOn = "busy-goes-on", "A call on a finalising job goes on at once.";
        ReturnsWhileBegun = "returns-while-begun", "A call that waits returns while it still has to wait.";
        ClaimNeedsNoDispatcher = "claim-needs-no-dispatcher", "A delivery is claimed without a free dispatcher.";
        ClaimNeedsNoSlot = "claim-needs-no-slot", "A delivery takes a slot that is not free.";
        NobodyClaims = "nobody-claims", "No dispatcher claims anything.";
        NobodyBegins = "nobody-begins", "No claimed delivery begins.";
        NobodyEnters = "nobody-enters", "No begun delivery enters.";
        NobodySettles = "nobody-settles", "No delivery that has left is settled.";
        NobodyReturns = "nobody-returns", "No call returns.";
        NobodyTurns = "nobody-turns", "No job has its turn.";
        NothingArrives = "nothing-arrives", "No file arrives.";
        NobodyRetries = "nobody-retries", "No retry delay ends.";
        NobodyExits = "nobody-exits", "No program exits.";
        DiskNeverDone = "disk-never-done", "No disk work is done.";
        ExpiryHurries = "expiry-hurries", "A job expires although a delivery of it has begun.";
        RevokesNothing = "revokes-nothing", "A call takes no claim back.";
        RevokesBegun = "revokes-begun", "A call takes back a delivery that has begun.";
        CancelRevokesNothing = "cancel-revokes-nothing", "Complete and Cancel take no claim back.";
        ResumeRevokesNothing = "resume-revokes-nothing", "Resume takes no claim back.";
        ExpiryRevokesNothing = "expiry-revokes-nothing", "Expiry takes no claim back.";
        SettersDoNotWait = "setters-do-not-wait", "Setters wait for no delivery.";
        CancelDoesNotWait = "cancel-does-not-wait", "Complete and Cancel wait for no delivery.";
        ResumeDoesNotWait = "resume-does-not-wait", "Resume waits for no delivery.";
        WaitsForOwn = "waits-for-own", "A delivery that has called the engine is waited for like any other.";
        CallReleasesNobody = "call-releases-nobody", "The first call of a delivery releases nobody who waits for it.";
        LeaveReleasesNobody = "leave-releases-nobody", "A delivery that leaves releases nobody who waits for it.";
        ReleasesEveryone = "releases-everyone", "A delivery that leaves releases those who wait for other jobs, too.";
        FlagsForbidNothing = "flags-forbid-nothing", "SetNotifyFlags forbids no delivery.";
        InterfaceForbidsNothing = "interface-forbids-nothing", "SetNotifyInterface forbids no delivery.";
        ProgramForbidsNothing = "program-forbids-nothing", "SetNotifyCmdLine forbids no program.";
        ResumeForbidsNothing = "resume-forbids-nothing", "Resume forbids no delivery.";
        InterfaceForbidsPrograms = "interface-forbids-programs", "SetNotifyInterface forbids a program that has begun.";
        FinalAnswersOk = "final-answers-ok", "A call on a job that has ended succeeds.";
        FinalStillTells = "final-still-tells", "A job that has ended or is being ended is still told about.";
        RetryAtOnce = "retry-at-once", "A delivery that failed is claimed again at once.";
        FilesLast = "files-last", "FileTransferred comes after the job's event.";
        FilesMasked = "files-masked", "FileTransferred is told whatever the mask.";
        MaskUnread = "mask-unread", "JobTransferred and JobError are told whatever the mask.";
        ToldAgain = "told-again", "What was acknowledged is told again.";
        AnyStateTells = "any-state-tells", "JobTransferred is told in any state.";
        ProgramTellsTwice = "program-tells-twice", "A program is started while one runs.";
        ProgramsTurnNever = "programs-turn-never", "The program's turn never comes in the protocol.";
        FailureDropped = "failure-dropped", "A failed delivery is taken for an acknowledged one.";
        AckDropped = "ack-dropped", "An acknowledged delivery is taken for a failed one.";
        FileAckDropped = "file-ack-dropped", "A file's acknowledgement settles nothing.";
        OldEpochCounts = "old-epoch-counts", "A delivery of an older registration counts.";
        OldCauseCounts = "old-cause-counts", "A delivery about an older cause counts.";
        ToldOutlivesChange = "told-outlives-change", "What was told stays told when the state changes.";
        CompleteIsWhole = "complete-is-whole", "A partial Complete answers as a whole one.";
        ResumesNowhere = "resumes-nowhere", "Resume leaves the job where it is.";
        ResumesWithoutWork = "resumes-without-work", "Resume in TRANSFERRED moves a job without new files.";
        DiskFailureEnds = "disk-failure-ends", "A Complete that fails ends the job.";
        ClientsShareNoLock = "clients-share-no-lock", "A client's call returns and its lock is not given back.";
        ArrivesTwice = "arrives-twice", "A job is TRANSFERRED with its first file.";
        R9Oversteps = "r9-oversteps", "R9 does not count running callbacks.";
        R9Starves = "r9-starves", "R9 does not look for starved users.";
        R16Blind = "r16-blind", "R16 does not look for circles of waits.";
        R16SeesSlots = "r16-sees-slots", "R16 does not follow waits for slots.";
        R16SeesCalls = "r16-sees-calls", "R16 does not follow waits for calls of callbacks.";
        L3Blind = "l3-blind", "L3 does not look for calls that wait on.";
        ClientsLockUnseen = "clients-lock-unseen", "Nobody looks for clients that lock themselves out.";
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
