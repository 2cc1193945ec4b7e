//! Our account at an authority: made once, found again, told of other contacts.

use instant_acme::{Account, ExternalAccountKey, NewAccount};

use super::{
    Error,
    client::Client,
    folder::{Folder, Kept},
};
use crate::tls::settings::Acme;

/// The account that is kept, or a new one.
pub(super) async fn open(settings: &Acme, folder: &Folder, client: &Client) -> Result<Account, Error> {
    let _turn = folder.lock_account(settings).await?;
    let Some(kept) = folder.account(settings) else {
        return make(settings, folder, client).await;
    };
    let Kept { directory, contact, credentials } = kept;
    if contact == settings.contact {
        return Ok(builder(client).from_credentials(credentials).await?);
    }
    // Credentials can't be cloned, and are wanted twice.
    let again = folder.account(settings).map(|kept| kept.credentials);
    let account = builder(client).from_credentials(credentials).await?;
    let addresses = addresses(settings);
    account.update_contacts(&addresses.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    if let Some(credentials) = again {
        folder.keep_account(settings, &Kept { directory, contact: settings.contact.clone(), credentials })?;
    }
    Ok(account)
}

/// The account that is kept; nothing is made or changed.
pub(super) async fn known(settings: &Acme, folder: &Folder, client: &Client) -> Result<Option<Account>, Error> {
    let Some(kept) = folder.account(settings) else { return Ok(None) };
    Ok(Some(builder(client).from_credentials(kept.credentials).await?))
}

async fn make(settings: &Acme, folder: &Folder, client: &Client) -> Result<Account, Error> {
    let addresses = addresses(settings);
    let contact: Vec<&str> = addresses.iter().map(String::as_str).collect();
    // A configuration without the agreement is refused.
    let wanted = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let bound = settings.external_account.as_ref();
    let bound = bound.map(|external| ExternalAccountKey::new(external.key_id.clone(), &external.key()));
    let directory = settings.directory.to_string();
    let (account, credentials) = builder(client).create(&wanted, directory.clone(), bound.as_ref()).await?;
    folder.keep_account(settings, &Kept { directory, contact: settings.contact.clone(), credentials })?;
    tracing::info!(directory = %settings.directory, "an ACME account was made");
    Ok(account)
}

fn builder(client: &Client) -> instant_acme::AccountBuilder {
    Account::builder_with_http(Box::new(client.clone()))
}

fn addresses(settings: &Acme) -> Vec<String> {
    settings.contact.iter().map(|address| format!("mailto:{address}")).collect()
}
