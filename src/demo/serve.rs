//! The paths of the demo application.

use std::{cell::RefCell, convert::Infallible, net::TcpListener, rc::Rc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;

use super::{
    customers::{self, COUNT, Customer},
    pages,
    respond::{Answer, answer, html, json, redirect, stream},
    upload, websocket,
};

const EMAIL: &str = "alice@example.com";
const PASSWORD: &str = "correct horse battery";

type Shop = Rc<RefCell<Vec<Customer>>>;

/// Accepts for ever.
pub(super) async fn accept(listener: TcpListener) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let shop = Shop::new(RefCell::new(customers::all()));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Small answers should not wait for each other.
        let _ = stream.set_nodelay(true);
        let shop = Rc::clone(&shop);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| {
                let shop = Rc::clone(&shop);
                async move { Ok::<_, Infallible>(route(request, &shop).await) }
            });
            // A client that breaks off concerns nobody.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
        });
    }
}

async fn route(request: Request<Incoming>, shop: &Shop) -> Answer {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let number = |name| field(&query, name).and_then(|v| v.parse::<usize>().ok());
    let posts = request.method() == Method::POST;
    match path.as_str() {
        "/" => html(pages::home()),
        "/login" if posts => login(request).await,
        "/login" => html(pages::login(false)),
        "/api/login" if posts => api_login(request).await,
        "/account" => account(request.headers()),
        "/logout" => redirect("/login"),
        "/customers" => html(pages::list(&shop.borrow(), number("page").unwrap_or(1))),
        "/api/customers" => {
            let (page, size) = (number("page").unwrap_or(1), number("size").unwrap_or(50));
            api_customers(&shop.borrow(), page, size, field(&query, "format").as_deref())
        }
        "/search" => html(pages::search(&shop.borrow(), &field(&query, "q").unwrap_or_default())),
        "/export.csv" => export(shop),
        "/upload" if posts => upload::take(&request.headers().clone(), request.into_body()).await,
        "/upload" => html(pages::upload()),
        "/slow" => slow(number("ms").unwrap_or(1000), query.contains("drip=1")).await,
        "/ws" => websocket::upgrade(request),
        "/old-style" => old_style(),
        "/echo" => echo(request).await,
        _ => match path.strip_prefix("/customers/").and_then(|id| id.parse::<usize>().ok()) {
            Some(id @ 1..=COUNT) if posts => edit(request, shop, id).await,
            Some(id @ 1..=COUNT) => html(pages::edit(&shop.borrow()[id - 1])),
            _ => answer(StatusCode::NOT_FOUND, "text/html", pages::page("Not found", "")),
        },
    }
}

async fn login(request: Request<Incoming>) -> Answer {
    let body = small_body(request).await;
    let form = String::from_utf8_lossy(&body);
    if field(&form, "email").as_deref() != Some(EMAIL) || field(&form, "password").as_deref() != Some(PASSWORD) {
        // As many old applications do: a failure is a page like any other.
        return html(pages::login(true));
    }
    let mut welcome = redirect("/account");
    if let Ok(cookie) = HeaderValue::from_str(&format!("session={:032x}; Path=/", fastrand::u128(..))) {
        welcome.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    welcome
}

async fn api_login(request: Request<Incoming>) -> Answer {
    let body = small_body(request).await;
    let sent: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    if sent["email"] == EMAIL && sent["password"] == PASSWORD {
        json(StatusCode::OK, &json!({ "token": format!("{:032x}", fastrand::u128(..)) }))
    } else {
        json(StatusCode::UNAUTHORIZED, &json!({ "error": "wrong email or password" }))
    }
}

fn account(headers: &HeaderMap) -> Answer {
    let signed_in = headers.get(header::COOKIE).and_then(|v| v.to_str().ok()).is_some_and(|c| c.contains("session="));
    if signed_in {
        return html(pages::page("Account", "<p>Welcome, Alice.</p>"));
    }
    // An old habit: absolute, and without TLS.
    let host = headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or("localhost");
    redirect(&format!("http://{host}/login"))
}

/// Takes over what the form holds, whatever it is: an old application trusts its own pages.
async fn edit(request: Request<Incoming>, shop: &Shop, id: usize) -> Answer {
    let body = small_body(request).await;
    let form = String::from_utf8_lossy(&body);
    let mut shop = shop.borrow_mut();
    let customer = &mut shop[id - 1];
    for (name, value) in [
        ("name", &mut customer.name),
        ("email", &mut customer.email),
        ("phone", &mut customer.phone),
        ("rrn", &mut customer.rrn),
        ("address", &mut customer.address),
        ("card", &mut customer.card),
    ] {
        if let Some(new) = field(&form, name) {
            *value = new;
        }
    }
    customer.marketing_consent = field(&form, "marketing_consent").is_some();
    redirect(&format!("/customers/{id}"))
}

fn api_customers(all: &[Customer], page: usize, size: usize, format: Option<&str>) -> Answer {
    let size = size.clamp(1, COUNT);
    let first = (page.max(1) - 1).saturating_mul(size).min(COUNT);
    let rows = &all[first..(first + size).min(COUNT)];
    if format == Some("ndjson") {
        let lines: Vec<String> = rows.iter().filter_map(|c| serde_json::to_string(c).ok()).collect();
        return answer(StatusCode::OK, "application/x-ndjson", lines.join("\n") + "\n");
    }
    json(StatusCode::OK, &json!({ "customers": rows, "page": page, "size": size, "total": COUNT }))
}

fn export(shop: &Shop) -> Answer {
    let shop = Rc::clone(shop);
    let mut csv = stream("text/csv; charset=utf-8", |sender| async move {
        let head = "id,name,email,phone,rrn,address,card,marketing_consent\n".to_owned();
        let rows = |from: usize| shop.borrow()[from..from + 100].iter().map(Customer::csv).collect::<String>();
        for part in std::iter::once(head).chain((0..COUNT).step_by(100).map(rows)) {
            if sender.send(Bytes::from(part)).await.is_err() {
                return;
            }
        }
    });
    let name = HeaderValue::from_static("attachment; filename=\"customers.csv\"");
    csv.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    csv
}

async fn slow(ms: usize, drip: bool) -> Answer {
    let wait = Duration::from_millis(ms.min(120_000) as u64);
    if !drip {
        tokio::time::sleep(wait).await;
        return answer(StatusCode::OK, "text/plain", "done\n");
    }
    stream("text/plain", move |sender| async move {
        let end = tokio::time::Instant::now() + wait;
        while tokio::time::Instant::now() < end && sender.send(Bytes::from_static(b".")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
}

fn old_style() -> Answer {
    let mut old = answer(StatusCode::INTERNAL_SERVER_ERROR, "text/html", pages::stack_trace());
    let headers = old.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("Apache-Coyote/1.1"));
    headers.insert("x-powered-by", HeaderValue::from_static("Servlet/2.5 JSP/2.1"));
    headers.append(header::SET_COOKIE, HeaderValue::from_static("JSESSIONID=0123456789abcdef; Path=/"));
    headers.append(header::SET_COOKIE, HeaderValue::from_static("tracking=1"));
    old
}

/// What arrived, for tests.
async fn echo(request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let headers: Vec<_> =
        parts.headers.iter().map(|(n, v)| json!([n.as_str(), String::from_utf8_lossy(v.as_bytes())])).collect();
    let size = upload::whole(body).await;
    let (method, target) = (parts.method.as_str(), parts.uri.to_string());
    json(StatusCode::OK, &json!({ "method": method, "target": target, "headers": headers, "body": size }))
}

async fn small_body(request: Request<Incoming>) -> Bytes {
    Limited::new(request.into_body(), 1 << 16)
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default()
}

/// A field of a form or query (WHATWG URL, section 5).
fn field(form: &str, name: &str) -> Option<String> {
    let pair = form.split('&').find(|pair| pair.split('=').next() == Some(name))?;
    let raw = pair.split_once('=').map_or("", |(_, value)| value);
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).unwrap_or(0);
                let (high, low) = (digit(), digit());
                u8::try_from(high * 16 + low).unwrap_or(b'?')
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}
