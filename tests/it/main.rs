//! Privet over real sockets: the built binary, independent clients, raw bytes. A file a theme.

#![allow(unreachable_pub)] // a binary of its own: nothing of it is reached from outside

mod access;
mod acme;
mod arrows;
mod backup;
mod bans;
mod bans_lists;
mod bans_replicas;
mod breached;
mod challenge;
#[allow(dead_code)] // the journal has all of it in its own tests
mod database;
mod disclosure;
mod download;
mod export;
mod framing;
mod gate;
mod grpc;
mod guards;
mod hook;
mod http;
mod intercept;
mod journal;
mod kubernetes;
mod ledger;
mod lifecycle;
mod login;
mod logs;
mod mask;
mod matrix;
mod memory;
mod metrics;
mod oidc;
mod package;
mod passkey;
mod pod;
mod postgres;
mod privacy;
mod redact;
mod redis;
mod registry;
mod replicas;
mod review;
mod route;
mod scim;
mod staff;
mod start;
mod store;
mod supervised;
mod support;
mod telemetry;
mod tls;
mod upstream;
mod witness;
