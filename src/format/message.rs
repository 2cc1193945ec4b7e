//! A message: JSON where it reads as such, plain text otherwise.

use super::{
    json::Json,
    path::Path,
    visitor::{Shape, Visitor},
};

/// Shows the values of a whole message; `true` when `out` holds another in its place. `out` is empty before.
pub fn read<V: Visitor>(message: &[u8], visitor: &mut V, out: &mut Vec<u8>) -> bool {
    if matches!(message.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
        let mut json = Json::lines(&mut *visitor);
        if json.push(message, out).and_then(|()| json.finish(out)).is_ok() {
            return out != message;
        }
        out.clear();
    }
    visitor.field(&Path::new(), message, Shape::Text, out)
}
