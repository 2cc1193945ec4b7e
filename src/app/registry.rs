//! The registry of a running gateway: read from its journal, followed by the realm that it is about, and looked at every second.

use std::{sync::Arc, time::SystemTime};

use anyhow::Context as _;

use crate::{
    admin::registry::Office,
    common::clock,
    config::Config,
    identity::Realm,
    journal::Stream,
    login::Guard,
    observe::metrics::{Metrics, Source},
    registry::{Moment, Registry, view},
};

/// Reads it where there is a journal that all gateways decide by.
///
/// # Errors
/// When the journal is not what was written, or can't be read: then nobody knows who may what.
pub(super) fn start(
    config: &Config,
    stream: Option<&Stream>,
    metrics: &Metrics,
) -> anyhow::Result<Option<Arc<Registry>>> {
    let (Some(stream), Some(journal), Some(keys)) = (stream, &config.journal, &config.seal.key_file) else {
        return Ok(None);
    };
    let kept = journal.retention.grants;
    let registry = Registry::open(stream.clone(), kept, keys, config.registry.clone(), clock::now());
    let registry = registry.context("the registry")?;
    show(metrics, &registry);
    publish(&registry);
    Ok(Some(registry))
}

fn show(metrics: &Metrics, registry: &Arc<Registry>) {
    let [found, unread] = [(); 2].map(|()| Arc::clone(registry));
    metrics.show(Source::gauge(
        "privet_registry_findings",
        "What is amiss in the registry: gaps, overlaps, handovers, grants and access records that wait, one officer alone.",
        move || {
            let all = view::findings(&found.state(), &found.settings(), Moment::from(clock::now()));
            i64::try_from(all.len()).unwrap_or(i64::MAX)
        },
    ));
    metrics.show(Source::gauge(
        "privet_registry_unread_records",
        "Records of the registry that could not be read at the start, and may have said something that holds.",
        move || i64::try_from(unread.unread().missing()).unwrap_or(i64::MAX),
    ));
}

/// The pledge of a configuration that is in force now is what people sign.
fn publish(registry: &Arc<Registry>) {
    let registry = Arc::clone(registry);
    tokio::spawn(async move {
        match registry.publish(clock::now()).await {
            Ok(true) => tracing::info!("a new pledge is published: everybody has to sign it"),
            Ok(false) => {}
            Err(denied) => tracing::error!(%denied, "the pledge could not be published"),
        }
    });
}

/// Takes the rules of another configuration.
pub(super) fn apply(registry: &Arc<Registry>, config: &Config) {
    registry.apply(config.registry.clone());
    publish(registry);
}

/// Tells its realm, and says how commands reach it.
pub(super) fn follow(
    registry: Option<&Arc<Registry>>,
    config: &Config,
    realms: &[Arc<Realm>],
    guard: &Arc<Guard>,
) -> Option<Arc<Office>> {
    let about = |realm: &&Arc<Realm>| realm.name() == config.registry.realm;
    for realm in realms {
        realm.follow(registry.filter(|_| about(&realm)).cloned());
    }
    let settings = config.identity.realms.iter().find(|realm| realm.name == config.registry.realm)?;
    let open = realms.iter().find(about).cloned();
    Some(Arc::new(Office::new(Arc::clone(registry?), open, settings.clone(), Arc::clone(guard))))
}

/// Looks at the time.
pub(super) fn look(registry: &Arc<Registry>, now: SystemTime) {
    let registry = Arc::clone(registry);
    tokio::spawn(async move {
        if let Err(denied) = registry.look(now).await {
            tracing::error!(%denied, "what holds could not be carried on in the journal");
        }
    });
}
