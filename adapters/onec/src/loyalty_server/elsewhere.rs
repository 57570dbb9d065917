//! Promo codes, gift certificates, leftovers and bans of sales: no books of them are kept here. They are answered so that
//! the till says so to its cashier and goes on.
//!
//! Names of members are those of 1C's library, whose supplier answers lists of discounts without an object around them (seen in 1C:Trade
//! Management 11.5.18). Which words come where a text is expected is assumed: a till compares none of them.

use kopilka_contract::{Money, Reply};
use serde::Serialize;

use super::wire::Answer;
use crate::fields::ZERO_GUID;
use crate::numbers::JsonNumber;
use crate::query::Query;
use crate::reply;
use crate::settings::Version;

pub(super) const UNKNOWN_PROMOCODE: &str = "Промокод не найден";
const UNKNOWN_CERTIFICATE: &str = "Подарочный сертификат не найден";
/// What the stock supplier says of any promo code at all.
const PROMOCODE_UNLOCKED: &str = "Промокод разблокирован";

/// A method about something that is kept elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    ControlledDiscounts,
    DiscountsOfPayments,
    GiftCard,
    GiftCardUse,
    ChangeOfGiftCard,
    PromoCode,
    ChangeOfPromoCode,
    UnlockOfPromoCode,
    Leftovers,
    Restrictions,
}

impl Elsewhere {
    /// By the last segment of the path.
    pub(super) fn of(method: &str) -> Option<Self> {
        Some(match method {
            "getcontrolleddiscountslist" => Elsewhere::ControlledDiscounts,
            "getlistonpaydiscounts" => Elsewhere::DiscountsOfPayments,
            "getgiftcardinfo" => Elsewhere::GiftCard,
            "checkgiftcard" => Elsewhere::GiftCardUse,
            "unlockgiftcard" | "writeoffgiftcard" => Elsewhere::ChangeOfGiftCard,
            "promocodeinfo" => Elsewhere::PromoCode,
            "redeempromocode" | "activatepromocode" => Elsewhere::ChangeOfPromoCode,
            "unlockpromocode" => Elsewhere::UnlockOfPromoCode,
            "getleftovers" => Elsewhere::Leftovers,
            "salesrestrictionsinfo" => Elsewhere::Restrictions,
            _ => return None,
        })
    }

    /// What the till is told.
    pub(super) fn reply(self, query: &Query, version: &Version) -> Reply {
        match self {
            Elsewhere::ControlledDiscounts | Elsewhere::DiscountsOfPayments => reply::json(200, &[(); 0]),
            Elsewhere::Leftovers => good(version, Leftovers::default()),
            Elsewhere::Restrictions => good(version, Restrictions::default()),
            Elsewhere::PromoCode => good(version, PromoCodeInfo::unknown()),
            Elsewhere::GiftCard => {
                let number = query.get("GiftCardNumber").unwrap_or_default();
                bad(version, UNKNOWN_CERTIFICATE, GiftCardInfo::unknown(number))
            }
            Elsewhere::GiftCardUse => bad(
                version,
                UNKNOWN_CERTIFICATE,
                GiftCardUse {
                    gift_card_used: false,
                },
            ),
            Elsewhere::ChangeOfGiftCard => reply::sentence(200, UNKNOWN_CERTIFICATE),
            Elsewhere::UnlockOfPromoCode => reply::sentence(200, PROMOCODE_UNLOCKED),
            Elsewhere::ChangeOfPromoCode => reply::sentence(200, UNKNOWN_PROMOCODE),
        }
    }
}

fn good(version: &Version, members: impl Serialize) -> Reply {
    reply::json(200, &Answer::good(version, members))
}

fn bad(version: &Version, words: &str, members: impl Serialize) -> Reply {
    let answer = Answer {
        error: true,
        error_message: words,
        ..Answer::good(version, members)
    };
    reply::json(200, &answer)
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Leftovers {
    leftovers_list: [(); 0],
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Restrictions {
    allow_control: bool,
    restrictions_list: [(); 0],
}

/// «Avalible» is 1C's own spelling.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PromoCodeInfo {
    promocode_is_avalible: bool,
    promocode_status: &'static str,
    promocode_discount_description: &'static str,
    promocode_discount: &'static str,
}

impl PromoCodeInfo {
    fn unknown() -> Self {
        PromoCodeInfo {
            promocode_is_avalible: false,
            promocode_status: UNKNOWN_PROMOCODE,
            promocode_discount_description: "",
            promocode_discount: "",
        }
    }
}

/// A promo code of a receipt that is being counted.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Promocode<'a> {
    promocode: &'a str,
    error_description: &'static str,
    discount_active: bool,
    promocode_activation: bool,
    promocode_discount: &'static str,
    discount_condition: &'static str,
    #[serde(rename = "PromocodeUID")]
    promocode_uid: &'static str,
}

impl<'a> Promocode<'a> {
    /// One that does nothing here.
    pub(super) fn unknown(code: &'a str) -> Self {
        Promocode {
            promocode: code,
            error_description: UNKNOWN_PROMOCODE,
            discount_active: false,
            promocode_activation: false,
            promocode_discount: "",
            discount_condition: "",
            promocode_uid: ZERO_GUID,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GiftCardInfo<'a> {
    gift_card: GiftCard,
    gift_card_number: &'a str,
    gift_card_value: JsonNumber,
    gift_card_balance: JsonNumber,
    blocked: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GiftCard {
    gift_card_name: &'static str,
    gift_card_ref: &'static str,
}

impl<'a> GiftCardInfo<'a> {
    fn unknown(number: &'a str) -> Self {
        GiftCardInfo {
            gift_card: GiftCard {
                gift_card_name: "",
                gift_card_ref: ZERO_GUID,
            },
            gift_card_number: number,
            gift_card_value: JsonNumber(Money::ZERO),
            gift_card_balance: JsonNumber(Money::ZERO),
            blocked: false,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GiftCardUse {
    gift_card_used: bool,
}
