//! A TrueType font, as far as a PDF needs it: which sign is which glyph, how wide it is, and a smaller font that has the used ones alone.
//! OpenType's specification, sections `cmap`, `glyf`, `head`, `hhea`, `hmtx`, `loca`, `maxp`, `OS/2`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

/// Most bytes of a font.
pub const LONGEST: usize = 32 << 20;

/// Why a font can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Its file can't be read.
    #[error("it can't be read: {0}")]
    File(io::ErrorKind),
    /// It is another format.
    #[error("it is no TrueType font")]
    Format,
    /// Its outlines are another format.
    #[error("its outlines are PostScript's (OpenType, .otf), and only TrueType's are read")]
    PostScript,
    /// Its maker does not want it.
    #[error("its maker does not allow it to be put into documents")]
    Licence,
    /// It breaks off, or has no sense.
    #[error("it is broken")]
    Broken,
}

/// A font that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Font {
    bytes: Vec<u8>,
    tables: BTreeMap<[u8; 4], (usize, usize)>,
    signs: BTreeMap<u32, u16>,
    long: bool,
    metrics: u16,
    glyphs: u16,
    /// Units of an em.
    pub em: u16,
    /// Above the line, in units.
    pub ascent: i16,
    /// Below the line, in units, as a negative number.
    pub descent: i16,
    /// Left, bottom, right and top of all outlines together.
    pub bounds: [i16; 4],
}

impl std::fmt::Debug for Font {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Font({} glyphs)", self.glyphs)
    }
}

impl Font {
    /// Reads the one in this file.
    ///
    /// # Errors
    /// When it can't be used.
    pub fn open(file: &Path) -> Result<Self, Error> {
        Self::read(fs::read(file).map_err(|error| Error::File(error.kind()))?)
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it can't be used.
    pub fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        match bytes.get(..4) {
            Some([0, 1, 0, 0] | b"true") if bytes.len() <= LONGEST => {}
            Some(b"OTTO") => return Err(Error::PostScript),
            _ => return Err(Error::Format),
        }
        let count = usize::from(u16_at(&bytes, 4).ok_or(Error::Broken)?);
        let mut tables = BTreeMap::new();
        for number in 0..count {
            let at = 12 + number * 16;
            let tag: [u8; 4] = bytes.get(at..at + 4).and_then(|tag| tag.try_into().ok()).ok_or(Error::Broken)?;
            let place = |at| u32_at(&bytes, at).and_then(|n| usize::try_from(n).ok()).ok_or(Error::Broken);
            let (offset, length) = (place(at + 8)?, place(at + 12)?);
            if offset.checked_add(length).is_none_or(|end| end > bytes.len()) {
                return Err(Error::Broken);
            }
            tables.insert(tag, (offset, length));
        }
        let mut font = Self {
            bytes,
            tables,
            signs: BTreeMap::new(),
            long: false,
            metrics: 0,
            glyphs: 0,
            em: 0,
            ascent: 0,
            descent: 0,
            bounds: [0; 4],
        };
        font.measure().ok_or(Error::Broken)??;
        font.signs = font.map().ok_or(Error::Broken)?;
        Ok(font)
    }

    fn measure(&mut self) -> Option<Result<(), Error>> {
        let [head, hhea, maxp] = [b"head", b"hhea", b"maxp"].map(|tag| self.table(*tag));
        let (head, hhea, maxp) = (head?, hhea?, maxp?);
        let em = u16_at(head, 18)?;
        let bounds = [36, 38, 40, 42].map(|at| u16_at(head, at).map(u16::cast_signed));
        let long = u16_at(head, 50)? == 1;
        let (ascent, descent) = (u16_at(hhea, 4)?.cast_signed(), u16_at(hhea, 6)?.cast_signed());
        let (metrics, glyphs) = (u16_at(hhea, 34)?, u16_at(maxp, 4)?);
        let licence = self.table(*b"OS/2").and_then(|table| u16_at(table, 8)).unwrap_or_default();
        for tag in [b"glyf", b"loca", b"hmtx", b"cmap"] {
            self.table(*tag)?;
        }
        if em == 0 || metrics == 0 || glyphs == 0 {
            return None;
        }
        // Restricted, and none of the lesser rights is given besides (OS/2, fsType).
        if licence & 0x000f == 0x0002 {
            return Some(Err(Error::Licence));
        }
        self.bounds = [bounds[0]?, bounds[1]?, bounds[2]?, bounds[3]?];
        (self.em, self.long, self.ascent, self.descent) = (em, long, ascent, descent);
        (self.metrics, self.glyphs) = (metrics, glyphs);
        Some(Ok(()))
    }

    fn table(&self, tag: [u8; 4]) -> Option<&[u8]> {
        let (offset, length) = *self.tables.get(&tag)?;
        self.bytes.get(offset..offset + length)
    }

    /// Signs and their glyphs, by the best of the tables for Unicode.
    fn map(&self) -> Option<BTreeMap<u32, u16>> {
        let cmap = self.table(*b"cmap")?;
        let count = usize::from(u16_at(cmap, 2)?);
        let mut best: Option<(u8, usize)> = None;
        for number in 0..count {
            let at = 4 + number * 8;
            let (platform, encoding) = (u16_at(cmap, at)?, u16_at(cmap, at + 2)?);
            let offset = usize::try_from(u32_at(cmap, at + 4)?).ok()?;
            let rank = match (platform, encoding, u16_at(cmap, offset)?) {
                (3, 10, 12) | (0, 4 | 6, 12) => 2,
                (3, 1, 4) | (0, 0..=3, 4) => 1,
                _ => continue,
            };
            if best.is_none_or(|(before, _)| rank > before) {
                best = Some((rank, offset));
            }
        }
        let (rank, offset) = best?;
        let table = cmap.get(offset..)?;
        if rank == 2 { groups(table) } else { segments(table) }
    }

    /// The glyph of a sign.
    #[must_use]
    pub fn glyph(&self, sign: char) -> Option<u16> {
        self.signs.get(&u32::from(sign)).copied().filter(|glyph| *glyph != 0 && *glyph < self.glyphs)
    }

    /// How wide a glyph is, in thousandths of an em.
    #[must_use]
    pub fn width(&self, glyph: u16) -> u32 {
        let at = usize::from(glyph.min(self.metrics.saturating_sub(1))) * 4;
        let units = self.table(*b"hmtx").and_then(|table| u16_at(table, at)).unwrap_or(self.em);
        u32::from(units) * 1000 / u32::from(self.em)
    }

    fn outline(&self, glyph: u16) -> Option<&[u8]> {
        let loca = self.table(*b"loca")?;
        let place = |number: usize| -> Option<usize> {
            if self.long {
                usize::try_from(u32_at(loca, number * 4)?).ok()
            } else {
                Some(usize::from(u16_at(loca, number * 2)?) * 2)
            }
        };
        let (from, to) = (place(usize::from(glyph))?, place(usize::from(glyph) + 1)?);
        self.table(*b"glyf")?.get(from..to)
    }

    /// The glyphs that others are put together from, with those themselves.
    fn closed(&self, used: &BTreeSet<u16>) -> BTreeSet<u16> {
        let (mut all, mut open) = (BTreeSet::from([0]), used.iter().copied().collect::<Vec<_>>());
        while let Some(glyph) = open.pop() {
            if !all.insert(glyph) {
                continue;
            }
            open.extend(self.outline(glyph).map(parts).unwrap_or_default());
        }
        all
    }

    /// A font with the outlines of these glyphs alone, all under their old numbers.
    #[must_use]
    pub fn subset(&self, used: &BTreeSet<u16>) -> Vec<u8> {
        let used = self.closed(used);
        let (mut glyf, mut loca) = (Vec::new(), Vec::new());
        for glyph in 0..self.glyphs {
            loca.extend(u32::try_from(glyf.len()).unwrap_or_default().to_be_bytes());
            if used.contains(&glyph) {
                glyf.extend(self.outline(glyph).unwrap_or_default());
                glyf.resize(glyf.len().next_multiple_of(4), 0);
            }
        }
        loca.extend(u32::try_from(glyf.len()).unwrap_or_default().to_be_bytes());
        let mut head = self.table(*b"head").unwrap_or_default().to_vec();
        if let Some(format) = head.get_mut(50..52) {
            format.copy_from_slice(&[0, 1]);
        }
        let kept = |tag: &[u8; 4]| self.table(*tag).map(|table| (*tag, table.to_vec()));
        let mut tables: Vec<([u8; 4], Vec<u8>)> =
            [b"cvt ", b"fpgm", b"hhea", b"hmtx", b"maxp", b"prep"].into_iter().filter_map(kept).collect();
        tables.extend([(*b"glyf", glyf), (*b"head", head), (*b"loca", loca)]);
        tables.sort_unstable_by_key(|(tag, _)| *tag);
        whole(&tables)
    }
}

fn whole(tables: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let count = u16::try_from(tables.len()).unwrap_or_default();
    let power = count.checked_ilog2().unwrap_or_default();
    let range = 16_u16 << power;
    let mut out = vec![0, 1, 0, 0];
    for number in [count, range, u16::try_from(power).unwrap_or_default(), count * 16 - range] {
        out.extend(number.to_be_bytes());
    }
    let mut at = 12 + tables.len() * 16;
    for (tag, table) in tables {
        out.extend(tag);
        out.extend(sum(table).to_be_bytes());
        out.extend(u32::try_from(at).unwrap_or_default().to_be_bytes());
        out.extend(u32::try_from(table.len()).unwrap_or_default().to_be_bytes());
        at += table.len().next_multiple_of(4);
    }
    for (_, table) in tables {
        out.extend(table);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

fn sum(table: &[u8]) -> u32 {
    let word = |chunk: &[u8]| {
        let mut bytes = [0; 4];
        bytes[..chunk.len()].copy_from_slice(chunk);
        u32::from_be_bytes(bytes)
    };
    table.chunks(4).map(word).fold(0, u32::wrapping_add)
}

/// The glyphs that a composite one is put together from.
fn parts(outline: &[u8]) -> Vec<u16> {
    let mut parts = Vec::new();
    if u16_at(outline, 0).is_none_or(|contours| contours.cast_signed() >= 0) {
        return parts;
    }
    let mut at = 10;
    while let (Some(flags), Some(glyph)) = (u16_at(outline, at), u16_at(outline, at + 2)) {
        parts.push(glyph);
        let arguments = if flags & 0x0001 == 0 { 2 } else { 4 };
        let scale = match flags {
            flags if flags & 0x0008 != 0 => 2,
            flags if flags & 0x0040 != 0 => 4,
            flags if flags & 0x0080 != 0 => 8,
            _ => 0,
        };
        at += 4 + arguments + scale;
        if flags & 0x0020 == 0 {
            break;
        }
    }
    parts
}

/// `cmap`, format 12.
fn groups(table: &[u8]) -> Option<BTreeMap<u32, u16>> {
    let mut signs = BTreeMap::new();
    for number in 0..usize::try_from(u32_at(table, 12)?).ok()?.min(1 << 16) {
        let at = 16 + number * 12;
        let (first, last, glyph) = (u32_at(table, at)?, u32_at(table, at + 4)?, u32_at(table, at + 8)?);
        if last < first || last - first > 0xffff {
            return None;
        }
        for step in 0..=last - first {
            if let Ok(glyph) = u16::try_from(glyph.wrapping_add(step)) {
                signs.insert(first.wrapping_add(step), glyph);
            }
        }
    }
    Some(signs)
}

/// `cmap`, format 4.
fn segments(table: &[u8]) -> Option<BTreeMap<u32, u16>> {
    let doubled = usize::from(u16_at(table, 6)?);
    let mut signs = BTreeMap::new();
    for at in (0..doubled).step_by(2) {
        let (last, first) = (u16_at(table, 14 + at)?, u16_at(table, 16 + doubled + at)?);
        let delta = u16_at(table, 16 + 2 * doubled + at)?;
        let place = 16 + 3 * doubled + at;
        let offset = usize::from(u16_at(table, place)?);
        for sign in first..=last {
            let glyph = if offset == 0 {
                sign.wrapping_add(delta)
            } else {
                match u16_at(table, place + offset + usize::from(sign - first) * 2) {
                    None | Some(0) => continue,
                    Some(glyph) => glyph.wrapping_add(delta),
                }
            };
            signs.insert(u32::from(sign), glyph);
        }
    }
    Some(signs)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_font_is_told_and_never_panics() {
        assert_eq!(Font::read(b"OTTO____".to_vec()).err(), Some(Error::PostScript));
        assert_eq!(Font::read(b"%PDF".to_vec()).err(), Some(Error::Format));
        assert_eq!(Font::read(vec![0, 1, 0, 0, 0, 9]).err(), Some(Error::Broken));
        let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        bytes.extend(b"head\0\0\0\0\xff\xff\xff\xff\0\0\0\x36");
        assert_eq!(Font::read(bytes).err(), Some(Error::Broken));
        // A sealed group of a format that says more than there is.
        assert_eq!(groups(&[0; 15]), None);
        assert_eq!(segments(&[0, 4, 0, 0, 0, 0, 0, 8]), None);
    }
}
