//! What was read of a body.

use super::flags::Flags;
use crate::shield::fields::Fields;

/// What rules see of a body.
#[derive(Debug, Default)]
pub struct Parsed {
    /// `ARGS_POST`: names and values, decoded.
    pub arguments: Fields,
    /// `FILES`: a field's name and a file's, as sent; the fields' names are `FILES_NAMES`.
    pub files: Fields,
    /// How many bytes each of `files` has.
    pub file_sizes: Vec<usize>,
    /// `MULTIPART_PART_HEADERS`: a field's name and a whole line of its head.
    pub part_headers: Fields,
    /// `XML:/*`: one field with all the text, references resolved.
    pub xml_texts: Fields,
    /// `XML://@*`: each attribute.
    pub xml_attributes: Fields,
    /// `MULTIPART_*`: what was odd about a form in parts.
    pub multipart: Flags,
    /// `REQBODY_ERROR_MSG`: the first of what could not be read, or is read in different ways. What could be read is there all the same.
    pub error: Option<&'static str>,
    /// There was more than the bounds allow, and it was not read.
    pub exceeded: bool,
}

impl Parsed {
    /// Keeps the first of what went wrong.
    pub(super) fn fail(&mut self, why: &'static str) {
        self.error.get_or_insert(why);
    }

    /// The same, of a form in parts.
    pub(super) fn malformed(&mut self, why: &'static str) {
        self.multipart.malformed = true;
        self.fail(why);
    }
}
