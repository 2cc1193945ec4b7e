//! Kinds of records, and how long each is kept.

/// How long records are kept, by what they are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Who did what with personal data, and who signed in.
    Access = 0,
    /// Who was given or lost which right.
    Grants = 1,
    /// What the gateway itself did.
    Operations = 2,
}

impl Class {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Access, Self::Grants, Self::Operations];

    /// As configurations and metrics name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Grants => "grants",
            Self::Operations => "operations",
        }
    }

    /// The class of this number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The class of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $class:ident;)*) => {
        /// What a record is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// As it is written.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// How long such records are kept.
            #[must_use]
            pub const fn class(self) -> Class {
                match self {
                    $(Self::$kind => Class::$class,)*
                }
            }
        }
    };
}

kinds! {
    /// The gateway serves from now on.
    ProcessStarted = "process.started", Operations;
    /// It has come to its end in order.
    ProcessStopped = "process.stopped", Operations;
    /// A new configuration is in force.
    ConfigReloaded = "config.reloaded", Operations;
    /// A new configuration was refused.
    ConfigRefused = "config.refused", Operations;
    /// A program has asked for the configuration anew, or for the end.
    ProcessOrdered = "process.ordered", Operations;
    /// Certificates are in use.
    CertificateLoaded = "certificate.loaded", Operations;
    /// Changed certificates can't be used.
    CertificateRefused = "certificate.refused", Operations;
    /// A certificate or revocation list has run out.
    CertificateExpired = "certificate.expired", Operations;
    /// Somebody may sign in who could not before.
    AccountAdded = "account.added", Grants;
    /// Somebody may not sign in any more.
    AccountRemoved = "account.removed", Grants;
    /// What somebody may do, or proves themselves by, is another.
    AccountChanged = "account.changed", Grants;
    /// The first officers were named.
    RegistryFounded = "registry.founded", Grants;
    /// What still holds, carried on from records that grow old.
    RegistryStanding = "registry.standing", Grants;
    /// Somebody has joined.
    StaffJoined = "staff.joined", Grants;
    /// Somebody has another duty.
    StaffMoved = "staff.moved", Grants;
    /// Somebody has left.
    StaffLeft = "staff.left", Grants;
    /// A provider's directory has another entry for somebody, or none any more.
    StaffListed = "staff.listed", Grants;
    /// A grant that takes two was proposed by one.
    GrantProposed = "grant.proposed", Grants;
    /// Somebody was given a role.
    GrantGiven = "grant.given", Grants;
    /// A grant was ended, or a proposal rejected.
    GrantEnded = "grant.ended", Grants;
    /// There is a new text of the pledge.
    PledgePublished = "pledge.published", Grants;
    /// Somebody has signed the pledge.
    PledgeSigned = "pledge.signed", Grants;
    /// Somebody has withdrawn their signature.
    PledgeWithdrawn = "pledge.withdrawn", Grants;
    /// Duties are to go over.
    HandoverStarted = "handover.started", Grants;
    /// One of the two has signed for it.
    HandoverSigned = "handover.signed", Grants;
    /// Both have: duties have gone over.
    HandoverDone = "handover.done", Grants;
    /// A grant was looked at, and is right still.
    RecertificationDone = "recertification.done", Grants;
    /// A review of access records has begun, and what has to be looked at was drawn.
    ReviewOpened = "review.opened", Grants;
    /// Somebody has looked at some of it, and says what came of that.
    ReviewResult = "review.result", Grants;
    /// All of it was looked at, and an officer signs for that.
    ReviewSigned = "review.signed", Grants;
    /// Somebody has signed in.
    SignInSuccess = "sign_in.success", Access;
    /// Somebody has failed to.
    SignInFailure = "sign_in.failure", Access;
    /// A limit stood in the way of an attempt.
    SignInRefused = "sign_in.refused", Access;
    /// Attempts came faster than they could be written down.
    SignInMissed = "sign_in.missed", Access;
    /// Sessions were ended by somebody else's word.
    SessionEnded = "session.ended", Access;
    /// Somebody has looked at access records in the console, or taken them along from there.
    AccessLooked = "access.looked", Access;
    /// People have agreed to a purpose. A person's own grant: it holds longer than what is done by it.
    ConsentGiven = "consent.given", Grants;
    /// People have withdrawn their consent.
    ConsentWithdrawn = "consent.withdrawn", Grants;
    /// Somebody is about to see, change or take along people's data.
    DisclosureIntent = "disclosure.intent", Access;
    /// What came of that: whose data, which types, how much of it.
    DisclosureDone = "disclosure.done", Access;
    /// Somebody is about to take a file with people's data along.
    DownloadStarted = "download.started", Access;
    /// What came of that: what it was, and whether all of it left.
    DownloadDone = "download.done", Access;
    /// Such a file was deleted or returned.
    DownloadReturned = "download.returned", Grants;
    /// An operator has banned an address or network.
    BanOrdered = "ban.ordered", Operations;
    /// An operator has lifted a ban.
    BanLifted = "ban.lifted", Operations;
    /// Malware was found in what somebody sent or got.
    MalwareFound = "malware.found", Operations;
    /// clamd has other signatures.
    SignaturesChanged = "antivirus.signatures", Operations;
    /// clamd's signatures are stale, or nobody knows how old they are.
    SignaturesStale = "antivirus.stale", Operations;
    /// Signatures that could not wait are in force, or were refused.
    OutbreakInstalled = "antivirus.outbreak", Operations;
    /// An infected file was taken out of the quarantine, as a copy.
    QuarantineExported = "quarantine.exported", Operations;
    /// A file passes from now on in spite of a signature.
    QuarantineReleased = "quarantine.released", Operations;
    /// An infected file was deleted.
    QuarantinePurged = "quarantine.purged", Operations;
    /// Signals of a rule open no case for a while, by an officer's word.
    IncidentMuted = "incident.muted", Grants;
    /// They do again.
    IncidentUnmuted = "incident.unmuted", Grants;
    /// Signals of a rule that open no case.
    SignalMuted = "signal.muted", Operations;
    /// Somebody has signed in at an application after many failures.
    LoginStuffed = "login.stuffed", Access;
    /// URLs of requests have held personal data.
    ExposureUrl = "exposure.url", Operations;
    /// Requests have carried credentials or personal data over cleartext.
    ExposureCleartext = "exposure.cleartext", Operations;
    /// It was looked at whether each clause of the policy is true.
    AttestDone = "attest.done", Operations;
    /// Evidence of that was taken along.
    AttestPacked = "attest.packed", Operations;
    /// A case was opened: people's data may have left.
    IncidentOpened = "incident.opened", Grants;
    /// A rule has seen something that a case is about.
    IncidentSignalled = "incident.signalled", Grants;
    /// A case is confirmed: people's data has left.
    IncidentConfirmed = "incident.confirmed", Grants;
    /// A case is cleared: it has not.
    IncidentCleared = "incident.cleared", Grants;
    /// A case is closed: all is done that had to be.
    IncidentClosed = "incident.closed", Grants;
    /// Something was noted of a case.
    IncidentNoted = "incident.noted", Grants;
    /// What a law asks for in a case is late, and why.
    IncidentDelayed = "incident.delayed", Grants;
    /// People of a case were counted.
    IncidentCounted = "incident.counted", Grants;
    /// An officer has asked from whose list something comes that was found outside.
    IncidentTraced = "incident.traced", Grants;
    /// What a law asks for in a case is done, or is not asked for.
    IncidentSettled = "incident.settled", Grants;
    /// A clock of a case runs out, or has.
    IncidentWarned = "incident.warned", Grants;
    /// An open case, carried on from records that grow old.
    IncidentStanding = "incident.standing", Grants;
    /// A notice to people was written, or changed.
    NoticeDrafted = "notice.drafted", Grants;
    /// An officer has approved it.
    NoticeApproved = "notice.approved", Grants;
    /// An officer lets it go out.
    NoticeSending = "notice.sending", Grants;
    /// It is about to be handed over for these people.
    NoticeSent = "notice.sent", Grants;
    /// What has become of that.
    NoticeDelivery = "notice.delivery", Grants;
    /// Messages of it were accepted, and have come back.
    NoticeBounced = "notice.bounced", Grants;
    /// An officer lets it be posted on the public page.
    NoticePosting = "notice.posting", Grants;
    /// The public page was looked at.
    NoticePosted = "notice.posted", Grants;
    /// A notice was taken down from it.
    NoticeTakenDown = "notice.taken_down", Grants;
    /// What somebody was offered, has claimed or was paid.
    CompensationEntered = "compensation.entered", Grants;
    /// A countermeasure was taken for a case.
    RemedyTaken = "remedy.taken", Grants;
    /// A countermeasure was lifted.
    RemedyLifted = "remedy.lifted", Grants;
    /// A countermeasure that holds still, carried on from records that grow old.
    RemedyStanding = "remedy.standing", Grants;
    /// A torn end of the journal was cut off.
    JournalRecovered = "journal.recovered", Operations;
    /// The journal could not be written for a while, and can again.
    JournalResumed = "journal.resumed", Operations;
    /// The key of a day was destroyed: its records can't be read any more.
    KeyDestroyed = "journal.key_destroyed", Operations;
    /// A witness outside has taken a checkpoint.
    JournalWitnessed = "journal.witnessed", Operations;
    /// A witness could not be reached, or holds what the journal is not.
    WitnessFailed = "journal.witness_failed", Operations;
    /// A back-up was made.
    BackupCreated = "backup.created", Operations;
    /// A back-up was brought back, in earnest or as a drill.
    BackupRestored = "backup.restored", Operations;
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn kinds_and_classes_have_names_of_their_own() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            assert_eq!(Class::named(kind.class().name()), Some(kind.class()));
            assert_eq!(Class::of(kind.class() as u8), Some(kind.class()));
        }
        assert_eq!(Kind::ALL.iter().map(|kind| kind.name()).collect::<HashSet<_>>().len(), Kind::ALL.len());
        assert_eq!(Kind::named("nothing"), None);
        assert_eq!(Class::of(3), None);
    }
}
