//! Keeps the store connected: looks at it once a second and when a request has failed, and connects again with growing pauses.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::{
    link::{Link, Place, why},
    shared::Shared,
};

/// Between two looks at a quiet connection.
const LOOK: Duration = Duration::from_secs(1);
/// Least time that a look may take: longer than a hiccup of the server.
const PATIENCE: Duration = Duration::from_millis(500);
/// Longest time to connect, sentinels and cluster maps included.
const CONNECT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Runs for as long as the store lives.
pub(super) async fn keep(shared: Arc<Shared>, place: Place) {
    let mut known = None;
    let mut pause = FIRST_PAUSE;
    let mut connected = false;
    loop {
        match connect(&shared, &place).await {
            Ok(link) => {
                shared.counts.reconnects.add(u64::from(connected));
                connected = true;
                if known.replace(true) != Some(true) {
                    tracing::info!("the shared store is there");
                }
                let since = Instant::now();
                watch(&shared, &Arc::new(link)).await;
                if since.elapsed() > LOOK {
                    // Often it is back at once, or another has its place.
                    pause = FIRST_PAUSE;
                    continue;
                }
            }
            Err(why) => {
                if known.replace(false) != Some(false) {
                    tracing::warn!(
                        why,
                        "the shared store is away: this replica goes on with its share until it is back"
                    );
                }
            }
        }
        sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// A connection on which the server has taken a write: a replica, or a server that is still loading, is no use.
async fn connect(shared: &Shared, place: &Place) -> Result<Link, &'static str> {
    let made = async {
        let link = place.connect().await?;
        link.probe(&shared.probe_key()).await?;
        Ok(link)
    };
    match timeout(CONNECT, made).await {
        Ok(outcome) => outcome.map_err(|error| why(&error)),
        Err(_) => Err("no answer"),
    }
}

/// Lets requests go out on `link` until it is of no more use.
async fn watch(shared: &Shared, link: &Arc<Link>) {
    shared.counts.up.set(1);
    loop {
        shared.link.store(Some(Arc::clone(link)));
        // Either way it is time to look.
        let _ = timeout(LOOK, shared.doubt.notified()).await;
        let key = shared.probe_key();
        if !matches!(timeout(shared.timeout.max(PATIENCE), link.probe(&key)).await, Ok(Ok(()))) {
            break;
        }
    }
    shared.link.store(None);
    shared.counts.up.set(0);
}

/// Between half of `pause` and all of it, so that replicas do not come back in step.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}
