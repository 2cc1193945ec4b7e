//! The PROXY protocol, versions 1 and 2, as a load balancer in front speaks it.
//! Source: <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::io::{AsyncRead, AsyncReadExt};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest header of version 1, its line end included.
const LONGEST_V1: usize = 107;
/// Longest address block and extensions of version 2 that are read.
const LONGEST_V2: usize = 4096;

/// Why a header can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection ended or broke.
    #[error("the connection ended within the PROXY header")]
    Io(#[from] io::Error),
    /// Not a PROXY header.
    #[error("no well-formed PROXY header")]
    Malformed,
}

/// Reads exactly the header from `stream`. `None` when the sender speaks for itself (`LOCAL`, `UNKNOWN`).
///
/// # Errors
/// When there is no well-formed header.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, Error> {
    // As many bytes as both versions have, so that nothing behind the header is taken.
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    if start == *SIGNATURE {
        return read_v2(stream).await;
    }
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= LONGEST_V1 || !line.starts_with(b"PROXY ") {
            return Err(Error::Malformed);
        }
        line.push(stream.read_u8().await?);
    }
    let text = std::str::from_utf8(&line).map_err(|_| Error::Malformed)?;
    parse_v1(text.trim_end_matches("\r\n"))
}

fn parse_v1(line: &str) -> Result<Option<SocketAddr>, Error> {
    let parts: Vec<&str> = line.split(' ').collect();
    match parts.as_slice() {
        ["PROXY", "UNKNOWN", ..] => Ok(None),
        ["PROXY", family @ ("TCP4" | "TCP6"), source, target, source_port, target_port] => {
            let address: IpAddr = source.parse().map_err(|_| Error::Malformed)?;
            let other: IpAddr = target.parse().map_err(|_| Error::Malformed)?;
            let v4 = *family == "TCP4";
            if address.is_ipv4() != v4 || other.is_ipv4() != v4 || target_port.parse::<u16>().is_err() {
                return Err(Error::Malformed);
            }
            let port = source_port.parse().map_err(|_| Error::Malformed)?;
            Ok(Some(SocketAddr::new(address, port)))
        }
        _ => Err(Error::Malformed),
    }
}

async fn read_v2(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, Error> {
    let version_command = stream.read_u8().await?;
    let family = stream.read_u8().await?;
    let length = usize::from(stream.read_u16().await?);
    if version_command >> 4 != 2 || length > LONGEST_V2 {
        return Err(Error::Malformed);
    }
    let mut block = vec![0; length];
    stream.read_exact(&mut block).await?;
    match (version_command & 15, family) {
        (0, _) | (1, 0) => Ok(None),
        (1, 0x11) => match block.first_chunk::<12>() {
            Some([a, b, c, d, _, _, _, _, p, q, ..]) => {
                Ok(Some((Ipv4Addr::new(*a, *b, *c, *d), u16::from_be_bytes([*p, *q])).into()))
            }
            None => Err(Error::Malformed),
        },
        (1, 0x21) => {
            let block = block.first_chunk::<36>().ok_or(Error::Malformed)?;
            let source = block.first_chunk::<16>().ok_or(Error::Malformed)?;
            Ok(Some((Ipv6Addr::from(*source), u16::from_be_bytes([block[32], block[33]])).into()))
        }
        _ => Err(Error::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse(bytes: &[u8]) -> (Result<Option<SocketAddr>, Error>, Vec<u8>) {
        let mut rest = bytes;
        let result = read(&mut rest).await;
        (result, rest.to_vec())
    }

    #[tokio::test]
    async fn version_1_is_read_to_its_last_byte() {
        let (result, rest) = parse(b"PROXY TCP4 203.0.113.7 10.0.0.1 5555 443\r\n\x16\x03").await;
        assert_eq!(result.expect("passes"), "203.0.113.7:5555".parse().ok());
        assert_eq!(rest, b"\x16\x03");
        let (result, rest) = parse(b"PROXY UNKNOWN\r\nx").await;
        assert_eq!((result.expect("passes"), rest), (None, b"x".to_vec()));
        let (result, _) = parse(b"PROXY TCP6 2001:db8::1 2001:db8::2 5 6\r\n").await;
        assert_eq!(result.expect("passes"), "[2001:db8::1]:5".parse().ok());
    }

    #[tokio::test]
    async fn version_2_is_read_with_its_extensions() {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend_from_slice(&[0x21, 0x11, 0, 15, 203, 0, 113, 7, 10, 0, 0, 1, 0x15, 0xb3, 1, 187, 4, 0, 0, b'T']);
        let (result, rest) = parse(&bytes).await;
        assert_eq!(result.expect("passes"), "203.0.113.7:5555".parse().ok());
        assert_eq!(rest, b"T");
        let local = [&SIGNATURE[..], &[0x20, 0, 0, 0]].concat();
        assert_eq!(parse(&local).await.0.expect("passes"), None);
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let long = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        let short = [&SIGNATURE[..], &[0x21, 0x11, 0, 4, 1, 2, 3, 4]].concat();
        let huge = [&SIGNATURE[..], &[0x21, 0x11, 0xff, 0xff], &vec![0; 70000]].concat();
        let cases: [&[u8]; 8] = [
            b"GET / HTTP/1.1\r\n\r\n",
            b"PROXY TCP4 203.0.113.7\r\n",
            b"PROXY TCP4 ::1 ::1 1 2\r\n",
            b"PROXY TCP4 a b 1 2\r\n\r\n\r\n",
            b"PROXY",
            &long,
            &short,
            &huge,
        ];
        for bytes in cases {
            assert!(parse(bytes).await.0.is_err(), "{}", String::from_utf8_lossy(&bytes[..20.min(bytes.len())]));
        }
    }
}
