//! `kopilka user`: members of staff, for the first start and for forgotten passwords. Passwords are read from standard
//! input: what is written on a command line stays in its history.

use std::io::BufRead;

use kopilka_contract::{Language, Words};

use super::{Failure, open_existing, print};
use crate::api::author::COMMAND_LINE;
use crate::api::caller::Role;
use crate::api::names;
use crate::api::problem::Problem;
use crate::api::secrets::{check_password, hash_password};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::domain::Timestamp;
use crate::domain::ids::{AuditId, IdSource, NetworkId, UserId};
use crate::id_source::TimeOrderedIds;
use crate::storage::users::StoredUser;
use crate::storage::{Store, Tenant, audit, books, sessions, users};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add one; his password is read from standard input
    Add {
        /// What he logs in with
        login: String,
        /// owner, manager, marketer, cashier or auditor
        #[arg(long, value_parser = role)]
        role: Role,
        /// His name; without it the login
        #[arg(long)]
        name: Option<String>,
        /// Id of his network; needed where there are several
        #[arg(long)]
        network: Option<String>,
    },
    /// Give one a new password, read from standard input, and end his sessions
    Password {
        /// What he logs in with
        login: String,
    },
    /// List them
    List,
}

pub(super) fn run(settings: &Settings, command: &Command) -> Result<(), Failure> {
    let store = open_existing(settings, Language::En)?;
    let ids = TimeOrderedIds::new(settings.node);
    let now = SystemClock.now();
    match command {
        Command::Add {
            login,
            role,
            name,
            network,
        } => {
            let tenant = network_of(&store, network.as_deref(), Language::En)?;
            let login = names::login("/login", login).map_err(told)?;
            let user = StoredUser {
                id: UserId(ids.next_id()),
                name: names::name("/name", name.as_deref().unwrap_or(&login), 200).map_err(told)?,
                login,
                role: role.as_str().to_owned(),
                venues: None,
                password_hash: hash_password(&typed_password()?).map_err(told)?,
                active: true,
                created_at: now,
            };
            add(&store, tenant, &user, AuditId(ids.next_id()), now)?;
            print(format!("{}  {}  {}", user.id, user.role, user.login));
            Ok(())
        }
        Command::Password { login } => {
            let password_hash = hash_password(&typed_password()?).map_err(told)?;
            change_password(&store, login, &password_hash, AuditId(ids.next_id()), now)
        }
        Command::List => list(&store),
    }
}

pub(super) fn told(problem: Problem) -> Failure {
    problem.words.en.into()
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "expected owner, manager, marketer, cashier or auditor".to_owned())
}

fn typed_password() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    check_password("/password", &password).map_err(told)?;
    Ok(password)
}

/// The network that an id names; without one, the only network there is. What is wrong is said in a language.
pub(super) fn network_of(store: &Store, named: Option<&str>, language: Language) -> Result<Tenant, Failure> {
    let all = books::all_networks(&mut *store.connection()?)?;
    which_network(all, named).map_err(|words| words.in_language(language).into())
}

fn which_network(all: Vec<Tenant>, named: Option<&str>) -> Result<Tenant, Words> {
    match (named, all.as_slice()) {
        (Some(text), _) => {
            let id: NetworkId = text.parse().map_err(|_| {
                Words::new(
                    format!("{text} — не id сети (net_…)"),
                    format!("{text} is not the id of a network (net_…)"),
                )
            })?;
            let found = all.into_iter().find(|tenant| tenant.network() == id);
            found.ok_or_else(|| Words::new(format!("нет сети {text}"), format!("there is no network {text}")))
        }
        (None, [only]) => Ok(*only),
        (None, []) => Err(Words::new(
            "сети ещё нет: запустите `kopilka serve` и откройте его одноразовую ссылку",
            "there is no network yet: start `kopilka serve` and use its one-time link",
        )),
        (None, many) => {
            let ids: Vec<String> = many.iter().map(|tenant| tenant.network().to_string()).collect();
            let ids = ids.join(", ");
            Err(Words::new(
                format!("назовите одну из сетей в --network: {ids}"),
                format!("name one of the networks by --network: {ids}"),
            ))
        }
    }
}

fn add(
    store: &Store,
    tenant: Tenant,
    user: &StoredUser,
    entry: AuditId,
    now: Timestamp,
) -> Result<(), Failure> {
    let added = store.write(|connection| -> Result<bool, Problem> {
        if !users::insert(connection, tenant, user)? {
            return Ok(false);
        }
        let after = serde_json::json!({"login": user.login, "role": user.role});
        let subject = user.id.to_string();
        audit::write(
            connection,
            tenant,
            COMMAND_LINE,
            "user.create",
            &subject,
            None,
            Some(&after),
            now,
            entry,
        )?;
        Ok(true)
    });
    if added.map_err(told)? {
        Ok(())
    } else {
        Err(format!("the login {} is taken", user.login).into())
    }
}

fn change_password(
    store: &Store,
    login: &str,
    password_hash: &str,
    entry: AuditId,
    now: Timestamp,
) -> Result<(), Failure> {
    let login = login.trim().to_lowercase();
    let changed = store.write(|connection| -> Result<bool, Problem> {
        let Some((tenant, user)) = users::by_login(connection, &login)? else {
            return Ok(false);
        };
        let changed = StoredUser {
            password_hash: password_hash.to_owned(),
            ..user
        };
        users::update(connection, tenant, &changed)?;
        sessions::end_all(connection, tenant, changed.id)?;
        let subject = changed.id.to_string();
        audit::write(
            connection,
            tenant,
            COMMAND_LINE,
            "user.password",
            &subject,
            None,
            None,
            now,
            entry,
        )?;
        Ok(true)
    });
    if changed.map_err(told)? {
        Ok(())
    } else {
        Err(format!("there is no user {login}").into())
    }
}

fn list(store: &Store) -> Result<(), Failure> {
    let mut connection = store.connection()?;
    for tenant in books::all_networks(&mut connection)? {
        let mut after = None;
        loop {
            let page = users::list(&mut connection, tenant, after, 500)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.0);
            for user in &page {
                let state = if user.active { "" } else { "  (switched off)" };
                print(format!(
                    "{}  {:<9} {}  {}{state}",
                    tenant.network(),
                    user.role,
                    user.login,
                    user.name
                ));
            }
        }
    }
    Ok(())
}
