//! What a person should know of a message that was understood.

use kopilka_contract::{Money, Words, words};

/// A remark, kept with its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remark {
    /// `LicenseInfo`.
    Licence,
    /// Somebody opened the address in a browser.
    Probe,
    /// It is no affair of this connection and has no guest: why it was not read.
    NotOurs(Words),
    /// The order that came with a card could not be read: why.
    OrderLeftAside(Words),
    /// Which lines count is not known.
    TotalSpread { lines: Money, total: Money },
    /// The till's spread of bonuses over lines was not taken.
    SpreadDoesNotAddUp,
    /// Lines with negative sums among others.
    TakenBack { amount: Money },
    /// Without a receipt the amount is a guess.
    NoReceiptXml,
    /// What the receipt shows is not what is redeemed.
    BonusesDiffer { shown: Money, paid: Money },
    /// A bonus of the till (kind 2) where Kopilka accrues.
    TillBonusNotPosted,
    /// A bonus of the till for another card than the receipt's first.
    BonusOfOtherCard,
    /// r_keeper Delivery's own connection posts the order; this one only undoes what it did before.
    LeftToDelivery,
    /// r_keeper Delivery's own connection accrues for the order, and this one moves its bonuses.
    DeliveryAccrues,
    /// A kind of transaction that means nothing here.
    KindNotPosted { code: u8, amount: Money },
    /// `CHECK@generateddatetime` is missing.
    NoTime,
}

impl Remark {
    /// The remark in words.
    pub(crate) fn words(&self) -> Words {
        match self {
            Remark::Licence => Words::new(
                "ExtDLLHTTP жалуется на лицензию: подробности в самом сообщении",
                "ExtDLLHTTP reports trouble with its licence; see the message itself",
            ),
            Remark::Probe => Words::new(
                "адрес открыли, чтобы проверить, отвечает ли он: отвечает",
                "somebody opened the address to see whether it answers: it does",
            ),
            Remark::NotOurs(why) => why.clone(),
            Remark::OrderLeftAside(Words { ru, en }) => {
                words!("заказ не учтён: {ru}", "the order was left aside: {en}")
            }
            Remark::TotalSpread { lines, total } => words!(
                "сумма строк {lines}, а итог кассы {total}: итог разнесён по строкам",
                "the lines add up to {lines}, the till's total is {total}: the total was spread over the lines"
            ),
            Remark::SpreadDoesNotAddUp => Words::new(
                "касса распределила оплату бонусами по строкам, но суммы не сходятся",
                "the till's spread of the bonus payment over the lines does not add up",
            ),
            Remark::TakenBack { amount } => words!(
                "внутри чека возвращены блюда на {amount}",
                "dishes of {amount} were taken back inside the receipt"
            ),
            Remark::NoReceiptXml => Words::new(
                "касса не прислала XML чека: сумма взята из транзакций видов 3 и 0",
                "the till sent no receipt XML: the amount was guessed from the transactions of kind 3 and 0",
            ),
            Remark::BonusesDiffer { shown, paid } => words!(
                "в чеке бонусами оплачено {shown}, а по транзакциям вида 0 — {paid}",
                "the receipt shows {shown} paid with bonuses, the transactions of kind 0 say {paid}"
            ),
            Remark::TillBonusNotPosted => Words::new(
                "касса сама насчитала бонус (вид 2), он не проведён: начисляет Kopilka",
                "the till counted a bonus itself (kind 2); it was not posted, Kopilka accrues",
            ),
            Remark::BonusOfOtherCard => Words::new(
                "касса насчитала бонус карте, которая в чеке не первая; он не проведён",
                "the till counted a bonus for a card that is not the first of the receipt; it was not posted",
            ),
            Remark::LeftToDelivery => Words::new(
                "заказ доставки: его проводит подключение r_keeper Delivery, здесь возвращаются только бонусы прошлой попытки",
                "a delivery order: r_keeper Delivery's connection posts it; here only bonuses of an earlier attempt come back",
            ),
            Remark::DeliveryAccrues => Words::new(
                "заказ доставки: бонусы начисляет подключение r_keeper Delivery, а не это",
                "a delivery order: r_keeper Delivery's connection accrues, this one does not",
            ),
            Remark::KindNotPosted { code, amount } => words!(
                "транзакция вида {code} на {amount} не проведена",
                "a transaction of kind {code} for {amount} was not posted"
            ),
            Remark::NoTime => Words::new(
                "в чеке нет времени: взято время прихода сообщения",
                "the receipt does not say when it was made: the time of the message was taken",
            ),
        }
    }
}
