//! Values of fields that are named for what they hold: `password=`, `"name": `, `주소:`.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    ops::Range,
    sync::LazyLock,
};

use super::{Out, person, secret};
use crate::privacy::finding::{Finding, Kind};

/// What a field's name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Name,
    Address,
    Password,
    Key,
    Session,
    Authorization,
    Cookies,
}

// Names in lower case, without spaces, dashes, dots and underscores.
const NAMES: &[(Label, &str)] = &[
    (
        Label::Name,
        "name|fullname|firstname|lastname|middlename|givenname|familyname|surname|forename|nickname|realname|displayname|legalname|\
        customername|patientname|recipientname|receivername|sendername|contactname|employeename|buyername|sellername|ownername|holdername|\
        cardholder|cardholdername|accountholder|membername|personname|studentname|clientname|username2|maidenname|mothersname|fathersname|\
        shippingname|billingname|authorname|applicant|guestname|payername|payeename|insuredname|\
        성명|이름|성함|환자명|환자성명|고객명|고객성명|회원명|예금주|신청인|신청자|수취인|수령인|수신인|발신인|담당자|담당자명|대표자|대표자명|대표이사|대상자|계약자|피보험자|\
        보호자|보호자명|임대인|임차인|매도인|매수인|작성자|접수자|상담원|소유주|소유자|주문자|받는사람|받는분|보내는사람|보내는분|민원인|근로자|원고|피고|성명한글|지원자|교수명|\
        氏名|名前|お名前|姓名|名字|nom|prenom|prénom|nombre|apellido|apellidos|nome|cognome|sobrenome|vorname|nachname|имя|фамилия",
    ),
    (
        Label::Address,
        "address|addr|address1|address2|addressline1|addressline2|streetaddress|street|homeaddress|mailingaddress|postaladdress|shippingaddress|\
        billingaddress|deliveryaddress|residence|residentialaddress|주소|주소지|자택주소|거주지|배송지|배송지주소|도로명주소|지번주소|상세주소|회사주소|본적|등록기준지|\
        住所|地址|adresse|direccion|dirección|indirizzo|endereco|endereço|anschrift|strasse|straße",
    ),
    (
        Label::Password,
        "password|passwd|pwd|pass|passphrase|passcode|userpassword|oldpassword|newpassword|currentpassword|confirmpassword|passwordconfirm|\
        passwordconfirmation|password1|password2|dbpassword|loginpassword|secretanswer|pin|pincode|otp|otpcode|onetimepassword|cvv|cvc|cvv2|cvc2|\
        비밀번호|암호|패스워드|パスワード|密码|密碼|passwort|kennwort|motdepasse|contraseña|contrasena|senha|jpassword",
    ),
    (
        Label::Key,
        "apikey|xapikey|secret|secretkey|clientsecret|accesstoken|refreshtoken|idtoken|authtoken|token|privatekey|accesskey|accesskeyid|secretaccesskey|\
        awssecretaccesskey|awsaccesskeyid|bearertoken|sessiontoken|csrftoken|xsrftoken|xcsrftoken|signingkey|encryptionkey|xauthtoken|authkey|\
        licensekey|masterkey|sharedsecret|webhooksecret|code_verifier|assertion|samlresponse",
    ),
    (
        Label::Session,
        "sessionid|session|sid|jsessionid|phpsessid|aspnetsessionid|connectsid|sessid|sessiontokencookie|laravelsession|csessionid|\
        xsessionid|ssid|authcookie|aspxauth|rememberme|remembertoken|rememberusertoken|cfduid|djangosession|railssession|hostsession|securesession",
    ),
    (Label::Authorization, "authorization|proxyauthorization|xauthorization|xforwardedauthorization"),
    (Label::Cookies, "cookie|setcookie|cookies"),
];

/// Words before `name` that make it no person's.
const THINGS: &str = "|file|host|user|domain|product|company|class|event|method|function|table|column|display|service|server|process|thread|package|module|path|\
group|team|project|app|application|image|container|pod|namespace|cluster|node|device|model|brand|store|shop|bank|business|organization|country|city|state|\
street|street2|field|key|tag|type|index|queue|topic|bucket|job|task|step|image|theme|font|icon|category|course|school|department|session|template|code|\
ip|mac|email|web|url|server|bind|listen|remote|local|internet|";

const LONGEST_NAME: usize = 40;
/// Longest value without quotes that is taken for an address.
const LONGEST_VALUE: usize = 160;

/// Fowler, Noll and Vo's hash (draft-eastlake-fnv, FNV-1a): the names are ours, so nobody can choose what falls together.
#[derive(Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
        }
    }
}

static TABLE: LazyLock<HashMap<&'static [u8], Label, BuildHasherDefault<Fnv>>> = LazyLock::new(|| {
    let words = |&(label, names): &(Label, &'static str)| names.split('|').map(move |name| (name.as_bytes(), label));
    NAMES.iter().flat_map(words).collect()
});

/// By the first byte of a name, which lengths there are in [`NAMES`].
const LENGTHS: [u64; 256] = {
    let mut table = [0; 256];
    let mut row = 0;
    while row < NAMES.len() {
        let names = NAMES[row].1.as_bytes();
        let (mut start, mut i) = (0, 0);
        while i <= names.len() {
            if i == names.len() || names[i] == b'|' {
                table[names[start] as usize] |= 1 << (i - start);
                start = i + 1;
            }
            i += 1;
        }
        row += 1;
    }
    table
};

/// Which three bytes the names of [`NAMES`] and [`ENDS`] end with, by the lower five bits of each (which make no difference of case): a
/// row by the first two, a bit by the last.
const TAILS: [u32; 1 << 10] = {
    let mut table = [0; 1 << 10];
    let mut row = 0;
    while row < NAMES.len() {
        let names = NAMES[row].1.as_bytes();
        let mut i = 2;
        while i < names.len() {
            if i + 1 == names.len() || names[i + 1] == b'|' {
                let (of, bit) = tail([names[i - 2], names[i - 1], names[i]]);
                table[of] |= bit;
            }
            i += 1;
        }
        row += 1;
    }
    row = 0;
    while row < ENDS.len() {
        let end = ENDS[row].1;
        let (of, bit) = tail([end[end.len() - 3], end[end.len() - 2], end[end.len() - 1]]);
        table[of] |= bit;
        row += 1;
    }
    table
};

/// Row and bit of three bytes in [`TAILS`].
const fn tail(bytes: [u8; 3]) -> (usize, u32) {
    let [a, b, c] = bytes;
    (((a & 31) as usize) << 5 | (b & 31) as usize, 1 << (c & 31))
}

/// Bytes that names are written in.
const PART: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80;
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => break,
        }
    }
    table
};

/// What the name of a field says.
pub(crate) fn label(name: &[u8]) -> Option<Label> {
    let mut plain = [0_u8; LONGEST_NAME];
    let mut length = 0;
    for byte in name.iter().filter(|b| !matches!(b, b'_' | b'-' | b'.' | b' ' | b'[' | b']')) {
        *plain.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    // Most names in logs begin or are as long as none in the table.
    let lengths = LENGTHS[usize::from(plain[0])];
    if length < 3 || lengths >> length & 1 == 0 && length < SHORTEST_END {
        return None;
    }
    TABLE.get(&plain[..length]).copied().or_else(|| ending(&plain[..length]))
}

/// Ends of the names of secrets that a prefix makes longer.
const ENDS: &[(Label, &[u8])] = &[
    (Label::Password, b"password"),
    (Label::Password, b"passwd"),
    (Label::Password, b"passphrase"),
    (Label::Key, b"secretkey"),
    (Label::Key, b"secret"),
    (Label::Key, b"apikey"),
    (Label::Key, b"accesstoken"),
    (Label::Key, b"authtoken"),
    (Label::Key, b"apitoken"),
    (Label::Key, b"refreshtoken"),
    (Label::Key, b"privatekey"),
    (Label::Key, b"accesskey"),
];

/// As short as the ends of names are that [`ending`] knows.
const SHORTEST_END: usize = 7;

/// Names of secrets that a prefix makes longer: `DB_PASSWORD`, `user[password]`, `STRIPE_SECRET_KEY`.
fn ending(plain: &[u8]) -> Option<Label> {
    ENDS.iter().find(|(_, end)| plain.ends_with(end)).map(|(label, _)| *label)
}

/// Reads around the sign at `at`, `:` or `=`; where reading goes on.
pub(super) fn read(text: &[u8], at: usize, out: &mut Out<'_>) -> usize {
    let Some(name) = name(text, at) else { return at + 1 };
    let Some(label) = label(&text[name.clone()]) else { return at + 1 };
    let Some((value, quoted)) = value(text, at + 1, label) else { return at + 1 };
    labelled(text, label, &name, value, quoted, out).unwrap_or(at + 1)
}

/// Takes `value` for what the label of `name` says; where reading goes on, unless right behind the sign.
pub(super) fn labelled(
    text: &[u8],
    label: Label,
    name: &Range<usize>,
    value: Range<usize>,
    quoted: bool,
    out: &mut Out<'_>,
) -> Option<usize> {
    match label {
        Label::Name => person(text, name, &value, quoted, out),
        Label::Address => address(text, name, &value, quoted, out),
        Label::Password => hidden(text, value, Kind::Password, 1, out),
        Label::Key => hidden(text, value, Kind::ApiKey, 8, out),
        Label::Session => hidden(text, value, Kind::SessionCookie, 8, out),
        Label::Authorization => authorization(text, value, out),
        Label::Cookies => Some(cookies(text, value, out)),
    }
}

/// The name that stands before the sign.
fn name(text: &[u8], at: usize) -> Option<Range<usize>> {
    let mut end = at;
    while end > 0 && at - end < 3 && matches!(text[end - 1], b' ' | b'"' | b'\'' | b'\\' | b']') {
        end -= 1;
    }
    // Most names in logs end as none does that is known, whatever parts them.
    let mut signs = text[..end].iter().rev().take(LONGEST_NAME).copied().filter(|b| !matches!(b, b'_' | b'-' | b'.'));
    let [last, before, first] = [signs.next()?, signs.next()?, signs.next()?];
    let (row, bit) = tail([first, before, last]);
    if TAILS[row] & bit == 0 {
        return None;
    }
    let mut length = 0;
    while length <= LONGEST_NAME && length < end && PART[usize::from(text[end - 1 - length])] {
        length += 1;
    }
    (length > 1 && length <= LONGEST_NAME && !last.is_ascii_digit() || last == b'1' || last == b'2')
        .then_some(end - length..end)
}

/// The value behind the sign, and whether it stands in quotes.
fn value(text: &[u8], mut pos: usize, label: Label) -> Option<(Range<usize>, bool)> {
    let from = pos;
    // `a= b`: the value of `a` is empty.
    if text[pos - 1] == b'=' && text.get(pos) == Some(&b' ') && pos > 1 && text[pos - 2] != b' ' {
        return None;
    }
    while pos - from < 4 && matches!(text.get(pos), Some(b' ' | b'\t')) {
        pos += 1;
    }
    if matches!(text.get(pos), Some(b'"' | b'\'' | b'\\')) {
        let slashes = text[pos..].iter().take(8).take_while(|b| **b == b'\\').count();
        let quote = *text.get(pos + slashes).filter(|b| matches!(b, b'"' | b'\''))?;
        let start = pos + slashes + 1;
        return Some((start..closing(text, start, quote, slashes), true));
    }
    let spaced = matches!(label, Label::Name | Label::Address | Label::Authorization | Label::Cookies);
    let stops = |b: &u8| match b {
        b'\n' | b'\r' | b'"' | b'<' | b'>' | b'|' | b'}' => true,
        b'&' => !spaced || label == Label::Name || label == Label::Address,
        b' ' | b'\t' | b',' | b';' | b')' | b']' => !spaced,
        _ => false,
    };
    let length = text[pos..].iter().take_while(|b| !stops(b)).count();
    (length > 0).then_some((pos..pos + length, false))
}

/// Where the quote that opened with `slashes` before it closes.
fn closing(text: &[u8], start: usize, quote: u8, slashes: usize) -> usize {
    let mut run = 0;
    for (i, &byte) in text[start..].iter().enumerate() {
        if byte == b'\\' {
            run += 1;
            continue;
        }
        // In JSON `\"` is of the value; in JSON within JSON the value's end is `\"` and `\\\"` is of it.
        if byte == quote && (run == slashes || slashes == 0 && run % 2 == 0) {
            return start + i - slashes.min(run);
        }
        run = 0;
    }
    text.len()
}

fn person(text: &[u8], name: &Range<usize>, value: &Range<usize>, quoted: bool, out: &mut Out<'_>) -> Option<usize> {
    let plain = text[name.clone()].eq_ignore_ascii_case(b"name");
    if plain && is_thing(text, name.start) || !out.wants(&Kind::Person) {
        return None;
    }
    let end = if quoted { person::whole(&text[value.clone()])? } else { person::leading(&text[value.clone()])? }
        + value.start;
    out.push(Finding::new(Kind::Person, value.start..end, 80));
    Some(end)
}

/// Whether the word before a name's label says that it is a thing's: `file name:`.
fn is_thing(text: &[u8], start: usize) -> bool {
    let Some(before) = text[..start].strip_suffix(b" ") else { return false };
    let length = before.iter().rev().take(16).take_while(|b| b.is_ascii_alphabetic()).count();
    let word = String::from_utf8_lossy(&before[before.len() - length..]).to_lowercase();
    length > 0 && THINGS.contains(&format!("|{word}|"))
}

fn address(text: &[u8], name: &Range<usize>, value: &Range<usize>, quoted: bool, out: &mut Out<'_>) -> Option<usize> {
    let mut span = value.clone();
    if !quoted && span.len() > LONGEST_VALUE {
        return None;
    }
    let content = &text[span.clone()];
    let letters = content.iter().filter(|b| b.is_ascii_alphabetic() || **b >= 0x80).count();
    // A machine's address is none that mail goes to, nor is a mail address; prose that follows a colon has no number in it.
    let digits = content.iter().any(u8::is_ascii_digit);
    if letters < 4
        || content.contains(&b'@')
        || content.contains(&b'/') && !content.contains(&b' ')
        || is_thing(text, name.start)
    {
        return None;
    }
    if !quoted {
        // A line of several fields parts them by a slash, two spaces or a semicolon.
        let cut = content.windows(2).position(|w| matches!(w, b" /" | b"  " | b"; ")).unwrap_or(content.len());
        span.end = span.start + cut;
        while span.end > span.start && matches!(text[span.end - 1], b' ' | b'.' | b',') {
            span.end -= 1;
        }
    }
    if content.starts_with(b"0x") || content.contains(&b'=') {
        return None;
    }
    if !digits && !quoted || !out.wants(&Kind::Location) {
        return None;
    }
    out.push(Finding::new(Kind::Location, span.clone(), 75));
    // What stands within may be more than an address: reading goes on behind the sign.
    None
}

fn hidden(text: &[u8], value: Range<usize>, kind: Kind, least: usize, out: &mut Out<'_>) -> Option<usize> {
    let content = &text[value.clone()];
    let word = content.iter().all(u8::is_ascii_lowercase) && kind != Kind::Password;
    let empty = matches!(
        content,
        b"null" | b"true" | b"false" | b"None" | b"nil" | b"undefined" | b"-" | b"[" | b"{" | b"[]" | b"{}"
    ) || content.iter().all(|b| matches!(b, b'*' | b'x' | b'X' | b'.'))
        // The working directory of a shell.
        || kind == Kind::Password && content.starts_with(b"/") && text[..value.start].to_ascii_lowercase().ends_with(b"pwd=")
        || content.starts_with(b"<")
        || content.starts_with(b"[") && content.len() < 16 && kind != Kind::Password;
    if content.len() < least || empty || word || !out.wants(&kind) {
        return None;
    }
    let end = value.end;
    out.push(Finding { open: end == text.len(), ..Finding::new(kind, value, 90) });
    Some(end)
}

/// A scheme and what follows it; without a scheme that is known, all of it.
fn authorization(text: &[u8], value: Range<usize>, out: &mut Out<'_>) -> Option<usize> {
    let content = &text[value.clone()];
    let start = content.iter().position(|b| *b == b' ').map_or(value.start, |n| value.start + n + 1);
    if start < value.end && secret::credentials(text, start).is_some() {
        let (kind, width) = secret::credentials(text, start)?;
        if !out.wants(&kind) {
            return None;
        }
        let end = (start + width).min(value.end);
        out.push(Finding { open: end == text.len(), ..Finding::new(kind, start..end, 99) });
        return Some(end);
    }
    let kind = if content.get(..5).is_some_and(|s| s.eq_ignore_ascii_case(b"basic")) {
        Kind::BasicCredentials
    } else {
        Kind::BearerToken
    };
    hidden(text, start.min(value.end)..value.end, kind, 4, out)
}

/// Every pair's value but a few words that carry attributes.
fn cookies(text: &[u8], value: Range<usize>, out: &mut Out<'_>) -> usize {
    const ATTRIBUTES: [&[u8]; 5] = [b"path", b"domain", b"expires", b"max-age", b"samesite"];
    let mut pos = value.start;
    for pair in text[value.clone()].split(|b| *b == b';') {
        let end = pos + pair.len();
        if let Some(sign) = pair.iter().position(|b| *b == b'=') {
            let name = pair[..sign].trim_ascii();
            let attribute = ATTRIBUTES.iter().any(|a| name.eq_ignore_ascii_case(a));
            if !attribute && sign + 1 < pair.len() && out.wants(&Kind::SessionCookie) {
                out.push(Finding {
                    open: end == text.len(),
                    ..Finding::new(Kind::SessionCookie, pos + sign + 1..end, 90)
                });
            }
        }
        pos = end + 1;
    }
    value.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_says_anything_is_read_before_a_sign() {
        let ends = ENDS.iter().map(|(_, end)| [b"a_", *end].concat());
        let names = NAMES.iter().flat_map(|(_, names)| names.split('|')).map(|name| name.as_bytes().to_vec());
        for known in names.chain(ends).filter(|known| label(known).is_some()) {
            for shown in [known.clone(), known.to_ascii_uppercase(), [&b"x-"[..], &known[..]].concat()] {
                let text = [b"; \"", &shown[..], b"\": 1"].concat();
                let span = name(&text, shown.len() + 4).map(|span| text[span].to_vec());
                assert_eq!(span, Some(shown), "{}", String::from_utf8_lossy(&known));
            }
        }
    }
}
