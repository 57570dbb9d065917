//! Who stands at a till: taking over by PIN or password, locking, and the PIN itself.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::device::{AtTill, TILL_COOKIE, Till, may_stand, till_unknown};
use super::start::{Start, start_of};
use crate::api::authentication::{ClientAddress, cookie};
use crate::api::author::Author;
use crate::api::json_body::JsonBody;
use crate::api::limits::Allowance;
use crate::api::openapi::Refusals;
use crate::api::problem::Problem;
use crate::api::sessions::{fits, hashed, log_in};
use crate::app::App;
use crate::domain::ids::UserId;
use crate::storage::user_pins::{self, MOST_WRONG};
use crate::storage::users::{self, StoredUser};
use crate::storage::{StorageError, till_devices};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(take_over, lock))
        .routes(routes!(set_pin))
}

/// For so long after he gave his password a cashier may set his PIN without it.
const PASSWORD_FRESH: chrono::Duration = chrono::Duration::minutes(10);

/// What the till's page begins with. Answers a locked till too: then `cashier` is null.
#[utoipa::path(get, path = "/till", tag = "virtual till", security(("till" = [])),
    responses((status = 200, body = Start), Refusals))]
async fn begin(State(app): State<App>, headers: HeaderMap) -> Result<Json<Start>, Problem> {
    let token = cookie(&headers, TILL_COOKIE).ok_or_else(till_unknown)?;
    start_of(&app, token).await.map(Json)
}

/// Who takes over: `user_id` and `pin`, or `login` and `password`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user_id": "usr_01hgw3zj3q7hx", "pin": "2580"}))]
struct TakeOver {
    /// Who he is.
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// His PIN.
    pin: Option<String>,
    /// His login.
    login: Option<String>,
    /// His password.
    password: Option<String>,
}

fn wrong_pin(left: i32) -> Problem {
    let (ru, en) = if left > 0 {
        (
            format!("PIN не подходит. Осталось попыток: {left}."),
            format!("Wrong PIN. Tries left: {left}."),
        )
    } else {
        (
            "PIN не подходит, попыток больше нет. Войдите с паролем.".to_owned(),
            "Wrong PIN, and no tries are left. Log in with the password.".to_owned(),
        )
    };
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-pin", ru, en)
}

/// 429: so many wrong PINs that the next one has to wait. He who has to wait is told what he can do.
fn too_many_pins(refused: Allowance) -> Problem {
    let minutes = refused.reset_s.div_ceil(60).max(1);
    refused.refusal().saying(
        format!("Слишком много неверных PIN. Войдите с паролем или попробуйте через {minutes} мин."),
        format!("Too many wrong PINs. Log in with the password, or try again in {minutes} min."),
    )
}

fn pin_not_set() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "pin-not-set",
        "PIN не задан или отключён. Войдите с логином и паролем.",
        "There is no PIN, or it is void after wrong ones: log in with the password.",
    )
}

/// A cashier takes over the till, by PIN or by login and password.
///
/// 401 `wrong-pin` says how many tries are left; 401 `pin-not-set`: log in with the password. 5 wrong PINs of one
/// member of staff or 20 in all within 10 minutes: 429 with `Retry-After`. After 10 wrong ones in a row a PIN is void until its owner logs in with
/// his password.
#[utoipa::path(post, path = "/till/session", tag = "virtual till", security(("till" = [])), request_body = TakeOver,
    responses((status = 200, body = Start), Refusals))]
async fn take_over(
    State(app): State<App>,
    till: Till,
    ClientAddress(address): ClientAddress,
    body: JsonBody<TakeOver>,
) -> Result<Json<Start>, Problem> {
    let (user, by_password) = match body.value {
        TakeOver {
            user_id: Some(user),
            pin: Some(pin),
            login: None,
            password: None,
        } => (by_pin(&app, &till, user, pin).await?, false),
        TakeOver {
            user_id: None,
            pin: None,
            login: Some(login),
            password: Some(password),
        } => {
            let (tenant, user) = log_in(&app, address, &login, password).await?;
            if tenant != till.tenant || !may_stand(&user, till.device.venue) {
                return Err(Problem::forbidden());
            }
            (user, true)
        }
        _ => {
            return Err(Problem::invalid(
                "",
                "Нужны PIN и сотрудник или логин и пароль.",
                "Give user_id and pin, or login and password.",
            ));
        }
    };
    let now = app.clock.now();
    let (tenant, device) = (till.tenant, till.device.id);
    app.write(move |c| -> Result<(), StorageError> {
        user_pins::forgive(c, tenant, user.id)?;
        till_devices::take_over(c, tenant, device, user.id, by_password.then_some(now), now)
    })
    .await
    .map_err(Problem::from)?;
    start_of(&app, &till.token).await.map(Json)
}

async fn by_pin(app: &App, till: &Till, id: UserId, pin: String) -> Result<StoredUser, Problem> {
    let (tenant, venue, device) = (till.tenant, till.device.venue, till.device.id);
    let found: Result<_, Problem> = app.read(move |c| Ok(users::find(c, tenant, id)?)).await;
    let user = found?
        .filter(|user| may_stand(user, venue))
        .ok_or_else(Problem::not_found)?;
    let access = &app.access;
    access.device_pins.take(device).map_err(too_many_pins)?;
    let taken = access.pins.take((device, id)).map_err(|refused| {
        access.device_pins.give_back(&device);
        too_many_pins(refused)
    });
    let left = taken?.remaining;
    // It counts as wrong until it is right.
    let pin_kept = app
        .write(move |c| user_pins::for_try(c, tenant, id))
        .await
        .map_err(Problem::from)?;
    let Some(kept) = pin_kept else {
        access.device_pins.give_back(&device);
        access.pins.give_back(&(device, id));
        return Err(pin_not_set());
    };
    let right = pin.len() <= 6 && fits(app, pin, Some(kept.hash)).await?;
    if right {
        access.device_pins.give_back(&device);
        access.pins.forget(&(device, id));
        return Ok(user);
    }
    let left = i32::try_from(left)
        .unwrap_or(i32::MAX)
        .min(MOST_WRONG - kept.wrong);
    tracing::warn!(till = %device, user = %id, "a wrong PIN");
    Err(wrong_pin(left.max(0)))
}

/// Locks the till.
#[utoipa::path(delete, path = "/till/session", tag = "virtual till", security(("till" = [])),
    responses((status = 204, description = "Locked."), Refusals))]
async fn lock(State(app): State<App>, till: Till) -> Result<StatusCode, Problem> {
    let (tenant, device) = (till.tenant, till.device.id);
    app.write(move |c| till_devices::lock(c, tenant, device))
        .await
        .map_err(Problem::from)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new PIN.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPin {
    /// 4 to 6 digits, not all the same and not in a row.
    #[schema(example = "2580")]
    pin: String,
    /// His password; may be absent for ten minutes after he gave it at this till.
    #[schema(example = "kopilka-cashier")]
    password: Option<String>,
}

fn check_pin(pin: &str) -> Result<(), Problem> {
    let digits = pin.as_bytes();
    let fits = (4..=6).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let steps = |by: i16| {
        digits
            .windows(2)
            .all(|w| matches!(w, [a, b] if i16::from(*b) - i16::from(*a) == by))
    };
    let repeats = digits.chunks(2).all(|pair| digits.starts_with(pair));
    if !fits || steps(0) || steps(1) || steps(-1) || repeats {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "weak-pin",
            "PIN: от 4 до 6 цифр, не подряд и не одинаковые.",
            "A PIN has 4 to 6 digits, not all the same, not in a row, not a repeated pair.",
        )
        .at("/pin"));
    }
    Ok(())
}

/// Sets the PIN of the cashier who stands at the till.
#[utoipa::path(put, path = "/till/session/pin", tag = "virtual till", security(("till" = [])), request_body = NewPin,
    responses((status = 204, description = "Set."), Refusals))]
async fn set_pin(
    State(app): State<App>,
    at: AtTill,
    ClientAddress(address): ClientAddress,
    body: JsonBody<NewPin>,
) -> Result<StatusCode, Problem> {
    let NewPin { pin, password } = body.value;
    check_pin(&pin)?;
    let user = at.till.cashier()?.clone();
    let now = app.clock.now();
    match password {
        Some(password) => {
            app.access
                .logins
                .take((user.login.clone(), address))
                .map_err(Allowance::refusal)?;
            if !fits(&app, password, Some(user.password_hash.clone())).await? {
                return Err(wrong_password());
            }
            app.access.logins.forget(&(user.login.clone(), address));
        }
        None => {
            let fresh = at
                .till
                .device
                .password_at
                .is_some_and(|t| now - t <= PASSWORD_FRESH);
            if !fresh {
                return Err(wrong_password());
            }
        }
    }
    let hash = hashed(&app, pin).await?;
    let author = Author::of(&app, &at.caller)?;
    app.write(move |c| -> Result<(), StorageError> {
        user_pins::set(c, author.tenant, user.id, &hash, now)?;
        author.note::<Value>(c, "user.pin", user.id, None, Some(&json!({})))
    })
    .await
    .map_err(Problem::from)?;
    Ok(StatusCode::NO_CONTENT)
}

fn wrong_password() -> Problem {
    Problem::invalid(
        "/password",
        "Нужен верный пароль.",
        "The right password is needed.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_that_everybody_tries_first_are_refused() {
        for pin in ["2580", "1379", "902144", "10293"] {
            assert!(check_pin(pin).is_ok(), "{pin}");
        }
        for pin in [
            "",
            "123",
            "1234567",
            "12a4",
            "0000",
            "1234",
            "9876",
            "456789",
            "1212",
            "121212",
            "１２３４",
        ] {
            assert!(check_pin(pin).is_err(), "{pin}");
        }
    }
}
