//! Changes of somebody (RFC 7644, section 3.5.2): with a path, and with an object that has none.

use serde_json::{Map, Value};

use super::{
    error::Error,
    resource::{Field, Said},
};
use crate::admin::settings::Attribute;

/// Most changes of one request.
const MOST: usize = 100;

/// What is said after all operations; `subject` is what a person is named by, and stays.
pub(super) fn apply(mut said: Said, object: &Map<String, Value>, subject: Attribute) -> Result<Said, Error> {
    let operations = find(object, "Operations").and_then(Value::as_array);
    let operations = operations.filter(|all| (1..=MOST).contains(&all.len()));
    for operation in operations.ok_or(Error::Syntax("`Operations` is a list of 1 to 100 changes"))? {
        let operation = operation.as_object().ok_or(Error::Syntax("a change is an object"))?;
        let op = find(operation, "op").and_then(Value::as_str).unwrap_or_default();
        let path = match find(operation, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.starts_with(|c: char| c.is_ascii_alphabetic()) => Some(path.as_str()),
            Some(_) => return Err(Error::Path),
        };
        let value = find(operation, "value").unwrap_or(&Value::Null);
        match op.to_ascii_lowercase().as_str() {
            "add" | "replace" => set(&mut said, path, value)?,
            "remove" => remove(&mut said, path.ok_or(Error::NoTarget)?, subject)?,
            _ => return Err(Error::Syntax("`op` is add, replace or remove")),
        }
    }
    Ok(said)
}

fn set(said: &mut Said, path: Option<&str>, value: &Value) -> Result<(), Error> {
    match (path, value) {
        // What is not kept is read over, whatever its path.
        (Some(path), value) => Field::named(path).map_or(Ok(()), |field| said.set(field, value)),
        (None, Value::Object(object)) => {
            // Whether one of two names is meant is told like everywhere.
            Said::read(object)?;
            let mut fields = object.iter().filter_map(|(name, value)| Some((Field::named(name)?, value)));
            fields.try_for_each(|(field, value)| said.set(field, value))
        }
        (None, _) => Err(Error::Value("without a path the value is an object")),
    }
}

fn remove(said: &mut Said, path: &str, subject: Attribute) -> Result<(), Error> {
    match Field::named(path) {
        None => Ok(()),
        Some(Field::ExternalId) if subject == Attribute::UserName => {
            said.external_id = None;
            Ok(())
        }
        Some(Field::ExternalId | Field::UserName) => Err(Error::Mutability("people keep their names")),
        Some(Field::Active) => Err(Error::Value("`active` is true or false: say which")),
    }
}

/// A value by its name, in whatever case.
fn find<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    object.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
