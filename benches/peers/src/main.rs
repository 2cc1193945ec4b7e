//! What `benches/peers/run` needs beside real proxies: a bare pass-through of hyper and rustls as the floor, an origin for uploads and WebSocket messages, and
//! loads that other generators don't have: handshakes by group and resumed, paced requests, idle connections, WebSocket messages.
//!
//! Each command runs on one thread; a load prints one JSON object.

mod client;
mod load;
mod origin;
mod pass;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The floor: terminates TLS and passes requests on, and does nothing else.
    Pass {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        origin: u16,
        #[arg(long)]
        chain: PathBuf,
        #[arg(long)]
        key: PathBuf,
    },
    /// Reads bodies of requests to their end, and echoes WebSocket messages.
    Origin {
        #[arg(long)]
        port: u16,
    },
    /// Connections of one request each.
    Handshakes {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        count: usize,
        /// At once.
        #[arg(long, default_value_t = 8)]
        connections: usize,
        #[arg(long, default_value = "x25519")]
        group: Group,
        /// Resume sessions: all connections but the first of each.
        #[arg(long)]
        resumed: bool,
    },
    /// Requests at a fixed rate, whatever the answers take: latency is counted from when a request was due, in microseconds.
    Paced {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        count: usize,
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// Requests a second.
        #[arg(long)]
        rate: f64,
        #[arg(long, default_value = "/small")]
        path: String,
    },
    /// Requests at a fixed rate for a time; one JSON object a second: how many were answered by 200, and what became of the others.
    Steady {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        seconds: u64,
        #[arg(long, default_value_t = 64)]
        connections: usize,
        /// Requests a second.
        #[arg(long)]
        rate: f64,
    },
    /// Connections that have had one answer each and stay until standard input ends.
    Idle {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        connections: usize,
        #[arg(long)]
        h2: bool,
    },
    /// Certificates of `host0.example`, `host1.example` and so on, each with a key of its own.
    Certificates {
        #[arg(long)]
        folder: PathBuf,
        #[arg(long)]
        count: usize,
    },
    /// WebSocket messages of 128 bytes there and back, one after the other on each connection.
    Websocket {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        count: usize,
        #[arg(long, default_value_t = 16)]
        connections: usize,
    },
}

/// Groups that a client offers: this one alone.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Group {
    X25519,
    X25519mlkem768,
}

fn main() -> Result<()> {
    let command = Arguments::parse().command;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    runtime.block_on(tasks.run_until(async {
        match command {
            Command::Pass { port, origin, chain, key } => pass::serve(port, origin, &chain, &key).await,
            Command::Origin { port } => origin::serve(port).await,
            Command::Handshakes { port, count, connections, group, resumed } => {
                load::handshakes(port, count, connections, group, resumed).await
            }
            Command::Paced { port, count, connections, rate, path } => {
                load::paced(port, count, connections, rate, &path).await
            }
            Command::Steady { port, seconds, connections, rate } => {
                load::steady(port, seconds, connections, rate).await
            }
            Command::Idle { port, connections, h2 } => load::idle(port, connections, h2).await,
            Command::Certificates { folder, count } => certificates(&folder, count),
            Command::Websocket { port, count, connections } => load::websocket(port, count, connections).await,
        }
    }))
}

fn certificates(folder: &Path, count: usize) -> Result<()> {
    fs::create_dir_all(folder)?;
    for number in 0..count {
        let made = rcgen::generate_simple_self_signed(vec![format!("host{number}.example")])?;
        fs::write(folder.join(format!("{number}.crt")), made.cert.pem())?;
        fs::write(folder.join(format!("{number}.key")), made.signing_key.serialize_pem())?;
    }
    println!(r#"{{"count":{count}}}"#);
    Ok(())
}
