//! The way down: readiness fails, clients are told, listeners close, and the process waits for what is in flight.

use std::time::Duration;

use tokio::{
    sync::{mpsc::UnboundedReceiver, oneshot},
    time::{Instant, interval, sleep},
};

use super::{gateway::Running, signals::Signals, supervisor::Supervisor};
use crate::{
    admin::Asked,
    server::worker::{Closing, Drain},
};

/// From the deadline to the end of the process: workers end, and what waits for the log is written.
const LAST_WORDS: Duration = Duration::from_secs(15);

/// A request counts as ended when its last byte is handed over; a moment more lets that be sent.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// What began it.
#[derive(Debug)]
pub enum Cause {
    /// A signal: listeners close after this delay, and the process ends when nothing is in flight.
    Signal(Duration),
    /// The hook of an application that must outlive its last request: it is answered when nothing is in flight, and the process ends by
    /// the signal that follows.
    Hook(oneshot::Sender<()>),
}

/// Ends the gateway, at `shutdown.deadline` at the latest.
pub async fn end(
    running: Running,
    cause: Cause,
    signals: &mut Signals,
    asked: &mut UnboundedReceiver<Asked>,
    supervisor: &Supervisor,
) {
    let shutdown = running.config().server.shutdown;
    let (delay, mut signalled, mut waiting) = match cause {
        Cause::Signal(delay) => (delay, true, Vec::new()),
        Cause::Hook(told) => (shutdown.delay, false, vec![told]),
    };
    let started = Instant::now();
    let deadline = started + shutdown.deadline;
    supervisor.stopping(shutdown.deadline + LAST_WORDS);
    running.tell(Drain::Announced);
    tracing::info!(delay_s = delay.as_secs_f32(), "ending: readiness fails, listeners close after the delay");
    let mut poll = interval(Duration::from_millis(20));
    let mut closing_at = Some((started + delay).min(deadline));
    let mut quiet_since = None;
    let mut closed = None;
    loop {
        tokio::select! {
            // The first signal after a hook is the one that was to come. Whoever asks twice does not want to wait.
            () = signals.end() => if std::mem::replace(&mut signalled, true) { break },
            // All else that is asked for is refused.
            Some(asked) = asked.recv() => if let (Asked::Hook(told), true) = (asked, shutdown.hook) { waiting.push(told) },
            now = poll.tick() => {
                if closing_at.is_some_and(|at| now >= at) {
                    closing_at = None;
                    closed = Some(running.close());
                }
                // What waited at the doors is accepted by then, and counted.
                let is_closed = closed.as_ref().is_some_and(Closing::is_done);
                let quiet = is_closed && running.requests() == 0;
                quiet_since = if quiet { quiet_since.or(Some(now)) } else { None };
                let all_sent = quiet_since.is_some_and(|at| now - at > LAST_BYTES);
                if is_closed && (running.connections() == 0 || all_sent) {
                    answer(&mut waiting).await;
                    if signalled || now >= deadline {
                        break;
                    }
                } else if now >= deadline {
                    tracing::warn!(requests = running.requests(), "the deadline has come; what still runs is cut");
                    break;
                }
            }
        }
    }
    running.end();
    tracing::info!(seconds = started.elapsed().as_secs_f32(), "ended");
}

/// Tells the hooks that nothing is in flight, and lets the answer be sent.
async fn answer(waiting: &mut Vec<oneshot::Sender<()>>) {
    if waiting.is_empty() {
        return;
    }
    for told in waiting.drain(..) {
        // One that has gone away concerns nobody.
        let _ = told.send(());
    }
    tracing::info!("nothing is in flight: the hook is answered");
    sleep(Duration::from_millis(100)).await;
}
