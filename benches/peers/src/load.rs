//! Loads, each bounded in count.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io::Read,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt, future::try_join_all};
use tokio::task::spawn_local;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    Group,
    client::{Sender, connect, connector},
};

/// How many of `count` are left to be taken by whoever comes.
fn taken(left: &Cell<usize>) -> bool {
    let now = left.get();
    left.set(now.saturating_sub(1));
    now > 0
}

/// Lets `connections` of the same kind work at once.
async fn at_once<F: Future<Output = Result<()>> + 'static>(
    connections: usize,
    work: impl Fn(usize) -> F,
) -> Result<()> {
    let tasks = (0..connections).map(|number| spawn_local(work(number)));
    for done in try_join_all(tasks).await? {
        done?;
    }
    Ok(())
}

pub(crate) async fn handshakes(port: u16, count: usize, connections: usize, group: Group, resumes: bool) -> Result<()> {
    let left = Rc::new(Cell::new(count));
    let again = Rc::new(Cell::new(0));
    at_once(connections, |_| {
        let (left, again) = (Rc::clone(&left), Rc::clone(&again));
        async move {
            let connector = connector(group, b"http/1.1", resumes)?;
            while taken(&left) {
                let tls = connect(&connector, port, "localhost").await?;
                if tls.get_ref().1.handshake_kind() == Some(rustls::HandshakeKind::Resumed) {
                    again.set(again.get() + 1);
                }
                Sender::over(tls, false).await?.get("localhost", "/small").await?;
            }
            Ok(())
        }
    })
    .await?;
    if resumes && again.get() + 2 * connections < count {
        bail!("{} of {count} handshakes were resumed", again.get());
    }
    println!(r#"{{"count":{count},"resumed":{}}}"#, again.get());
    Ok(())
}

pub(crate) async fn paced(port: u16, count: usize, connections: usize, rate: f64, path: &str) -> Result<()> {
    let connector = connector(Group::X25519, b"http/1.1", false)?;
    let mut senders = Vec::new();
    for _ in 0..connections {
        senders.push(Sender::over(connect(&connector, port, "localhost").await?, false).await?);
    }
    let (hand, work) = tokio::sync::mpsc::unbounded_channel::<Instant>();
    let work = Rc::new(tokio::sync::Mutex::new(work));
    let mut tasks = Vec::new();
    for mut sender in senders {
        let (work, path) = (Rc::clone(&work), path.to_owned());
        tasks.push(spawn_local(async move {
            let mut took = Vec::new();
            loop {
                let due = work.lock().await.recv().await;
                let Some(due) = due else { return Ok::<_, anyhow::Error>(took) };
                sender.get("localhost", &path).await?;
                took.push(due.elapsed());
            }
        }));
    }
    let start = Instant::now();
    // The clock of a runtime has a grain of a millisecond: what was due in it goes out at once, and is counted from when it was due.
    let mut sent = 0;
    while sent < count {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of requests")]
        let due = ((start.elapsed().as_secs_f64() * rate) as usize).min(count);
        while sent < due {
            #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
            hand.send(start + Duration::from_secs_f64(sent as f64 / rate))?;
            sent += 1;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(hand);
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await??);
    }
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 1000).or(took.last()).map_or(0, Duration::as_micros);
    let seconds = start.elapsed().as_secs_f64();
    println!(
        r#"{{"count":{},"seconds":{seconds:.3},"p50":{},"p99":{},"p999":{}}}"#,
        took.len(),
        at(500),
        at(990),
        at(999)
    );
    Ok(())
}

/// What became of the requests of one second.
#[derive(Default)]
struct Second {
    answered: usize,
    failed: BTreeMap<String, usize>,
}

pub(crate) async fn steady(port: u16, seconds: u64, connections: usize, rate: f64) -> Result<()> {
    let tls = connector(Group::X25519, b"http/1.1", false)?;
    let now = Rc::new(RefCell::new(Second::default()));
    #[expect(clippy::cast_precision_loss, reason = "a count of connections")]
    let every = Duration::from_secs_f64(connections as f64 / rate);
    let start = tokio::time::Instant::now();
    for number in 0..connections {
        let (tls, now) = (tls.clone(), Rc::clone(&now));
        spawn_local(async move {
            let mut due = start
                + every.mul_f64(
                    f64::from(u32::try_from(number).unwrap_or(0)) / f64::from(u32::try_from(connections).unwrap_or(1)),
                );
            let mut sender = None;
            loop {
                tokio::time::sleep_until(due).await;
                due += every;
                let failed = match asked(&tls, port, &mut sender).await {
                    Ok(()) => None,
                    // The last is why, and names no port and no path.
                    Err(error) => Some(error.root_cause().to_string()),
                };
                let mut now = now.borrow_mut();
                match failed {
                    None => now.answered += 1,
                    Some(why) => {
                        sender = None;
                        *now.failed.entry(why).or_default() += 1;
                    }
                }
            }
        });
    }
    for second in 1..=seconds {
        tokio::time::sleep_until(start + Duration::from_secs(second)).await;
        let Second { answered, failed } = now.take();
        println!("{}", serde_json::json!({ "second": second, "answered": answered, "failed": failed }));
    }
    Ok(())
}

/// One request, over the connection at hand or a new one.
async fn asked(tls: &TlsConnector, port: u16, sender: &mut Option<Sender>) -> Result<()> {
    // One that was ended meanwhile, as at a limit of age, is no failure of anybody.
    if sender.as_ref().is_some_and(Sender::is_closed) {
        *sender = None;
    }
    if sender.is_none() {
        *sender = Some(Sender::over(connect(tls, port, "localhost").await?, false).await?);
    }
    sender.as_mut().context("a connection")?.get("localhost", "/small").await
}

pub(crate) async fn idle(port: u16, connections: usize, h2: bool) -> Result<()> {
    let connector = connector(Group::X25519, if h2 { b"h2" } else { b"http/1.1" }, false)?;
    let mut kept = Vec::new();
    for number in 0..connections {
        let tls = connect(&connector, port, "localhost").await.with_context(|| format!("connection {number}"))?;
        let mut sender = Sender::over(tls, h2).await?;
        sender.get("localhost", "/small").await.with_context(|| format!("request {number}"))?;
        kept.push(sender);
    }
    println!(r#"{{"count":{connections}}}"#);
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

pub(crate) async fn websocket(port: u16, count: usize, connections: usize) -> Result<()> {
    let left = Rc::new(Cell::new(count));
    let tls = connector(Group::X25519, b"http/1.1", false)?;
    at_once(connections, |_| {
        let (left, tls) = (Rc::clone(&left), tls.clone());
        async move {
            let stream = connect(&tls, port, "localhost").await?;
            let (mut socket, _) = tokio_tungstenite::client_async("wss://localhost/ws", stream).await?;
            while taken(&left) {
                socket.send(Message::Binary(vec![b'x'; 128].into())).await?;
                socket.next().await.context("the connection ended")??;
            }
            socket.close(None).await?;
            while let Some(Ok(_)) = socket.next().await {}
            Ok(())
        }
    })
    .await?;
    println!(r#"{{"count":{count}}}"#);
    Ok(())
}
