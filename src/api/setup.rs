//! The first owner: a one-time link makes a network and whoever owns it.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::authentication::ClientAddress;
use super::caller::Role;
use super::json_body::JsonBody;
use super::limits::Allowance;
use super::names;
use super::openapi::Refusals;
use super::problem::Problem;
use super::secrets::{check_password, hash_of, random_text};
use super::sessions::{SessionView, hashed, start, started};
use crate::app::App;
use crate::domain::ids::{AuditId, NetworkId, UserId};
use crate::domain::settings::NetworkSettings;
use crate::storage::networks::StoredNetwork;
use crate::storage::users::StoredUser;
use crate::storage::{audit, invitations, networks, users};

/// How long an invitation is good where nobody says otherwise.
pub const INVITATION_LIFE: chrono::Duration = chrono::Duration::hours(24);

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(set_up))
}

/// Makes a one-time token for [`set_up`], for the command line to print as a link.
///
/// # Errors
/// Those of the database.
pub async fn invite(app: &App, life: chrono::Duration) -> Result<String, Problem> {
    let token = random_text::<32>()?;
    let (hash, now) = (hash_of(&token), app.clock.now());
    app.write(move |connection| -> Result<(), Problem> {
        Ok(invitations::create(connection, &hash, now, now + life)?)
    })
    .await?;
    Ok(token)
}

/// A new network and its owner.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetupRequest {
    /// From the one-time link that the server printed.
    #[schema(example = "pB0yYc3lJm1ZrJq8dU0h7Q2v6kW4xS9tN5aE1fR3gHo")]
    token: String,
    network: NewNetwork,
    owner: NewOwner,
}

/// A new network.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNetwork {
    #[schema(example = "Кофейни «Полка»")]
    name: String,
    #[schema(example = "Europe/Moscow")]
    time_zone: String,
    /// A network to try things in: its clock may be moved forward. For good.
    #[serde(default)]
    sandbox: bool,
}

/// Its owner.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOwner {
    #[schema(example = "olga")]
    login: String,
    #[schema(example = "Ольга")]
    name: String,
    /// 10 characters or more.
    #[schema(example = "a long sentence")]
    password: String,
}

fn used_up() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "invalid-invitation",
        "Ссылка уже использована или устарела. Запросите новую.",
        "The invitation is unknown, used or too old.",
    )
}

/// Makes a network and its first owner, and logs him in.
#[utoipa::path(post, path = "/setup", tag = "access", security(()), request_body = SetupRequest,
    responses((status = 201, description = "Made; the owner is logged in.", body = SessionView),
        (status = 409, description = "`already-exists`: the login is taken.", body = super::problem::ProblemBody, content_type = "application/problem+json"),
        Refusals))]
async fn set_up(
    State(app): State<App>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: JsonBody<SetupRequest>,
) -> Result<Response, Problem> {
    let SetupRequest {
        token,
        network,
        owner,
    } = body.value;
    app.access
        .address_logins
        .take(address)
        .map_err(Allowance::refusal)?;
    let (invitation, now) = (hash_of(&token), app.clock.now());
    // Asked before the slow hashing; taken in the transaction.
    let good: Result<bool, Problem> = app
        .read(move |connection| Ok(invitations::is_good(connection, &invitation, now)?))
        .await;
    if !good? {
        return Err(used_up());
    }
    check_password("/owner/password", &owner.password)?;
    let network = StoredNetwork {
        id: NetworkId(app.ids.next_id()),
        name: names::name("/network/name", &network.name, 200)?,
        time_zone: names::time_zone("/network/time_zone", &network.time_zone)?
            .name()
            .to_owned(),
        settings: NetworkSettings::default(),
        version: 1,
        sandbox: network.sandbox,
        clock_offset: chrono::Duration::zero(),
        created_at: now,
    };
    let user = StoredUser {
        id: UserId(app.ids.next_id()),
        login: names::login("/owner/login", &owner.login)?,
        name: names::name("/owner/name", &owner.name, 200)?,
        role: Role::Owner.as_str().to_owned(),
        venues: None,
        password_hash: hashed(&app, owner.password).await?,
        active: true,
        created_at: now,
    };
    let session = random_text::<32>()?;
    let (task, kept, made) = (app.clone(), session.clone(), user.clone());
    app.write(move |connection| -> Result<(), Problem> {
        if !invitations::take(connection, &invitation, now)? {
            return Err(used_up());
        }
        let tenant = networks::create(connection, &network)?;
        if !users::insert(connection, tenant, &made)? {
            return Err(Problem::taken("/owner/login"));
        }
        let after = json!({"name": network.name, "time_zone": network.time_zone, "sandbox": network.sandbox, "owner": made.login});
        let (actor, subject) = (format!("user:{}", made.id), network.id.to_string());
        let entry = AuditId(task.ids.next_id());
        audit::write(connection, tenant, &actor, "network.create", &subject, None, Some(&after), now, entry)?;
        start(connection, &task, tenant, made.id, &kept)?;
        Ok(())
    })
    .await?;
    Ok(started(StatusCode::CREATED, &headers, &user, &session))
}
