//! Bytes to a tree of elements, within limits and without any of XML's dangerous parts.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use thiserror::Error;

/// The deepest path of the vendor's description (`ROOT/INPBUF/CHECK/EXTINFO/INTERFACES/INTERFACE/HOLDERS/ITEM`) has
/// eight elements.
const MAX_DEPTH: usize = 32;
/// A receipt of 92 lines has about a thousand.
const MAX_ELEMENTS: usize = 50_000;
/// The richest element of the vendor's description (`CHECKDATA`) has about twenty.
const MAX_ATTRIBUTES: usize = 256;

/// Why bytes are not a message.
#[derive(Debug, Error)]
pub(crate) enum XmlError {
    #[error("the message is empty")]
    Empty,
    #[error("the message is in {0}; only UTF-8 is taken")]
    Encoding(String),
    #[error("the message is not UTF-8: byte {0} is wrong")]
    NotUtf8(usize),
    #[error("a document type declaration, which no till sends")]
    DocumentType,
    #[error("an entity that XML does not define: `&{0};`")]
    Entity(String),
    #[error("elements are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    #[error("more than {MAX_ELEMENTS} elements")]
    TooManyElements,
    #[error("an element with more than {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    #[error("the attribute `{0}` stands twice in one element")]
    DuplicateAttribute(String),
    #[error("the message ends before its last element is closed")]
    Unfinished,
    #[error("something stands outside of the root element")]
    OutsideRoot,
    #[error("not well-formed XML: {0}")]
    Malformed(String),
}

impl From<quick_xml::Error> for XmlError {
    fn from(error: quick_xml::Error) -> Self {
        XmlError::Malformed(error.to_string())
    }
}

/// An element. The protocol keeps everything in attributes, so text is not kept. Names are in lower case: servers and
/// clones of the DLL spell them differently (`INPBUF`, `InpBuf`).
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
}

impl Element {
    /// The name, in lower case.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// An attribute that says something: trimmed and not empty. Names in any case.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// All attributes: names in lower case, values as they stand.
    pub(crate) fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }

    /// The first child of that name (in lower case).
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children, of whatever name.
    pub(crate) fn all_children(&self) -> &[Element] {
        &self.children
    }

    /// All children of that name (in lower case).
    pub(crate) fn children(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The children of that name inside the first `list`: `CHECKLINES/LINE`, `HOLDERS/ITEM`.
    pub(crate) fn listed(&self, list: &str, name: &'static str) -> impl Iterator<Item = &Element> {
        self.child(list).into_iter().flat_map(|list| list.children(name))
    }
}

/// Reads a whole message.
pub(crate) fn parse(body: &[u8], content_type: Option<&str>) -> Result<Element, XmlError> {
    let text = decode(body, content_type)?;
    let mut reader = Reader::from_str(text);
    let mut tree = Tree::default();
    loop {
        match reader.read_event()? {
            Event::Start(start) => tree.open(element(&start)?)?,
            Event::Empty(start) => {
                tree.open(element(&start)?)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) if tree.open.is_empty() && !text.trim().is_empty() => {
                return Err(XmlError::OutsideRoot);
            }
            Event::GeneralRef(reference) => known_reference(&reference)?,
            Event::Decl(declaration) => utf8_declared(&declaration)?,
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

/// Elements that are open, and the root once it is closed.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, element: Element) -> Result<(), XmlError> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(XmlError::TooManyElements);
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(XmlError::TooDeep);
        }
        if self.root.is_some() {
            return Err(XmlError::OutsideRoot);
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        let element = self.open.pop().ok_or(XmlError::OutsideRoot)?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, XmlError> {
        if !self.open.is_empty() {
            return Err(XmlError::Unfinished);
        }
        self.root.ok_or(XmlError::Empty)
    }
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
        return Err(XmlError::Empty);
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

fn utf8_declared(declaration: &BytesDecl<'_>) -> Result<(), XmlError> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) => utf8_named(&encoding),
        Some(Err(error)) => Err(XmlError::Malformed(error.to_string())),
    }
}

fn known_reference(reference: &BytesRef<'_>) -> Result<(), XmlError> {
    if reference.resolve_char_ref()?.is_some() {
        return Ok(());
    }
    let name = reference.xml10_content();
    match resolve_predefined_entity(&name) {
        Some(_) => Ok(()),
        None => Err(XmlError::Entity(name.chars().take(32).collect())),
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let mut element = Element {
        name: lower(start.name().as_ref()),
        ..Element::default()
    };
    // The library's own check of duplicates is quadratic and sees case; ours is behind a limit and does not.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|e| XmlError::Malformed(e.to_string()))?;
        if element.attributes.len() == MAX_ATTRIBUTES {
            return Err(XmlError::TooManyAttributes);
        }
        let name = lower(attribute.key.as_ref());
        if element.attributes.iter().any(|(known, _)| *known == name) {
            return Err(XmlError::DuplicateAttribute(name));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
        element.attributes.push((name, value.into_owned()));
    }
    Ok(element)
}

fn lower(name: &str) -> String {
    name.to_ascii_lowercase()
}
