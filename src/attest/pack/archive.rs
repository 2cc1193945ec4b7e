//! A ZIP of files as they are, not compressed: what is signed can be looked at with anything (APPNOTE.TXT 6.3.10, without its 64-bit form).

use std::{sync::LazyLock, time::SystemTime};

use time::OffsetDateTime;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// Version 2.0 of the format, made on Unix.
const VERSION: u16 = 20;
const UNIX: u16 = 3 << 8 | VERSION;
/// A file that only its owner may read.
const MODE: u32 = 0o100_600 << 16;

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too much for it.
    #[error("the pack would be larger than 4 GiB: take fewer access records along (--since)")]
    Large,
    /// It is none of ours.
    #[error("it is no archive that `privet attest --pack` has made")]
    Form,
    /// A file of it can't be read.
    #[error("{0} is damaged")]
    Damaged(String),
    /// A file is not there, or is no such file.
    #[error("{0} is not in it, or is not what it should be")]
    Missing(&'static str),
}

/// Writes an archive of these files.
///
/// # Errors
/// When they are too large.
pub fn write(files: &[Entry], at: SystemTime) -> Result<Vec<u8>, Error> {
    let stamp = stamp(at);
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        let offset = u32::try_from(out.len()).map_err(|_| Error::Large)?;
        let size = u32::try_from(file.bytes.len()).map_err(|_| Error::Large)?;
        let length = u16::try_from(file.name.len()).map_err(|_| Error::Large)?;
        let facts =
            [short(&[FLAGS, 0, stamp[0], stamp[1]]), long(&[crc32(&file.bytes), size, size]), short(&[length, 0])]
                .concat();
        out.extend_from_slice(&[&LOCAL[..], &short(&[VERSION]), &facts, file.name.as_bytes(), &file.bytes].concat());
        directory.extend_from_slice(&[&CENTRAL[..], &short(&[UNIX, VERSION]), &facts, &short(&[0; 3])].concat());
        directory.extend_from_slice(&[&long(&[MODE, offset]), file.name.as_bytes()].concat());
    }
    let begin = u32::try_from(out.len()).map_err(|_| Error::Large)?;
    let size = u32::try_from(directory.len()).map_err(|_| Error::Large)?;
    let count = u16::try_from(files.len()).map_err(|_| Error::Large)?;
    let end = [&END[..], &short(&[0, 0, count, count]), &long(&[size, begin]), &short(&[0])].concat();
    out.extend_from_slice(&[directory, end].concat());
    Ok(out)
}

fn short(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn long(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Reads an archive that [`write()`] has made, and no other.
///
/// # Errors
/// When it is none, or a file of it is damaged.
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, Error> {
    let end = bytes.len().checked_sub(22).ok_or(Error::Form)?;
    if bytes[end..end + 4] != END {
        return Err(Error::Form);
    }
    let count = number(bytes, end + 10, 2)?;
    let mut at = number(bytes, end + 16, 4)?;
    let mut files = Vec::new();
    for _ in 0..count {
        if bytes.get(at..at + 4) != Some(&CENTRAL) {
            return Err(Error::Form);
        }
        let (sum, size, length) = (number(bytes, at + 16, 4)?, number(bytes, at + 24, 4)?, number(bytes, at + 28, 2)?);
        let name = bytes.get(at + 46..at + 46 + length).and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or(Error::Form)?.to_owned();
        let begin = number(bytes, at + 42, 4)? + 30 + length;
        let is_stored = number(bytes, at + 10, 2)? == 0;
        let content = bytes.get(begin..begin + size).filter(|_| is_stored).ok_or(Error::Form)?;
        if usize::try_from(crc32(content)) != Ok(sum) {
            return Err(Error::Damaged(name));
        }
        files.push(Entry { name, bytes: content.to_vec() });
        at += 46 + length;
    }
    Ok(files)
}

/// A number of so many bytes, the least one first.
fn number(bytes: &[u8], at: usize, length: usize) -> Result<usize, Error> {
    let bytes = bytes.get(at..at + length).ok_or(Error::Form)?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

/// Time and date, as the format has them: from 1980 on, in steps of two seconds.
fn stamp(at: SystemTime) -> [u16; 2] {
    let at = OffsetDateTime::from(at);
    let year = u16::try_from(at.year().clamp(1980, 2107) - 1980).unwrap_or_default();
    let time = u16::from(at.hour()) << 11 | u16::from(at.minute()) << 5 | u16::from(at.second() / 2);
    [time, year << 9 | u16::from(u8::from(at.month())) << 5 | u16::from(at.day())]
}

/// CRC-32 as ZIP has it (ISO 3309), by a table that is made once.
fn crc32(bytes: &[u8]) -> u32 {
    static TABLE: LazyLock<[u32; 256]> = LazyLock::new(|| {
        let round = |value: u32, _| if value & 1 == 1 { value >> 1 ^ 0xEDB8_8320 } else { value >> 1 };
        let mut number = 0;
        [(); 256].map(|()| {
            number += 1;
            (0..8).fold(number - 1, round)
        })
    });
    let step = |sum: u32, byte: &u8| sum >> 8 ^ TABLE[usize::from(sum.to_le_bytes()[0] ^ byte)];
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let files = vec![
            Entry { name: "a/é.txt".to_owned(), bytes: b"123456789".to_vec() },
            Entry { name: "empty".to_owned(), bytes: Vec::new() },
        ];
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let archive = write(&files, SystemTime::UNIX_EPOCH).expect("small");
        assert_eq!(read(&archive), Ok(files));
        let at = archive.windows(3).position(|three| three == b"456").expect("there");
        let mut flipped = archive.clone();
        flipped[at] ^= 1;
        assert_eq!(read(&flipped), Err(Error::Damaged("a/é.txt".to_owned())));
        for length in 0..archive.len() {
            assert!(read(&archive[..length]).is_err(), "{length}");
        }
        // Whatever is in it, nothing panics.
        for at in 0..archive.len() {
            let mut forged = archive.clone();
            forged[at] = 0xFF;
            let _ = read(&forged);
        }
    }
}
