//! Sizes and durations as people write them: `"10MiB"`, `"30s"`, `"1h30m"`.

use std::time::Duration;

use thiserror::Error;

/// Why a size or a duration could not be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// Not a number followed by a unit.
    #[error("`{0}` is not a number with a unit")]
    Shape(String),
    /// The unit is not one of the known ones.
    #[error("unknown unit `{0}`")]
    Unit(String),
    /// The value does not fit 64 bits.
    #[error("`{0}` is too large")]
    Overflow(String),
}

/// Reads a size in bytes: a whole number with `B`, `KB`, `MB`, `GB` (powers of 1000) or `KiB`, `MiB`, `GiB` (powers of 1024).
///
/// A bare number counts bytes.
///
/// # Errors
/// When the text has no leading number, an unknown unit, or a value beyond 64 bits.
pub fn parse_size(text: &str) -> Result<u64, Error> {
    let (number, unit) = split(text.trim())?;
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return Err(Error::Unit(unit.to_owned())),
    };
    number.checked_mul(factor).ok_or_else(|| Error::Overflow(text.to_owned()))
}

/// Reads a duration: one or more whole numbers with `ms`, `s`, `m`, `h` or `d`, largest first (`"1h30m"`).
///
/// # Errors
/// When a part has no number, no unit, an unknown unit, or the sum does not fit.
pub fn parse_duration(text: &str) -> Result<Duration, Error> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(Error::Shape(text.to_owned()));
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (number, tail) = split(rest)?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at(end);
        let millis: u64 = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" => return Err(Error::Shape(text.to_owned())),
            other => return Err(Error::Unit(other.to_owned())),
        };
        total = number
            .checked_mul(millis)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| Error::Overflow(text.to_owned()))?;
        rest = next;
    }
    Ok(Duration::from_millis(total))
}

fn split(text: &str) -> Result<(u64, &str), Error> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if digits.is_empty() {
        return Err(Error::Shape(text.to_owned()));
    }
    let number = digits.parse().map_err(|_| Error::Overflow(text.to_owned()))?;
    Ok((number, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("10MiB"), Ok(10 << 20));
        assert_eq!(parse_size("64 KB"), Ok(64_000));
        assert_eq!(parse_size("12"), Ok(12));
        assert_eq!(parse_size("1 parsec"), Err(Error::Unit("parsec".into())));
        assert!(parse_size("MiB").is_err());
        assert!(parse_size("99999999999999GiB").is_err());
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(parse_duration("30").is_err());
        assert!(parse_duration("").is_err());
        assert!(parse_duration("3 fortnights").is_err());
    }
}
