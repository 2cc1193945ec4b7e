//! Addresses of machines.

use super::{
    Out,
    cluster::Separator,
    number::{Digits, SURE},
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
        || i > 0 && matches!(cluster.group(i - 1).after, Separator::Dot | Separator::Dash)
    {
        return;
    }
    let goes_on = e > 0 && matches!(cluster.group(i + 3).after, Separator::Dot | Separator::Dash);
    let octets: Vec<u64> = (0..4).map(|k| checksum::value(cluster.digits(i + k, 1))).collect();
    let padded = (0..4).any(|k| matches!(cluster.digits(i + k, 1), [0, _, ..]));
    // Nor masks of networks.
    let public = !matches!(octets[0], 0 | 127 | 255) && octets[1..] != [0, 0, 0];
    let start = cluster.span(i, 4).start;
    let end = cluster.span(i, 4).end;
    let label = matches!(digits.text.get(end..end + 2), Some([b'-' | b'+', b]) if b.is_ascii_alphabetic());
    let ends = cluster.stops(i, 4) || e > 0 || matches!(cluster.next, b':' | b'_');
    if octets.iter().all(|&o| o < 256)
        && !padded
        && public
        && ends
        && !goes_on
        && !label
        && !is_version(digits.text, start, end)
    {
        let span = cluster.span(i, 4);
        digits.push(Kind::IpAddress, span, SURE);
    }
}

/// Takes four groups of up to three digits with dots, that nothing joins behind, for an address; whether they could be one.
pub(super) fn plain_ipv4(text: &[u8], span: std::ops::Range<usize>, out: &mut Out<'_>) -> bool {
    let before = |n: usize| span.start.checked_sub(n).map_or(b' ', |i| text[i]);
    let joined = match before(1) {
        b'-' | b'.' | b'_' => before(2).is_ascii_alphanumeric(),
        b'/' => before(2).is_ascii_digit(),
        b => b.is_ascii_alphanumeric(),
    };
    let mut octets = [0_u32; 4];
    let mut valid = !joined;
    for (octet, part) in octets.iter_mut().zip(text[span.clone()].split(|b| *b == b'.')) {
        *octet = part.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0'));
        valid &= *octet < 256 && (part.len() == 1 || part[0] != b'0');
    }
    let public = !matches!(octets[0], 0 | 127 | 255) && octets[1..] != [0, 0, 0];
    if valid && public && out.wants(&Kind::IpAddress) && !is_version(text, span.start, span.end) {
        out.push(Finding::new(Kind::IpAddress, span, SURE));
    }
    valid
}

/// `Chrome/120.0.0.0`, `v1.2.3.4`, `version 1.2.3.4`; but `host/10.1.2.3:80` is an address.
fn is_version(text: &[u8], start: usize, end: usize) -> bool {
    const WORDS: &[&[u8]] = &[
        b"version",
        b"versions",
        b"ver",
        b"v",
        b"release",
        b"rel",
        b"build",
        b"firmware",
        b"fw",
        b"rev",
        b"revision",
        b"driver",
        b"oid",
        b"upgrade",
        b"section",
    ];
    let before = &text[..start];
    match before {
        [.., b, b'/'] if b.is_ascii_alphanumeric() => {
            return !matches!(text.get(end..end + 2), Some([b':', port]) if port.is_ascii_digit());
        }
        [.., b'v' | b'V' | b'r'] => return true,
        _ => {}
    }
    let gap = before.iter().rev().take(4).take_while(|b| matches!(b, b' ' | b':' | b'=' | b'"' | b'\'')).count();
    let before = &before[..before.len() - gap];
    let length = before.iter().rev().take(12).take_while(|b| b.is_ascii_alphabetic()).count();
    let word = &before[before.len() - length..];
    gap > 0 && WORDS.iter().any(|w| w.eq_ignore_ascii_case(word))
}

/// Groups of hexadecimal digits with colons around `at`: IPv6 (RFC 4291, section 2.2) or EUI-48. Where reading goes on.
pub(super) fn colons(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let hex = |b: &u8| b.is_ascii_hexdigit() || *b == b':';
    let back = text[..at].iter().rev().take(5).take_while(|b| b.is_ascii_hexdigit()).count();
    let start = at - back;
    let length = text[start..].iter().take(160).take_while(|b| hex(b)).count();
    let end = dotted(text, start, start + length).unwrap_or(start + length);
    let run = &text[start..end];
    let joined = start > 0
        && (text[start - 1].is_ascii_alphanumeric()
            || matches!(text[start - 1], b'_' | b'-' | b'.')
            || text[start - 1] == b':' && is_group(&text[..start - 1]));
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
        // Paths of code are written so in letters, and ratios in single digits.
        && run.iter().any(u8::is_ascii_digit)
        && run.split(|b| *b == b':').any(|group| group.len() > 2)
        && out.wants(&Kind::IpAddress)
    {
        out.push(Finding::new(Kind::IpAddress, start..end, SURE));
    }
    end.max(at + 1)
}

/// Whether a group of hexadecimal digits ends `before`, rather than a word: `mac:3c:22:..`.
fn is_group(before: &[u8]) -> bool {
    let length = before.iter().rev().take(5).take_while(|b| b.is_ascii_hexdigit()).count();
    let word = before[..before.len() - length].last().is_some_and(u8::is_ascii_alphanumeric);
    before.last() == Some(&b':') || (1..=4).contains(&length) && !word
}

/// Where an IPv4 address ends that is the last part of the address from `start` on, the hexadecimal digits of which end at `end`.
fn dotted(text: &[u8], start: usize, end: usize) -> Option<usize> {
    if text.get(end) != Some(&b'.') {
        return None;
    }
    let rest = &text[end..text.len().min(end + 13)];
    let length = rest.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let whole = std::str::from_utf8(&text[start..end + length]).ok()?;
    let whole = whole.trim_end_matches('.');
    whole.parse::<std::net::Ipv6Addr>().ok().map(|_| start + whole.len())
}

/// Six pairs of hexadecimal digits with one separator; not all alike.
pub(super) fn is_mac(text: &[u8], separator: u8) -> bool {
    text.len() == 17
        && text.iter().enumerate().all(|(i, b)| if i % 3 == 2 { *b == separator } else { b.is_ascii_hexdigit() })
        && text.chunks(3).any(|pair| pair[..2] != text[..2])
}
