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
    #[error("the undoing of a script's transaction that names no receipt: nothing tells which one it undoes")]
    ScriptUndo,
    #[error(
        "a guest's own QR code was sent as a card: it lives for minutes, so the till's MCR script must send it to FindEmail, \
         which gives a lasting number"
    )]
    GuestCodeAsCard,
    #[error("line {0} is negative and nothing is sold beside it: a return of single dishes")]
    NegativeLine(String),
    #[error("the restaurant {0} is not one of this connection: see its setting `restaurants`")]
    OtherRestaurant(String),
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
            ReadError::ScriptUndo => Words::new(
                "Отмену операции без чека проводит администратор, бонусы не изменены",
                "The undoing of a transaction without a receipt is made by a person, no bonuses were changed",
            ),
            ReadError::GuestCodeAsCard => Words::new(
                "QR-код гостя касса должна искать через FindEmail: это настраивают в алгоритме MCR. Введите телефон гостя",
                "The till must look a guest's QR code up by FindEmail: the MCR script sets it. Type the guest's telephone",
            ),
            ReadError::OtherRestaurant(_) => Words::new(
                "Касса другого ресторана: подключение настроено не на него, бонусы не изменены",
                "The till of another restaurant: this connection is not set to it, no bonuses were changed",
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
