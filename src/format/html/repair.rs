//! What browsers make of bytes that are no text.

/// Makes UTF-8 without NUL of any bytes.
pub(in crate::format) struct Repair {
    decoder: encoding_rs::Decoder,
    text: String,
}

impl Repair {
    pub(in crate::format) fn new() -> Self {
        Self { decoder: encoding_rs::UTF_8.new_decoder_without_bom_handling(), text: String::new() }
    }

    /// What a piece stands for; `last` where no more comes.
    pub(in crate::format) fn push(&mut self, bytes: &[u8], last: bool) -> &[u8] {
        self.text.clear();
        let most = self.decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len() * 3 + 16);
        self.text.reserve(most);
        let _ = self.decoder.decode_to_string(bytes, &mut self.text, last);
        if memchr::memchr(0, self.text.as_bytes()).is_some() {
            // Browsers leave them out, and show as one what stands on both sides.
            self.text.retain(|char| char != '\0');
        }
        self.text.as_bytes()
    }
}
