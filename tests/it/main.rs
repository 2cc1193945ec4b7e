//! Privet over real sockets: the built binary, independent clients, raw bytes. A file a theme.

#![allow(clippy::format_collect, clippy::format_push_string)] // texts of tests are short
#![allow(unreachable_pub)] // a binary of its own: nothing of it is reached from outside

mod access;
mod acme;
mod antivirus;
mod arrows;
mod attest;
mod backup;
mod backup_chains;
mod bans;
mod bans_lists;
mod bans_replicas;
mod bodies;
mod breached;
mod challenge;
mod clamd;
mod consent;
mod console;
mod crs;
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
mod icap;
mod incident;
mod intercept;
mod journal;
mod keys;
mod kubernetes;
mod ledger;
mod lifecycle;
mod login;
mod logs;
mod mask;
mod matrix;
mod memory;
mod metrics;
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // what is drawn is small
mod month;
mod notice;
mod oidc;
mod package;
mod passkey;
mod peer;
mod pod;
mod postgres;
mod privacy;
mod redact;
mod redis;
mod registry;
mod remedy;
mod replicas;
mod review;
mod route;
mod scan;
mod scim;
mod shield;
mod staff;
mod start;
mod store;
mod supervised;
mod support;
mod telemetry;
mod tls;
mod transforms;
mod upstream;
mod witness;
mod year;
