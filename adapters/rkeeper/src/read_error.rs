//! Why a message of the till is not understood, or not taken.

use kopilka_contract::{Words, words};

use crate::xml::XmlError;

/// Why a message is not understood, or not taken: [`ReadError::words`] for the person who looks at it, [`ReadError::refusal`] for
/// the cashier.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The bytes are no message of XML.
    Xml(XmlError),
    /// A path that no function has.
    UnknownFunction(String),
    /// An element or an attribute that must be there.
    Missing(&'static str),
    /// A value that is not what the vendor says it is.
    Malformed { what: &'static str, text: String },
    /// Amounts that no receipt has.
    TooLarge(&'static str),
    /// Transactions without a receipt, some of which sell while others give back.
    MixedSigns,
    /// Its bonuses would be given and taken at once.
    PaymentAddsBonuses,
    /// `chmode` 0 with transactions, where the connection does not take them.
    ScriptTransaction,
    /// One that is taken, undone without the numbers of its receipt.
    ScriptUndo,
    /// The till's script must send such a code to `FindEmail`, which gives a lasting number.
    GuestCodeAsCard,
    /// A return of single dishes.
    NegativeLine(String),
    /// The setting `restaurants` does not name it.
    OtherRestaurant(String),
}

impl From<XmlError> for ReadError {
    fn from(error: XmlError) -> Self {
        ReadError::Xml(error)
    }
}

impl ReadError {
    /// A value that is not what the vendor says it is. Long values are cut: the whole message is kept anyway.
    pub(crate) fn malformed(what: &'static str, text: &str) -> Self {
        ReadError::Malformed {
            what,
            text: text.chars().take(64).collect(),
        }
    }

    /// What is wrong, for the person who looks at the message.
    pub(crate) fn words(&self) -> Words {
        match self {
            ReadError::Xml(error) => error.words(),
            ReadError::UnknownFunction(path) => words!(
                "в HTTP-протоколе r_keeper нет функции с адресом «{path}»",
                "no function of the r_keeper HTTP protocol has the path `{path}`"
            ),
            ReadError::Missing(what) => words!("нет {what}", "{what} is missing"),
            ReadError::Malformed { what, text } => words!(
                "{what}: непонятное значение «{text}»",
                "{what} is not understood: `{text}`"
            ),
            ReadError::TooLarge(what) => {
                words!("{what}: суммы слишком велики", "the amounts of {what} do not fit")
            }
            ReadError::MixedSigns => Words::new(
                "знаки транзакций противоречат друг другу: непонятно, продажа это или возврат",
                "the signs of the transactions contradict each other, so it is unknown whether this is a sale",
            ),
            ReadError::PaymentAddsBonuses => Words::new(
                "оплата бонусами в продаже прибавляет бонусы, а не списывает",
                "a sale whose payments add bonuses to the card instead of taking them",
            ),
            ReadError::ScriptTransaction => Words::new(
                "операция скрипта без чека (chmode 0): повтор такой операции не отличить от новой",
                "a script's transaction without a receipt (chmode 0), which has no key to apply it once by",
            ),
            ReadError::ScriptUndo => Words::new(
                "отмена операции скрипта без номера чека: непонятно, какую операцию отменяют",
                "the undoing of a script's transaction that names no receipt: nothing tells which one it undoes",
            ),
            ReadError::GuestCodeAsCard => Words::new(
                "QR-код гостя пришёл как номер карты: он живёт минуты, поэтому скрипт MCR кассы должен искать его через \
                 FindEmail, который вернёт постоянный номер",
                "a guest's own QR code was sent as a card: it lives for minutes, so the till's MCR script must send it to \
                 FindEmail, which gives a lasting number",
            ),
            ReadError::NegativeLine(line) => words!(
                "строка {line} отрицательная, а рядом ничего не продано: это возврат отдельных блюд",
                "line {line} is negative and nothing is sold beside it: a return of single dishes"
            ),
            ReadError::OtherRestaurant(restaurant) => words!(
                "ресторан {restaurant} не из этого подключения (настройка restaurants)",
                "the restaurant {restaurant} is not one of this connection: see its setting `restaurants`"
            ),
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
