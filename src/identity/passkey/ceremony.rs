//! Enrolment and sign-in by a passkey, checked as Web Authentication has it in sections 7.1 and 7.2. Pure.

use aws_lc_rs::digest;

use super::{
    authenticator::{self, Data},
    cbor::Reader,
    client::{Act, ClientData},
    cose::PublicKey,
    credential::{HANDLE, Passkey},
    used::Mark,
};

/// Why a passkey is not taken. Nothing that came is in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no answer of a browser.
    #[error("what came is no answer of a passkey")]
    Malformed,
    /// The challenge is not one that this browser was given for this, or not in time.
    #[error("the passkey has signed another challenge")]
    Challenge,
    /// Another site's page, or a frame of one, has asked, or for something else.
    #[error("the passkey was asked by another site, or for something else")]
    Origin,
    /// The authenticator has signed for another site.
    #[error("the passkey has signed for another site")]
    Site,
    /// Nobody was there, or nobody was verified.
    #[error("the passkey has not verified who is there")]
    Unverified,
    /// What it says of copies contradicts itself, or what it said before.
    #[error("the passkey contradicts itself about copies")]
    Copies,
    /// The signature is another key's, or of something else.
    #[error("the signature is not the passkey's")]
    Signature,
    /// It names another person than the one it was made for.
    #[error("the passkey was made for somebody else")]
    Person,
    /// The answer was used before, or is older than one that was.
    #[error("the answer was used already, or an older one than the last")]
    Replayed,
    /// Its counter has not gone up: there may be a copy of it.
    #[error("the counter of the passkey has not gone up: there may be a copy")]
    Counter,
}

/// The site as a browser sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What passkeys are made for (the RP id): its host, or a domain that it is below.
    pub id: String,
    /// Its origin.
    pub origin: String,
}

impl Site {
    /// From the value of `Host`, and the domain where there is one; `None` for hosts outside of it, and for addresses, for which browsers
    /// make no passkeys.
    #[must_use]
    pub fn of(host: &str, domain: Option<&str>) -> Option<Self> {
        let text = host.to_ascii_lowercase();
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port).filter(|port| *port != "443")),
            None => (&*text, None),
        };
        let named = host.split('.').next_back().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()));
        let legal = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        let below =
            |domain: &&str| host.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let id = domain.map_or(Some(host), |domain| Some(domain).filter(below))?;
        (named && legal).then(|| Self { id: id.to_owned(), origin: format!("https://{host}{port}") })
    }
}

/// A passkey that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// What it calls itself.
    pub id: Vec<u8>,
    /// Its public key, as COSE.
    pub key: Vec<u8>,
    /// Its first counter.
    pub counter: u32,
    /// Whether it may be copied.
    pub copied: bool,
}

/// Reads what a browser answers after `navigator.credentials.create`. Whether its challenge is ours was asked before.
///
/// # Errors
/// When it is not to be taken.
pub fn enrol(client: &ClientData, attestation: &[u8], site: &Site) -> Result<Enrolled, Refused> {
    if !client.is_of(Act::Create, &site.origin) {
        return Err(Refused::Origin);
    }
    let bytes = authenticator::of_attestation(attestation).ok_or(Refused::Malformed)?;
    let data = Data::read(bytes).ok_or(Refused::Malformed)?;
    let copied = check(&data, site)?;
    let made = data.credential.as_ref().ok_or(Refused::Malformed)?;
    Ok(Enrolled { id: made.id.to_vec(), key: made.cose.to_vec(), counter: data.counter, copied })
}

/// What a browser answers after `navigator.credentials.get`.
#[derive(Debug)]
pub struct Assertion<'a> {
    /// Client data, as signed.
    pub client_data: &'a [u8],
    /// Authenticator data, as signed.
    pub data: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// The person's handle, where the authenticator says it.
    pub handle: Option<&'a [u8]>,
}

impl Assertion<'_> {
    /// Whether `passkey` has signed this, at `site`, and its owner was verified; how far it has come by that. Whether the challenge, which
    /// was `issued` then, is ours was asked before.
    ///
    /// # Errors
    /// When it is not to be taken.
    pub fn verify(&self, client: &ClientData, passkey: &Passkey, site: &Site, issued: u64) -> Result<Mark, Refused> {
        if !client.is_of(Act::Get, &site.origin) {
            return Err(Refused::Origin);
        }
        let data = Data::read(self.data).ok_or(Refused::Malformed)?;
        if passkey.host != site.id {
            return Err(Refused::Site);
        }
        let copied = check(&data, site)?;
        if self.handle.is_some_and(|handle| handle != &passkey.handle[..HANDLE]) {
            return Err(Refused::Person);
        }
        let hash = digest::digest(&digest::SHA256, self.client_data);
        let signed = [self.data, hash.as_ref()].concat();
        let key = PublicKey::read(&mut Reader::new(&passkey.key)).ok_or(Refused::Malformed)?;
        if !key.verifies(&signed, self.signature) {
            return Err(Refused::Signature);
        }
        if copied != passkey.copied {
            return Err(Refused::Copies);
        }
        let mark = Mark { issued, counter: data.counter };
        match mark.follows(passkey) {
            true => Ok(mark),
            false if issued <= passkey.last => Err(Refused::Replayed),
            false => Err(Refused::Counter),
        }
    }
}

/// What both have in common; whether the passkey may be copied.
fn check(data: &Data<'_>, site: &Site) -> Result<bool, Refused> {
    if !data.is_of(&site.id) {
        return Err(Refused::Site);
    }
    if !data.has_verified() {
        return Err(Refused::Unverified);
    }
    data.may_be_backed_up().ok_or(Refused::Copies)
}

#[cfg(test)]
mod tests;
