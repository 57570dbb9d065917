//! Why a message of the till is not understood, or not taken.

use kopilka_contract::Words;
use thiserror::Error;

use crate::xml::XmlError;

/// Why a message is not understood, or not taken. The text is for the person who looks at it; the cashier gets
/// [`ReadError::refusal`].
#[derive(Debug, Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Xml(#[from] XmlError),
    #[error("no function of the r_keeper HTTP protocol has the path `{0}`")]
    UnknownFunction(String),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{what} is not understood: `{text}`")]
    Malformed { what: &'static str, text: String },
    #[error("the amounts of {0} do not fit")]
    TooLarge(&'static str),
    #[error("the signs of the transactions contradict each other, so it is unknown whether this is a sale")]
    MixedSigns,
    #[error("a sale whose payments add bonuses to the card instead of taking them")]
    PaymentAddsBonuses,
    #[error("a script's transaction without a receipt (chmode 0), which has no key to apply it once by")]
    ScriptTransaction,
    #[error("line {0} of a sale is negative: a return of single dishes")]
    NegativeLine(String),
}

impl ReadError {
    /// A value that is not what the vendor says it is. Long values are cut: the whole message is kept anyway.
    pub(crate) fn malformed(what: &'static str, text: &str) -> Self {
        ReadError::Malformed {
            what,
            text: text.chars().take(64).collect(),
        }
    }

    /// What the cashier is told.
    pub(crate) fn refusal(&self) -> Words {
        match self {
            ReadError::ScriptTransaction => Words::new(
                "Операция без чека не поддерживается, бонусы не изменены",
                "A transaction without a receipt is not supported, no bonuses were changed",
            ),
            ReadError::NegativeLine(_) => Words::new(
                "Возврат отдельных блюд не поддерживается, бонусы не изменены",
                "A return of single dishes is not supported, no bonuses were changed",
            ),
            _ => Words::new(
                "Сообщение кассы не понято, бонусы не изменены",
                "The message of the till was not understood, no bonuses were changed",
            ),
        }
    }
}
