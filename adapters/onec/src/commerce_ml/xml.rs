//! Bytes of CommerceML as XML: in the encoding that they declare.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};
use kopilka_contract::{Words, words};
use kopilka_xml::{Limits, declared_encoding};

pub(super) use kopilka_xml::Element;

const LIMITS: Limits = Limits {
    // Groups may be nested; the standard sets no end to it.
    depth: 64,
    // A product has about twenty, a document about two hundred.
    elements: 1_000_000,
    // The standard has no element with more than three.
    attributes: 32,
};

/// Why bytes are not a file of CommerceML.
#[derive(Debug)]
pub(super) enum XmlError {
    /// An encoding that is declared and not understood.
    Encoding(String),
    /// The bytes are not in the encoding that they declare.
    NotText,
    /// Not XML, or beyond the limits.
    Xml(kopilka_xml::XmlError),
}

impl XmlError {
    /// For the log of the base, and for the person who looks at the message.
    pub(super) fn words(&self) -> Words {
        let Words { ru, en } = match self {
            XmlError::Encoding(encoding) => words!(
                "кодировка {encoding}, а нужна UTF-8 или windows-1251",
                "the encoding is {encoding}; UTF-8 and windows-1251 are understood"
            ),
            XmlError::NotText => Words::new(
                "файл не в той кодировке, которую объявляет",
                "the file is not in the encoding that it declares",
            ),
            XmlError::Xml(error) => error.words(),
        };
        words!("файл не прочитан: {ru}", "{en}")
    }
}

/// Reads a file.
pub(super) fn parse(body: &[u8]) -> Result<Element, XmlError> {
    let (text, _, broken) = encoding(body)?.decode(body);
    if broken || text.contains('\0') {
        return Err(XmlError::NotText);
    }
    kopilka_xml::parse(&text, LIMITS).map_err(XmlError::Xml)
}

/// What the declaration says; without one, UTF-8.
fn encoding(body: &[u8]) -> Result<&'static Encoding, XmlError> {
    let Some(name) = declared_encoding(body) else {
        return Ok(UTF_8);
    };
    match Encoding::for_label(name.as_bytes()) {
        Some(known) if known == UTF_8 || known == WINDOWS_1251 => Ok(known),
        _ => Err(XmlError::Encoding(name)),
    }
}
