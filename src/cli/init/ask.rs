//! What the configuration is to say, where nobody else has said it: by flags, or asked at a terminal.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
};

use super::{
    InitArgs,
    model::{Model, Order, Pair, Route, host, is_exposed, is_public, mail, pair, path, upstream},
    shown,
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
    let name = talk.said(
        args.host.as_deref(),
        "Name of the host that people type, such as shop.example (empty: any)",
        "",
        |text| match text {
            "" => Ok(None),
            text => host(text).map(Some).ok_or_else(|| Error::Wrong(format!("\"{text}\" is no name of a host"))),
        },
    )?;
    let name = name.flatten();
    let wrong = "the application is at a URL such as http://127.0.0.1:8080, https://app.internal or unix:/run/app.sock";
    let to = talk
        .said(args.upstream.as_deref(), "Where the application is", "http://127.0.0.1:8080", |text| {
            application(text).ok_or_else(|| Error::Wrong(wrong.to_owned()))
        })?
        .ok_or(Error::Missing("where is the application? --upstream http://127.0.0.1:8080"))?;
    let mut route =
        Route { host: name.clone(), path: "/".to_owned(), upstream: vec![(to.clone(), 1)], ..Route::default() };
    if is_exposed(&to) {
        let why = "the application would be reached in cleartext beyond this machine: use https://, or say why that is acceptable (--cleartext-reason TEXT)";
        let question = "The way there is in cleartext beyond this machine: why is that acceptable";
        let reason = talk.said(args.cleartext_reason.as_deref(), question, "", |text| {
            Some(text.to_owned()).filter(|text| !text.trim().is_empty()).ok_or(Error::Missing(why))
        })?;
        route.cleartext_reason = Some(reason.ok_or(Error::Missing(why))?);
    }
    let mut model = Model { routes: vec![route], ..Model::default() };
    certificate(args, &talk, name.as_deref(), &mut model)?;
    model.personal = args.personal_data || talk.yes("Does the application hold personal data", true)?;
    let login = talk.said(
        args.login.as_deref(),
        "Path where people sign in at the application, such as /login (empty: none)",
        "",
        |text| match text {
            "" => Ok(None),
            text => {
                path(text).map(Some).ok_or_else(|| Error::Wrong("the login is at a path such as /login".to_owned()))
            }
        },
    )?;
    model.login = login.flatten();
    Ok(model)
}

/// Which certificate, and with it where it is served.
fn certificate(args: &InitArgs, talk: &Talk, name: Option<&str>, model: &mut Model) -> Result<(), Error> {
    let flag = match (&args.acme, &args.certificate, args.development) {
        (Some(_), ..) => Some("acme"),
        (_, Some(_), _) => Some("files"),
        (.., true) => Some("development"),
        _ => None,
    };
    let question = "Certificate: \"acme\" (ordered from Let's Encrypt), \"files\", or \"development\"";
    let said = talk.said(flag, question, "development", |text| match text {
        "acme" if !name.is_some_and(is_public) => {
            Err(Error::Missing("a certificate is ordered for a public name: --host shop.example"))
        }
        "acme" | "files" | "development" => Ok(text.to_owned()),
        _ => Err(Error::Wrong("a certificate is by \"acme\", of \"files\", or for \"development\"".to_owned())),
    })?;
    let places = |https: &str, http: &str| (Some(https.to_owned()), Some(http.to_owned()));
    (model.https, model.http) = places("0.0.0.0:443", "0.0.0.0:80");
    match said.as_deref() {
        Some("acme") => {
            let wrong = "the authority is told a mail address: --acme tls@shop.example";
            let question = "Mail address that the authority may write to; by it you agree to its terms of service";
            let contact = talk.said(args.acme.as_deref(), question, "", |text| {
                mail(text).ok_or_else(|| Error::Wrong(wrong.to_owned()))
            })?;
            model.orders.push(Order {
                domains: name.map(str::to_owned).into_iter().collect(),
                contact: Some(contact.ok_or(Error::Missing(wrong))?),
                directory: args.acme_directory.clone(),
            });
        }
        Some("files") => model.certificates.push(files(args, talk)?),
        _ => (model.https, model.http) = places("127.0.0.1:8443", "127.0.0.1:8080"),
    }
    Ok(())
}

/// The files of flags; or those that are named at the terminal, until they can be used.
fn files(args: &InitArgs, talk: &Talk) -> Result<Pair, Error> {
    if let (Some(chain), Some(key)) = (&args.certificate, &args.key) {
        return whole(pair(chain, key));
    }
    loop {
        let named = |question: &str| {
            let path = talk.said(None, question, "", |text| Ok(PathBuf::from(text)))?;
            path.ok_or(Error::Missing("name the files: --certificate CHAIN --key KEY"))
        };
        match whole(pair(&named("Certificate, with its chain (PEM)")?, &named("Its private key (PEM)")?)) {
            Err(wrong) => tell(&wrong)?,
            found => return found,
        }
    }
}

fn whole(found: Pair) -> Result<Pair, Error> {
    match found.trouble {
        Some(trouble) => Err(Error::Wrong(trouble)),
        None => Ok(found),
    }
}

/// Why an answer can't be used, to whoever is asked again.
fn tell(wrong: &Error) -> io::Result<()> {
    writeln!(io::stderr(), "    {}", shown(&wrong.to_string()))
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

    /// What a flag says, or else an answer: who gives one that can't be used is told why, and asked again. Nothing where nobody can be asked.
    fn said<T>(
        &self,
        flag: Option<&str>,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if let Some(flag) = flag {
            return read(flag).map(Some);
        }
        loop {
            let Some(answer) = self.ask(question, default)? else { return Ok(None) };
            match read(&answer) {
                Ok(value) => return Ok(Some(value)),
                Err(wrong) => tell(&wrong)?,
            }
        }
    }

    fn yes(&self, question: &str, default: bool) -> Result<bool, Error> {
        let question = format!("{question} (yes or no)");
        let answer =
            self.said(None, &question, if default { "yes" } else { "no" }, |text| match &*text.to_lowercase() {
                "y" | "yes" => Ok(true),
                "n" | "no" => Ok(false),
                _ => Err(Error::Wrong("this is answered by yes or no".to_owned())),
            })?;
        Ok(answer.unwrap_or_default())
    }
}
