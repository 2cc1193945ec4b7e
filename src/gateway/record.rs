//! The record of one request: opened with its head, closed when the last byte of its answer is out or given up.
//!
//! Whoever holds the record holds the request open: the answer's body, or the tunnel after an upgrade.

use std::rc::Rc;

use http::{HeaderValue, StatusCode};

use crate::{
    gateway::client::Client,
    observe::metrics::{RouteMeter, Shard},
};

/// An open request.
#[derive(Debug)]
pub struct Record {
    client: Rc<Client>,
    shard: Shard,
    route: Option<RouteMeter>,
    status: StatusCode,
    complete: bool,
}

impl Record {
    /// Opens the record of a request on `client`.
    #[must_use]
    pub fn open(client: &Rc<Client>, shard: &Shard) -> Self {
        client.in_flight.set(client.in_flight.get() + 1);
        client.begun.set(client.begun.get().saturating_add(1));
        shard.requests_in_flight.add(1);
        Self {
            client: Rc::clone(client),
            shard: Shard::clone(shard),
            route: None,
            status: StatusCode::OK,
            complete: false,
        }
    }

    /// Notes which route it takes.
    pub fn routed(&mut self, route: &RouteMeter) {
        self.route = Some(RouteMeter::clone(route));
    }

    /// Notes the status of the answer.
    pub fn answered(&mut self, status: StatusCode) {
        self.status = status;
    }

    /// Notes that the answer's last byte was handed over.
    pub fn complete(&mut self) {
        self.complete = true;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let client = &self.client;
        client.in_flight.set(client.in_flight.get().saturating_sub(1));
        self.shard.requests_in_flight.add(-1);
        if let Some(route) = &self.route {
            route.requests(self.status).increment();
        }
        if !self.complete {
            client.abandoned.set(client.abandoned.get() + 1);
            self.shard.requests_aborted.increment();
        }
    }
}

/// A fresh request id: 128 bits in hexadecimal, unique in practice and without meaning.
#[must_use]
pub fn request_id() -> HeaderValue {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    let mut bits = fastrand::u128(..);
    for digit in &mut text {
        // The lowest four bits index a table of sixteen.
        *digit = HEX[usize::try_from(bits & 15).unwrap_or(0)];
        bits >>= 4;
    }
    let mut id = HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-"));
    // HTTP/2 would put every id into its table of repeated headers, where it pushes out those that do repeat.
    id.set_sensitive(true);
    id
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_differ() {
        let (a, b) = (super::request_id(), super::request_id());
        assert_ne!(a, b);
        assert_eq!(a.len(), 32);
    }
}
