//! A text as a PDF (ISO 32000-1): A4, one font, lines broken where they have to be. Written by ourselves, some 200 lines: what lays pages out
//! brings more than the whole of this room.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::font::Font;

/// A4, in points.
const PAGE: (u32, u32) = (595, 842);
/// Free on every side.
const MARGIN: u32 = 56;
/// Of the text, in tenths of a point.
const SIZE: u32 = 105;
/// Of the title.
const TITLE: u32 = 160;
/// From line to line, in hundredths of the size.
const LEADING: u32 = 160;
/// What a heading begins with.
const HEADING: char = '■';

/// Why there is no PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The font lacks a sign.
    #[error("the font has no U+{:04X}", u32::from(*.0))]
    Sign(char),
}

struct Line {
    glyphs: Vec<u16>,
    size: u32,
    bold: bool,
}

/// Writes `text`, whose first line is its title, and whose lines that begin with `■` are headings.
///
/// # Errors
/// When the font lacks a sign.
pub fn write(text: &str, font: &Font) -> Result<Vec<u8>, Error> {
    let mut signs = BTreeMap::new();
    let mut lines = Vec::new();
    for (number, line) in text.trim_end().lines().enumerate() {
        let size = if number == 0 { TITLE } else { SIZE };
        let bold = number == 0 || line.starts_with(HEADING);
        let line = line.trim_start_matches(HEADING).trim();
        for part in broken(line, font, size)? {
            let mut glyphs = Vec::with_capacity(part.len());
            for sign in part {
                let glyph = font.glyph(sign).ok_or(Error::Sign(sign))?;
                signs.insert(glyph, sign);
                glyphs.push(glyph);
            }
            lines.push(Line { glyphs, size, bold });
        }
    }
    Ok(file(&pages(&lines), &signs, font))
}

/// Lines that fit: broken at blanks, and between signs of scripts that have none.
fn broken(line: &str, font: &Font, size: u32) -> Result<Vec<Vec<char>>, Error> {
    let most = (PAGE.0 - 2 * MARGIN) * 10_000 / size;
    let width = |sign: char| font.glyph(sign).map(|glyph| font.width(glyph)).ok_or(Error::Sign(sign));
    let (mut out, mut now, mut used, mut blank) = (Vec::new(), Vec::new(), 0, None);
    for sign in line.chars() {
        let sign = if sign == '\t' { ' ' } else { sign };
        let wide = width(sign)?;
        if used + wide > most && !now.is_empty() {
            let wordy = sign.is_ascii_graphic() && now.last().is_some_and(char::is_ascii_graphic);
            let rest = match blank.filter(|_| wordy) {
                Some(at) => now.split_off(at),
                None => Vec::new(),
            };
            out.push(std::mem::replace(&mut now, rest.into_iter().skip_while(|sign| *sign == ' ').collect()));
            used = 0;
            for sign in &now {
                used += width(*sign)?;
            }
            blank = None;
        }
        if sign == ' ' {
            blank = Some(now.len());
            if now.is_empty() && !out.is_empty() {
                continue;
            }
        }
        now.push(sign);
        used += wide;
    }
    out.push(now);
    Ok(out)
}

/// What is drawn on each page.
fn pages(lines: &[Line]) -> Vec<String> {
    let mut pages = Vec::new();
    let (mut page, mut y) = (String::new(), (PAGE.1 - MARGIN) * 10);
    for line in lines {
        let height = line.size * LEADING / 100;
        if y < MARGIN * 10 + height {
            pages.push(std::mem::take(&mut page));
            y = (PAGE.1 - MARGIN) * 10;
        }
        y -= height;
        if line.glyphs.is_empty() {
            continue;
        }
        // A font has one weight here: headings are drawn with a thin edge around the signs.
        let weight = if line.bold { "2 Tr 0.35 w" } else { "0 Tr" };
        let glyphs: String = line.glyphs.iter().fold(String::new(), |mut text, glyph| {
            let _ = write!(text, "{glyph:04X}");
            text
        });
        let (size, height) = (tenths(line.size), tenths(y));
        let _ = writeln!(page, "BT /F {size} Tf {weight} 1 0 0 1 {MARGIN} {height} Tm <{glyphs}> Tj ET");
    }
    pages.push(page);
    pages
}

fn tenths(number: u32) -> String {
    format!("{}.{}", number / 10, number % 10)
}

fn file(pages: &[String], signs: &BTreeMap<u16, char>, font: &Font) -> Vec<u8> {
    let glyphs: BTreeSet<u16> = signs.keys().copied().collect();
    let scaled = |units: i16| i32::from(units) * 1000 / i32::from(font.em);
    let kids: Vec<String> = (0..pages.len()).map(|number| format!("{} 0 R", 8 + number * 2)).collect();
    let widths = glyphs.iter().fold(String::new(), |mut text, glyph| {
        let _ = write!(text, "{glyph} [{}] ", font.width(*glyph));
        text
    });
    let bounds = font.bounds.map(|units| scaled(units).to_string()).join(" ");
    let (ascent, descent) = (scaled(font.ascent), scaled(font.descent));
    let stream = |dictionary: &str, bytes: &[u8]| {
        let mut object = format!("<< /Length {}{dictionary} >>\nstream\n", bytes.len()).into_bytes();
        object.extend(bytes);
        object.extend(b"\nendstream");
        object
    };
    let subset = font.subset(&glyphs);
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()).into_bytes(),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /PRIVET+Font /Encoding /Identity-H /DescendantFonts [4 0 R] /ToUnicode 7 0 R >>".to_vec(),
        format!("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /PRIVET+Font /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor 5 0 R /CIDToGIDMap /Identity /DW 1000 /W [{widths}] >>").into_bytes(),
        format!("<< /Type /FontDescriptor /FontName /PRIVET+Font /Flags 4 /FontBBox [{bounds}] /ItalicAngle 0 /Ascent {ascent} /Descent {descent} /CapHeight {ascent} /StemV 80 /FontFile2 6 0 R >>").into_bytes(),
        stream(&format!(" /Length1 {}", subset.len()), &subset),
        stream("", unicode(signs).as_bytes()),
    ];
    for (number, page) in pages.iter().enumerate() {
        let content = 9 + number * 2;
        objects.push(format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {} {}] /Resources << /Font << /F 3 0 R >> >> /Contents {content} 0 R >>", PAGE.0, PAGE.1).into_bytes());
        objects.push(stream("", page.as_bytes()));
    }
    let mut out = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in objects.iter().enumerate() {
        places.push(out.len());
        out.extend(format!("{} 0 obj\n", number + 1).into_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let start = out.len();
    let count = objects.len() + 1;
    let mut end = format!("xref\n0 {count}\n0000000000 65535 f \n");
    for place in places {
        let _ = writeln!(end, "{place:010} 00000 n ");
    }
    let _ = write!(end, "trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    out.extend(end.into_bytes());
    out
}

/// Which glyph is which sign, so that the text can be searched and copied.
fn unicode(signs: &BTreeMap<u16, char>) -> String {
    let mut out = String::from(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n\
         /CMapName /Adobe-Identity-UCS def /CMapType 2 def\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n",
    );
    let all: Vec<(&u16, &char)> = signs.iter().collect();
    for part in all.chunks(100) {
        let _ = writeln!(out, "{} beginbfchar", part.len());
        for (glyph, sign) in part {
            let mut units = [0; 2];
            let units = sign.encode_utf16(&mut units).iter().fold(String::new(), |mut text, unit| {
                let _ = write!(text, "{unit:04X}");
                text
            });
            let _ = writeln!(out, "<{glyph:04X}> <{units}>");
        }
        out.push_str("endbfchar\n");
    }
    out.push_str("endcmap CMapName currentdict /CMap defineresource pop end end\n");
    out
}
