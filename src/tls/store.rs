//! The certificates in use. Files are looked at again and again; what is broken never replaces what works.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs::Ticketer},
    server::ProducesTickets,
    sign::CertifiedKey,
};

use super::{
    client_auth, dev_ca,
    error::Error,
    pem::{self, Pair},
    profile,
    resolver::{Names, Resolver},
    settings::{Certificate, Client, Settings},
    stamp::Watched,
};

/// What handshakes use, process-wide.
#[derive(Debug)]
pub struct Store {
    provider: Arc<CryptoProvider>,
    resolver: Arc<Resolver>,
    config: ArcSwap<ServerConfig>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    settings: Settings,
    pairs: Vec<Loaded>,
    trust: Watched,
    ticketer: Arc<dyn ProducesTickets>,
    /// The last failure about client trust, so that it is told once.
    trust_failure: Option<String>,
}

#[derive(Debug)]
struct Loaded {
    files: Certificate,
    pair: Pair,
    certified: Arc<CertifiedKey>,
    watched: Watched,
    /// Files that changed and could not be used; tried again each time, told once a failure.
    failure: Option<String>,
}

/// What a look at the files has brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// These files are in use now.
    Reloaded(Vec<PathBuf>),
    /// These can't be used; what was loaded before goes on.
    Kept(Vec<PathBuf>, String),
}

impl Store {
    /// Loads everything that `settings` names, or the development certificate where it names none.
    ///
    /// # Errors
    /// When any of it can't be served.
    pub fn open(settings: &Settings, now: SystemTime) -> Result<Arc<Self>, Error> {
        let provider = Arc::new(profile::provider());
        let resolver = Arc::new(Resolver::default());
        let ticketer = Ticketer::new()?;
        let pairs = load_all(settings, &provider, now)?;
        let config = configure(settings, &provider, &resolver, &ticketer)?;
        resolver.replace(names(&pairs));
        Ok(Arc::new(Self {
            config: ArcSwap::from_pointee(config),
            state: Mutex::new(State {
                trust: watch_trust(&settings.client),
                settings: settings.clone(),
                pairs,
                ticketer,
                trust_failure: None,
            }),
            provider,
            resolver,
        }))
    }

    /// The configuration for the next handshake.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Works by `settings` from now on, all or nothing.
    ///
    /// # Errors
    /// When any of it can't be served; nothing has changed then.
    pub fn reconfigure(&self, settings: &Settings, now: SystemTime) -> Result<(), Error> {
        let mut state = self.lock();
        let pairs = load_all(settings, &self.provider, now)?;
        // A session made under another trust must not be resumed under this one.
        let same_trust = settings.client == state.settings.client && !state.trust.changed();
        let ticketer = if same_trust { Arc::clone(&state.ticketer) } else { Ticketer::new()? };
        let config = configure(settings, &self.provider, &self.resolver, &ticketer)?;
        self.resolver.replace(names(&pairs));
        self.config.store(Arc::new(config));
        *state = State {
            settings: settings.clone(),
            pairs,
            trust: watch_trust(&settings.client),
            ticketer,
            trust_failure: None,
        };
        Ok(())
    }

    /// Looks at the files again; renews the development certificate when it is due.
    pub fn refresh(&self, now: SystemTime) -> Vec<Event> {
        let mut state = self.lock();
        let mut events = Vec::new();
        if state.settings.certificates.is_empty()
            && let Err(error) = dev_ca::ensure(&state.settings.development_dir, now)
        {
            events.push(Event::Kept(vec![state.settings.development_dir.clone()], error.to_string()));
        }
        let mut changed = false;
        for loaded in &mut state.pairs {
            if let Some(event) = loaded.refresh(&self.provider) {
                changed |= matches!(event, Event::Reloaded(_));
                events.push(event);
            }
        }
        if changed {
            self.resolver.replace(names(&state.pairs));
        }
        events.extend(self.refresh_trust(&mut state));
        events
    }

    /// When each certificate ends: its first name, and seconds since 1970.
    #[must_use]
    pub fn expiries(&self) -> Vec<(String, i64)> {
        let state = self.lock();
        let name = |loaded: &Loaded| {
            loaded.pair.names.first().cloned().unwrap_or_else(|| loaded.files.chain.display().to_string())
        };
        state.pairs.iter().map(|loaded| (name(loaded), loaded.pair.expires)).collect()
    }

    fn refresh_trust(&self, state: &mut State) -> Option<Event> {
        if !state.trust.changed() && state.trust_failure.is_none() {
            return None;
        }
        let files = trust_files(&state.settings.client);
        let made = Ticketer::new().map_err(Error::from).and_then(|ticketer| {
            configure(&state.settings, &self.provider, &self.resolver, &ticketer).map(|config| (config, ticketer))
        });
        match made {
            Ok((config, ticketer)) => {
                self.config.store(Arc::new(config));
                state.ticketer = ticketer;
                state.trust_failure = None;
                Some(Event::Reloaded(files))
            }
            Err(error) => tell_once(&mut state.trust_failure, error.to_string()).map(|why| Event::Kept(files, why)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loaded {
    fn open(files: Certificate, provider: &CryptoProvider) -> Result<Self, Error> {
        // Watched from before it is read, so that no change falls between.
        let watched = Watched::new([files.chain.clone(), files.key.clone()]);
        let pair = pem::pair(&files.chain, &files.key, provider)?;
        let certified = Arc::new(pair.certified.clone());
        Ok(Self { files, pair, certified, watched, failure: None })
    }

    fn refresh(&mut self, provider: &CryptoProvider) -> Option<Event> {
        if !self.watched.changed() && self.failure.is_none() {
            return None;
        }
        let paths = vec![self.files.chain.clone(), self.files.key.clone()];
        match pem::pair(&self.files.chain, &self.files.key, provider) {
            Ok(pair) => {
                self.certified = Arc::new(pair.certified.clone());
                self.pair = pair;
                self.failure = None;
                Some(Event::Reloaded(paths))
            }
            // Files of a pair change one after the other: this is often mended a moment later.
            Err(error) => tell_once(&mut self.failure, error.to_string()).map(|why| Event::Kept(paths, why)),
        }
    }
}

/// Remembers `failure`; gives it back when it is news.
fn tell_once(last: &mut Option<String>, failure: String) -> Option<String> {
    if last.as_ref() == Some(&failure) {
        return None;
    }
    last.replace(failure.clone());
    Some(failure)
}

fn load_all(settings: &Settings, provider: &CryptoProvider, now: SystemTime) -> Result<Vec<Loaded>, Error> {
    if settings.certificates.is_empty() {
        let files = dev_ca::ensure(&settings.development_dir, now)?;
        return Ok(vec![Loaded::open(Certificate { chain: files.chain, key: files.key }, provider)?]);
    }
    settings.certificates.iter().map(|files| Loaded::open(files.clone(), provider)).collect()
}

fn names(pairs: &[Loaded]) -> Names {
    Names::new(pairs.iter().map(|loaded| (&loaded.pair, Arc::clone(&loaded.certified))))
}

fn trust_files(client: &Client) -> Vec<PathBuf> {
    match client {
        Client::Off => Vec::new(),
        Client::Request(trust) | Client::Require(trust) => {
            std::iter::once(trust.ca.clone()).chain(trust.crl.clone()).collect()
        }
    }
}

fn watch_trust(client: &Client) -> Watched {
    Watched::new(trust_files(client))
}

fn configure(
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
    resolver: &Arc<Resolver>,
    ticketer: &Arc<dyn ProducesTickets>,
) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(profile::versions(settings.profile))?
        .with_client_cert_verifier(client_auth::verifier(&settings.client, provider)?)
        .with_cert_resolver(Arc::clone(resolver) as Arc<_>);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = Arc::clone(ticketer);
    config.send_tls13_tickets = 1;
    // Early data can be replayed by whoever has seen it.
    config.max_early_data_size = 0;
    Ok(config)
}

#[cfg(test)]
mod tests;
