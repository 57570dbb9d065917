//! Whoever connects a till: asked and told in one language.

use std::io::{BufRead, IsTerminal};

use kopilka_contract::{GuideStep, Language, Words};

use crate::cli::{Failure, print};

/// The person at the terminal, or nobody, where a script runs the command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) language: Language,
}

impl Person {
    pub(super) fn words(self, words: &Words) -> String {
        words.in_language(self.language).to_owned()
    }

    pub(super) fn say(self, ru: &str, en: &str) {
        print(match self.language {
            Language::Ru => ru,
            Language::En => en,
        });
    }

    /// Whether there is somebody to ask.
    pub(super) fn is_there(self) -> bool {
        std::io::stdin().is_terminal()
    }

    pub(super) fn ask(self, question: &Words) -> Result<String, Failure> {
        print(format!("{}:", self.words(question)));
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let answer = line.trim();
        if answer.is_empty() {
            let hint = if self.is_there() {
                ""
            } else {
                "; name it on the command line (--help)"
            };
            return Err(format!("no answer{hint}").into());
        }
        Ok(answer.to_owned())
    }

    /// Whether the answer is yes; anything else is no.
    pub(super) fn agrees(self, question: &Words) -> Result<bool, Failure> {
        let answer = self.ask(question)?.to_lowercase();
        Ok(["да", "д", "yes", "y"].contains(&answer.as_str()))
    }

    /// One of several, by its number or as it stands; the only one is not asked for.
    pub(super) fn choose(self, question: &Words, choices: &[(String, String)]) -> Result<String, Failure> {
        if let [(only, _)] = choices {
            return Ok(only.clone());
        }
        for (number, (id, name)) in choices.iter().enumerate() {
            print(format!("{:>3}  {name}  ({id})", number + 1));
        }
        let answer = self.ask(question)?;
        let by_number = answer
            .parse::<usize>()
            .ok()
            .and_then(|n| choices.get(n.checked_sub(1)?));
        by_number
            .or_else(|| choices.iter().find(|(id, _)| *id == answer))
            .map(|(id, _)| id.clone())
            .ok_or_else(|| format!("{answer} is none of them").into())
    }

    /// Reads out what belongs into the vendor's screens.
    pub(super) fn guide(self, steps: &[GuideStep]) {
        for (number, step) in steps.iter().enumerate() {
            print(format!("\n{}. {}", number + 1, self.words(&step.place)));
            for entry in &step.entries {
                print(format!(
                    "     {} = {}",
                    self.words(&entry.field),
                    self.words(&entry.value)
                ));
            }
        }
        print("");
    }
}
