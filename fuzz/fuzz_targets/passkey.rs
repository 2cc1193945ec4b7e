//! No bytes that a browser sends for a passkey make its readers panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::identity::passkey::{
    authenticator::{Data, of_attestation},
    client::ClientData,
};

fuzz_target!(|bytes: &[u8]| {
    let _ = ClientData::read(bytes).map(|client| client.challenge());
    let _ = Data::read(bytes);
    let _ = of_attestation(bytes).map(Data::read);
});
