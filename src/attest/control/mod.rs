//! A look for each control, a file a family.

mod access;
mod attack;
mod drift;
mod keeping;
mod logs;
mod malware;
mod password;
mod people;
mod records;
mod transport;

use super::{
    looking::Looking,
    report::Finding,
    settings::Control::{self, *},
};

/// Looks at one control. What comes back as an error is why nobody can tell.
pub(super) async fn look(control: Control, at: &Looking<'_>) -> Result<Finding, String> {
    match control {
        TlsProtocol => transport::protocol(at).await,
        TlsCertificate => transport::certificate(at),
        TlsHsts => transport::hsts(at).await,
        TlsCleartext => transport::cleartext(at).await,
        GateAnonymous => password::anonymous(at).await,
        LoginLimited => password::limited(at).await,
        RoleRefused => access::refused(at).await,
        MaskHolds => access::masked(at).await,
        PledgeWall => access::wall(at).await,
        DownloadSealed => Ok(access::downloads(at)),
        PledgeSigned => people::pledges(at),
        GrantsCertified => people::grants(at),
        OfficersTwo => people::officers(at),
        ReviewDone => people::reviews(at),
        HandoverDone => people::handovers(at),
        LogsScrubbed => logs::scrubbed(at).await,
        ShieldBlocks => attack::blocked(at).await,
        ShieldRules => Ok(attack::rules(at)),
        ScanWatched => attack::watched(at),
        AntivirusBlocks => malware::blocked(at).await,
        AntivirusFresh => malware::fresh(at),
        JournalWhole => records::whole(at),
        JournalWitnessed => records::witnessed(at),
        BackupDrilled => records::drilled(at),
        IncidentClocks => Ok(records::clocks(at)),
        RestSealed => keeping::sealed(at),
        RestPrivate => keeping::private(at),
        DriftTypes => drift::types(at),
        DriftRecipients => Ok(drift::recipients(at)),
    }
}

/// So many days of seconds, in words.
fn days(seconds: u64) -> String {
    match seconds / 86_400 {
        0 => "less than a day".to_owned(),
        1 => "a day".to_owned(),
        n => format!("{n} days"),
    }
}
