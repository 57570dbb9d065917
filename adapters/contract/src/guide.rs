//! What a person types into a vendor's screens to connect a till.

use crate::Words;

/// One of the vendor's screens or files, and what belongs into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideStep {
    /// Where: the vendor's menu names.
    pub place: Words,
    /// What is entered there, in order. Empty: the place says it all.
    pub entries: Vec<GuideEntry>,
}

/// A field of a vendor's screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuideEntry {
    /// Its name on the screen.
    pub field: Words,
    /// What to type or choose.
    pub value: Words,
}

impl GuideStep {
    /// A place without fields.
    pub fn new(ru: impl Into<String>, en: impl Into<String>) -> Self {
        GuideStep {
            place: Words::new(ru, en),
            entries: Vec::new(),
        }
    }

    /// With a field that is the same in both languages, such as a line of a file.
    #[must_use]
    pub fn literal(self, field: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.entry(Words::same(field), Words::same(value))
    }

    /// With a field.
    #[must_use]
    pub fn entry(mut self, field: Words, value: Words) -> Self {
        self.entries.push(GuideEntry { field, value });
        self
    }
}
