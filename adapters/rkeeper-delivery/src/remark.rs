//! What a person should know of a message that was understood.

use kopilka_contract::{Money, Words, words};

/// A remark, kept with its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remark {
    /// The panel's test of the address: an empty body.
    Probe,
    /// The order will be read over the REST API.
    ToBeRead { order: String },
    /// The webhook does not say where the order stands.
    NoStatusId,
    /// An order that is neither completed nor cancelled; `None`: it has no status at all.
    NotSoldYet { status: Option<i64> },
    /// [`crate::settings::Road::Till`].
    TillPosts,
    /// The connection names its restaurants, and this is none of them.
    OtherRestaurant,
    /// What is another's was cancelled: it comes back here all the same, the connection may have been set otherwise.
    CancelledElsewhere,
    /// `amount` is missing.
    NoAmount,
    /// Dishes cost more than the order.
    DiscountSpread { dishes: Money, order: Money },
    /// Dishes cost less than the order: a delivery fee, say.
    RestIsALine { dishes: Money, order: Money },
    /// The number itself stays out of the remark: it may be someone's.
    NoTelephone,
    /// More bonuses than the order costs.
    BonusesAboveOrder { bonuses: Money, order: Money },
}

impl Remark {
    /// The remark in words.
    pub(crate) fn words(&self) -> Words {
        match self {
            Remark::Probe => Words::new("проверка адреса", "a probe of the address"),
            Remark::ToBeRead { order } => {
                words!("заказ {order} будет прочитан", "order {order} is to be read")
            }
            Remark::NoStatusId => Words::new(
                "нет statusId: состояние покажет сам заказ",
                "there is no statusId: the order itself will tell",
            ),
            Remark::NotSoldYet { status: None } => {
                Words::new("нет статуса: заказ ещё не продан", "no status: not sold yet")
            }
            Remark::NotSoldYet { status: Some(status) } => words!(
                "статус {status}: заказ ещё не продан",
                "status {status}: not sold yet"
            ),
            Remark::TillPosts => Words::new(
                "заказы доставки проводит касса: так настроено подключение",
                "the till posts delivery orders, as the connection is set",
            ),
            Remark::OtherRestaurant => Words::new(
                "ресторан не из этого подключения",
                "the restaurant is not one of this connection",
            ),
            Remark::CancelledElsewhere => Words::new(
                "заказ отменён; раньше он мог быть проведён здесь",
                "it is cancelled, and may have been posted here before",
            ),
            Remark::NoAmount => Words::new(
                "в заказе нет суммы со скидкой (amount): взята сумма блюд",
                "the order has no amount after discounts: its dishes count",
            ),
            Remark::DiscountSpread { dishes, order } => words!(
                "блюда стоят {dishes}, заказ {order}: скидка разнесена по блюдам",
                "dishes cost {dishes}, the order {order}: the discount is spread over them"
            ),
            Remark::RestIsALine { dishes, order } => words!(
                "блюда стоят {dishes}, заказ {order}: разница записана отдельной строкой",
                "dishes cost {dishes}, the order {order}: the rest is a line of its own"
            ),
            Remark::NoTelephone => Words::new(
                "телефон гостя не похож на телефон",
                "the guest's phone is not a telephone number",
            ),
            Remark::BonusesAboveOrder { bonuses, order } => words!(
                "бонусами оплачено {bonuses}, а заказ стоит {order}: учтено не больше стоимости заказа",
                "bonuses of {bonuses} for an order of {order}: no more than the order counts"
            ),
        }
    }
}
