//! The address under which a till reaches the service, as people type it.

use kopilka_contract::Words;

use super::person::{Person, Question};
use crate::cli::Failure;

/// The address that was given, or else is asked for.
pub(super) fn address(person: Person, given: Option<&str>) -> Result<String, Failure> {
    if let Some(given) = given {
        return whole(given).ok_or_else(|| person.failure(&no_address(given)));
    }
    let question = Question::new(
        "--address",
        "Адрес, по которому касса увидит этот сервис (https://…)",
        "Address under which the till reaches this service (https://…)",
    );
    loop {
        let typed = person.ask(&question)?;
        if let Some(address) = whole(&typed) {
            return Ok(address);
        }
        let Some(meant) = meant(&typed) else {
            let words = no_address(&typed);
            person.say(&words.ru, &words.en);
            continue;
        };
        let offer = Question::new(
            "--address",
            &format!("Взять {meant}? (да/нет)"),
            &format!("Take {meant}? (yes/no)"),
        );
        if person.agrees(&offer)? {
            return Ok(meant);
        }
    }
}

/// An address with all that belongs to it, without a slash at its end.
fn whole(typed: &str) -> Option<String> {
    let typed = typed.trim().trim_end_matches('/');
    let rest = typed
        .strip_prefix("https://")
        .or_else(|| typed.strip_prefix("http://"))?;
    let is_one_word = !rest.contains(char::is_whitespace);
    (is_one_word && !rest.is_empty()).then(|| typed.to_owned())
}

/// What an address without its beginning may mean: machines named by numbers, and this one, seldom have a certificate.
fn meant(typed: &str) -> Option<String> {
    let host = typed.trim().split([':', '/']).next().unwrap_or_default();
    let is_plain = host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok();
    let scheme = if is_plain { "http" } else { "https" };
    (!typed.contains("://"))
        .then(|| whole(&format!("{scheme}://{}", typed.trim())))
        .flatten()
}

fn no_address(typed: &str) -> Words {
    let (perhaps_ru, perhaps_en) = meant(typed).map_or_else(Default::default, |meant| {
        (format!(", например {meant}"), format!(", such as {meant}"))
    });
    Words::new(
        format!("{typed} — не адрес: он начинается с https:// или http://{perhaps_ru}"),
        format!("{typed} is no address: it begins with https:// or http://{perhaps_en}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_offered() {
        for (typed, taken, offered) in [
            ("https://bonus.example/ ", Some("https://bonus.example"), None),
            ("bonus.example/", None, Some("https://bonus.example")),
            ("127.0.0.1:8092", None, Some("http://127.0.0.1:8092")),
            ("localhost:8080/x", None, Some("http://localhost:8080/x")),
            ("ftp://bonus.example", None, None),
            ("https://", None, None),
            ("the till", None, None),
        ] {
            assert_eq!(whole(typed).as_deref(), taken, "{typed}");
            if taken.is_none() {
                assert_eq!(meant(typed).as_deref(), offered, "{typed}");
            }
        }
    }
}
