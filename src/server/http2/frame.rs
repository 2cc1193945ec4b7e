//! The frames of HTTP/2 (RFC 9113, sections 4 and 6), byte by byte.

use bytes::{BufMut, BytesMut};
use h2::Reason;

/// What a connection begins with (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes before what a frame holds.
pub(super) const HEADER: usize = 9;
/// Most that a frame holds unless its reader has said otherwise, which Privet does not.
pub(super) const MOST: usize = 1 << 14;
/// Largest window.
pub(super) const WINDOW: i64 = (1 << 31) - 1;
/// What windows are until something is said of them.
pub(super) const FIRST_WINDOW: i64 = (1 << 16) - 1;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;
pub(super) const PRIORITIZED: u8 = 0x20;

/// What stands before what a frame holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Header {
    /// Nothing where that is not whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, rest @ ..] = bytes.first_chunk::<HEADER>()?;
        Some(Self {
            length: u32::from_be_bytes([0, *a, *b, *c]) as usize,
            kind: *kind,
            flags: *flags,
            stream: u32::from_be_bytes(*rest) & u32::MAX >> 1,
        })
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn write(self, out: &mut impl BufMut) {
        out.put_uint(self.length as u64, 3);
        out.put_u8(self.kind);
        out.put_u8(self.flags);
        out.put_u32(self.stream);
    }
}

/// A size as windows have it, which can be below 0.
pub(super) fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Writes a frame that holds `payload`.
pub(super) fn write(kind: u8, flags: u8, stream: u32, payload: &[u8], out: &mut BytesMut) {
    Header { length: payload.len(), kind, flags, stream }.write(out);
    out.put_slice(payload);
}

/// What a frame holds without its padding.
pub(super) fn unpad(header: Header, payload: &[u8]) -> Result<&[u8], Reason> {
    if !header.has(PADDED) {
        return Ok(payload);
    }
    let (padding, rest) = payload.split_first().ok_or(Reason::FRAME_SIZE_ERROR)?;
    let length = rest.len().checked_sub(usize::from(*padding)).ok_or(Reason::PROTOCOL_ERROR)?;
    Ok(&rest[..length])
}

/// The number that is all that a frame holds.
pub(super) fn number(payload: &[u8]) -> Result<u32, Reason> {
    payload.try_into().map(u32::from_be_bytes).map_err(|_| Reason::FRAME_SIZE_ERROR)
}

/// What a client has said of itself (RFC 9113, section 6.5.2); what Privet has no use for is left out.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) table: Option<u32>,
    pub(super) window: Option<i64>,
    pub(super) frame: Option<usize>,
}

impl Settings {
    pub(super) fn read(payload: &[u8]) -> Result<Self, Reason> {
        let (all, rest) = payload.as_chunks::<6>();
        if !rest.is_empty() {
            return Err(Reason::FRAME_SIZE_ERROR);
        }
        let mut settings = Self::default();
        for &[a, b, value @ ..] in all {
            let value = u32::from_be_bytes(value);
            match u16::from_be_bytes([a, b]) {
                // The smallest must be kept to, though another one follows (RFC 7541, section 4.2).
                1 => settings.table = Some(settings.table.map_or(value, |before| before.min(value))),
                2 if value > 1 => return Err(Reason::PROTOCOL_ERROR),
                4 if i64::from(value) > WINDOW => return Err(Reason::FLOW_CONTROL_ERROR),
                4 => settings.window = Some(value.into()),
                5 if !(1 << 14..1 << 24).contains(&value) => return Err(Reason::PROTOCOL_ERROR),
                5 => settings.frame = Some(value as usize),
                _ => {}
            }
        }
        Ok(settings)
    }
}

/// Writes what Privet says of itself, a number and its value each.
pub(super) fn write_settings(settings: &[(u16, u32)], out: &mut BytesMut) {
    Header { length: settings.len() * 6, kind: SETTINGS, flags: 0, stream: 0 }.write(out);
    for (number, value) in settings {
        out.put_u16(*number);
        out.put_u32(*value);
    }
}
