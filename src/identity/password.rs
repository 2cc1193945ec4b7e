//! Passwords: Argon2id (RFC 9106) off the threads that serve, a few at once, and the same work for accounts that do not exist.
//!
//! 46 MiB, one pass, one lane: the first of the equal choices of OWASP's Password Storage Cheat Sheet. At most two run at once, so
//! that sign-ins take at most 92 MiB; what would wait beyond [`QUEUE`] is turned away.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use aws_lc_rs::rand;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Computations at once.
pub const AT_ONCE: usize = 2;
/// Computations that run or wait; more are turned away.
pub const QUEUE: usize = 64;

const MEMORY_KIB: u32 = 46 * 1024;
const PASSES: u32 = 1;
const LANES: u32 = 1;

/// A hash could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct Failed;

/// Too many sign in at this moment.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many sign in at this moment")]
pub struct Busy;

/// A password in Unicode's form C, so that it is the same from every keyboard; its bytes are overwritten when it goes.
pub struct Password(Zeroizing<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

impl Password {
    /// From what was typed.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        // Form C of a text is at most three times as long (UAX 15, section 9): no copy is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(typed.len() * 3));
        text.extend(typed.nfc());
        Self(text)
    }

    /// In form C.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn argon2() -> Result<Argon2<'static>, Failed> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a password. It takes its time.
///
/// # Errors
/// When there are no random bytes or no memory.
pub fn hash(password: &Password) -> Result<String, Failed> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(|_| Failed)?;
    let hash: PasswordHash = argon2()?.hash_password_with_salt(password.0.as_bytes(), &salt).map_err(|_| Failed)?;
    Ok(hash.to_string())
}

/// Whether `password` is the one of the PHC string. It takes its time.
fn verify(password: &Password, phc: &str) -> bool {
    let (Ok(hash), Ok(argon2)) = (PasswordHash::new(phc), argon2()) else { return false };
    argon2.verify_password(password.0.as_bytes(), &hash).is_ok()
}

/// Compares passwords, a few at once.
#[derive(Debug)]
pub struct Verifier {
    queue: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// What is computed for accounts that do not exist.
    dummy: String,
}

impl Verifier {
    /// A verifier; takes one computation.
    ///
    /// # Errors
    /// When there are no random bytes or no memory.
    pub fn new() -> Result<Self, Failed> {
        let dummy = hash(&Password::new(""))?;
        Ok(Self { queue: Arc::new(Semaphore::new(QUEUE)), running: Arc::new(Semaphore::new(AT_ONCE)), dummy })
    }

    /// Whether `password` is the one of `phc`; with none it never is, at the same cost.
    ///
    /// # Errors
    /// When too many wait already.
    pub async fn verify(&self, password: Password, phc: Option<String>) -> Result<bool, Busy> {
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| Busy)?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Busy)?;
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.dummy.clone());
        // The permits go along: work whose client has gone still counts until it ends.
        let work = move || {
            let _permits = (place, permit);
            verify(&password, &phc)
        };
        tokio::task::spawn_blocking(work).await.map(|same| same && known).map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_told_from_others() {
        let phc = hash(&Password::new("correct horse battery")).expect("a hash");
        assert!(phc.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"), "{phc}");
        let verifier = Verifier::new().expect("a verifier");
        assert_eq!(verifier.verify(Password::new("correct horse battery"), Some(phc.clone())).await, Ok(true));
        assert_eq!(verifier.verify(Password::new("correct horse batterz"), Some(phc)).await, Ok(false));
        assert_eq!(verifier.verify(Password::new(""), None).await, Ok(false), "nobody has the dummy's password");
        assert_eq!(verifier.verify(Password::new("x"), Some("no hash".into())).await, Ok(false));
    }

    #[test]
    fn forms_of_unicode_are_one_password() {
        assert_eq!(Password::new("e\u{301}").as_str(), "\u{e9}");
        let composed = Password::new("\u{d55c}\u{ae00}");
        assert_eq!(Password::new("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}").as_str(), composed.as_str());
        assert_eq!(format!("{composed:?}"), "Password");
    }

    #[tokio::test]
    async fn more_than_a_queue_is_turned_away() {
        let verifier = Verifier::new().expect("a verifier");
        let _full = Arc::clone(&verifier.queue).acquire_many_owned(u32::try_from(QUEUE).expect("small")).await;
        assert_eq!(verifier.verify(Password::new("x"), None).await, Err(Busy));
    }
}
