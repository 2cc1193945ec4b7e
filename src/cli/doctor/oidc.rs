//! Whether issuers of identities are there, and are who they are said to be.

use futures_util::future::join_all;

use super::{
    finding::{Found, why},
    ground::Ground,
};
use crate::identity::federation::{
    fetch::Fetch,
    provider::{Error, Metadata},
    settings::Issuer,
};

pub(super) fn look(at: &Ground, found: &Found) {
    let mut issuers: Vec<&Issuer> = Vec::new();
    for realm in &at.config.identity.realms {
        let federation = &realm.federation;
        let discovered = federation.jwt.as_ref().filter(|jwt| jwt.jwks.is_none()).map(|jwt| &jwt.issuer);
        for issuer in federation.oidc.as_ref().map(|oidc| &oidc.issuer).into_iter().chain(discovered) {
            if !issuers.contains(&issuer) {
                issuers.push(issuer);
            }
        }
    }
    if let Err(why) = Ground::wait(join_all(issuers.iter().map(|issuer| ask(issuer, found)))) {
        found.unseen(why);
    }
}

async fn ask(issuer: &Issuer, found: &Found) {
    let name = &issuer.name;
    let wrong = |seen: String| {
        let mend = "`issuer` of the realm must be what the issuer calls itself, to the letter (a final slash counts): `curl ISSUER/.well-known/openid-configuration` shows it";
        found.fault("discovery", seen, mend);
    };
    match Metadata::ask(issuer, &Fetch::new(issuer.ca.clone())).await {
        Err(Error::Fetch(error)) => found.fault(
            "unreachable",
            format!("the issuer {name} can't be asked: {}; nobody can sign in there", why(&error)),
            "let this machine connect to it (DNS, firewall; a proxy is not used); name its authority in `ca` where it is one of your own",
        ),
        Err(error) => wrong(format!("the issuer {name} is there, and {error}")),
        Ok(known) if known.jwks.is_none() => wrong(format!("the discovery document of {name} names no keys that may be asked for")),
        Ok(_) => {}
    }
}
