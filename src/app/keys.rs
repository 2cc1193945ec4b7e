//! The keys of tokens and encryption that a configuration asks for.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use aws_lc_rs::hmac;

use super::store;
use crate::{
    common::clock,
    config::Config,
    identity::Realm,
    login::{
        Guard,
        memory::Memory,
        redis::{Clock, Redis},
    },
    privacy::{Keys, keys::Ring},
    seal,
};

/// Where the key file of a configuration is.
#[must_use]
pub fn place(config: &Config) -> PathBuf {
    config.key_file.clone().unwrap_or_else(|| config.data_dir.join("pseudonym.key"))
}

/// Keys of a configuration. A folder that nobody asked for, and that can't be made, as on a read-only root, costs only that tokens
/// change with the next start.
///
/// # Errors
/// When a file or folder that was asked for can't be used.
pub fn of(config: &Config) -> anyhow::Result<Arc<Keys>> {
    let path = place(config);
    let asked_for = config.data_dir_is_given || config.key_file.is_some();
    let usable = make_private(&config.data_dir)
        .with_context(|| format!("data_dir {} can't be used", config.data_dir.display()))
        .and_then(|()| Ok(Ring::of(&seal::Ring::load_or_make(&path)?)?));
    match usable {
        Ok(ring) => Ok(ring.current()),
        Err(error) if asked_for || path.exists() => Err(error),
        Err(error) => {
            tracing::warn!(error = %format!("{error:#}"), "no key file: tokens will differ after the next start; set `data_dir` or `privacy.key_file`");
            Ok(Arc::new(Keys::ephemeral()?))
        }
    }
}

/// Who limits attempts to sign in, with keys of the sealing ring: the same in all replicas that have the same key file.
///
/// # Errors
/// When there are logins, and a file or folder that was asked for can't be used.
pub(super) fn guard(config: &Config, shared: Option<&store::Running>) -> anyhow::Result<Arc<Guard>> {
    if !counts_attempts(config) {
        // Keys of this process alone must not be told of to other replicas.
        return Ok(Guard::new(&config.login, &seal::Ring::ephemeral()?));
    }
    let ring = ring(config, "devices will be strangers after the next start")?;
    let Some(shared) = shared else { return Ok(Guard::new(&config.login, &ring)) };
    // Where the clock was set, the server's would tell another time.
    let clock = if clock::is_set() { Clock::Caller } else { Clock::Server };
    let memory = Memory::new(config.login.max_keys);
    let ledger = Redis::new(Arc::clone(&shared.store), memory, shared.replicas, clock);
    let ledger = ledger.agreeing(shared.agreement(fingerprint(&ring)));
    Ok(Guard::with_ledger(&config.login, &ring, Arc::new(ledger)))
}

/// The sealing ring. Without a folder that nobody asked for, it is of this process alone; `cost` says what that means.
///
/// # Errors
/// When a file or folder that was asked for can't be used.
pub(super) fn ring(config: &Config, cost: &str) -> anyhow::Result<seal::Ring> {
    let Some(path) = &config.seal.key_file else { return Ok(seal::Ring::ephemeral()?) };
    let usable =
        make_private(&config.data_dir).map_err(anyhow::Error::from).and_then(|()| Ok(seal::Ring::load_or_make(path)?));
    match usable {
        Err(error) if config.data_dir_is_given || path.exists() || seal::settings::variable(path).is_some() => {
            Err(error)
        }
        Err(error) => {
            tracing::warn!(error = %format!("{error:#}"), cost, "no key file; set `data_dir` or `seal.key_file`");
            Ok(seal::Ring::ephemeral()?)
        }
        Ok(ring) => Ok(ring),
    }
}

/// What tells whether two replicas have the same newest key, and nothing of it.
pub(super) fn fingerprint(ring: &seal::Ring) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, ring.newest().secret()), b"privet replicas 1");
    let number = tag.as_ref()[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:016x}")
}

/// The realms that routes of a configuration have as gates, and the console's. Those of `known` that are still the same keep their sessions.
///
/// # Errors
/// When accounts or keys can't be used.
pub(super) fn realms(
    config: &Config,
    guard: &Arc<Guard>,
    shared: Option<&store::Running>,
    known: &[Arc<Realm>],
) -> anyhow::Result<Vec<Arc<Realm>>> {
    let of_console = |name: &str| config.admin.console.is_some() && config.registry.realm == name;
    let asked = |name: &str| {
        of_console(name) || config.gateway.routes.iter().any(|r| r.gate.as_ref().is_some_and(|gate| gate.realm == name))
    };
    let mut realms = Vec::new();
    for settings in config.identity.realms.iter().filter(|settings| asked(&settings.name)) {
        if let Some(realm) = known.iter().find(|realm| realm.is(settings)) {
            realms.push(Arc::clone(realm));
            continue;
        }
        let folder = |path: &Path| path.parent().filter(|dir| *dir == config.data_dir).map_or(Ok(()), make_private);
        folder(&settings.key_file).and_then(|()| folder(&settings.staff_file))?;
        let realm = Realm::open(settings, guard, shared.map(|shared| &shared.store))
            .with_context(|| format!("realm {}", settings.name))?;
        tokio::spawn(Realm::run(Arc::downgrade(&realm)));
        realms.push(realm);
    }
    Ok(realms)
}

/// Lets realms go on by a new configuration's settings.
pub(super) fn apply(realms: &[Arc<Realm>], config: &Config) {
    for realm in realms {
        let own = config.identity.realms.iter().filter(|settings| realm.is(settings));
        own.for_each(|settings| realm.apply(settings));
    }
}

/// Whether attempts to sign in are counted at all: at a login of an application, at a gate, or at the console.
#[must_use]
pub(super) fn counts_attempts(config: &Config) -> bool {
    !config.login.logins.is_empty()
        || config.admin.console.is_some()
        || config.gateway.routes.iter().any(|route| route.gate.is_some())
}

fn make_private(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}
