//! Why a request of iikoCard's API is not done.

use kopilka_contract::{Words, words};

/// What is wrong with a request.
#[derive(Debug)]
pub(super) enum Wrong {
    /// Another method than `POST`.
    Method,
    /// A method of iiko that is not here.
    NotServed { path: String },
    /// A body that is not as described, in the words of the parser.
    Body(serde_json::Error),
    /// A restaurant that the connection does not name.
    OtherOrganization,
    /// A login is kept without its password, so it can't be done again.
    LoginAgain,
    /// Not the login of the connection.
    Login,
    /// A wallet of another programme.
    Wallet,
    /// A sum that moves nothing.
    Sum,
    /// A transaction's id that could name something else.
    TransactionId,
    /// The guest is named by a field that is not there.
    NoField { kind: String },
    /// The guest is named in a way that is not known.
    UnknownType { kind: String },
    /// No telephone number.
    Phone,
    /// No date.
    Birthday,
    /// `isDeleted`: a site that hears of success believes that it was done. So it is with the next two.
    NotDeleted,
    /// `consentStatus` 2.
    NotRevoked,
    /// `nullifyEmptyFields`.
    NotEmptied,
}

impl Wrong {
    /// The same in words; a caller is told in English, as iiko does it.
    pub(super) fn words(&self) -> Words {
        match self {
            Wrong::Method => Words::new("нужен метод POST", "POST is expected"),
            Wrong::NotServed { path } => words!(
                "метода «{path}» iikoCard здесь нет",
                "`{path}` is not served: it is not a part of iikoCard that we know"
            ),
            Wrong::Body(error) => words!("запрос не разобран: {error}", "{error}"),
            Wrong::OtherOrganization => Words::new(
                "ресторан не из этого подключения",
                "the organization is not one of this connection",
            ),
            Wrong::LoginAgain => Words::new(
                "нет apiLogin: вход хранится без него, поэтому сайт должен войти снова",
                "no apiLogin: a login is kept without it, so the caller has to log in again",
            ),
            Wrong::Login => Words::new("этот apiLogin не подходит", "this apiLogin is not authorized"),
            Wrong::Wallet => Words::new(
                "такого кошелька нет; его id показывает program",
                "there is no such wallet; `program` tells its id",
            ),
            Wrong::Sum => Words::new("сумма (sum) должна быть больше нуля", "sum must be above zero"),
            Wrong::TransactionId => Words::new("transactionId — не UUID", "transactionId is not a UUID"),
            Wrong::NoField { kind } => words!(
                "для типа «{kind}» нет поля",
                "there is no field for the type `{kind}`"
            ),
            Wrong::UnknownType { kind } => {
                words!("тип «{kind}» неизвестен", "the type `{kind}` is not known")
            }
            Wrong::Phone => Words::new(
                "телефон не похож на телефон",
                "the phone is not a telephone number",
            ),
            Wrong::Birthday => Words::new("день рождения не похож на дату", "the birthday is not a date"),
            Wrong::NotDeleted => Words::new(
                "isDeleted: гость здесь не удаляется, ничего не изменено; удалите его в Копилке",
                "isDeleted: no guest is deleted here, nothing was changed; delete him in Kopilka",
            ),
            Wrong::NotRevoked => Words::new(
                "consentStatus 2: согласие здесь не отзывается, ничего не изменено; оно хранится у гостя в Копилке",
                "consentStatus 2: no consent is revoked here, nothing was changed; it is kept in Kopilka's customer",
            ),
            Wrong::NotEmptied => Words::new(
                "nullifyEmptyFields: поля гостя здесь не очищаются, ничего не изменено; пришлите без него, а поля очистите в Копилке",
                "nullifyEmptyFields: no field of a guest is emptied here, nothing was changed; send it without, and empty them in Kopilka",
            ),
        }
    }
}
