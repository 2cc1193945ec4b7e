//! Addresses of machines.

use super::{
    Out,
    cluster::Separator,
    number::{Claim, Digits, SURE},
};
use crate::privacy::{
    checksum,
    finding::{Finding, Kind},
};

/// Four numbers up to 255 with dots, which name neither this machine nor none.
pub(super) fn ipv4(digits: &mut Digits<'_>, i: usize) {
    let cluster = digits.cluster;
    let [a, b, c, d, e] = cluster.lengths::<5>(i);
    if d == 0
        || [a, b, c, d].iter().any(|&n| n > 3)
        || !cluster.parted_by(i, 4, Separator::Dot)
        || i == 0 && cluster.joined
    {
        return;
    }
    let goes_on = e > 0 && matches!(cluster.group(i + 3).after, Separator::Dot | Separator::Dash);
    let octets: Vec<u64> = (0..4).map(|k| checksum::value(cluster.digits(i + k, 1))).collect();
    let padded = (0..4).any(|k| matches!(cluster.digits(i + k, 1), [0, _, ..]));
    let public = !matches!(octets[0], 0 | 127) && octets.iter().any(|&o| o != 255) && octets[1..] != [0, 0, 0];
    let start = cluster.span(i, 4).start;
    let ends = cluster.stops(i, 4) || e > 0 || matches!(cluster.next, b':' | b'_');
    if octets.iter().all(|&o| o < 256) && !padded && public && ends && !goes_on && !is_version(digits.text, start) {
        let span = cluster.span(i, 4);
        digits.claims.push(Claim::new(Kind::IpAddress, span, SURE));
    }
}

/// `Chrome/120.0.0.0`, `v1.2.3.4`.
fn is_version(text: &[u8], start: usize) -> bool {
    match &text[..start] {
        [.., before, b'/'] => before.is_ascii_alphanumeric(),
        [.., b'v' | b'V' | b'r'] => true,
        before => {
            let tail = &before[before.len().saturating_sub(9)..];
            tail.to_ascii_lowercase().windows(3).any(|w| w == b"ver")
        }
    }
}

/// Groups of hexadecimal digits with colons around `at`: IPv6 (RFC 4291, section 2.2) or EUI-48. Where reading goes on.
pub(super) fn colons(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let hex = |b: &u8| b.is_ascii_hexdigit() || *b == b':';
    let back = text[..at].iter().rev().take(5).take_while(|b| b.is_ascii_hexdigit()).count();
    let start = at - back;
    let length = text[start..].iter().take(46).take_while(|b| hex(b)).count();
    let end = start + length;
    let run = &text[start..end];
    let joined =
        start > 0 && (text[start - 1].is_ascii_alphanumeric() || matches!(text[start - 1], b'_' | b'-' | b'.'));
    let goes_on = text.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    if back > 4 || joined || goes_on || length < 3 {
        return (at + 1).max(if back > 4 || joined { at + 1 } else { end });
    }
    let run = run.strip_suffix(b":").filter(|rest| !rest.ends_with(b":")).unwrap_or(run);
    let end = start + run.len();
    if is_mac(run, b':') && out.wants(&Kind::MacAddress) {
        out.push(Finding::new(Kind::MacAddress, start..end, SURE));
    } else if let Some(address) = std::str::from_utf8(run).ok().and_then(|s| s.parse::<std::net::Ipv6Addr>().ok())
        && !address.is_loopback()
        && !address.is_unspecified()
        && (run.len() > 6 || run.iter().filter(|b| b.is_ascii_hexdigit()).count() > 4)
        && out.wants(&Kind::IpAddress)
    {
        out.push(Finding::new(Kind::IpAddress, start..end, SURE));
    }
    end.max(at + 1)
}

/// Six pairs of hexadecimal digits with one separator; not all alike.
pub(super) fn is_mac(text: &[u8], separator: u8) -> bool {
    text.len() == 17
        && text.iter().enumerate().all(|(i, b)| if i % 3 == 2 { *b == separator } else { b.is_ascii_hexdigit() })
        && text.chunks(3).any(|pair| pair[..2] != text[..2])
}
