//! What a person should know of a message that was understood.

use kopilka_contract::{Money, Quantity, Words, words};

use crate::Id;

/// A remark, kept with its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remark {
    /// An order that asking has found: `externalData` could not be had.
    NotReadAgain,
    /// A sum below zero, by a setting no sale.
    NegativeSum { sum: Money },
    /// All payments are of kinds that are no sale.
    PaidNoSale { kinds: String },
    /// The till has not named the order yet.
    NoPosId,
    /// The order's lines alone count.
    NoSum,
    /// `problem` of a delivery.
    Problem { what: String },
    /// `movedFromDeliveryId`.
    MovedFrom { delivery: Id },
    /// `parentDeliveryId`.
    SplitOff { delivery: Id },
    /// `movedToDeliveryId` of one that is cancelled.
    MovedTo { delivery: Id },
    /// A local time that can't be read; the next best is taken.
    NotATime { field: &'static str, text: String },
    /// Nothing proves that the guest may redeem.
    OnlySeenBonuses { bonuses: Money },
    /// The order was closed and paid otherwise.
    ReservationLetGo { key: String },
    /// What the order was paid with is not known.
    ReservationNotSpent { key: String },
    /// More bonuses than the order costs.
    BonusesAboveOrder { bonuses: Money, order: Money },
    /// Setting `aggregators`.
    AggregatorsPhone { source: String },
    /// The number itself stays out of the remark: it may be someone's.
    NotATelephone,
    /// A payment below zero.
    PaymentLeftOut { amount: Money },
    /// A quantity or a sum below zero.
    LineLeftOut {
        line: String,
        quantity: Quantity,
        amount: Money,
    },
    /// A sum without a quantity.
    ZeroQuantity { line: String, amount: Money },
    /// Which of the two a `resultSum` is, the order's sum tells.
    ModifiersInside,
    /// Less than a kopeck a line.
    Rounding { lines: Money, order: Money },
    /// A sum without items.
    NoLines { order: Money },
    /// The order's sum is what the guest paid.
    DifferenceSpread { lines: Money, order: Money },
    /// Positions have more of a discount than there is.
    MoreByPosition { discount: Money, positions: Money },
    /// An old till, which does not say what a discount took off each position.
    NotByPosition { rest: Money, discount: Money },
    /// The door `menu`.
    MenuAsked,
    /// A product of a menu that can't be read.
    ProductLeftOut { number: usize, error: String },
    /// A site says that a guest agrees: his consents are kept elsewhere.
    ConsentNotKept,
    /// A site wants fields emptied that came empty.
    EmptyFieldsStay,
    /// Rows of a report of sales.
    RowsLeftOut { count: usize, why: LeftOut },
}

/// Why rows of a report of sales do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// Of restaurants that the connection does not name.
    OtherRestaurants,
    /// Of days that were not asked for.
    OtherDays,
    /// Of no order.
    Nameless,
}

impl LeftOut {
    fn words(self) -> Words {
        match self {
            LeftOut::OtherRestaurants => Words::new("других ресторанов", "of other restaurants"),
            LeftOut::OtherDays => Words::new("других дней", "of other days"),
            LeftOut::Nameless => Words::new("без номера заказа", "without an order's id"),
        }
    }
}

impl Remark {
    /// The remark in words.
    pub(crate) fn words(&self) -> Words {
        match self {
            Remark::NotReadAgain => Words::new(
                "iikoCloud не показала этот заказ по номеру: что хранят с ним сайт или плагин (externalData), то есть гость и \
                 резерв бонусов, неизвестно; его вебхук, посланный ещё раз, поможет, только если он новее",
                "iikoCloud did not show this order by its id: what a site or a plugin keeps with it (externalData), guest and \
                 reservation, is not known; its webhook, sent once more, does not bring them either unless it is newer",
            ),
            Remark::NegativeSum { sum } => words!(
                "сумма {sum} — не продажа: заказ возвращён целиком",
                "a sum of {sum} is no sale: all of the order comes back"
            ),
            Remark::PaidNoSale { kinds } => words!(
                "оплачено так, что это не продажа ({kinds})",
                "paid by kinds that are no sale (`{kinds}`)"
            ),
            Remark::NoPosId => Words::new(
                "нет posId: чек записан под номером заказа в облаке",
                "no posId: the receipt is named by the order's id in the cloud",
            ),
            Remark::NoSum => Words::new(
                "в заказе нет суммы: строки не с чем сверить",
                "the order has no sum to compare its lines with",
            ),
            Remark::Problem { what } => words!(
                "ресторан отметил проблему: {what}",
                "the restaurant has marked a problem: {what}"
            ),
            Remark::MovedFrom { delivery } => words!(
                "доставка перенесена сюда из {delivery}",
                "the delivery was moved here from {delivery}"
            ),
            Remark::SplitOff { delivery } => words!(
                "доставка отделена от {delivery}",
                "the delivery was split off {delivery}"
            ),
            Remark::MovedTo { delivery } => words!(
                "доставка не отменена, а перенесена: она продолжается как {delivery}",
                "the delivery was moved, not refused: it goes on as {delivery}"
            ),
            Remark::NotATime { field, text } => {
                words!("{field}: «{text}» — не время", "{field} `{text}` is not a time")
            }
            Remark::OnlySeenBonuses { bonuses } => words!(
                "оплата бонусами {bonuses} только видна в вебхуке: она уменьшает базу начисления, но бонусы за неё не списаны",
                "bonuses of {bonuses} are only seen in a webhook: nothing is redeemed for them, they lower the base"
            ),
            Remark::ReservationLetGo { key } => words!(
                "ни оплаты, ни скидки бонусами нет: резерв {key} отпущен",
                "no payment and no discount is in bonuses: reservation {key} is let go"
            ),
            Remark::ReservationNotSpent { key } => words!(
                "оплаты или скидки бонусами не видно: резерв {key} не списан. Если им оплатили, спишите бонусы гостя вручную и \
                 укажите типы в bonus_payment_types или bonus_discount_types",
                "no payment and no discount is known to be in bonuses: reservation {key} is not spent. Where it has paid, \
                 take the guest's bonuses by hand, and name the types in bonus_payment_types or bonus_discount_types"
            ),
            Remark::BonusesAboveOrder { bonuses, order } => words!(
                "бонусами оплачено {bonuses}, а заказ стоит {order}: учтено не больше стоимости заказа",
                "bonuses of {bonuses} for an order of {order}: no more than the order is counted"
            ),
            Remark::AggregatorsPhone { source } => words!(
                "телефон принадлежит агрегатору {source}: гостя нет",
                "the telephone is that of the aggregator `{source}`: no guest"
            ),
            Remark::NotATelephone => Words::new(
                "телефон заказа не похож на телефон",
                "the order's phone is not a telephone number",
            ),
            Remark::PaymentLeftOut { amount } => {
                words!("оплата {amount} не учтена", "a payment of {amount} is left out")
            }
            Remark::LineLeftOut {
                line,
                quantity,
                amount,
            } => words!(
                "строка {line}: количество {quantity} на {amount} — не продажа, не учтена",
                "line {line}: quantity {quantity} for {amount} is no sale, left out"
            ),
            Remark::ZeroQuantity { line, amount } => words!(
                "строка {line}: количество ноль на {amount}, взято одно",
                "line {line}: a quantity of zero for {amount} counts as one"
            ),
            Remark::ModifiersInside => Words::new(
                "суммы модификаторов уже в суммах их блюд",
                "modifiers are contained in the sums of their products",
            ),
            Remark::Rounding { lines, order } => words!(
                "сумма строк {lines}, заказ {order}: разница принята за округление",
                "the lines make {lines}, the order {order}: taken for rounding"
            ),
            Remark::NoLines { order } => words!(
                "в заказе на {order} нет строк: вместо них одна",
                "the order of {order} has no lines: one line stands for it"
            ),
            Remark::DifferenceSpread { lines, order } => words!(
                "сумма строк {lines}, заказ {order}: разница разнесена по строкам",
                "the lines make {lines}, the order {order}: the difference is spread over the lines"
            ),
            Remark::MoreByPosition { discount, positions } => words!(
                "бонусы проведены скидкой: всего {discount}, а по позициям {positions}; взято по позициям",
                "bonuses posted as a discount: {discount} in all, but {positions} by position, which is taken"
            ),
            Remark::NotByPosition { rest, discount } => words!(
                "бонусы проведены скидкой {discount}: {rest} не указаны по позициям и разнесены по строкам",
                "bonuses posted as a discount: {rest} of {discount} not told by position, spread over the lines"
            ),
            Remark::MenuAsked => Words::new("меню запрошено у iikoCloud", "iikoCloud is asked for the menu"),
            Remark::ProductLeftOut { number, error } => words!(
                "товар {number} пропущен: {error}",
                "product {number} is left out: {error}"
            ),
            Remark::ConsentNotKept => Words::new(
                "consentStatus: согласия по этому пути не сохраняются",
                "consentStatus: consents are not kept by this door",
            ),
            Remark::EmptyFieldsStay => Words::new(
                "nullifyEmptyFields: что пришло пустым, осталось прежним",
                "nullifyEmptyFields: what came empty stays as it was",
            ),
            Remark::RowsLeftOut { count, why } => {
                let Words { ru, en } = why.words();
                words!("пропущено строк {ru}: {count}", "{count} rows {en} are left out")
            }
        }
    }
}
