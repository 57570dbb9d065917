//! Secrets that callers show.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The login and the secret of an Authorization header.
pub fn presented(value: &str) -> Option<(Option<String>, String)> {
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some((None, rest.to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (login, secret) = text.split_once(':')?;
    Some((Some(login.to_owned()), secret.to_owned()))
}

/// Whether two secrets are the same. The time that it takes tells nothing but their lengths.
pub fn same_secret(one: &str, other: &str) -> bool {
    let differ = one
        .bytes()
        .zip(other.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::{presented, same_secret};

    #[test]
    fn only_the_very_same_is_the_same() {
        assert!(same_secret("tok-1", "tok-1") && same_secret("", ""));
        for other in ["tok-2", "tok-", "tok-11", "", "TOK-1"] {
            assert!(!same_secret("tok-1", other), "{other}");
        }
    }

    #[test]
    fn authorization_is_read() {
        assert_eq!(presented("Bearer k"), Some((None, "k".to_owned())));
        assert_eq!(presented("bearer  k"), Some((None, "k".to_owned())));
        let basic = format!("Basic {}", STANDARD.encode("ven_1:a:b"));
        assert_eq!(
            presented(&basic),
            Some((Some("ven_1".to_owned()), "a:b".to_owned()))
        );
        for wrong in ["", "Bearer", "Digest x", "Basic !!", "Basic eA=="] {
            assert_eq!(presented(wrong), None, "{wrong}");
        }
    }
}
