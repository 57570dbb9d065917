//! What is wrong with a field that a plugin sent: its author must mend it.

use kopilka_contract::{Money, Words, words};

/// What is wrong with a field.
#[derive(Debug)]
pub(super) enum Fault {
    /// What the parser says of it.
    Unread(serde_json::Error),
    /// An order that is closed must say when.
    NoClosingTime,
    /// Points were spent, and the order has no member.
    SpentByNobody,
    /// A storno is an order of its own.
    NoReturnOrder,
    /// A partial return of nothing in particular.
    NoLinesBack,
    /// A quantity that nothing is sold or returned by.
    Quantity,
    /// Two lines of a return mean the same one.
    SameLine,
    /// A transaction's id that could name something else.
    TransactionId,
    /// Two transactions mean the same one.
    SameTransaction,
    /// An amount out of bounds.
    Amount,
    /// Nothing tells whether points are a discount or a payment.
    PointsAs { paid: Money, net: Money, points: Money },
    /// What was lowered by points is higher than before.
    NetAboveGross,
    /// Deeper than any menu goes.
    TooDeep,
    /// The plugin's spread of points does not add up.
    LinePoints { lines: Money, transactions: Money },
    /// Points are said to be a discount, and discounts are less.
    PointsAboveDiscounts { discounts: Money, points: Money },
    /// A reservation of no points.
    NothingToReserve,
    /// A reservation without a member.
    ReservedForNobody,
}

impl Fault {
    /// The fault in words.
    pub(super) fn words(&self) -> Words {
        match self {
            Fault::Unread(error) => Words::same(error),
            Fault::NoClosingTime => Words::new(
                "нужно время закрытия со смещением часового пояса",
                "the time of closing with its offset is expected",
            ),
            Fault::SpentByNobody => {
                Words::new("баллы списаны, а чьи — неизвестно", "points were spent: whose?")
            }
            Fault::NoReturnOrder => Words::new(
                "нужен id нового заказа, которым проведено сторно",
                "the id of the new order of the storno is expected",
            ),
            Fault::NoLinesBack => Words::new(
                "у частичного возврата должны быть строки",
                "a partial return names its lines",
            ),
            Fault::Quantity => Words::new("количество должно быть больше нуля", "a quantity is above zero"),
            Fault::SameLine => Words::new("одна и та же строка дважды", "the same line twice"),
            Fault::TransactionId => Words::new(
                "нужен id из латинских букв, цифр и дефисов, не длиннее 64",
                "an id of letters, digits and hyphens, up to 64, is expected",
            ),
            Fault::SameTransaction => {
                Words::new("одна и та же транзакция дважды", "the same transaction twice")
            }
            Fault::Amount => Words::new(
                "сумма должна быть от 0.00 до 1000000000.00",
                "an amount is 0.00 to 1000000000.00",
            ),
            Fault::PointsAs { paid, net, points } => words!(
                "сумма оплат {paid}, строк {net}, баллов {points}: укажите в pointsAs, скидка ли баллы (оплаты = строки) или \
                 оплата (оплаты + баллы = строки); баллами может быть и оплата на ту же сумму, если она не наличными и не картой",
                "the payments make {paid}, the lines {net}, the points {points}: say with pointsAs whether points \
                 are a discount (payments = lines) or a payment (payments + points = lines); a payment of just as \
                 much that is neither cash nor card may be the points"
            ),
            Fault::NetAboveGross => Words::new(
                "баллы уменьшили сумму, значит, она меньше gross",
                "points lowered it, so it is below gross",
            ),
            Fault::TooDeep => Words::new(
                "слишком глубоко вложенные модификаторы",
                "modifiers of modifiers of modifiers",
            ),
            Fault::LinePoints { lines, transactions } => words!(
                "баллов по строкам {lines}, а по транзакциям {transactions}",
                "the points of the lines make {lines}, the transactions {transactions}"
            ),
            Fault::PointsAboveDiscounts { discounts, points } => words!(
                "скидки сняли со строк {discounts}, это меньше баллов ({points})",
                "discounts took {discounts} off the lines, which is less than the points ({points})"
            ),
            Fault::NothingToReserve => Words::new("резервировать нечего", "there is nothing to reserve"),
            Fault::ReservedForNobody => Words::new(
                "неизвестно, чьи баллы резервировать",
                "whose points are to be reserved?",
            ),
        }
    }
}
