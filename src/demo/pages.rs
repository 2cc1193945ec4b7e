//! HTML as it was written in another time.

use std::fmt::Write as _;

use super::customers::{COUNT, Customer};

pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<html><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body bgcolor=\"#ffffff\"><h1>{title}</h1>\n{body}\n\
         <hr><a href=\"/\">home</a></body></html>\n"
    )
}

pub(super) fn home() -> String {
    page(
        "Legacy Shop",
        "<ul><li><a href=\"/login\">sign in</a><li><a href=\"/customers?page=1\">customers</a>\
         <li><a href=\"/api/customers?page=1&amp;size=10\">customers as JSON</a><li><a href=\"/search?q=kim\">search</a>\
         <li><a href=\"/export.csv\">export</a><li><a href=\"/upload\">upload</a><li><a href=\"/slow?ms=1000\">slow</a>\
         <li><a href=\"/old-style\">old style</a></ul>",
    )
}

pub(super) fn login(failed: bool) -> String {
    let message = if failed { "<p><font color=\"red\">wrong password</font></p>" } else { "" };
    page(
        "Sign in",
        &format!(
            "{message}<form method=\"post\" action=\"/login\">E-mail <input name=\"email\"><br>\
             Password <input type=\"password\" name=\"password\"><br><input type=\"submit\"></form>"
        ),
    )
}

pub(super) fn list(all: &[Customer], number: usize) -> String {
    const ROWS: usize = 50;
    let first = (number.max(1) - 1).saturating_mul(ROWS).min(COUNT);
    let rows = &all[first..(first + ROWS).min(COUNT)];
    let next = format!("<a href=\"/customers?page={}\">next</a>", number.saturating_add(1));
    page("Customers", &(table(rows.iter()) + &next))
}

pub(super) fn search(all: &[Customer], words: &str) -> String {
    let low = words.to_lowercase();
    let found = all
        .iter()
        .filter(|c| {
            !low.is_empty()
                && (c.name.to_lowercase().contains(&low) || c.email.contains(&low) || c.phone.contains(&low))
        })
        .take(50);
    page("Search", &format!("<p>You searched for: {}</p>{}", escape(words), table(found)))
}

/// What is known of a customer, and a form to change it.
pub(super) fn edit(customer: &Customer) -> String {
    let mut view = String::from("<table border=\"1\">");
    let mut form = format!("<form method=\"post\" action=\"/customers/{}\">", customer.id);
    for (name, value) in [
        ("name", &customer.name),
        ("email", &customer.email),
        ("phone", &customer.phone),
        ("rrn", &customer.rrn),
        ("address", &customer.address),
        ("card", &customer.card),
    ] {
        let value = escape(value);
        let _ = writeln!(view, "<tr><th>{name}<td>{value}</tr>");
        let _ = writeln!(form, "{name} <input name=\"{name}\" value=\"{value}\"><br>");
    }
    let (word, tick) = if customer.marketing_consent { ("yes", " checked") } else { ("no", "") };
    let _ = writeln!(view, "<tr><th>marketing_consent<td>{word}</tr></table>");
    let _ =
        write!(form, "marketing_consent <input type=\"checkbox\" name=\"marketing_consent\" value=\"yes\"{tick}><br>");
    page("Customer", &(view + &form + "<input type=\"submit\"></form>"))
}

pub(super) fn upload() -> String {
    page(
        "Upload",
        "<form method=\"post\" action=\"/upload\" enctype=\"multipart/form-data\"><input type=\"file\" name=\"file\"><input type=\"submit\"></form>",
    )
}

pub(super) fn stack_trace() -> String {
    page(
        "HTTP Status 500",
        "<pre>java.lang.NullPointerException: Cannot invoke \"Customer.getName()\"\n\
         \tat shop.legacy.CustomerServlet.doGet(CustomerServlet.java:142)\n\
         \tat javax.servlet.http.HttpServlet.service(HttpServlet.java:626)\n\
         \tat org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:166)</pre>",
    )
}

fn table<'c>(rows: impl Iterator<Item = &'c Customer>) -> String {
    let mut out = String::from(
        "<table border=\"1\"><tr><th>id<th>name<th>email<th>phone<th>rrn<th>address<th>card<th>marketing</tr>\n",
    );
    for c in rows {
        let _ = writeln!(
            out,
            "<tr><td><a href=\"/customers/{id}\">{id}</a><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
            escape(&c.name),
            c.email,
            c.phone,
            c.rrn,
            escape(&c.address),
            c.card,
            if c.marketing_consent { "yes" } else { "no" },
            id = c.id,
        );
    }
    out + "</table>"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
