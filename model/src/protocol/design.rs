//! The designs: ways to keep a callback from starting after the call that forbade it (contract section 4).

macro_rules! designs {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $does:literal;)*) => {
        /// How the engine goes from a claimed delivery to the client's code, and what a call waits for before it returns.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Design {
            $(#[doc = $does] $name,)*
        }

        impl Design {
            /// Every design, from the most naive one to the engine's.
            pub const ALL: &'static [Design] = &[$(Design::$name,)*];

            /// The name, such as `claim-then-call`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Design::$name => $word,)* }
            }

            /// What it does, in a phrase.
            #[must_use]
            pub const fn does(self) -> &'static str {
                match self { $(Design::$name => $does,)* }
            }
        }
    };
}

designs! {
    ClaimThenCall = "claim-then-call", "A dispatcher claims a delivery under the lock, lets go, and calls.";
    Recheck = "recheck", "It looks once more under the lock whether the delivery is still wanted, then calls.";
    GateNoWait = "gate-no-wait", "Calls revoke every claim that has not begun, and return at once.";
    GateAndWait = "gate-and-wait", "They also wait for the delivery that has begun, always.";
    WaitUnlessOwn = "wait-unless-own", "They wait, except inside that very delivery.";
    WaitUnlessAny = "wait-unless-any", "They wait, except inside any delivery.";
    NothingNew = "nothing-new", "The barrier, but a mask that masks nothing new does not wait.";
    ResumeNoWait = "resume-no-wait", "The barrier, but Resume does not wait.";
    BeginBeforeSlot = "begin-before-slot", "The barrier, but a delivery begins before it holds its slot.";
    ClaimBeforeSlot = "claim-before-slot", "The barrier, but a dispatcher claims a delivery and then waits for its slot.";
    WaitAnyRunning = "wait-any-running", "The barrier, but calls wait until no delivery of the job runs.";
    ExpireAnyway = "expire-anyway", "The barrier, but a job expires although a delivery of it has begun.";
    Barrier = "barrier", "Calls wait for the begun delivery they forbid, until it has left or made a call.";
}

impl Design {
    /// Whether a dispatcher checks again, under the lock, before it calls.
    pub(super) const fn begins(self) -> bool {
        !matches!(self, Design::ClaimThenCall)
    }

    /// Whether a call takes claims back that have not begun.
    pub(super) const fn revokes(self) -> bool {
        !matches!(self, Design::ClaimThenCall | Design::Recheck)
    }

    /// Whether calls wait at all.
    pub(super) const fn waits(self) -> bool {
        self.revokes() && !matches!(self, Design::GateNoWait)
    }

    /// Whether a delivery that has called the engine is waited for no more (clause 4).
    pub(super) const fn releases_callers(self) -> bool {
        self.waits() && !matches!(self, Design::GateAndWait | Design::WaitUnlessOwn | Design::WaitUnlessAny)
    }

    /// When a delivery takes its slot.
    pub(super) const fn slot(self) -> SlotAt {
        match self {
            Design::BeginBeforeSlot => SlotAt::Enter,
            Design::ClaimBeforeSlot => SlotAt::Begin,
            _ => SlotAt::Claim,
        }
    }
}

/// The step that needs a free slot, and takes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SlotAt {
    Claim,
    Begin,
    Enter,
}

contract::named!(Design, UnknownDesign, "a design");
