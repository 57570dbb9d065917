//! Secrets that we give out: random, shown once, kept as SHA-256; and passwords, kept as Argon2id.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// What stands before a key that may post.
pub const LIVE_PREFIX: &str = "kop_live_";
/// What stands before a key that may only quote.
pub const TEST_PREFIX: &str = "kop_test_";

/// Random bytes as base64url.
///
/// # Errors
/// 500 where the machine has no randomness.
pub fn random_text<const BYTES: usize>() -> Result<String, Problem> {
    let mut bytes = [0u8; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "no randomness");
        Problem::internal()
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What a secret is kept as. It has 256 bits of its own, so a plain hash is enough.
pub fn hash_of(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The token that a page must send back with every change: known to whoever has the session, and to nobody else.
pub fn csrf_token(session: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"kopilka csrf\0");
    hash.update(session.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Shortest password.
pub const MIN_PASSWORD: usize = 10;
/// Longest password, in bytes.
pub const MAX_PASSWORD: usize = 256;

/// Refuses a password that is too short or too long.
///
/// # Errors
/// 422 at `pointer`.
pub fn check_password(pointer: &str, password: &str) -> Result<(), Problem> {
    if password.chars().count() < MIN_PASSWORD || password.len() > MAX_PASSWORD {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "weak-password",
            "Пароль: от 10 символов, не длиннее 256 байт.",
            "A password has 10 characters to 256 bytes.",
        )
        .at(pointer));
    }
    Ok(())
}

/// Argon2id of a password. Takes tens of milliseconds: not on a request thread.
///
/// # Errors
/// 500 where the machine has no randomness.
pub fn hash_password(password: &str) -> Result<String, Problem> {
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "hashing a password failed");
        Problem::internal()
    };
    let mut salt = [0u8; 16];
    getrandom::fill(&mut salt).map_err(|e| failed(&e))?;
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map_err(|e| failed(&e))?;
    Ok(hash.to_string())
}

/// A hash of no password with today's parameters: checked where the login is unknown, so that it takes the same time.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$a29waWxrYW5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Whether a password is the one; as slow for nobody as for somebody.
pub fn password_fits(password: &str, hash: Option<&str>) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else {
        tracing::error!("a stored password hash can't be read");
        return false;
    };
    let fits = Argon2::default()
        .verify_password(password.as_bytes(), &parsed)
        .is_ok();
    fits && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let hash = hash_password("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(password_fits("correct horse", Some(&hash)));
        assert!(!password_fits("wrong horse", Some(&hash)));
        assert!(!password_fits("correct horse", None));
        assert!(PasswordHash::new(NOBODY).is_ok());
    }
}
