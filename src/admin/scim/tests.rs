use std::{collections::BTreeMap, path::Path};

use super::*;
use crate::{
    admin::settings::{Attribute, Token},
    common::clock,
    journal::{self, Journal},
    registry::{Actor, Command, PersonId, Settings},
    seal::Ring,
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";
const ISSUER: &str = "https://id.example";

fn registry(dir: &Path) -> Arc<Registry> {
    let ring = || Ring::load_or_make(&dir.join("seal.key")).expect("keys");
    let place = journal::Settings::new(dir.join("journal"));
    let journal = Arc::new(Journal::open(&place, ring()).expect("opened"));
    Registry::open(journal, &place, &dir.join("seal.key"), Settings::default(), clock::now()).expect("read")
}

async fn founded(dir: &Path) -> Arc<Registry> {
    let registry = registry(dir);
    let officers = ["one", "two"].map(|name| PersonId::new("staff", name)).to_vec();
    let found = Command::Found { officers, texts: BTreeMap::new() };
    registry.submit(found, &Actor::Gateway, clock::now()).await.expect("founded");
    registry
}

fn directory(name: &str, issuer: &str, token: &str, subject: Attribute) -> Directory {
    Directory { name: name.to_owned(), issuer: issuer.to_owned(), subject, tokens: vec![Token::of(token)] }
}

fn scim(registry: Option<Arc<Registry>>, subject: Attribute) -> Scim {
    let subjects = || Subjects::of(&Ring::ephemeral().expect("random bytes"));
    let directories =
        vec![directory("a", ISSUER, TOKEN, subject), directory("b", "https://other.example", OTHER, subject)];
    Scim::new(registry.map(|registry| (registry, subjects())), directories)
}

async fn ask_as(scim: &Scim, token: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request: Request<Full<Bytes>> = Request::builder()
        .method(method)
        .uri(format!("/scim/v2{path}"))
        .header("host", "scim.example:9902")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::from(body.to_owned()))
        .expect("a request");
    let answer = scim.answer(request).await;
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn ask(scim: &Scim, method: &str, path: &str, body: &str) -> (u16, Value) {
    ask_as(scim, TOKEN, method, path, body).await
}

const ANN: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "userName":"ann@example.com","externalId":"7","active":true,"name":{"familyName":"Kim"},"emails":[{"value":"ann@example.com"}]}"#;

#[tokio::test]
async fn whoever_has_no_token_learns_nothing() {
    let scim = scim(None, Attribute::ExternalId);
    for (name, value) in [
        ("authorization", ""),
        ("authorization", "Bearer"),
        ("authorization", "Bearer x"),
        ("authorization", "Basic 0123456789abcdef0123456789abcdef"),
        ("x-other", "Bearer 0123456789abcdef0123456789abcdef"),
    ] {
        for path in ["/scim/v2/Users", "/scim/v2/ServiceProviderConfig", "/", "/scim/v2/Users/x"] {
            let request = Request::builder().uri(path).header(name, value).body(Full::<Bytes>::default());
            let answer = scim.answer(request.expect("a request")).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{value} {path}");
            assert!(answer.headers().contains_key(header::WWW_AUTHENTICATE));
        }
    }
    assert_eq!(scim.counts(), [0, 0, 20]);
    let known = ask(&scim, "GET", "/ServiceProviderConfig", "").await;
    assert_eq!((known.0, &known.1["patch"]["supported"]), (200, &Value::Bool(true)));
    // A token that was taken away opens nothing any more.
    scim.apply(vec![directory("a", ISSUER, OTHER, Attribute::ExternalId)]);
    assert_eq!(ask(&scim, "GET", "/ServiceProviderConfig", "").await.0, 401);
}

#[tokio::test]
async fn before_there_are_officers_it_is_said_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let unfounded = scim(Some(registry(dir.path())), Attribute::ExternalId);
    let (status, said) = ask(&unfounded, "POST", "/Users", ANN).await;
    assert!(status == 503 && said["detail"].as_str().is_some_and(|text| text.contains("staff init")), "{said}");
    let none = scim(None, Attribute::ExternalId);
    assert_eq!(ask(&none, "GET", "/Users", "").await.0, 503);
    assert_eq!(ask(&none, "GET", "/Groups", "").await.0, 501);
    assert_eq!(ask(&none, "GET", "/Nothing", "").await.0, 404);
}

#[tokio::test]
async fn somebody_comes_changes_and_goes() {
    let dir = tempfile::tempdir().expect("a folder");
    let registry = founded(dir.path()).await;
    let scim = scim(Some(Arc::clone(&registry)), Attribute::ExternalId);
    let (status, ann) = ask(&scim, "POST", "/Users", ANN).await;
    assert_eq!(status, 201, "{ann}");
    let id = ann["id"].as_str().expect("an id").to_owned();
    let location = format!("https://scim.example:9902/scim/v2/Users/{id}");
    assert_eq!(
        ann,
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": id, "externalId": "7",
        "userName": "ann@example.com", "active": true, "meta": { "resourceType": "User", "location": location } })
    );
    let person = PersonId::new(ISSUER, "7");
    assert!(registry.state().person(&person).is_some_and(|known| known.joined.is_some()));
    assert_eq!(ask(&scim, "POST", "/Users", ANN).await.1["scimType"], "uniqueness");
    // Neither her user name nor her is anybody else's.
    let twin = ANN.replace("\"7\"", "\"8\"");
    assert_eq!(ask(&scim, "POST", "/Users", &twin).await.1["scimType"], "uniqueness");
    for other in [
        ("GET", ""),
        ("PUT", ANN),
        ("PATCH", r#"{"Operations":[{"op":"replace","path":"active","value":false}]}"#),
        ("DELETE", ""),
    ] {
        assert_eq!(ask_as(&scim, OTHER, other.0, &format!("/Users/{id}"), other.1).await.0, 404);
    }
    let found = |query: &str| {
        let query = query.to_owned();
        let scim = &scim;
        async move { ask(scim, "GET", &format!("/Users?{query}"), "").await }
    };
    for query in [
        "filter=userName%20eq%20%22ANN@example.com%22",
        "aadOptscim062020&filter=externalId+Eq+%227%22&startIndex=1&count=100",
        "filter=active eq true".replace(' ', "%20").as_str(),
        &format!("filter=id%20eq%20%22{id}%22"),
        "startIndex=-3",
    ] {
        let (status, list) = found(query).await;
        assert_eq!(
            (status, &list["totalResults"], &list["Resources"][0]["id"]),
            (200, &json!(1), &json!(id)),
            "{query}"
        );
    }
    let none = found("filter=userName%20eq%20%22bob%22").await.1;
    assert!(none["totalResults"] == 0 && none["Resources"] == json!([]), "{none}");
    assert_eq!(found("count=0").await.1["itemsPerPage"], 0);
    for bad in
        ["filter=userName%20co%20%22a%22", "filter=emails%20eq%20%22a%22", "filter=userName", "filter=userName eq a"]
    {
        assert_eq!(found(&bad.replace(' ', "%20")).await.1["scimType"], "invalidFilter", "{bad}");
    }
    let shaped = found("attributes=userName").await.1["Resources"][0].clone();
    assert!(shaped.get("active").is_none() && shaped["userName"] == "ann@example.com", "{shaped}");
    let search = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"externalId eq \"7\"","count":1}"#;
    assert_eq!(ask(&scim, "POST", "/Users/.search", search).await.1["totalResults"], 1);
    // Another name is one more record, and no other person.
    let renamed = ANN.replace("ann@", "ann.lee@");
    let (status, after) = ask(&scim, "PUT", &format!("/Users/{id}"), &renamed).await;
    assert_eq!((status, &after["userName"], &after["id"]), (200, &json!("ann.lee@example.com"), &json!(id)));
    let other = renamed.replace("\"7\"", "\"9\"");
    assert_eq!(ask(&scim, "PUT", &format!("/Users/{id}"), &other).await.1["scimType"], "mutability");
    // Gone for good: a resource is no more, and may come again.
    assert_eq!(ask(&scim, "DELETE", &format!("/Users/{id}"), "").await.0, 204);
    assert!(registry.state().has_left(&person));
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(ask(&scim, method, &format!("/Users/{id}"), &renamed).await.0, 404);
    }
    assert_eq!(ask(&scim, "POST", "/Users", ANN).await.0, 201);
    assert!(!registry.state().has_left(&person));
}

#[tokio::test]
async fn inactive_is_said_in_many_ways() {
    let dir = tempfile::tempdir().expect("a folder");
    let registry = founded(dir.path()).await;
    let scim = scim(Some(Arc::clone(&registry)), Attribute::ExternalId);
    let ann = ask(&scim, "POST", "/Users", ANN).await.1;
    let at = format!("/Users/{}", ann["id"].as_str().expect("an id"));
    let operations =
        |all: &str| format!(r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{all}]}}"#);
    for off in [
        r#"{"op":"replace","path":"active","value":false}"#,
        r#"{"op":"Replace","path":"active","value":"False"}"#,
        r#"{"op":"Add","path":"active","value":"false"}"#,
        r#"{"op":"replace","value":{"active":false}}"#,
        r#"{"op":"replace","value":{"active":"False"}}"#,
        r#"{"op":"Replace","path":"active","value":[{"$ref":null,"value":"False"}]}"#,
        r#"{"OP":"REPLACE","Path":"urn:ietf:params:scim:schemas:core:2.0:User:Active","Value":false}"#,
        r#"{"op":"replace","path":"name.familyName","value":"Lee"},{"op":"add","path":"emails[type eq \"work\"].value","value":"a@b"},
           {"op":"replace","value":{"urn:ietf:params:scim:schemas:core:2.0:User:active":false,"displayName":"Ann"}}"#,
    ] {
        let (status, after) = ask(&scim, "PATCH", &at, &operations(off)).await;
        assert_eq!((status, &after["active"]), (200, &json!(false)), "{off}: {after}");
        assert!(registry.state().has_left(&PersonId::new(ISSUER, "7")), "{off}");
        let (status, after) =
            ask(&scim, "PATCH", &at, &operations(r#"{"op":"replace","path":"active","value":true}"#)).await;
        assert_eq!((status, &after["active"]), (200, &json!(true)), "{after}");
    }
    // What can't be understood changes nothing, not even what stands before it.
    let off = r#"{"op":"replace","path":"active","value":false}"#;
    for (bad, word) in [
        (format!("{off},{}", r#"{"op":"increase","path":"active"}"#), "invalidSyntax"),
        (format!("{off},{}", r#"{"op":"replace","path":"active","value":"maybe"}"#), "invalidValue"),
        (format!("{off},{}", r#"{"op":"remove"}"#), "noTarget"),
        (format!("{off},{}", r#"{"op":"remove","path":"active"}"#), "invalidValue"),
        (format!("{off},{}", r#"{"op":"remove","path":"userName"}"#), "mutability"),
        (format!("{off},{}", r#"{"op":"remove","path":"externalId"}"#), "mutability"),
        (format!("{off},{}", r#"{"op":"add","path":7,"value":1}"#), "invalidPath"),
        (format!("{off},{}", r#"{"op":"add","value":"x"}"#), "invalidValue"),
        (r#"{"op":"replace","value":{"active":false,"Active":true}}"#.to_owned(), "invalidSyntax"),
        (String::new(), "invalidSyntax"),
    ] {
        let (status, said) = ask(&scim, "PATCH", &at, &operations(&bad)).await;
        assert_eq!((status, said["scimType"].as_str()), (400, Some(word)), "{bad}: {said}");
        assert!(!registry.state().has_left(&PersonId::new(ISSUER, "7")), "{bad}");
    }
    assert_eq!(ask(&scim, "PATCH", &at, &"x".repeat(70 << 10)).await.0, 413);
    assert_eq!(ask(&scim, "PATCH", &at, "[]").await.1["scimType"], "invalidSyntax");
    assert_eq!(ask(&scim, "PUT", "/Users", ANN).await.0, 405);
}

#[tokio::test]
async fn people_may_be_named_by_their_user_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let registry = founded(dir.path()).await;
    let scim = scim(Some(Arc::clone(&registry)), Attribute::UserName);
    let bare = r#"{"userName":"Ann@example.com"}"#;
    let ann = ask(&scim, "POST", "/Users", bare).await.1;
    assert!(registry.state().person(&PersonId::new(ISSUER, "Ann@example.com")).is_some(), "{ann}");
    let at = format!("/Users/{}", ann["id"].as_str().expect("an id"));
    // Whether she is here was not said, so it stays.
    assert_eq!(
        ask(&scim, "PUT", &at, r#"{"userName":"ann@example.com","externalId":"7","active":false}"#).await.0,
        200
    );
    let after = ask(&scim, "PUT", &at, r#"{"USERNAME":"ann@example.com"}"#).await.1;
    assert!(after["active"] == false && after.get("externalId").is_none(), "{after}");
    assert_eq!(ask(&scim, "PUT", &at, r#"{"userName":"bob@example.com"}"#).await.1["scimType"], "mutability");
    assert_eq!(ask(&scim, "PUT", &at, "{}").await.1["scimType"], "invalidValue");
    let external = super::tests::scim(Some(registry), Attribute::ExternalId);
    assert_eq!(ask(&external, "POST", "/Users", bare).await.1["scimType"], "invalidValue");
}
