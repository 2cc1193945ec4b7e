//! A look for each control, a file a family.

mod access;
mod attack;
mod drift;
pub mod keeping;
mod logs;
mod malware;
mod password;
mod people;
mod records;
mod transport;

use super::{looking::Looking, report::Finding, settings::Control};

/// Looks at one control. What comes back as an error is why nobody can tell.
pub(super) async fn look(control: Control, at: &Looking<'_>) -> Result<Finding, String> {
    match control {
        Control::TlsProtocol => transport::protocol(at).await,
        Control::TlsCertificate => transport::certificate(at),
        Control::TlsHsts => transport::hsts(at).await,
        Control::TlsCleartext => transport::cleartext(at).await,
        Control::GateAnonymous => password::anonymous(at).await,
        Control::LoginLimited => password::limited(at).await,
        Control::RoleRefused => access::refused(at).await,
        Control::MaskHolds => access::masked(at).await,
        Control::PledgeWall => access::wall(at).await,
        Control::DownloadSealed => Ok(access::downloads(at)),
        Control::PledgeSigned => Ok(people::pledges(at)),
        Control::GrantsCertified => Ok(people::grants(at)),
        Control::OfficersTwo => Ok(people::officers(at)),
        Control::ReviewDone => Ok(people::reviews(at)),
        Control::HandoverDone => Ok(people::handovers(at)),
        Control::LogsScrubbed => logs::scrubbed(at).await,
        Control::ShieldBlocks => attack::blocked(at).await,
        Control::ShieldRules => Ok(attack::rules(at)),
        Control::ScanWatched => attack::watched(at),
        Control::AntivirusBlocks => malware::blocked(at).await,
        Control::AntivirusFresh => malware::fresh(at),
        Control::JournalWhole => records::whole(at),
        Control::JournalWitnessed => records::witnessed(at),
        Control::BackupDrilled => records::drilled(at),
        Control::IncidentClocks => Ok(records::clocks(at)),
        Control::RestSealed => keeping::sealed(at),
        Control::RestPrivate => Ok(keeping::private(at)),
        Control::DriftTypes => drift::types(at),
        Control::DriftRecipients => Ok(drift::recipients(at)),
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
