//! What was odd about a form in parts.

/// What `SecLang` calls `MULTIPART_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a variable of its own")]
pub struct Flags {
    /// The boundary stands in quotes.
    pub boundary_quoted: bool,
    /// Space stands around the `=` of the boundary.
    pub boundary_whitespace: bool,
    /// Something stands before the first boundary.
    pub data_before: bool,
    /// Something stands behind the last boundary.
    pub data_after: bool,
    /// A header goes on in the next line.
    pub header_folding: bool,
    /// A line of a head, a boundary, or the line before one ends with LF alone.
    pub lf_line: bool,
    /// Some such lines end with CR LF, some with LF.
    pub crlf_lf_lines: bool,
    /// No `;` stands before the boundary.
    pub missing_semicolon: bool,
    /// Single quotes in or around a name, or something behind quotes.
    pub invalid_quoting: bool,
    /// A part has no name, or its head has no end.
    pub invalid_part: bool,
    /// A header goes on behind other signs than blanks and tabs.
    pub invalid_header_folding: bool,
    /// `MULTIPART_UNMATCHED_BOUNDARY`, as libmodsecurity counts: 1 where the last that looked like a boundary was none, 2 where it was
    /// one and not the first, which is how a sound form ends.
    pub unmatched_boundary: u8,
    /// There were more files than are read.
    pub file_limit_exceeded: bool,
    /// It is read in different ways. That it is cut is no oddity, and told by the error alone.
    pub malformed: bool,
}

impl Flags {
    /// `MULTIPART_STRICT_ERROR`: whether any is raised that a sound form doesn't raise.
    #[must_use]
    pub const fn strict_error(&self) -> bool {
        self.malformed
            || self.boundary_quoted
            || self.boundary_whitespace
            || self.data_before
            || self.data_after
            || self.header_folding
            || self.lf_line
            || self.missing_semicolon
            || self.invalid_quoting
            || self.invalid_part
            || self.invalid_header_folding
            || self.file_limit_exceeded
    }
}
