//! Why the ledger says no: every refusal has a stable code and a sentence that a cashier understands.

use kopilka_contract::{Words, words};

use super::{Money, amount_words};

/// A refusal. Nothing was posted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.code())]
pub enum Refusal {
    /// More is asked than the customer has.
    InsufficientBalance {
        /// What he has here, his own hold included.
        available: Money,
    },
    /// More is asked than the receipt allows.
    RedeemLimit {
        /// What the receipt allows.
        limit: Money,
    },
    /// The till's spread over lines does not add up to the redemption, or exceeds a line.
    RedeemSpread {
        /// Sum of the spread.
        spread: Money,
        /// The redemption.
        redeemed: Money,
    },
    /// The accrual is absurdly large: a coefficient is wrong.
    AccrualTooLarge,
    /// More comes back than was sold.
    ReturnExceedsSale {
        /// The line at fault.
        line_id: String,
    },
    /// A line was returned by quantity before and comes by amount now, or the other way round.
    ReturnMixed {
        /// The line at fault.
        line_id: String,
    },
    /// A return names a line that the sale does not have.
    UnknownLine {
        /// The line at fault.
        line_id: String,
    },
    /// The same receipt or return came with other content.
    Conflict {
        /// What differs, in words.
        differences: Vec<Words>,
    },
    /// A newer version came for a receipt of which something has been returned.
    ReceiptHasReturns,
    /// The receipt was rolled back, and this is not known to be a newer attempt.
    ReceiptCancelled {
        /// It is an attempt of before: nobody has anything to mend. Where two roads count differently nobody knows, and a
        /// person has to look.
        late: bool,
    },
    /// No such customer.
    CustomerNotFound,
    /// No such receipt.
    ReceiptNotFound,
    /// No such hold, or not of this customer and venue.
    HoldNotFound,
    /// The hold was captured by a receipt, so it can't be voided, or taken again.
    HoldCaptured,
    /// The hold was let go, and is not taken again under the same key.
    HoldVoided,
    /// The card is blocked or was replaced.
    CardBlocked,
    /// The customer is blocked.
    CustomerBlocked,
    /// A write-off that would leave more debt than the connection allows.
    DebtLimit {
        /// How much may be missing.
        limit: Money,
    },
    /// A receipt has taken the write-off over, or a person has given it back.
    WriteOffSettled,
    /// Something was redeemed without a network and without an allowance.
    OfflinePermitMissing,
    /// The allowance was not given by us, or not to this guest, till or venue.
    OfflinePermitInvalid,
    /// The sale was made after its allowance had ended.
    OfflinePermitExpired,
    /// The allowance's bonuses are gone, and the guest has too little else.
    OfflinePermitSpent {
        /// What he has here.
        available: Money,
    },
    /// The venue was out of use when the receipt was closed.
    VenueArchived,
    /// The same idempotency key came with another body.
    IdempotencyKeyReused,
    /// A field of the message is wrong.
    Invalid {
        /// JSON Pointer to the field.
        pointer: String,
        /// What is wrong.
        words: Words,
    },
}

impl Refusal {
    /// A field that is wrong.
    pub fn invalid(pointer: impl Into<String>, ru: impl Into<String>, en: impl Into<String>) -> Self {
        Refusal::Invalid {
            pointer: pointer.into(),
            words: Words::new(ru, en),
        }
    }

    /// Stable code, also the end of the problem's `type`.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::InsufficientBalance { .. } => "insufficient-balance",
            Refusal::RedeemLimit { .. } => "redeem-limit",
            Refusal::RedeemSpread { .. } => "redeem-spread",
            Refusal::AccrualTooLarge => "accrual-too-large",
            Refusal::ReturnExceedsSale { .. } => "return-exceeds-sale",
            Refusal::ReturnMixed { .. } => "return-mixed",
            Refusal::UnknownLine { .. } => "unknown-line",
            Refusal::Conflict { .. } => "receipt-conflict",
            Refusal::ReceiptHasReturns => "receipt-has-returns",
            Refusal::ReceiptCancelled { .. } => "receipt-cancelled",
            Refusal::CustomerNotFound => "customer-not-found",
            Refusal::ReceiptNotFound => "receipt-not-found",
            Refusal::HoldNotFound => "hold-not-found",
            Refusal::HoldCaptured => "hold-captured",
            Refusal::HoldVoided => "hold-voided",
            Refusal::CardBlocked => "card-blocked",
            Refusal::CustomerBlocked => "customer-blocked",
            Refusal::DebtLimit { .. } => "debt-limit",
            Refusal::WriteOffSettled => "write-off-settled",
            Refusal::OfflinePermitMissing => "offline-permit-missing",
            Refusal::OfflinePermitInvalid => "offline-permit-invalid",
            Refusal::OfflinePermitExpired => "offline-permit-expired",
            Refusal::OfflinePermitSpent { .. } => "offline-permit-spent",
            Refusal::VenueArchived => "venue-archived",
            Refusal::IdempotencyKeyReused => "idempotency-key-reused",
            Refusal::Invalid { .. } => "invalid-request",
        }
    }

    /// JSON Pointer to the field at fault, where there is one.
    pub fn pointer(&self) -> Option<String> {
        match self {
            Refusal::Invalid { pointer, .. } => Some(pointer.clone()),
            Refusal::InsufficientBalance { .. }
            | Refusal::RedeemLimit { .. }
            | Refusal::RedeemSpread { .. } => Some("/redeem".to_owned()),
            Refusal::CustomerNotFound | Refusal::CardBlocked | Refusal::CustomerBlocked => {
                Some("/customer".to_owned())
            }
            Refusal::HoldNotFound => Some("/hold_id".to_owned()),
            Refusal::OfflinePermitSpent { .. } => Some("/redeem".to_owned()),
            Refusal::OfflinePermitMissing | Refusal::OfflinePermitInvalid | Refusal::OfflinePermitExpired => {
                Some("/offline/permit".to_owned())
            }
            Refusal::VenueArchived => Some("/venue_id".to_owned()),
            _ => None,
        }
    }

    /// The most that would have been taken, where too much was asked for.
    fn most(&self) -> Option<Money> {
        match self {
            Refusal::InsufficientBalance { available } | Refusal::OfflinePermitSpent { available } => {
                Some(*available)
            }
            Refusal::RedeemLimit { limit } => Some(*limit),
            _ => None,
        }
    }

    /// What to tell the person at the till.
    pub fn words(&self) -> Words {
        match self {
            Refusal::InsufficientBalance { available } => with_amount(
                *available,
                |sum| {
                    format!(
                        "Недостаточно бонусов: доступно {sum}. Спишите не больше или проведите без бонусов."
                    )
                },
                |sum| format!("Not enough bonuses: {sum} available. Redeem no more than that, or nothing."),
            ),
            Refusal::RedeemLimit { limit } => with_amount(
                *limit,
                |sum| format!("Этот чек можно оплатить бонусами не больше чем на {sum}."),
                |sum| format!("Bonuses may pay at most {sum} of this receipt."),
            ),
            Refusal::RedeemSpread { spread, redeemed } => {
                let (spread, redeemed) = (amount_words::bonuses(*spread), amount_words::bonuses(*redeemed));
                Words::new(
                    format!(
                        "Касса распределила по строкам {} бонусов, а списать просит {}. Сообщите администратору.",
                        spread.ru, redeemed.ru
                    ),
                    format!(
                        "The till spread {} over the lines but asks to redeem {}. Tell the administrator.",
                        spread.en, redeemed.en
                    ),
                )
            }
            Refusal::AccrualTooLarge => Words::new(
                "Начисление получается слишком большим: проверьте коэффициенты. Сообщите администратору.",
                "The accrual would be far too large: a coefficient is wrong. Tell the administrator.",
            ),
            Refusal::ReturnExceedsSale { line_id } => Words::new(
                format!("По строке {line_id} возвращают больше, чем осталось от продажи."),
                format!("Line {line_id}: more comes back than is left of the sale."),
            ),
            Refusal::ReturnMixed { line_id } => Words::new(
                format!("Строку {line_id} уже возвращали иначе: либо по количеству, либо по сумме."),
                format!(
                    "Line {line_id} was returned the other way before: by quantity or by amount, one of the two."
                ),
            ),
            Refusal::UnknownLine { line_id } => Words::new(
                format!("В продаже нет строки {line_id}."),
                format!("The sale has no line {line_id}."),
            ),
            Refusal::Conflict { differences } => {
                let Words { ru, en } = Words::join(differences, "; ");
                words!(
                    "Чек с этим номером уже проведён с другим содержанием: {ru}.",
                    "A receipt with this id was posted with other content: {en}."
                )
            }
            Refusal::ReceiptHasReturns => Words::new(
                "По чеку уже был возврат, поэтому его новую версию должен разобрать администратор.",
                "Something of this receipt was returned already; a person must look at its new version.",
            ),
            Refusal::ReceiptCancelled { .. } => Words::new(
                "Этот чек отменён. Закройте заказ новым чеком.",
                "This receipt was cancelled. Close the order with a new receipt.",
            ),
            Refusal::CustomerNotFound => Words::new(
                "Гость не найден. Проверьте номер карты или телефон.",
                "No such guest. Check the card number or the telephone.",
            ),
            Refusal::ReceiptNotFound => Words::new("Чек не найден.", "No such receipt."),
            Refusal::HoldNotFound => Words::new("Резерв бонусов не найден.", "No such hold."),
            Refusal::HoldCaptured => Words::new(
                "Резерв уже использован чеком: оформите возврат.",
                "The hold was used by a receipt: make a return instead.",
            ),
            Refusal::HoldVoided => Words::new(
                "Этот резерв уже отменён. Спишите бонусы заново.",
                "This hold was let go. Reserve the bonuses anew.",
            ),
            Refusal::CardBlocked => Words::new(
                "Карта заблокирована: списать бонусы нельзя.",
                "The card is blocked: bonuses can't be redeemed.",
            ),
            Refusal::CustomerBlocked => Words::new(
                "Гость заблокирован: списать бонусы нельзя.",
                "The guest is blocked: bonuses can't be redeemed.",
            ),
            Refusal::DebtLimit { limit } => with_amount(
                *limit,
                |sum| format!("Бонусов не хватает больше чем на {sum}. Сообщите администратору."),
                |sum| format!("More than {sum} is missing. Tell the administrator."),
            ),
            Refusal::WriteOffSettled => Words::new(
                "Это списание уже не ждёт чека: его забрал чек, или бонусы уже вернули.",
                "This write-off waits no more: a receipt has taken it over, or its bonuses were given back.",
            ),
            Refusal::OfflinePermitMissing => Words::new(
                "Бонусы списали без связи и без разрешения. Проведите продажу без списания.",
                "Bonuses were redeemed without a network and without an allowance. Post the sale without them.",
            ),
            Refusal::OfflinePermitInvalid => Words::new(
                "Разрешение списать бонусы без связи выдано не этому гостю или не здесь. Проведите продажу без списания.",
                "The allowance to redeem without a network is not this guest's or not this venue's.",
            ),
            Refusal::OfflinePermitExpired => Words::new(
                "Разрешение списать бонусы без связи кончилось до продажи. Проведите продажу без списания.",
                "The allowance to redeem without a network had ended before the sale was made.",
            ),
            Refusal::OfflinePermitSpent { available } => with_amount(
                *available,
                |sum| {
                    format!(
                        "Отложенные бонусы уже потрачены, доступно {sum}. Проведите продажу без списания."
                    )
                },
                |sum| {
                    format!(
                        "The bonuses that were set aside are spent, {sum} available. Post the sale without them."
                    )
                },
            ),
            Refusal::VenueArchived => Words::new(
                "Это заведение в архиве: бонусы здесь больше не начисляются и не списываются. Сообщите администратору.",
                "This venue is archived: it takes no more receipts. Tell the administrator.",
            ),
            Refusal::IdempotencyKeyReused => Words::new(
                "Этот ключ повтора уже использован с другим запросом.",
                "This idempotency key was used with another request.",
            ),
            Refusal::Invalid { words, .. } => words.clone(),
        }
    }
}

/// The words of a refusal that are kept as a remark, where no column has its code: that stands before them.
pub fn coded(code: &str, words: &Words) -> Words {
    let Words { ru, en } = words;
    words!("{code}: {ru}", "{code}: {en}")
}

/// A sentence with bonuses in it.
fn with_amount(
    bonuses: Money,
    ru: impl FnOnce(String) -> String,
    en: impl FnOnce(String) -> String,
) -> Words {
    let said = amount_words::bonuses(bonuses);
    Words::new(ru(said.ru), en(said.en))
}

impl From<Refusal> for kopilka_contract::Refusal {
    fn from(refusal: Refusal) -> Self {
        kopilka_contract::Refusal {
            code: refusal.code().to_owned(),
            words: refusal.words(),
            pointer: refusal.pointer(),
            retryable: false,
            most: refusal.most(),
        }
    }
}
