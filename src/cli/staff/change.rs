//! What changes the staff file.

use std::{fs, os::unix::fs::DirBuilderExt as _, time::SystemTime};

use super::{Door, Failure, PlaceArgs};
use crate::{
    cli::{
        office::{Office, own_password},
        prompt,
    },
    identity::{
        account::{self, Account},
        order::Order,
        password::{Password, hash},
        policy, recovery,
        settings::SecondFactor,
        totp,
    },
    registry::{Command, PersonId},
};

/// What `staff add` takes.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// The name that signs in.
    id: String,
    /// What people call them.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// A role; once for each.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Whether they prove themselves by one-time codes, too. Secret and recovery codes are shown once.
    #[arg(long)]
    totp: bool,
    /// Read the password from standard input, a line.
    #[arg(long)]
    password_stdin: bool,
    /// Once the registry is founded: who you are, an officer. Your password is the second line where it is read from standard input.
    #[arg(long = "as", value_name = "NAME")]
    officer: Option<String>,
    /// Your one-time code, where you have one.
    #[arg(long, value_name = "CODE", requires = "officer")]
    code: Option<String>,
    /// The provider that vouches for them: they get no account here, and no password.
    #[arg(long, value_name = "URL", requires = "officer", conflicts_with_all = ["roles", "totp"])]
    issuer: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What `staff passwd` takes.
#[derive(Debug, clap::Args)]
pub struct PasswordArgs {
    /// The name that signs in.
    id: String,
    /// Read the password from standard input, a line.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What `staff disable` takes.
#[derive(Debug, clap::Args)]
pub struct DisableArgs {
    /// The name that signs in.
    id: String,
    /// Let them sign in again.
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What `staff totp` takes.
#[derive(Debug, clap::Args)]
pub struct OneArgs {
    /// The name that signs in.
    id: String,
    #[command(flatten)]
    place: PlaceArgs,
}

/// What is shown once, so that it can be carried over to an authenticator and a safe place.
struct Enrolment {
    secret: [u8; totp::SECRET],
    codes: Vec<String>,
}

impl Enrolment {
    fn new() -> Result<Self, Failure> {
        let secret = totp::secret().ok_or(Failure::Random)?;
        Ok(Self { secret, codes: recovery::codes().ok_or(Failure::Random)? })
    }

    fn enter(&self, account: &mut Account) {
        account.totp = Some(self.secret.to_vec());
        account.step = 0;
        account.recovery = self.codes.iter().filter_map(|code| recovery::hash(code)).collect();
        account.end_sessions();
    }

    fn show(&self, realm: &str, id: &str) {
        println!("one-time codes: {}", totp::uri(realm, id, &self.secret));
        println!("secret:         {}", totp::base32(&self.secret));
        println!("recovery codes, each of which works once, and which are not shown again:");
        for code in &self.codes {
            println!("  {code}");
        }
    }
}

pub(super) fn add(args: &AddArgs) -> Result<(), Failure> {
    if let Some(issuer) = &args.issuer {
        let office = args.place.office()?;
        args.join(&office, office.person(&args.id, Some(issuer))?)?;
        println!("joined");
        return Ok(());
    }
    let door = args.place.door()?;
    let id = account::id(&args.id)?;
    let roles = args.roles.iter().map(|role| account::role(role)).collect::<Result<Vec<_>, _>>()?;
    let place = door.place();
    if let Some(folder) = place.file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Failure::Folder)?;
    }
    let exists = |accounts: &[Account]| accounts.iter().any(|account| account.id == id);
    let office = args.place.office()?;
    let look = office.look()?;
    let founded = look["founded"].is_string();
    // Who has left may come back, as somebody new.
    let again = Office::has_left(&look, &office.person(&id, None)?);
    // Told before the password is asked for; what counts is the look under the lock.
    if exists(&place.read()?) && !again {
        return Err(Failure::Exists);
    }
    if founded && (args.officer.is_none() || !roles.is_empty()) {
        return Err(Failure::ByOfficers);
    }
    let password = prompt::password(args.password_stdin)?;
    door.accepts(&password, &id, args.name.as_deref(), args.totp)?;
    let phc = hash(&password).map_err(|_| Failure::Random)?;
    let enrolment = args.totp.then(Enrolment::new).transpose()?;
    if founded {
        // Before there is an account: who may not let anybody join makes none.
        args.join(&office, office.person(&id, None)?)?;
    }
    place.edit(|accounts| {
        if again {
            accounts.retain(|account| account.id != id);
        }
        if exists(accounts) {
            return Err(Failure::Exists);
        }
        let mut account = Account::new(id.clone(), phc, roles, SystemTime::now());
        account.name.clone_from(&args.name);
        if let Some(enrolment) = &enrolment {
            enrolment.enter(&mut account);
        }
        accounts.push(account);
        Ok(())
    })?;
    println!("added to `{}`", door.realm.name);
    if let Some(enrolment) = &enrolment {
        enrolment.show(&door.realm.name, &id);
    } else if door.realm.second_factor == SecondFactor::Required {
        eprintln!("privet staff: this realm requires one-time codes: `privet staff totp` gives them");
    }
    Ok(())
}

impl AddArgs {
    fn join(&self, office: &Office, person: PersonId) -> Result<(), Failure> {
        let command = Command::Join { person, name: self.name.clone() };
        let (password, code) = (own_password(self.password_stdin)?, self.code.clone().map(Into::into));
        office.order(Order { name: self.officer.clone(), password, code, command, signed_in: None }).map(drop)
    }
}

pub(super) fn password(args: &PasswordArgs) -> Result<(), Failure> {
    let door = args.place.door()?;
    let id = account::id(&args.id)?;
    let known = door.place().read()?;
    let account = known.iter().find(|account| account.id == id).ok_or(Failure::Unknown)?;
    let password = prompt::password(args.password_stdin)?;
    door.accepts(&password, &id, account.name.as_deref(), account.totp.is_some())?;
    let phc = hash(&password).map_err(|_| Failure::Random)?;
    let passkeys = change(&door, &id, |account| {
        account.set_password(phc);
        account.passkeys.len()
    })?;
    println!("changed; their sessions end");
    if passkeys > 0 {
        eprintln!("privet staff: their passkeys still open the door: `privet staff passkeys remove` removes them");
    }
    Ok(())
}

pub(super) fn totp(args: &OneArgs) -> Result<(), Failure> {
    let door = args.place.door()?;
    let id = account::id(&args.id)?;
    let enrolment = Enrolment::new()?;
    change(&door, &id, |account| enrolment.enter(account))?;
    enrolment.show(&door.realm.name, &id);
    Ok(())
}

pub(super) fn disable(args: &DisableArgs) -> Result<(), Failure> {
    disable_account(&args.place, &args.id, args.undo)
}

pub(super) fn disable_account(place: &PlaceArgs, id: &str, undo: bool) -> Result<(), Failure> {
    let door = place.door()?;
    change(&door, &account::id(id)?, |account| account.set_disabled(!undo))?;
    println!("{}", if undo { "may sign in again" } else { "may sign in no more; their sessions end" });
    Ok(())
}

/// Lets `change` work on the account called `id`.
pub(super) fn change<T>(door: &Door, id: &str, change: impl FnOnce(&mut Account) -> T) -> Result<T, Failure> {
    let place = door.place();
    if !place.file.exists() {
        // Without this, keys would be made for a file that is not there.
        return Err(Failure::Unknown);
    }
    place.edit(|accounts| Ok(change(accounts.iter_mut().find(|account| account.id == id).ok_or(Failure::Unknown)?)))
}

impl Door {
    fn accepts(&self, password: &Password, id: &str, name: Option<&str>, totp: bool) -> Result<(), Failure> {
        let with_code = totp && self.realm.second_factor != SecondFactor::Off;
        let least = if with_code { policy::WITH_SECOND_FACTOR } else { policy::ALONE };
        let name = name.unwrap_or_default().split_whitespace();
        let own: Vec<&str> = self.words.iter().map(String::as_str).chain([id]).chain(name).collect();
        Ok(policy::check(password, &own, least)?)
    }
}
