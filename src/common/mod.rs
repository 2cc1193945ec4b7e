//! Small shared things without policy: units, limits, the frames of HTTP/1.1, the heads of HTTP/2, deadlines on a coarse clock, counters, authorities, secrets, colours, who is at the other end
//! and who made them ask, whether a thread lives, where futures are put.

pub mod authority;
pub mod clock;
pub mod colour;
pub mod fetch;
pub mod hpack;
pub mod http1;
pub mod impersonal;
pub mod limit;
pub mod lock_file;
pub mod memory;
pub mod meter;
pub mod peer;
pub mod place;
pub mod pulse;
pub mod replace;
pub mod secret;
pub mod stamp;
pub mod unit;
pub mod watch;
