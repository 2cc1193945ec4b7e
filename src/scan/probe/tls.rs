//! Protocols, suites and groups that a server speaks, found by offering them.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::{
    Probe,
    budget::{PATIENCE, Spent},
    certificate,
    client::Error,
    hello::{self, Chosen, Hello, Reply, SSL3, TLS10, TLS11, TLS12, TLS13},
    suites::{GROUPS, POST_QUANTUM, SUITES, SUITES_13, Strength},
};
use crate::scan::{finding::Seen, rules::transport as rule};

/// Most bytes of an answer that are read: a hello with its certificates.
const LARGEST: usize = 64 << 10;
/// Smallest Diffie-Hellman prime that is no fault.
const PRIME_BITS: usize = 2048;

/// What a server speaks, for the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Protocols, the oldest first.
    pub protocols: Vec<&'static str>,
    /// Suites, as the server prefers them.
    pub suites: Vec<&'static str>,
    /// Groups of TLS 1.3.
    pub groups: Vec<&'static str>,
    /// The certificate: names, authority, end.
    pub certificate: Option<String>,
}

/// Looks at everything about TLS.
///
/// # Errors
/// When nothing more may be asked.
pub async fn look(probe: &Probe<'_>, facts: &mut Facts) -> Result<(), Spent> {
    if !probe.target.secure {
        probe.found_here(&rule::NO_TLS, &Seen::sample("the address begins with http://"));
        return Ok(());
    }
    let all: Vec<u16> = SUITES.iter().map(|(number, _)| *number).collect();
    for (version, name) in [(SSL3, "SSL 3.0"), (TLS10, "TLS 1.0"), (TLS11, "TLS 1.1")] {
        if let Some(chosen) = offer(probe, version, &all, false).await?.filter(|chosen| chosen.version == version) {
            facts.protocols.push(name);
            let rule = if version == SSL3 { &rule::SSL3 } else { &rule::OLD_TLS };
            probe.found_here(rule, &Seen::new(name, format!("answered with {}", named(chosen.suite))));
        }
    }
    twelve(probe, facts, all).await?;
    thirteen(probe, facts).await?;
    if facts.protocols.is_empty() {
        probe.note("no version of TLS was accepted: is there a TLS server, and does it want another name?");
        return Ok(());
    }
    certificate::look(probe, facts).await
}

/// TLS 1.2: every suite that is accepted, in the server's order.
async fn twelve(probe: &Probe<'_>, facts: &mut Facts, mut left: Vec<u16>) -> Result<(), Spent> {
    let mut accepted = Vec::new();
    while let Some(chosen) = offer(probe, TLS12, &left, false).await? {
        if chosen.version != TLS12 || !left.contains(&chosen.suite) {
            break;
        }
        if accepted.is_empty() {
            facts.protocols.push("TLS 1.2");
            if !chosen.secures_renegotiation {
                probe.found_here(&rule::RENEGOTIATION, &Seen::default());
            }
        }
        if let Some(bits) = chosen.prime_bits.filter(|bits| *bits < PRIME_BITS) {
            probe.found_here(&rule::WEAK_GROUP, &Seen::new("Diffie-Hellman", format!("{bits} bits")));
        }
        left.retain(|suite| *suite != chosen.suite);
        accepted.push(chosen.suite);
    }
    if !accepted.is_empty() && offer(probe, TLS12, &accepted, true).await?.is_some_and(|chosen| chosen.compresses) {
        probe.found_here(&rule::COMPRESSION, &Seen::default());
    }
    for suite in accepted {
        let name = named(suite);
        facts.suites.push(name);
        let rule = match Strength::of(name) {
            Strength::Good => continue,
            Strength::Cbc => &rule::CBC_SUITE,
            Strength::NoSecrecy => &rule::NO_SECRECY,
            Strength::Broken => &rule::BROKEN_SUITE,
        };
        probe.found_here(rule, &Seen::new(name, ""));
    }
    Ok(())
}

/// TLS 1.3: suites, and each group by itself.
async fn thirteen(probe: &Probe<'_>, facts: &mut Facts) -> Result<(), Spent> {
    let groups: Vec<u16> = GROUPS.iter().map(|(number, _)| *number).collect();
    let mut left: Vec<u16> = SUITES_13.iter().map(|(number, _)| *number).collect();
    let mut spoken = false;
    while let Some(chosen) = ask(probe, TLS13, &left, &groups, false).await? {
        if chosen.version != TLS13 || !left.contains(&chosen.suite) {
            break;
        }
        spoken = true;
        left.retain(|suite| *suite != chosen.suite);
        facts.suites.push(named(chosen.suite));
        if left.is_empty() {
            break;
        }
    }
    if !spoken {
        if !facts.protocols.is_empty() {
            probe.found_here(&rule::NO_TLS13, &Seen::default());
        }
        return Ok(());
    }
    facts.protocols.push("TLS 1.3");
    let suites: Vec<u16> = SUITES_13.iter().map(|(number, _)| *number).collect();
    let mut outlasts = false;
    for (group, name) in GROUPS {
        let chosen = ask(probe, TLS13, &suites, &[*group], false).await?;
        if chosen.is_some_and(|chosen| chosen.version == TLS13 && chosen.group == Some(*group)) {
            facts.groups.push(name);
            outlasts |= POST_QUANTUM.contains(group);
        }
    }
    if !outlasts {
        probe.found_here(&rule::NO_QUANTUM, &Seen::sample(facts.groups.join(", ")));
    }
    Ok(())
}

fn named(suite: u16) -> &'static str {
    let mut all = SUITES.iter().chain(SUITES_13);
    all.find(|(number, _)| *number == suite).map_or("a suite that was not offered", |(_, name)| name)
}

async fn offer(probe: &Probe<'_>, version: u16, suites: &[u16], compression: bool) -> Result<Option<Chosen>, Spent> {
    // Those that servers before TLS 1.3 know.
    ask(probe, version, suites, &[0x001D, 0x0017, 0x0018, 0x0019], compression).await
}

/// One hello on a connection of its own; nothing where it is refused.
async fn ask(
    probe: &Probe<'_>,
    version: u16,
    suites: &[u16],
    groups: &[u16],
    compression: bool,
) -> Result<Option<Chosen>, Spent> {
    probe.budget.take().await?;
    let hello = Hello { version, suites, groups, compression, name: probe.target.server_name() };
    let exchange = async {
        let mut socket = probe.connect(probe.target).await?;
        socket.write_all(&hello.bytes()).await.map_err(Error::Connect)?;
        let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            match hello::read(&bytes) {
                Reply::Open if bytes.len() < LARGEST => {}
                Reply::Chosen(chosen) => return Ok(Some(*chosen)),
                Reply::Open | Reply::Refused => return Ok(None),
            }
            match socket.read(&mut piece).await {
                Ok(0) => return Ok(None),
                Ok(n) => bytes.extend_from_slice(&piece[..n]),
                // Some close without a word.
                Err(_) => return Ok(None),
            }
        }
    };
    match timeout(PATIENCE, exchange).await {
        Ok(Ok(chosen)) => Ok(chosen),
        Ok(Err(Error::Spent(spent))) => Err(spent),
        Ok(Err(error)) => {
            probe.note(format!("a question about TLS had no answer: {error}"));
            Ok(None)
        }
        Err(_) => {
            probe.note("a question about TLS had no answer in time");
            Ok(None)
        }
    }
}
