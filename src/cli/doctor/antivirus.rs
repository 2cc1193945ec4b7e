//! Whether scanners are there, and their signatures fresh.

use super::{
    finding::{Found, span, why},
    ground::Ground,
};
use crate::antivirus::engines::Engines;

pub(super) fn look(at: &Ground, found: &Found) {
    let Some(settings) = &at.config.antivirus else { return };
    let said = Engines::new(settings).look();
    for (who, error) in &said.away {
        found.fault(
            "unreachable",
            format!("{who} can't be asked: {}; what can't be scanned is refused or passes, as routes say", why(error)),
            "start it (`systemctl start clamav-daemon`), and mend its place in [antivirus]; its socket needs the right to write to it (clamd's LocalSocketGroup, and the gateway's user in that group)",
        );
    }
    let Some(version) = said.version.filter(|version| version.dated) else { return };
    let (old, most) = (version.made.map(|made| at.seconds().saturating_sub(made)), settings.max_age.as_secs());
    let mend = "`freshclam` fetches new ones: see whether clamav-freshclam runs and reaches its mirror; clamd takes them by SelfCheck or `RELOAD`";
    match old {
        None => {
            found.warning("stale", "clamd does not say how old its signatures are: it has none of ClamAV's own", mend);
        }
        Some(old) if old > most => {
            let seen = format!("clamd's signatures are {} old, and `max_age` is {}", span(old), span(most));
            found.fault("stale", seen, mend);
        }
        Some(_) => {}
    }
}
