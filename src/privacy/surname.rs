//! Surnames, compared without being kept: of Korean names in Hangul, in Chinese signs and in Latin letters, and of others.
//!
//! Who has romanised their name writes it in many ways and orders. 김 is Kim and Gim, and Kim Minsu is Minsu Kim; a name both of whose ends could be
//! Korean surnames has the commoner one.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Of two syllables.
const LONG: [&str; 9] = ["남궁", "황보", "제갈", "사공", "선우", "서문", "독고", "동방", "망절"];

/// Surnames by how many have them, each with how it is written in Latin letters and Chinese signs.
const KOREAN: &[(&str, &[&str])] = &[
    ("김", &["kim", "gim", "金"]),
    ("이", &["lee", "yi", "rhee", "rhie", "李"]),
    ("박", &["park", "bak", "pak", "朴"]),
    ("최", &["choi", "choe", "崔"]),
    ("정", &["jung", "jeong", "chung", "jong", "鄭"]),
    ("강", &["kang", "gang", "姜"]),
    ("조", &["cho", "jo", "趙", "曺"]),
    ("윤", &["yoon", "yun", "尹"]),
    ("장", &["jang", "chang", "張"]),
    ("임", &["lim", "im", "rim", "yim", "林"]),
    ("한", &["han", "韓"]),
    ("오", &["oh", "吳"]),
    ("서", &["seo", "suh", "徐"]),
    ("신", &["shin", "sin", "申", "辛"]),
    ("권", &["kwon", "gwon", "權"]),
    ("황", &["hwang", "黃"]),
    ("안", &["ahn", "安"]),
    ("송", &["song", "宋"]),
    ("류", &["yoo", "yu", "ryu", "ryoo", "柳", "劉", "兪"]),
    ("전", &["jeon", "jun", "chun", "全", "田"]),
    ("홍", &["hong", "洪"]),
    ("고", &["ko", "koh", "go", "高"]),
    ("문", &["moon", "mun", "文"]),
    ("양", &["yang", "梁", "楊"]),
    ("손", &["son", "sohn", "孫"]),
    ("배", &["bae", "裵"]),
    ("백", &["baek", "paik", "白"]),
    ("허", &["heo", "hur", "huh", "許"]),
    ("남", &["nam", "南"]),
    ("심", &["shim", "sim", "沈"]),
    ("노", &["noh", "roh", "no", "盧"]),
    ("하", &["ha", "河"]),
    ("곽", &["kwak", "gwak", "郭"]),
    ("성", &["sung", "seong", "成"]),
    ("차", &["cha", "車"]),
    ("주", &["joo", "ju", "朱"]),
    ("우", &["woo", "禹"]),
    ("구", &["koo", "gu", "goo", "具"]),
    ("민", &["min", "閔"]),
    ("나", &["na", "ra", "羅"]),
    ("진", &["jin", "陳"]),
    ("지", &["ji", "池"]),
    ("엄", &["eom", "um", "嚴"]),
    ("원", &["won", "元"]),
    ("천", &["cheon", "千"]),
    ("방", &["bang", "方"]),
    ("현", &["hyun", "hyeon", "玄"]),
];

/// The same surname, as the North or those who keep to an old spelling write it.
const OLD: [(&str, &str); 6] = [("리", "이"), ("유", "류"), ("림", "임"), ("로", "노"), ("라", "나"), ("량", "양")];
/// What stands behind a name and is none.
const AFTER: [&str; 6] = ["jr", "sr", "ii", "iii", "iv", "phd"];
/// Longer is no name.
const LONGEST: usize = 200;

/// Somebody's whole name, as they or their provider write it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FullName(String);

/// What they share with their family, in the one form of all spellings.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Surname(String);

impl fmt::Debug for FullName {
    /// Without it: it is personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FullName")
    }
}

impl fmt::Debug for Surname {
    /// Without it: it is personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Surname")
    }
}

impl FullName {
    /// Of a text; nothing where there is no surname in it.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Surname::of(text).map(|_| Self(text.trim().to_owned()))
    }

    /// Of a surname and what stands before or behind it.
    #[must_use]
    pub fn of_parts(family: &str, given: &str) -> Option<Self> {
        Self::new(&format!("{family}, {given}"))
    }

    /// The surname.
    #[must_use]
    pub fn surname(&self) -> Option<Surname> {
        Surname::of(&self.0)
    }

    /// What is the same however the name is ordered and spaced.
    #[must_use]
    pub fn folded(&self) -> String {
        let mut words = words(&self.0);
        // Syllables are written with spaces or without.
        if words.iter().all(|word| word.chars().all(is_hangul)) {
            return words.concat();
        }
        words.sort_unstable();
        words.join(" ")
    }
}

impl Surname {
    /// That of a name: in Hangul the first syllable or two, in Chinese signs the first; else what stands before a comma, in capitals alone, or last; first
    /// where that is Korean and the last is not.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        if name.len() > LONGEST {
            return None;
        }
        let (before, has_comma) = name.split_once(',').map_or((name, false), |(before, _)| (before, true));
        let parts = words(before);
        let first = parts.first()?;
        let head = first.chars().next()?;
        if is_hangul(head) {
            let whole: String = parts.concat().chars().take_while(|c| is_hangul(*c)).collect();
            return Some(Self(hangul(&whole, has_comma)));
        }
        if is_han(head) {
            return Some(Self(
                known(&head.to_string()).map_or_else(|| head.to_string(), |place| KOREAN[place].0.to_owned()),
            ));
        }
        let latin = if has_comma { parts.concat() } else { latin(before, &parts)? };
        Some(Self(known(&latin).map_or(latin, |place| KOREAN[place].0.to_owned())))
    }

    /// Of how many of a hundred people of whom nothing else is known it is: Statistics Korea, census of 2015, for the five that most have.
    #[must_use]
    pub fn share(&self) -> f64 {
        match &*self.0 {
            "김" => 21.5,
            "이" => 14.7,
            "박" => 8.4,
            "최" => 4.7,
            "정" => 4.3,
            _ => 1.0,
        }
    }
}

/// The place in the table of a spelling.
fn known(word: &str) -> Option<usize> {
    KOREAN.iter().position(|(_, spellings)| spellings.contains(&word))
}

fn hangul(whole: &str, is_surname: bool) -> String {
    let long = LONG.iter().find(|long| whole.starts_with(**long) && (is_surname || whole.chars().count() > 2));
    let surname = match long {
        Some(long) => (*long).to_owned(),
        None => whole.chars().take(1).collect(),
    };
    OLD.iter().find(|(old, _)| *old == surname).map_or(surname, |(_, new)| (*new).to_owned())
}

/// Of a name in Latin letters, as it was written and as its folded words.
fn latin(written: &str, words: &[String]) -> Option<String> {
    let mut words: Vec<&String> = words.iter().collect();
    while words.len() > 1 && words.last().is_some_and(|last| AFTER.contains(&last.as_str())) {
        words.pop();
    }
    // KIM Minsu, as passports and many offices have it.
    let capitals = |word: &&str| {
        let letters = || word.chars().filter(|c| c.is_alphabetic());
        letters().count() > 1 && letters().all(char::is_uppercase)
    };
    let mut loud = written.split_whitespace().filter(capitals);
    if let (Some(only), None, true) = (loud.next(), loud.next(), words.len() > 1) {
        let folded = fold(only);
        if words.contains(&&folded) {
            return Some(folded);
        }
    }
    let (first, last) = (words.first()?, words.last()?);
    let korean = match (known(first), known(last)) {
        (Some(a), Some(b)) if a < b => first,
        (Some(_), None) => first,
        _ => last,
    };
    Some((*korean).clone())
}

fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

fn is_han(c: char) -> bool {
    ('\u{4E00}'..='\u{9FFF}').contains(&c)
}

/// The words of a name without case, accents and points.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '+' | ','))
        .map(fold)
        .filter(|word| !word.is_empty())
        .collect()
}

fn fold(word: &str) -> String {
    let whole: String = word.nfc().collect();
    if whole.chars().any(|c| is_hangul(c) || is_han(c)) {
        return whole.chars().filter(|c| c.is_alphanumeric()).collect();
    }
    let plain = word.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(word.len());
    for c in plain {
        match c {
            'ß' => folded.push_str("ss"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'æ' => folded.push_str("ae"),
            c if c.is_alphanumeric() || c == '-' => folded.push(c),
            _ => {}
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_surname_however_it_is_written() {
        let same = |one: &str, other: &str| Surname::of(one).expect(one) == Surname::of(other).expect(other);
        for name in [
            "김민수",
            "김 민수",
            "Kim Minsu",
            "Minsu Kim",
            "KIM Min-su",
            "Kim, Minsu",
            "金民洙",
            "min su gim",
            "김",
            "M. Kim",
        ] {
            assert!(same("김철수", name), "{name}");
        }
        for (one, other) in [
            ("남궁민", "남궁 원"),
            ("선우, 진", "선우은숙"),
            ("이영희", "Rhee Syngman"),
            ("리설주", "이영희"),
            ("Park Jin", "Jin Park"),
            ("José Muñoz", "MUNOZ, Ana"),
            ("Ann O'Neil Jr.", "Eve ONEIL"),
            ("Ludwig van der Berg", "BERG Anna"),
            ("Jörg Groß", "Gross, Eva"),
        ] {
            assert!(same(one, other), "{one}, {other}");
        }
        for (one, other) in [
            ("김민수", "이민수"),
            ("남궁민", "남민수"),
            ("선우", "선우은숙"),
            ("Ann Smith", "Smith Jones"),
            ("Kim Park", "박지민"),
        ] {
            assert!(!same(one, other), "{one}, {other}");
        }
        for none in ["", " ", ",", "...", &"a".repeat(300)] {
            assert!(Surname::of(none).is_none() && FullName::new(none).is_none());
        }
    }

    #[test]
    fn a_name_is_the_same_in_any_order() {
        let folded = |text: &str| FullName::new(text).expect(text).folded();
        assert_eq!(folded("김 민수"), folded("김민수"));
        assert_eq!(FullName::of_parts("김", "민수").expect("a name").folded(), folded("김민수"));
        assert_eq!(folded("Kim Minsu"), folded("Minsu  KIM"));
        assert_ne!(folded("Kim Minsu"), folded("Kim Minju"));
        let shown = format!("{:?} {:?}", FullName::new("Kim Minsu"), Surname::of("Kim"));
        assert_eq!(shown, "Some(FullName) Some(Surname)");
        let share = |text: &str| Surname::of(text).map(|surname| surname.share());
        assert_eq!((share("Lee Jin"), share("Ann Smith")), (Some(14.7), Some(1.0)));
    }
}
