//! Keys and tokens that their beginning tells: well-known prefixes, JSON web tokens, credentials behind their scheme.

use super::{Out, word::LONGEST};
use crate::privacy::finding::{Finding, Kind};

fn is_wide(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Prefixes of keys as their issuers publish them, and what each is followed by at least, in characters.
const PREFIXES: &[(&[u8], usize)] = &[
    (b"AKIA", 12),
    (b"ASIA", 12),
    (b"ABIA", 12),
    (b"ACCA", 12),
    (b"LTAI", 12),
    (b"AKID", 16),
    (b"ghp_", 20),
    (b"gho_", 20),
    (b"ghu_", 20),
    (b"ghs_", 20),
    (b"ghr_", 20),
    (b"github_pat_", 20),
    (b"glpat-", 16),
    (b"gldt-", 16),
    (b"glrt-", 16),
    (b"glptt-", 16),
    (b"glcbt-", 16),
    (b"glft-", 16),
    (b"glsoat-", 16),
    (b"glagent-", 16),
    (b"gloas-", 16),
    (b"glffct-", 16),
    (b"glimt-", 16),
    (b"xoxb-", 10),
    (b"xoxa-", 10),
    (b"xoxp-", 10),
    (b"xoxr-", 10),
    (b"xoxs-", 10),
    (b"xoxe-", 10),
    (b"xoxe.", 10),
    (b"xoxo-", 10),
    (b"xoxc-", 10),
    (b"xoxd-", 10),
    (b"xapp-", 10),
    (b"sk_live_", 10),
    (b"sk_test_", 10),
    (b"rk_live_", 10),
    (b"rk_test_", 10),
    (b"pk_live_", 10),
    (b"pk_test_", 10),
    (b"live_sk_", 10),
    (b"test_sk_", 10),
    (b"live_gsk_", 10),
    (b"test_gsk_", 10),
    (b"whsec_", 16),
    (b"sk-ant-", 16),
    (b"sk-proj-", 16),
    (b"sk-svcacct-", 16),
    (b"sk-admin-", 16),
    (b"sk-or-v1-", 20),
    (b"sk-", 20),
    (b"gsk_", 20),
    (b"xai-", 20),
    (b"pplx-", 20),
    (b"r8_", 20),
    (b"AIza", 30),
    (b"ya29.", 20),
    (b"GOCSPX-", 20),
    (b"npm_", 30),
    (b"pypi-", 30),
    (b"SG.", 30),
    (b"hf_", 20),
    (b"api_org_", 20),
    (b"dop_v1_", 40),
    (b"doo_v1_", 40),
    (b"dor_v1_", 40),
    (b"shpat_", 20),
    (b"shpss_", 20),
    (b"shpca_", 20),
    (b"shppa_", 20),
    (b"EAACEdEose0cBA", 4),
    (b"EAAA", 40),
    (b"sq0atp-", 16),
    (b"sq0csp-", 16),
    (b"sq0idp-", 16),
    (b"AGE-SECRET-KEY-", 20),
    (b"dckr_pat_", 16),
    (b"dckr_oat_", 16),
    (b"hvs.", 20),
    (b"hvb.", 20),
    (b"hvr.", 20),
    (b"lin_api_", 20),
    (b"lin_oauth_", 20),
    (b"rubygems_", 20),
    (b"PMAK-", 20),
    (b"figd_", 20),
    (b"ATATT3", 30),
    (b"ATCTT3", 30),
    (b"ATBB", 20),
    (b"ntn_", 30),
    (b"secret_", 40),
    (b"dapi", 32),
    (b"glsa_", 20),
    (b"glc_", 20),
    (b"NRAK-", 20),
    (b"NRJS-", 15),
    (b"NRII-", 20),
    (b"NRRA-", 20),
    (b"xkeysib-", 20),
    (b"xsmtpsib-", 20),
    (b"pscale_tkn_", 20),
    (b"pscale_pw_", 20),
    (b"pscale_oauth_", 20),
    (b"sbp_", 30),
    (b"sb_secret_", 20),
    (b"tskey-", 16),
    (b"dp.pt.", 20),
    (b"dp.st.", 20),
    (b"dp.ct.", 20),
    (b"sntrys_", 20),
    (b"sntryu_", 20),
    (b"pul-", 30),
    (b"pnu_", 20),
    (b"HRKU-", 20),
    (b"CCIPAT_", 20),
    (b"bkua_", 20),
    (b"lsv2_pt_", 20),
    (b"lsv2_sk_", 20),
    (b"nfp_", 20),
    (b"vcp_", 20),
    (b"fio-u-", 20),
    (b"CFPAT-", 20),
    (b"duffel_", 20),
    (b"EZAK", 30),
    (b"EZTK", 30),
    (b"shippo_live_", 20),
    (b"shippo_test_", 20),
    (b"sl.", 60),
    (b"squ_", 30),
    (b"sqp_", 30),
    (b"sqa_", 30),
    (b"AKCp", 50),
    (b"CLOJARS_", 30),
    (b"ops_eyJ", 30),
    (b"pat-na1-", 20),
    (b"pat-eu1-", 20),
    (b"rdme_", 30),
    (b"tfp_", 30),
    (b"aio_", 20),
    (b"key-", 32),
    (b"cmVmdGtuO", 30),
    (b"phc_", 30),
    (b"phx_", 30),
    (b"wandb_v1_", 20),
    (b"jina_", 30),
    (b"tvly-", 20),
    (b"nvapi-", 30),
];

/// The places in [`PREFIXES`] of those that begin with a sign, one after another; zero ends.
const BY_SIGN: [[u8; 64]; 128] = {
    let mut table = [[0; 64]; 128];
    let mut i = 0;
    while i < PREFIXES.len() {
        let row = &mut table[PREFIXES[i].0[0] as usize];
        let mut k = 0;
        while row[k] > 0 {
            k += 1;
        }
        #[allow(clippy::cast_possible_truncation)] // there are fewer than 255
        {
            row[k] = i as u8 + 1;
        }
        i += 1;
    }
    table
};

/// A key or token around the word that begins at `start`: where it ends.
pub(super) fn secret(text: &[u8], start: usize, out: &mut Out<'_>) -> Option<usize> {
    let back = text[..start].iter().rev().take(LONGEST).take_while(|b| is_wide(**b)).count();
    let begin = start - back;
    let wide = &text[begin..];
    if let Some((kind, width)) = credentials(text, begin) {
        return take(text, begin, width, kind, out);
    }
    let row = BY_SIGN.get(usize::from(wide[0]))?;
    if row[0] == 0 && wide[0] != b'e' {
        return None;
    }
    let length = wide.iter().take_while(|b| is_wide(**b)).count();
    if length < 10 {
        return None;
    }
    if wide.starts_with(b"eyJ") && length > 20 && wide[..length].contains(&b'.') {
        return take(text, begin, length, Kind::Jwt, out);
    }
    let prefixes = row.iter().map_while(|&i| PREFIXES.get(usize::from(i).wrapping_sub(1)));
    let mut known = prefixes.filter(|(prefix, least)| length >= prefix.len() + least && wide.starts_with(prefix));
    known.next()?;
    take(text, begin, length, Kind::ApiKey, out)
}

fn take(text: &[u8], start: usize, length: usize, kind: Kind, out: &mut Out<'_>) -> Option<usize> {
    let mut length = length;
    while length > 1 && text[start + length - 1] == b'.' {
        length -= 1;
    }
    let end = start + length;
    if !out.wants(&kind) {
        return None;
    }
    out.push(Finding { open: end == text.len(), ..Finding::new(kind, start..end, 95) });
    Some(end)
}

/// Credentials behind the name of their scheme, in a header or anywhere: kind and width.
pub(super) fn credentials(text: &[u8], start: usize) -> Option<(Kind, usize)> {
    // Bearer, basic.
    if !matches!(text[..start], [.., b'r' | b'R' | b'c' | b'C', b' ']) {
        return None;
    }
    let scheme = |name: &[u8]| {
        let before = &text[..start];
        let at = before.len().checked_sub(name.len() + 1)?;
        (before.last() == Some(&b' ') && before[at..start - 1].eq_ignore_ascii_case(name)).then_some(())
    };
    // RFC 9110, section 11.2: token68.
    let token = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
    let width = || text[start..].iter().take_while(|b| token(b)).count();
    if scheme(b"bearer").is_some() {
        let width = width();
        let kind = if text[start..].starts_with(b"eyJ") { Kind::Jwt } else { Kind::BearerToken };
        return (width >= 8).then_some((kind, width));
    }
    if scheme(b"basic").is_some() {
        let width = width();
        return (width >= 8 && is_basic(&text[start..start + width])).then_some((Kind::BasicCredentials, width));
    }
    None
}

/// Base64 of something with a colon in it (RFC 7617, section 2).
fn is_basic(token: &[u8]) -> bool {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    let bare = token.len() - token.iter().rev().take_while(|b| **b == b'=').count();
    // The end may be cut where a value is very long: whole groups of four suffice.
    let whole = if token.len() > 400 { bare & !3 } else { bare };
    STANDARD_NO_PAD.decode(&token[..whole]).is_ok_and(|plain| plain.contains(&b':'))
}
