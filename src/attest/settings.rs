//! The policy, clause by clause, and the controls that there are. Validated values only.

use std::{sync::Arc, time::Duration};

macro_rules! controls {
    ($($control:ident = $name:literal, $shows:literal;)*) => {
        /// Something that a clause rests on, and that can be looked at.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Control {
            $(#[doc = $shows] $control,)*
        }

        impl Control {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$control),*];

            /// As policies name it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$control => $name,)* }
            }

            /// What it shows.
            #[must_use]
            pub const fn shows(self) -> &'static str {
                match self { $(Self::$control => $shows,)* }
            }
        }
    };
}

controls! {
    TlsProtocol = "tls.protocol", "Only TLS 1.2 and 1.3 are spoken, with suites that hold.";
    TlsCertificate = "tls.certificate", "Certificates are valid, and for some time yet.";
    TlsHsts = "tls.hsts", "Browsers are told to come by TLS only.";
    TlsCleartext = "tls.cleartext", "Nothing is served, or handed on beyond this machine, in cleartext.";
    GateAnonymous = "gate.anonymous", "Who has not signed in does not pass a gate.";
    LoginLimited = "login.limited", "Wrong passwords are refused beyond the limit.";
    RoleRefused = "role.refused", "Somebody whose role does not ask for it is not shown personal data.";
    MaskHolds = "mask.holds", "Personal data in an answer is covered for a role without a right to it.";
    PledgeWall = "pledge.wall", "Nobody sees personal data before they have signed the pledge.";
    PledgeSigned = "pledge.signed", "Everybody with a role has signed the current pledge.";
    GrantsCertified = "grants.certified", "Grants were looked at again in time.";
    OfficersTwo = "officers.two", "There are two privacy officers at least.";
    ReviewDone = "review.done", "Access records were reviewed in time.";
    HandoverDone = "handover.done", "Whoever has left or moved has handed over what they did.";
    DownloadSealed = "download.sealed", "Files with personal data leave sealed, after a stated reason.";
    LogsScrubbed = "logs.scrubbed", "No personal data of a request reaches a log or the journal in clear.";
    ShieldBlocks = "shield.blocks", "Attacks are refused on every route.";
    ShieldRules = "shield.rules", "Rules against intrusion are those of a maintained set.";
    ScanWatched = "scan.watched", "Answers are watched for what they give away, and nothing grave is open.";
    AntivirusBlocks = "antivirus.blocks", "A file that every scanner knows as malware is refused.";
    AntivirusFresh = "antivirus.fresh", "Signatures of malware are of late.";
    JournalWhole = "journal.whole", "The journal is what was written.";
    JournalWitnessed = "journal.witnessed", "Somebody outside has vouched for the journal of late.";
    RestSealed = "rest.sealed", "What is kept can't be read without a key.";
    RestPrivate = "rest.private", "Keys and folders are for the user alone that Privet runs as.";
    BackupDrilled = "backup.drilled", "A back-up was brought back of late, as a drill.";
    DriftTypes = "drift.types", "No type of personal data is on the wire that the policy does not name.";
    DriftRecipients = "drift.recipients", "Nothing is handed to a recipient that the policy does not name.";
    IncidentClocks = "incident.clocks", "No clock of an incident has run out.";
}

impl Control {
    /// The control of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|control| control.name() == name)
    }
}

/// What is attested, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The policy.
    pub policy: Arc<Policy>,
    /// How often it is looked at by itself; never without.
    pub every: Option<Duration>,
    /// How old the last drill of a back-up may be.
    pub drill: Duration,
}

/// A published policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What it is called, in Korean and English.
    pub title: Text,
    /// SHA-256 of the file that it was read from.
    pub sha256: [u8; 32],
    /// Types of personal data that it names, as records do; any where it does not say.
    pub types: Option<Vec<String>>,
    /// Hosts that it names as recipients; any where it does not say.
    pub recipients: Option<Vec<String>>,
    /// Its clauses, in order.
    pub clauses: Vec<Clause>,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// In Korean.
    pub ko: String,
    /// In English.
    pub en: String,
}

/// One clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// What it is called by.
    pub id: String,
    /// What it says.
    pub text: Text,
    /// What makes it true: it is not where one of these is not configured.
    pub controls: Vec<Control>,
    /// What bears on it besides: it is in doubt where one of these is not configured.
    pub supports: Vec<Control>,
}

impl Clause {
    /// All controls that it rests on.
    pub fn all(&self) -> impl Iterator<Item = Control> {
        self.controls.iter().chain(&self.supports).copied()
    }
}
