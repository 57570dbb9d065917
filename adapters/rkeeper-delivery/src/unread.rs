//! Why a message is left to a person.

use kopilka_contract::{SettingsError, Words, words};

/// Why a message can't be read, or means nothing that could be done.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The connection is not set up.
    Settings(SettingsError),
    /// Bytes that are no text.
    NotUtf8,
    /// A template that the panel fills to something else than JSON.
    NotJson(serde_json::Error),
    /// The template names no order.
    NoOrderId,
    /// The template's own text stands where the number should.
    Placeholder { order: String },
    /// The service itself fetches nothing by that name.
    NotFetched { what: String },
    /// No door of ours.
    NotServed { path: String },
    /// What was read over the REST API is no order.
    NotAnOrder(serde_json::Error),
    /// A list that no order has.
    TooManyDishes { most: usize },
    /// The order that was read names itself not.
    OrderWithoutId,
    /// Versions of an order are told by it.
    NoUpdatedAt,
    /// An amount is something else than a number up to a billion.
    NotAnAmount(Amount),
    /// A quantity is something else than a number above zero.
    NotAQuantity,
    /// All dishes together are above what a receipt may cost.
    DishesTooDear,
    /// All payments together are.
    PaymentsTooLarge,
    /// Asked for by its webhook many times, and never given.
    NotGiven { order: String, status: Option<i64> },
    /// A site's request is not as described.
    NotARequest(serde_json::Error),
    /// A site wants nothing set aside.
    NothingToHold,
    /// A site's order has no name, or one that is too long.
    OrderIdLength,
    /// A site names no guest, or names him twice.
    WhichGuest,
}

/// Of what an amount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// `amount` of an order.
    Order,
    /// `fullAmount` of an order.
    Full,
    /// Of a dish.
    Dish,
    /// Of what was added to a dish.
    Ingredient,
    /// Of a payment.
    Payment,
}

impl Amount {
    fn words(self) -> Words {
        match self {
            Amount::Order => Words::new("amount", "amount"),
            Amount::Full => Words::new("fullAmount", "fullAmount"),
            Amount::Dish => Words::new("цена блюда", "a dish's price"),
            Amount::Ingredient => Words::new("цена ингредиента", "an ingredient's price"),
            Amount::Payment => Words::new("сумма оплаты", "a payment"),
        }
    }
}

impl Unread {
    /// What is wrong, for the person who looks at the message.
    pub(crate) fn words(&self) -> Words {
        match self {
            Unread::Settings(error) => error.words(),
            Unread::NotUtf8 => Words::new("тело не в UTF-8", "the body is not UTF-8"),
            Unread::NotJson(error) => words!(
                "тело не JSON, проверьте шаблон: {error}",
                "the body is not JSON, look at the template: {error}"
            ),
            Unread::NoOrderId => Words::new(
                "нет orderId, проверьте шаблон",
                "there is no orderId, look at the template",
            ),
            Unread::Placeholder { order } => words!(
                "orderId — это «{order}», как в шаблоне: выберите вместо него номер заказа из списка полей панели",
                "orderId is `{order}`, as the template has it: pick the order's number from the panel's list of fields in its place"
            ),
            Unread::NotFetched { what } => words!(
                "под именем «{what}» ничего не запрашивается",
                "nothing is fetched as `{what}`"
            ),
            Unread::NotServed { path } => words!(
                "по адресу «{path}» ничего нет; веб-хуки идут на «webhook»",
                "nothing is served at `{path}`; webhooks go to `webhook`"
            ),
            Unread::NotAnOrder(error) => words!("это не заказ: {error}", "not an order: {error}"),
            Unread::TooManyDishes { most } => words!("блюд больше {most}", "more than {most} dishes"),
            Unread::OrderWithoutId => Words::new("в заказе нет orderId", "the order has no orderId"),
            Unread::NoUpdatedAt => Words::new(
                "в заказе нет updatedAt: непонятно, какое из двух его состояний новее",
                "the order has no updatedAt: which of two readings is newer can't be told",
            ),
            Unread::NotAnAmount(of) => {
                let Words { ru, en } = of.words();
                words!("{ru} — не сумма", "{en} is not an amount")
            }
            Unread::NotAQuantity => Words::new(
                "количество блюда — не число больше нуля",
                "a dish's quantity is not a number above zero",
            ),
            Unread::DishesTooDear => Words::new(
                "блюда стоят больше миллиарда",
                "the dishes cost more than a billion",
            ),
            Unread::PaymentsTooLarge => {
                Words::new("оплат больше миллиарда", "the payments are more than a billion")
            }
            Unread::NotGiven { order, status } => not_given(order, *status),
            Unread::NotARequest(error) => words!("запрос сайта не разобран: {error}", "{error}"),
            Unread::NothingToHold => Words::new(
                "сумма (amount) должна быть больше нуля",
                "the amount must be above zero",
            ),
            Unread::OrderIdLength => {
                Words::new("orderId — от 1 до 100 символов", "orderId is 1 to 100 characters")
            }
            Unread::WhichGuest => Words::new(
                "нужен либо телефон (phone), либо карта (card)",
                "either phone or card is needed",
            ),
        }
    }
}

fn not_given(order: &str, status: Option<i64>) -> Words {
    let Words { ru, en } = match status {
        None | Some(404 | 410) => Words::new("его там нет", "does not have it"),
        Some(status) => words!(
            "на запрос о нём ответ {status}",
            "answers {status} when it is asked for it"
        ),
    };
    words!(
        "r_keeper Delivery сообщил о заказе {order}, но {ru}; чтобы прочитать его снова, повторите его веб-хук",
        "order {order} was announced, but r_keeper Delivery {en}; to read it again replay its webhook"
    )
}
