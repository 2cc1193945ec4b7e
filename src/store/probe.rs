//! Whether the server is there and takes us, asked once: nothing is written, and nobody waits for long.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    link::{Invalid, Place, why},
    settings::Redis,
};

/// Longest time, sentinels and cluster maps included.
const PATIENCE: Duration = Duration::from_secs(5);
/// What [`why`] says of a wrong user or password.
const UNKNOWN: &str = "user or password refused";

/// Why it is of no use. Nothing of an address or a password is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings can't be used.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is there, and refuses our user or password.
    #[error("user or password refused")]
    Refused,
    /// Anything else.
    #[error("{0}")]
    Away(&'static str),
}

/// Asks it.
///
/// # Errors
/// When it is not there, or does not answer as it should.
pub async fn ask(redis: &Redis) -> Result<(), Error> {
    let place = Place::new(redis)?;
    let asked = async { place.connect().await?.ask(&redis::cmd("PING")).await };
    match timeout(PATIENCE, asked).await {
        Err(_) => Err(Error::Away("no answer")),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(match why(&error) {
            UNKNOWN => Error::Refused,
            why => Error::Away(why),
        }),
    }
}
