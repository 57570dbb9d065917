//! Sentences for people, in both languages.

use serde::{Deserialize, Serialize};

/// Language of the words for people. Russian is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Russian.
    #[default]
    Ru,
    /// English.
    En,
}

/// A sentence for a person, in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Words {
    /// Russian.
    pub ru: String,
    /// English.
    pub en: String,
}

impl Words {
    /// Both at once.
    pub fn new(ru: impl Into<String>, en: impl Into<String>) -> Self {
        Words {
            ru: ru.into(),
            en: en.into(),
        }
    }

    /// What is the same in every language: a name, or what a library says of a text that it can't read.
    pub fn same(text: impl ToString) -> Self {
        let text = text.to_string();
        Words::new(text.clone(), text)
    }

    /// Several as one, with `between` between them.
    pub fn join(parts: &[Words], between: &str) -> Self {
        let joined = |language| {
            let parts: Vec<&str> = parts.iter().map(|part| part.in_language(language)).collect();
            parts.join(between)
        };
        Words::new(joined(Language::Ru), joined(Language::En))
    }

    /// The sentence in one language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Ru => &self.ru,
            Language::En => &self.en,
        }
    }
}

/// [`Words`] with values in them, which both sentences name: `words!("строк больше {most}", "more than {most} lines")`.
#[macro_export]
macro_rules! words {
    ($ru:literal, $en:literal $(,)?) => {
        $crate::Words::new(::std::format!($ru), ::std::format!($en))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_in_both_languages_and_several_are_one() {
        let most = 3;
        let more = words!("строк больше {most}", "more than {most} lines");
        let both = Words::join(&[more, Words::same("/lines")], "; ");
        assert_eq!(
            both,
            Words::new("строк больше 3; /lines", "more than 3 lines; /lines")
        );
    }
}
