//! One member of a JSON body, read so that no other reader could have found another.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::username::Unreadable;

/// The member is not there.
pub(super) const ABSENT: Unreadable = Unreadable("the body does not name the account");
const TWICE: &str = "twice";
const MISSING: &str = "absent";

/// The text or number that `pointer` leads to. Names on the way must be there once, case aside.
pub(super) fn member(body: &[u8], pointer: &[String]) -> Result<String, Unreadable> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let found = Member(pointer).deserialize(&mut reader);
    match found {
        Ok(text) if reader.end().is_ok() => Ok(text),
        Ok(_) => Err(Unreadable("the body is no JSON")),
        Err(error) => Err(match error.to_string() {
            text if text.starts_with(TWICE) => Unreadable("the account is named more than once"),
            text if text.starts_with(MISSING) => ABSENT,
            _ => Unreadable("the body is no JSON, or the account is no text"),
        }),
    }
}

struct Member<'p>(&'p [String]);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        if self.0.is_empty() { deserializer.deserialize_any(Leaf) } else { deserializer.deserialize_map(self) }
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let Some((wanted, rest)) = self.0.split_first() else { return Err(A::Error::custom(MISSING)) };
        let mut found = None;
        while let Some(name) = map.next_key::<String>()? {
            if !name.eq_ignore_ascii_case(wanted) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if found.is_some() || name != *wanted {
                return Err(A::Error::custom(TWICE));
            }
            found = Some(map.next_value_seed(Member(rest))?);
        }
        found.ok_or_else(|| A::Error::custom(MISSING))
    }
}

struct Leaf;

impl Visitor<'_> for Leaf {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(body: &str, pointer: &[&str]) -> Result<String, Unreadable> {
        member(body.as_bytes(), &pointer.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_member_is_found_once_or_not_at_all() {
        assert_eq!(at(r#"{"a":[1],"user":"kim","b":{"user":"x"}}"#, &["user"]).as_deref(), Ok("kim"));
        assert_eq!(at(r#"{"a":{"u\u0073er":7}}"#, &["a", "user"]).as_deref(), Ok("7"));
        assert_eq!(at(r#"{"a":1}"#, &["user"]), Err(ABSENT));
        for odd in [
            r#"{"user":"a","user":"b"}"#,
            r#"{"user":"a","User":"b"}"#,
            r#"{"User":"a"}"#,
            r#"{"user":["a"]}"#,
            r#"{"user":null}"#,
            r#"{"user":"a"} {"user":"b"}"#,
            r#"{"user":"a""#,
            "[]",
            "",
            "\u{feff}{\"user\":\"a\"}",
        ] {
            assert!(at(odd, &["user"]).is_err_and(|why| why != ABSENT), "{odd}");
        }
    }
}
