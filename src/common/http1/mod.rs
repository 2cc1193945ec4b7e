//! What both sides of HTTP/1.1 have in common (RFC 9112): tokens, the lines of a head, the head that came before, the frame of a chunked body, messages on their way out, bodies on their way in.

pub mod chunks;
pub mod fields;
mod pattern;
pub mod receiving;
pub mod sending;

pub use self::{
    chunks::{Chunks, Malformed, Part},
    pattern::Pattern,
    receiving::{READ, Remaining},
    sending::{Outgoing, Sending},
};

/// `tchar` of RFC 9110, section 5.6.2.
#[must_use]
pub fn is_token(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut i = 0;
        while i < 256 {
            #[allow(clippy::cast_possible_truncation)] // i < 256
            let b = i as u8;
            table[i] = b.is_ascii_alphanumeric()
                || matches!(
                    b,
                    b'!' | b'#'
                        | b'$'
                        | b'%'
                        | b'&'
                        | b'\''
                        | b'*'
                        | b'+'
                        | b'-'
                        | b'.'
                        | b'^'
                        | b'_'
                        | b'`'
                        | b'|'
                        | b'~'
                );
            i += 1;
        }
        table
    };
    TOKEN[byte as usize]
}
