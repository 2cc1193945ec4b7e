//! What the configuration is to say, where nobody else has said it: by flags, or asked at a terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::{
    InitArgs,
    model::{Model, Order, Route, host, is_exposed, is_public, mail, pair, path, upstream},
};

/// Why there is no configuration, and how to get one.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Something has to be said, and nobody can be asked.
    #[error("{0}")]
    Missing(&'static str),
    /// What was said can't be used.
    #[error("{0}")]
    Wrong(String),
    /// The terminal is gone.
    #[error("what is typed can't be read")]
    Input(#[from] io::Error),
}

/// By flags, and by questions for what they leave open.
pub(super) fn model(args: &InitArgs) -> Result<Model, Error> {
    let talk = Talk { open: !args.yes && io::stdin().is_terminal() };
    let name = match &args.host {
        Some(name) => Some(name.clone()),
        None => talk.ask("Name of the host that people type, such as shop.example (empty: any)", "")?,
    };
    let name = name
        .filter(|name| !name.is_empty())
        .map(|name| host(&name).ok_or_else(|| Error::Wrong(format!("\"{name}\" is no name of a host"))))
        .transpose()?;
    let to = match &args.upstream {
        Some(to) => to.clone(),
        None => talk
            .ask("Where the application is", "http://127.0.0.1:8080")?
            .ok_or(Error::Missing("where is the application? --upstream http://127.0.0.1:8080"))?,
    };
    let to = application(&to).ok_or_else(|| {
        Error::Wrong(
            "the application is at a URL such as http://127.0.0.1:8080, https://app.internal or unix:/run/app.sock"
                .to_owned(),
        )
    })?;
    let mut route =
        Route { host: name.clone(), path: "/".to_owned(), upstream: vec![(to.clone(), 1)], ..Route::default() };
    if is_exposed(&to) {
        let reason = match &args.cleartext_reason {
            Some(reason) => Some(reason.clone()),
            None => talk.ask("The way there is in cleartext beyond this machine: why is that acceptable", "")?,
        };
        let why = "the application would be reached in cleartext beyond this machine: use https://, or say why that is acceptable (--cleartext-reason TEXT)";
        route.cleartext_reason = Some(reason.filter(|reason| !reason.trim().is_empty()).ok_or(Error::Missing(why))?);
    }
    let mut model = Model { routes: vec![route], ..Model::default() };
    certificate(args, &talk, name.as_deref(), &mut model)?;
    model.personal = args.personal_data || talk.yes("Does the application hold personal data", true)?;
    let login = match &args.login {
        Some(login) => Some(login.clone()),
        None => talk.ask("Path where people sign in at the application, such as /login (empty: none)", "")?,
    };
    let login = login.filter(|login| !login.is_empty());
    model.login = login
        .map(|text| path(&text).ok_or_else(|| Error::Wrong("the login is at a path such as /login".to_owned())))
        .transpose()?;
    Ok(model)
}

/// Which certificate, and with it where it is served.
fn certificate(args: &InitArgs, talk: &Talk, name: Option<&str>, model: &mut Model) -> Result<(), Error> {
    let said = match (&args.acme, &args.certificate, args.development) {
        (Some(_), ..) => "acme".to_owned(),
        (_, Some(_), _) => "files".to_owned(),
        (.., true) => "development".to_owned(),
        _ => talk
            .ask("Certificate: \"acme\" (ordered from Let's Encrypt), \"files\", or \"development\"", "development")?
            .unwrap_or_else(|| "development".to_owned()),
    };
    let places = |https: &str, http: &str| (Some(https.to_owned()), Some(http.to_owned()));
    (model.https, model.http) = places("0.0.0.0:443", "0.0.0.0:80");
    match said.as_str() {
        "acme" => {
            let name = name
                .filter(|name| is_public(name))
                .ok_or(Error::Missing("a certificate is ordered for a public name: --host shop.example"))?;
            let contact = match &args.acme {
                Some(contact) => contact.clone(),
                None => talk
                    .ask("Mail address that the authority may write to; by it you agree to its terms of service", "")?
                    .unwrap_or_default(),
            };
            let wrong = "the authority is told a mail address: --acme tls@shop.example";
            let contact = mail(&contact).ok_or_else(|| Error::Wrong(wrong.to_owned()))?;
            model.orders.push(Order {
                domains: vec![name.to_owned()],
                contact: Some(contact),
                directory: args.acme_directory.clone(),
            });
        }
        "files" => {
            let [chain, key] =
                [("Certificate, with its chain (PEM)", &args.certificate), ("Its private key (PEM)", &args.key)].map(
                    |(question, flag)| match flag {
                        Some(path) => Ok(path.clone()),
                        None => talk
                            .ask(question, "")?
                            .map(Into::into)
                            .ok_or(Error::Missing("name the files: --certificate CHAIN --key KEY")),
                    },
                );
            let found = pair(&chain?, &key?);
            if let Some(trouble) = found.trouble {
                return Err(Error::Wrong(trouble));
            }
            model.certificates.push(found);
        }
        "development" => (model.https, model.http) = places("127.0.0.1:8443", "127.0.0.1:8080"),
        _ => return Err(Error::Wrong("a certificate is by \"acme\", of \"files\", or for \"development\"".to_owned())),
    }
    Ok(())
}

/// A URL of an application, which may leave `http://` out.
fn application(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    match text.split_once("://") {
        Some((scheme, place)) => upstream(scheme, place),
        None => upstream("http", text),
    }
}

/// Whoever sits at the terminal, where anybody does.
struct Talk {
    open: bool,
}

impl Talk {
    /// An answer; the default for an empty one, nothing where nobody can be asked.
    fn ask(&self, question: &str, default: &str) -> io::Result<Option<String>> {
        if !self.open {
            return Ok(None);
        }
        let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        let mut err = io::stderr();
        write!(err, "{question}{shown}: ")?;
        err.flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim();
        Ok(Some(if line.is_empty() { default } else { line }.to_owned()))
    }

    fn yes(&self, question: &str, default: bool) -> io::Result<bool> {
        let answer = self.ask(&format!("{question} (yes or no)"), if default { "yes" } else { "no" })?;
        Ok(answer.is_some_and(|answer| answer.to_lowercase().starts_with('y')))
    }
}
