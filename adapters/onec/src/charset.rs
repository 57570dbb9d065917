//! The text of a body, whatever 1C put around it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};

/// A body that is not text in the encoding it should be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongEncoding;

/// The body as text. It is UTF-8, often with a byte order mark (`УстановитьТелоИзСтроки` adds one where it is not told
/// otherwise) and without any `Content-Type`; windows-1251 only where the declared charset says so.
pub(crate) fn text<'a>(body: &'a [u8], content_type: Option<&str>) -> Result<Cow<'a, str>, WrongEncoding> {
    match declared(content_type).decode(body) {
        (text, _, false) => Ok(text),
        (_, _, true) => Err(WrongEncoding),
    }
}

fn declared(content_type: Option<&str>) -> &'static Encoding {
    let charset = content_type
        .into_iter()
        .flat_map(|value| value.split(';'))
        .find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches('"'))
        });
    match charset.and_then(|label| Encoding::for_label(label.as_bytes())) {
        Some(encoding) if encoding == WINDOWS_1251 => WINDOWS_1251,
        _ => UTF_8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: &[u8] = b"\xd7\xe5\xea";

    #[test]
    fn windows_1251_is_read_only_where_it_is_declared() {
        for declared in [
            "application/json; charset=windows-1251",
            "text/plain;Charset=\"CP1251\"",
        ] {
            assert_eq!(text(WINDOWS, Some(declared)).as_deref(), Ok("Чек"), "{declared}");
        }
        for silent in [
            None,
            Some("application/json"),
            Some("application/json; charset=utf-8"),
        ] {
            assert_eq!(text(WINDOWS, silent), Err(WrongEncoding), "{silent:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_taken_off() {
        assert_eq!(text("\u{feff}Чек".as_bytes(), None).as_deref(), Ok("Чек"));
    }
}
