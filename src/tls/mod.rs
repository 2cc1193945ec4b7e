//! TLS towards clients: certificates, profiles, client certificates, the development CA.
//!
//! [`store`] holds what handshakes use and swaps it when files change; [`acceptor`] makes a handshake and says what came of
//! it; [`pem`] reads files; [`profile`] is Mozilla's policy; [`dev_ca`] makes certificates where there are none.

pub mod acceptor;
pub mod client_auth;
pub mod dev_ca;
pub mod error;
pub mod pem;
pub mod profile;
pub mod resolver;
pub mod settings;
pub mod stamp;
pub mod store;

pub use acceptor::Acceptor;
pub use error::Error;
pub use settings::Settings;
pub use store::Store;
