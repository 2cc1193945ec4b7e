//! Privet over real sockets: the built binary, independent clients, raw bytes. A file a theme.

mod arrows;
mod framing;
mod http;
mod lifecycle;
mod start;
mod support;
mod tls;
mod upstream;
