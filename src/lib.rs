//! Privet: a TLS-terminating reverse proxy that makes a privacy policy true on live traffic.
//!
//! The map of the house, top to bottom; a room imports only from rooms further down
//! (`tests/it/arrows.rs` holds the table and fails on any other arrow):
//!
//! * [`cli`]: one file a subcommand.
//! * [`app`]: the composition root: settings become a running gateway; reload; signals.
//! * [`demo`]: the legacy application that `serve --demo` protects; nothing but `app` and tests may look at it.
//! * [`config`]: a TOML file becomes each room's settings, or diagnostics with line, column and hint.
//! * [`server`]: listeners, one worker a core, connections, the strict reading of HTTP/1.1, the way down.
//! * [`admin`]: the private listener: health and metrics.
//! * [`attest`]: the policy's clauses, what shows that each is true, and the evidence to take along.
//! * [`gateway`]: THE LIST: what happens to a request, one line a step.
//! * [`observe`]: what is written down, counted and traced, and where that goes.
//! * [`incident`]: when it happens anyway: signals, cases, clocks, notices; a fold over the journal.
//! * [`identity`]: who asks: sign-in, sessions, staff accounts.
//! * [`backup`]: journal, keys and accounts in one sealed file, and back.
//! * [`access`]: who may do what with personal data, for what, and what of it is seen; pure.
//! * [`registry`]: who is there, who may what, who has promised: a fold over the journal.
//! * [`privacy`]: finds personal data and secrets in bytes, and rewrites them; pure.
//! * [`journal`]: what has happened, sealed and chained: readable with keys only, changed by nobody unseen.
//! * [`login`]: limits on attempts at an application's own login.
//! * [`antivirus`]: what people send and get goes through clamd first.
//! * [`shield`]: intrusion prevention: rules of the Core Rule Set, and bans.
//! * [`scan`]: vulnerability analysis: what applications give away, on live traffic and asked for.
//! * [`tls`]: certificates, profiles, client certificates, ACME, the development CA.
//! * [`store`]: what replicas share, in Redis; away at once where it is away.
//! * [`seal`]: keys and AEAD streams: one sealing for everything that is kept.
//! * [`mod@format`]: streaming readers over bodies, used by every room that looks into one.
//! * [`dial`]: connections to anything: TCP, Unix, TLS; names resolved again.
//! * [`common`]: units, coarse clock, the peer of a connection: no policy, small.
//!
//! Tenets, in rank: private, correct, simple, fast. `docs/ARCHITECTURE.md` says why.

pub mod access;
pub mod admin;
pub mod antivirus;
pub mod app;
pub mod attest;
pub mod backup;
pub mod cli;
pub mod common;
pub mod config;
pub mod demo;
pub mod dial;
pub mod format;
pub mod gateway;
pub mod identity;
pub mod incident;
pub mod journal;
pub mod login;
pub mod observe;
pub mod privacy;
pub mod registry;
pub mod scan;
pub mod seal;
pub mod server;
pub mod shield;
pub mod store;
pub mod tls;
