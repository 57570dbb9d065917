//! Whoever connects a till: asked and told in one language.

use std::io::{BufRead, IsTerminal};

use kopilka_contract::{GuideStep, Language, Words};

use crate::api::problem::Problem;
use crate::cli::{Failure, print};

/// The person at the terminal, or nobody, where a script runs the command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) language: Language,
}

/// What a person is asked, and what on the command line answers it beforehand.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) words: Words,
    pub(super) option: &'static str,
}

impl Question {
    pub(super) fn new(option: &'static str, ru: &str, en: &str) -> Self {
        Question {
            words: Words::new(ru, en),
            option,
        }
    }
}

impl Person {
    pub(super) fn words(self, words: &Words) -> String {
        words.in_language(self.language).to_owned()
    }

    /// The end of the command, with the reason.
    pub(super) fn failure(self, words: &Words) -> Failure {
        self.words(words).into()
    }

    /// The end of the command by what the service has refused.
    pub(super) fn refused(self, problem: Problem) -> Failure {
        self.failure(&problem.words)
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

    /// Asks until there is an answer.
    pub(super) fn ask(self, question: &Question) -> Result<String, Failure> {
        let mut line = String::new();
        loop {
            print(format!("{}:", self.words(&question.words)));
            line.clear();
            if std::io::stdin().lock().read_line(&mut line)? == 0 {
                let option = question.option;
                return Err(self.failure(&Words::new(
                    format!("ответа нет; назовите в командной строке: {option} (--help)"),
                    format!("no answer; name it on the command line: {option} (--help)"),
                )));
            }
            let answer = line.trim();
            if !answer.is_empty() {
                return Ok(answer.to_owned());
            }
        }
    }

    /// Whether the answer is yes; anything else is no.
    pub(super) fn agrees(self, question: &Question) -> Result<bool, Failure> {
        let answer = self.ask(question)?.to_lowercase();
        Ok(["да", "д", "yes", "y"].contains(&answer.as_str()))
    }

    /// One of several, by its number or as it stands, asked for until it is one of them; the only one is not asked for.
    pub(super) fn choose(self, question: &Question, choices: &[(String, String)]) -> Result<String, Failure> {
        if let [(only, _)] = choices {
            return Ok(only.clone());
        }
        for (number, (id, name)) in choices.iter().enumerate() {
            print(format!("{:>3}  {name}  ({id})", number + 1));
        }
        loop {
            let answer = self.ask(question)?;
            let by_number = answer.parse::<usize>().ok();
            let by_number = by_number.and_then(|number| choices.get(number.checked_sub(1)?));
            let chosen = by_number.or_else(|| choices.iter().find(|(id, _)| *id == answer));
            if let Some((id, _)) = chosen {
                return Ok(id.clone());
            }
            let last = choices.len();
            self.say(
                &format!("{answer} — нет такого: введите номер от 1 до {last}."),
                &format!("{answer} is none of them: type a number from 1 to {last}."),
            );
        }
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
