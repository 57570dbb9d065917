//! The bytes of a message as XML: which encodings are taken, and how much.

use kopilka_contract::{Words, words};
use kopilka_xml::{Limits, declared_encoding};

pub(crate) use kopilka_xml::Element;

const LIMITS: Limits = Limits {
    // The deepest path of the vendor's description (`ROOT/INPBUF/CHECK/EXTINFO/INTERFACES/INTERFACE/HOLDERS/ITEM`) has
    // eight elements.
    depth: 32,
    // A receipt of 92 lines has about a thousand.
    elements: 50_000,
    // The richest element of the vendor's description (`CHECKDATA`) has about twenty.
    attributes: 256,
};

/// Why bytes are not a message.
#[derive(Debug)]
pub(crate) enum XmlError {
    /// An encoding that is declared and is not UTF-8.
    Encoding(String),
    /// The place of the first byte that is not UTF-8.
    NotUtf8(usize),
    /// Not XML, or beyond the limits.
    Xml(kopilka_xml::XmlError),
}

impl XmlError {
    /// What is wrong, for the person who looks at the message.
    pub(crate) fn words(&self) -> Words {
        match self {
            XmlError::Encoding(encoding) => words!(
                "сообщение в кодировке {encoding}, а нужна UTF-8",
                "the message is in {encoding}; only UTF-8 is taken"
            ),
            XmlError::NotUtf8(byte) => words!(
                "сообщение не в UTF-8: ошибка в байте {byte}",
                "the message is not UTF-8: byte {byte} is wrong"
            ),
            XmlError::Xml(error) => error.words(),
        }
    }
}

/// Reads a whole message.
pub(crate) fn parse(body: &[u8], content_type: Option<&str>) -> Result<Element, XmlError> {
    let text = decode(body, content_type)?;
    if let Some(encoding) = declared_encoding(text.as_bytes()) {
        utf8_named(&encoding)?;
    }
    kopilka_xml::parse(text, LIMITS).map_err(XmlError::Xml)
}

/// The text of a body. A byte order mark, the word `Buf:` that some bridges put before the XML, and the zero bytes of
/// a C string after it are forgiven.
fn decode<'a>(body: &'a [u8], content_type: Option<&str>) -> Result<&'a str, XmlError> {
    if let Some(charset) = content_type.and_then(charset) {
        utf8_named(charset)?;
    }
    if body.starts_with(b"\xFE\xFF") || body.starts_with(b"\xFF\xFE") {
        return Err(XmlError::Encoding("UTF-16".to_owned()));
    }
    let text = std::str::from_utf8(body).map_err(|e| XmlError::NotUtf8(e.valid_up_to()))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let text = text.strip_prefix("Buf:").unwrap_or(text).trim_start();
    let text = text.trim_end_matches(|c: char| c == '\0' || c.is_whitespace());
    if text.is_empty() {
        return Err(XmlError::Xml(kopilka_xml::XmlError::Empty));
    }
    Ok(text)
}

fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"'))
    })
}

fn utf8_named(encoding: &str) -> Result<(), XmlError> {
    // ASCII is UTF-8 too.
    if ["utf-8", "utf8", "us-ascii"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(encoding))
    {
        return Ok(());
    }
    Err(XmlError::Encoding(encoding.chars().take(32).collect()))
}
