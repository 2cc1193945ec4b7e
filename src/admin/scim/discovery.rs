//! What a client may ask of us (RFC 7644, section 4).

use serde_json::{Value, json};

use super::{query::MOST, resource::SCHEMA};
use crate::admin::settings::Attribute;

/// What is at this path; `subject` is what people are named by.
pub(super) fn find(path: &[&str], subject: Attribute, base: &str) -> Option<Value> {
    match path {
        ["ServiceProviderConfig"] => Some(config(base)),
        ["ResourceTypes"] => Some(list(resource_type(base))),
        ["ResourceTypes", "User"] => Some(resource_type(base)),
        ["Schemas"] => Some(list(schema(subject, base))),
        ["Schemas", id] if id.eq_ignore_ascii_case(SCHEMA) => Some(schema(subject, base)),
        _ => None,
    }
}

/// A list of one.
#[allow(clippy::needless_pass_by_value)] // it goes into the list
fn list(only: Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 1, "startIndex": 1, "itemsPerPage": 1,
        "Resources": [only],
    })
}

fn config(base: &str) -> Value {
    let no = json!({ "supported": false });
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MOST },
        "changePassword": no, "sort": no, "etag": no,
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer token", "description": "A token of a [[scim]] table", "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    })
}

fn resource_type(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User", "name": "User", "description": "Somebody whom the provider vouches for", "endpoint": "/Users", "schema": SCHEMA,
        "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/User") },
    })
}

fn schema(subject: Attribute, base: &str) -> Value {
    let mutability = |attribute| if attribute == subject { "immutable" } else { "readWrite" };
    let attribute = |name: &str, kind: &str, required: bool, what: &str| {
        json!({
            "name": name, "type": kind, "multiValued": false, "description": what, "required": required, "mutability": "readWrite",
            "returned": "default", "uniqueness": "none",
        })
    };
    let mut user_name =
        attribute("userName", "string", true, "What they sign in as; one person's alone, whatever its case");
    (user_name["mutability"], user_name["caseExact"]) = (mutability(Attribute::UserName).into(), false.into());
    user_name["uniqueness"] = "server".into();
    let mut external_id =
        attribute("externalId", "string", subject == Attribute::ExternalId, "What the provider itself knows them by");
    (external_id["mutability"], external_id["caseExact"]) = (mutability(Attribute::ExternalId).into(), true.into());
    // Removing it would leave open who may pass.
    let active = attribute("active", "boolean", true, "Whether they are here; false ends all that they may, at once");
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": SCHEMA, "name": "User", "description": "Somebody whom the provider vouches for",
        "attributes": [user_name, external_id, active],
        "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{SCHEMA}") },
    })
}
