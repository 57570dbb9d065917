//! XML of CommerceML as a tree: in the encoding that it declares, without document types and within limits.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};
use kopilka_contract::Words;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use thiserror::Error;

/// Groups may be nested; the standard sets no end to it.
const MAX_DEPTH: usize = 64;
/// A product has about twenty, a document about two hundred.
const MAX_ELEMENTS: usize = 1_000_000;
/// The standard has no element with more than three.
const MAX_ATTRIBUTES: usize = 32;

/// Why bytes are not a file of CommerceML.
#[derive(Debug, Error)]
pub(super) enum XmlError {
    #[error("the encoding is {0}; UTF-8 and windows-1251 are understood")]
    Encoding(String),
    #[error("the file is not in the encoding that it declares")]
    NotText,
    #[error("a document type declaration, which is not taken")]
    DocumentType,
    #[error("an entity that XML does not define: `&{0};`")]
    Entity(String),
    #[error("elements are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    #[error("more than {MAX_ELEMENTS} elements")]
    TooManyElements,
    #[error("an element with more than {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    #[error("the file is not whole, or is not XML: {0}")]
    Malformed(String),
}

impl From<quick_xml::Error> for XmlError {
    fn from(error: quick_xml::Error) -> Self {
        XmlError::Malformed(error.to_string())
    }
}

impl XmlError {
    /// For the log of the base.
    pub(super) fn words(&self) -> Words {
        Words::new(format!("файл не прочитан: {self}"), self.to_string())
    }
}

/// An element: its name in lower case and without a prefix, its own text without spaces around it.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// An attribute, by its name in lower case.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The first child of this name (in lower case).
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of this name (in lower case).
    pub(super) fn children(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The children of a name inside the first `list`: `товары/товар`.
    pub(super) fn listed(&self, list: &str, name: &'static str) -> impl Iterator<Item = &Element> {
        self.child(list)
            .into_iter()
            .flat_map(move |list| list.children(name))
    }
}

/// Reads a file.
pub(super) fn parse(body: &[u8]) -> Result<Element, XmlError> {
    let (text, _, broken) = encoding(body)?.decode(body);
    if broken {
        return Err(XmlError::NotText);
    }
    let mut reader = Reader::from_str(&text);
    let mut tree = Tree::default();
    loop {
        match reader.read_event()? {
            Event::Start(start) => tree.open(element(&start)?)?,
            Event::Empty(start) => {
                tree.open(element(&start)?)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.say(&text)?,
            Event::CData(text) => tree.say(&text)?,
            Event::GeneralRef(reference) => tree.say(&referred(&reference)?)?,
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

/// What the declaration says; without one, UTF-8.
fn encoding(body: &[u8]) -> Result<&'static Encoding, XmlError> {
    let head = String::from_utf8_lossy(body.get(..200).unwrap_or(body));
    let Some((_, after)) = head.split_once("<?xml").and_then(|(_, head)| {
        let declaration = head.split("?>").next().unwrap_or_default();
        declaration.split_once("encoding")
    }) else {
        return Ok(UTF_8);
    };
    let quoted = after.trim_start().trim_start_matches('=').trim_start();
    let name = quoted.split(['"', '\'']).nth(1).unwrap_or_default();
    match Encoding::for_label(name.as_bytes()) {
        Some(known) if known == UTF_8 || known == WINDOWS_1251 => Ok(known),
        _ => Err(XmlError::Encoding(name.chars().take(32).collect())),
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
            return Err(outside());
        }
        self.open.push(element);
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() => {}
            None => return Err(outside()),
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        let element = self.open.pop().ok_or_else(outside)?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, XmlError> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(XmlError::Malformed("it ends too early".to_owned())),
        }
    }
}

fn outside() -> XmlError {
    XmlError::Malformed("something stands outside of the root element".to_owned())
}

fn referred(reference: &BytesRef<'_>) -> Result<String, XmlError> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(character.to_string());
    }
    let name = reference.xml10_content();
    match resolve_predefined_entity(&name) {
        Some(text) => Ok(text.to_owned()),
        None => Err(XmlError::Entity(name.chars().take(32).collect())),
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| XmlError::Malformed(error.to_string()))?;
        if attributes.len() == MAX_ATTRIBUTES {
            return Err(XmlError::TooManyAttributes);
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
        attributes.push((local(attribute.key.as_ref()), value.into_owned()));
    }
    Ok(Element {
        name: local(start.name().as_ref()),
        attributes,
        ..Element::default()
    })
}

/// A name without its prefix: producers differ in namespaces, and many have none.
fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_lowercase()
}
