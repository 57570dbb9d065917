//! XML of tills as a tree of elements, within limits and without XML's dangerous parts: no document types, no entities but
//! the predefined ones. Which encodings a vendor may use is for its adapter to say.

use kopilka_contract::{Words, words};
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// How much of a vendor's message is taken.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How deep elements may be nested.
    pub depth: usize,
    /// How many elements there may be.
    pub elements: usize,
    /// How many attributes an element may have.
    pub attributes: usize,
}

/// Why a text is not a message.
#[derive(Debug)]
pub enum XmlError {
    /// There is no element.
    Empty,
    /// `<!DOCTYPE …>`.
    DocumentType,
    /// `&name;` that is none of the five.
    Entity(String),
    /// Beyond [`Limits::depth`].
    TooDeep(usize),
    /// Beyond [`Limits::elements`].
    TooManyElements(usize),
    /// Beyond [`Limits::attributes`].
    TooManyAttributes(usize),
    /// The same name, in whatever case.
    DuplicateAttribute(String),
    /// Cut off.
    Unfinished,
    /// A second root, or text beside it.
    OutsideRoot,
    /// Anything else that is wrong with it, in the words of the parser.
    Malformed(String),
}

impl XmlError {
    /// What is wrong, for the person who looks at the message.
    pub fn words(&self) -> Words {
        match self {
            XmlError::Empty => Words::new("сообщение пустое", "the message is empty"),
            XmlError::DocumentType => Words::new(
                "объявление типа документа (DOCTYPE) не принимается",
                "a document type declaration, which is not taken",
            ),
            XmlError::Entity(name) => words!(
                "в XML нет сущности &{name};",
                "an entity that XML does not define: `&{name};`"
            ),
            XmlError::TooDeep(most) => words!(
                "элементы вложены глубже {most}",
                "elements are nested deeper than {most}"
            ),
            XmlError::TooManyElements(most) => words!("элементов больше {most}", "more than {most} elements"),
            XmlError::TooManyAttributes(most) => words!(
                "у элемента больше {most} атрибутов",
                "an element with more than {most} attributes"
            ),
            XmlError::DuplicateAttribute(name) => words!(
                "атрибут {name} указан в элементе дважды",
                "the attribute `{name}` stands twice in one element"
            ),
            XmlError::Unfinished => Words::new(
                "сообщение обрывается: последний элемент не закрыт",
                "the message ends before its last element is closed",
            ),
            XmlError::OutsideRoot => Words::new(
                "вне корневого элемента что-то есть",
                "something stands outside of the root element",
            ),
            XmlError::Malformed(error) => words!("это не XML: {error}", "not well-formed XML: {error}"),
        }
    }
}

impl From<quick_xml::Error> for XmlError {
    fn from(error: quick_xml::Error) -> Self {
        XmlError::Malformed(error.to_string())
    }
}

/// An element. Names are in lower case and without a prefix: producers and versions differ in case and in namespaces.
#[derive(Debug, Default)]
pub struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    content: String,
    children: Vec<Element>,
}

impl Element {
    /// The name, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text inside, without that of its children and without spaces around it.
    pub fn content(&self) -> &str {
        self.content.trim()
    }

    /// An attribute that says something: trimmed and not empty. Names of ASCII in any case, others in lower case.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// All attributes: names in lower case, values as they stand.
    pub fn attributes(&self) -> &[(String, String)] {
        &self.attributes
    }

    /// The first child of that name (in lower case).
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children, of whatever name.
    pub fn all_children(&self) -> &[Element] {
        &self.children
    }

    /// All children of that name (in lower case).
    pub fn children(&self, name: &str) -> impl Iterator<Item = &Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The children of that name inside the first `list`: `CHECKLINES/LINE`, `Товары/Товар`.
    pub fn listed(&self, list: &str, name: &'static str) -> impl Iterator<Item = &Element> {
        self.child(list)
            .into_iter()
            .flat_map(move |list| list.children(name))
    }
}

/// Reads a whole message.
///
/// # Errors
/// What keeps it from being one.
pub fn parse(text: &str, limits: Limits) -> Result<Element, XmlError> {
    let mut reader = Reader::from_str(text);
    let mut tree = Tree::within(limits);
    loop {
        match reader.read_event()? {
            Event::Start(start) => tree.open(&start)?,
            Event::Empty(start) => {
                tree.open(&start)?;
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

/// The name of the encoding that a document declares in its first line, as it stands there.
pub fn declared_encoding(document: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(document.get(..200).unwrap_or(document));
    let (_, head) = head.split_once("<?xml")?;
    let (_, after) = head.split("?>").next()?.split_once("encoding")?;
    let quoted = after.trim_start().trim_start_matches('=').trim_start();
    let name = quoted.split(['"', '\'']).nth(1).unwrap_or_default();
    Some(name.chars().take(32).collect())
}

/// Elements that are open, and the root once it is closed.
struct Tree {
    limits: Limits,
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn within(limits: Limits) -> Self {
        Tree {
            limits,
            open: Vec::new(),
            root: None,
            elements: 0,
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), XmlError> {
        let element = element(start, self.limits.attributes)?;
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(XmlError::TooManyElements(self.limits.elements));
        }
        if self.open.len() >= self.limits.depth {
            return Err(XmlError::TooDeep(self.limits.depth));
        }
        if self.root.is_some() {
            return Err(XmlError::OutsideRoot);
        }
        self.open.push(element);
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), XmlError> {
        let spaces = text.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty();
        match self.open.last_mut() {
            // What stands between elements says nothing, and most of a message is that.
            Some(element) if spaces && element.content.is_empty() => {}
            Some(element) => element.content.push_str(text),
            None if spaces => {}
            None => return Err(XmlError::OutsideRoot),
        }
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

fn element(start: &BytesStart<'_>, most: usize) -> Result<Element, XmlError> {
    let mut element = Element {
        name: local(start.name().as_ref()),
        ..Element::default()
    };
    // The library's own check of duplicates is quadratic and sees case; ours is behind a limit and does not.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|e| XmlError::Malformed(e.to_string()))?;
        if element.attributes.len() == most {
            return Err(XmlError::TooManyAttributes(most));
        }
        let name = attribute.key.as_ref().to_lowercase();
        if element.attributes.iter().any(|(known, _)| *known == name) {
            return Err(XmlError::DuplicateAttribute(name));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
        element.attributes.push((name, value.into_owned()));
    }
    Ok(element)
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        depth: 3,
        elements: 5,
        attributes: 2,
    };

    fn wrong(text: &str) -> String {
        parse(text, LIMITS).unwrap_err().words().en
    }

    #[test]
    fn names_are_found_in_any_case_and_namespace_and_text_is_that_of_the_element() {
        let root = parse(
            "\u{feff}<?xml version='1.0'?> <а:Товары Ид=' 7 '> <Товар>Чай &amp; <i>да</i><![CDATA[ке<кс]]></Товар></а:Товары>\n",
            LIMITS,
        )
        .unwrap();
        assert_eq!((root.name(), root.content()), ("товары", ""));
        assert_eq!(root.attribute("ид"), Some("7"));
        let tea = root.child("товар").unwrap();
        assert_eq!(tea.content(), "Чай & ке<кс");
        assert_eq!(tea.children("i").count(), 1);
    }

    #[test]
    fn what_is_dangerous_or_beyond_the_limits_is_refused() {
        assert!(wrong("<!DOCTYPE a><a/>").contains("document type"));
        assert!(wrong("<a>&lol;</a>").contains("`&lol;`"));
        assert!(wrong("<a><a><a><a/></a></a></a>").contains("deeper than 3"));
        assert!(wrong("<a><b/><b/><b/><b/><b/></a>").contains("more than 5"));
        assert!(wrong("<a b='' c='' d=''/>").contains("more than 2"));
        assert!(wrong("<a b='' B=''/>").contains("`b` stands twice"));
        for outside in ["<a/><b/>", "x<a/>", "<a/>x"] {
            assert!(wrong(outside).contains("outside"), "{outside}");
        }
        assert!(wrong("<a>").contains("ends before"));
        assert!(wrong("").contains("empty"));
    }

    #[test]
    fn the_declared_encoding_is_found() {
        let of = |text: &str| declared_encoding(text.as_bytes());
        assert_eq!(
            of("<?xml version='1.0' encoding = \"windows-1251\"?><a/>").as_deref(),
            Some("windows-1251")
        );
        assert_eq!(of("<?xml version='1.0'?><a encoding='x'/>"), None);
        assert_eq!(of("<a/>"), None);
    }
}
