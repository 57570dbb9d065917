//! The query strings of a stock 1C till: a fixed set of parameters, every one sent each time, values not escaped.
//!
//! 1C joins `Name=value` pairs as they are. What escapes them, if anything does, is the platform below it, so a value
//! may come raw (Cyrillic, blanks, no-break spaces, a plus before a telephone number) or as `%XX` of UTF-8.

use percent_encoding::percent_decode_str;

/// The parameters of one request, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads any query at all. A piece without `name=` belongs to the value before it, whose `&` was not escaped.
    pub(crate) fn parse(raw: &str) -> Self {
        let mut parameters: Vec<(&str, String)> = Vec::new();
        for piece in raw.split('&') {
            match (piece.split_once('='), parameters.last_mut()) {
                (Some((name, value)), _) if is_name(name) => parameters.push((name, value.to_owned())),
                (_, Some((_, value))) => {
                    value.push('&');
                    value.push_str(piece);
                }
                (_, None) => {}
            }
        }
        let decoded = parameters.into_iter().map(|(name, value)| {
            let value = percent_decode_str(&value).decode_utf8_lossy();
            (name.to_owned(), value.trim().to_owned())
        });
        Query(decoded.collect())
    }

    /// The value of a parameter; `None` where it is blank or was not sent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_and_escaped_values_are_the_same_values() {
        for raw in [
            "Client=Кузнецова Анна&BonusesCount=1\u{a0}259,5",
            "Client=%D0%9A%D1%83%D0%B7%D0%BD%D0%B5%D1%86%D0%BE%D0%B2%D0%B0%20%D0%90%D0%BD%D0%BD%D0%B0&BonusesCount=1%C2%A0259,5",
        ] {
            let query = Query::parse(raw);
            assert_eq!(query.get("Client"), Some("Кузнецова Анна"));
            assert_eq!(query.get("BonusesCount"), Some("1\u{a0}259,5"));
        }
    }

    #[test]
    fn a_plus_is_a_plus_and_a_lone_percent_sign_is_itself() {
        let query = Query::parse("Phone=+79005550101&Promocode=100%");
        assert_eq!(query.get("Phone"), Some("+79005550101"));
        assert_eq!(query.get("Promocode"), Some("100%"));
    }

    #[test]
    fn an_ampersand_inside_a_name_does_not_end_the_value() {
        let query = Query::parse("Client=Рога & Копыта&Store=");
        assert_eq!(query.get("Client"), Some("Рога & Копыта"));
        assert_eq!(query.get("Store"), None);
    }

    #[test]
    fn a_blank_or_missing_parameter_is_absent() {
        let query = Query::parse("ClientCardID=&Phone= ");
        for name in ["ClientCardID", "Phone", "Email"] {
            assert_eq!(query.get(name), None, "{name}");
        }
        assert_eq!(Query::parse("&&nothing&").get("nothing"), None);
    }
}
