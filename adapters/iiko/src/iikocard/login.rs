//! `api/1/access_token` and `api/v2/access_token`, and what the token is good for. The token in the address says which connection it is; this one says
//! that the caller knows its `apiLogin`, as iiko's callers expect.

use kopilka_contract::{Message, Reply, Unreadable, same_secret};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::wrong::Wrong;
use super::{Call, Said, answer};
use crate::settings::IikoCardSettings;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Login {
    /// `apiKey` of the second kind, whose application and its secret say no more here.
    #[serde(alias = "apiKey")]
    api_login: String,
}

/// Paths of a login, of either kind.
const LOGINS: [&str; 2] = ["api/1/access_token", SECOND_KIND];
/// That of the second kind.
pub(crate) const SECOND_KIND: &str = "api/v2/access_token";

pub(super) fn read(call: &Call<'_>) -> Result<Said, Unreadable> {
    if call.message.body.is_empty() {
        return Err(call.wrong(400, &Wrong::LoginAgain));
    }
    let login: Login = call.body()?;
    if !same_secret(&login.api_login, &call.card.api_login) {
        return Err(call.wrong(401, &Wrong::Login));
    }
    Ok(Said::new(&json!({
        "correlationId": answer::correlation_id(call.message),
        "token": token(&call.card),
    })))
}

/// Whether a request is this one.
pub(crate) fn is_login(message: &Message<'_>) -> bool {
    LOGINS.contains(&message.path.trim_matches('/'))
}

/// Whether a request carries what this door needs beside the token in its address; else what it is told.
pub(crate) fn admits(
    message: &Message<'_>,
    authorization: Option<&str>,
    card: &IikoCardSettings,
) -> Result<(), Reply> {
    if is_login(message) {
        return Ok(());
    }
    let given = authorization.and_then(|text| text.trim().strip_prefix("Bearer "));
    match given {
        Some(given) if same_secret(given.trim(), &token(card)) => Ok(()),
        _ => Err(answer::error(
            message,
            401,
            "Creds not found, authentication failed",
        )),
    }
}

/// Of the login, since an adapter keeps nothing: it is good as long as the login is.
fn token(card: &IikoCardSettings) -> String {
    let digest = Sha256::digest(format!("iikoCard token\n{}", card.api_login));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
