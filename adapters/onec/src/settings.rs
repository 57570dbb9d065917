//! What a connection of a 1C till or base can be set to.

use std::fmt;
use std::str::FromStr;

use kopilka_contract::{Guest, Money};
use serde::Deserialize;
use thiserror::Error;

use crate::commerce_ml::CommerceMlSettings;
use crate::loyalty_server::CardType;
use crate::odata::ODataSettings;

/// Settings of a 1C connection. Every field has a default; an unknown one is an error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OneCSettings {
    /// What tills and bases show beside the address: the password of their `Authorization: Basic`, with any login, or the token of
    /// a `Bearer`. Absent: the token in the address is enough.
    pub password: Option<String>,
    /// Version of the loyalty server that we claim to be. Above `3.0.5.1` tills use the newer dialogue
    /// (`findclientcard`), else the older one (`getclientbonuses`).
    pub version: Version,
    /// Whether the till is told to leave automatic discounts to us. It then asks us about every change of a receipt, and
    /// shows our messages to the cashier; discounts of its own it no longer counts, and we give none.
    pub automatic_discounts: bool,
    /// Which share of a receipt the till is told that bonuses may pay.
    pub payment_percent: PaymentPercent,
    /// For how many minutes a till locks the bonuses of a card, one to a month's; absent: as the venue sets it.
    pub lock_minutes: Option<LockMinutes>,
    /// How much a write-off may put a guest into debt, since it comes after the fiscal receipt and can't be refused;
    /// absent: the amount that was locked.
    pub debt_limit: Option<Money>,
    /// The same write-off again within so many seconds is a repetition. The till sends no id of its own.
    pub repeat_window_s: u32,
    /// Whether guests may join at the till (`issueclientcard`).
    pub issue_cards: bool,
    /// Kinds of cards that they may get there (`getcardtypes`).
    pub card_types: Vec<CardType>,
    /// What bonuses spent in a receipt in JSON mean.
    pub receipt_redemption: ReceiptRedemption,
    /// Names of kinds of payment that are bonuses.
    pub bonus_payments: BonusPayments,
    /// Whether data versions of the base have an order.
    pub data_version: DataVersion,
    /// Where the category of a line comes from.
    pub category_source: CategorySource,
    /// What is agreed about documents in CommerceML.
    pub commerce_ml: CommerceMlSettings,
    /// How the base is asked for its receipts over OData; absent: it is not.
    pub odata: Option<ODataSettings>,
    /// Numeric code of the currency that a bonus is worth one of.
    pub currency: String,
}

impl Default for OneCSettings {
    fn default() -> Self {
        OneCSettings {
            password: None,
            version: Version::default(),
            automatic_discounts: false,
            payment_percent: PaymentPercent::default(),
            lock_minutes: None,
            debt_limit: None,
            repeat_window_s: 60,
            issue_cards: true,
            card_types: CardType::usual(),
            receipt_redemption: ReceiptRedemption::default(),
            bonus_payments: BonusPayments::default(),
            data_version: DataVersion::default(),
            category_source: CategorySource::default(),
            commerce_ml: CommerceMlSettings::default(),
            odata: None,
            currency: "643".to_owned(),
        }
    }
}

impl OneCSettings {
    /// The most that bonuses may pay of a receipt, of which the rules allow so much.
    pub(crate) fn most_of(&self, total: Money, allowed: Money) -> Money {
        match self.payment_percent {
            PaymentPercent::Guest => allowed,
            PaymentPercent::Fixed(percent) => allowed.min(percent.of(total)),
        }
    }

    /// Which share of a receipt a guest's till is told that bonuses may pay.
    pub(crate) fn payment_percent_of(&self, guest: &Guest) -> Percent {
        match self.payment_percent {
            PaymentPercent::Fixed(percent) => percent,
            PaymentPercent::Guest => Percent::of_rules(&guest.redeem_max_percent),
        }
    }
}

/// How long bonuses are locked: a minute to a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct LockMinutes(u32);

/// A number of minutes for which nothing can be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("bonuses are locked for 1 to 44640 minutes, a month")]
pub struct NotLockable;

impl LockMinutes {
    /// The minutes.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for LockMinutes {
    type Error = NotLockable;

    fn try_from(minutes: u32) -> Result<Self, NotLockable> {
        match minutes {
            1..=44_640 => Ok(LockMinutes(minutes)),
            _ => Err(NotLockable),
        }
    }
}

/// A version as 1C compares them: four numbers with dots between.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Version(String);

/// A version that 1C could not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a version of a 1C library is four numbers with dots between, such as 3.0.7.84")]
pub struct NotAVersion;

impl Default for Version {
    fn default() -> Self {
        Version("3.0.7.84".to_owned())
    }
}

impl TryFrom<String> for Version {
    type Error = NotAVersion;

    fn try_from(text: String) -> Result<Self, NotAVersion> {
        let numbers: Vec<&str> = text.split('.').collect();
        let is_number =
            |part: &&str| (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if numbers.len() == 4 && numbers.iter().all(is_number) {
            Ok(Version(text))
        } else {
            Err(NotAVersion)
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which share of a receipt the till is told that bonuses may pay: `"guest"` or a percent such as `"30"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum PaymentPercent {
    /// What the ledger says for this guest at this venue.
    #[default]
    Guest,
    /// Always the same.
    Fixed(Percent),
}

impl TryFrom<String> for PaymentPercent {
    type Error = NotAPercent;

    fn try_from(text: String) -> Result<Self, NotAPercent> {
        match text.as_str() {
            "guest" => Ok(PaymentPercent::Guest),
            percent => percent.parse().map(PaymentPercent::Fixed),
        }
    }
}

/// A percent from 0 to 100 with at most two decimals, kept in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u16);

/// A text that is not a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected a percent from 0 to 100 with at most two decimals, such as \"30\"")]
pub struct NotAPercent;

impl Percent {
    /// 0 %
    pub const ZERO: Percent = Percent(0);

    /// The percent of a venue's rules, which have up to four decimals; a till is told two, and never more than the rules
    /// allow.
    fn of_rules(text: &str) -> Percent {
        let cut = match text.split_once('.') {
            Some((whole, fraction)) => format!("{whole}.{}", fraction.get(..2).unwrap_or(fraction)),
            None => text.to_owned(),
        };
        cut.parse().unwrap_or(Percent::ZERO)
    }

    /// So much of an amount, rounded down.
    fn of(self, amount: Money) -> Money {
        let kopecks = i128::from(amount.kopecks()) * i128::from(self.0) / 10_000;
        Money::from_kopecks(i64::try_from(kopecks).unwrap_or(i64::MAX))
    }

    /// The percent as a decimal number of hundredths, to be written like an amount.
    pub(crate) fn as_money(self) -> Money {
        Money::from_kopecks(i64::from(self.0))
    }
}

impl FromStr for Percent {
    type Err = NotAPercent;

    fn from_str(text: &str) -> Result<Self, NotAPercent> {
        let hundredths = Money::from_str(text).map_err(|_| NotAPercent)?.kopecks();
        match u16::try_from(hundredths) {
            Ok(hundredths @ 0..=10_000) => Ok(Percent(hundredths)),
            _ => Err(NotAPercent),
        }
    }
}

/// What bonuses spent in a receipt in JSON mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptRedemption {
    /// The till has written them off over the loyalty server: the receipt takes that write-off over.
    #[default]
    Before,
    /// Nothing was written off before: the receipt itself redeems.
    Now,
}

/// Names of kinds of payment that are bonuses, in lower case: large and small letters are the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct BonusPayments(Vec<String>);

/// A name that no kind of payment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a kind of payment in bonus_payments has a name of 1 to 100 characters")]
pub struct NotAPayment;

impl BonusPayments {
    /// Whether a payment of this kind is made with bonuses.
    pub(crate) fn has(&self, kind: &str) -> bool {
        let kind = kind.trim().to_lowercase();
        self.0.contains(&kind)
    }
}

impl Default for BonusPayments {
    /// 1C:Retail and UNF call them by the first; the others are what bases without a word of their own write.
    fn default() -> Self {
        BonusPayments(
            ["бонусы", "бонусами", "оплата бонусами"]
                .map(str::to_owned)
                .to_vec(),
        )
    }
}

impl TryFrom<Vec<String>> for BonusPayments {
    type Error = NotAPayment;

    fn try_from(names: Vec<String>) -> Result<Self, NotAPayment> {
        let names: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
        let is_name = |name: &String| (1..=100).contains(&name.chars().count());
        if names.iter().all(is_name) {
            Ok(BonusPayments(names))
        } else {
            Err(NotAPayment)
        }
    }
}

/// What `DataVersion` of a base says. Nothing is documented of it; that it is a number that grows is what bases do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataVersion {
    /// The greater one is the later.
    #[default]
    Ordered,
    /// Only whether a document has changed: what comes later is later.
    Opaque,
}

/// Where the category of a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategorySource {
    /// `item.groupId`. The group's name never is an id.
    #[default]
    GroupId,
    /// Lines have no category.
    None,
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn empty_settings_are_the_defaults() {
        assert_eq!(
            from_value::<OneCSettings>(json!({})).unwrap(),
            OneCSettings::default()
        );
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        for wrong in [
            json!({"verison": "3.0.7.84"}),
            json!({"version": "3.0"}),
            json!({"version": "3.0.x.1"}),
            json!({"payment_percent": "101"}),
            json!({"payment_percent": "-1"}),
            json!({"payment_percent": "half"}),
            json!({"receipt_redemption": "later"}),
            json!({"category_source": "group"}),
            json!({"lock_minutes": 0}),
            json!({"bonus_payments": "Бонусы"}),
            json!({"bonus_payments": ["Бонусы", " "]}),
            json!({"card_types": [{"id": "1"}]}),
            json!({"lock_minutes": 44641}),
            json!({"odata": {"url": "u", "user": "u", "overlap_hours": 4_294_967_295_u32}}),
        ] {
            assert!(from_value::<OneCSettings>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_payment_is_bonuses_by_its_name_in_large_or_small_letters() {
        let settings = |given: serde_json::Value| from_value::<OneCSettings>(given).unwrap().bonus_payments;
        let usual = settings(json!({}));
        assert!(usual.has("БОНУСЫ") && usual.has(" Оплата бонусами ") && !usual.has("Бонусная карта"));
        let own = settings(json!({"bonus_payments": ["Бонусная карта"]}));
        assert!(own.has("бонусная КАРТА") && !own.has("Бонусы"));
    }

    #[test]
    fn a_percent_of_the_rules_is_rounded_down_to_what_a_till_can_be_told() {
        for (rules, told) in [
            ("33.3333", 3333),
            ("33.339", 3333),
            ("12.5", 1250),
            ("0.0099", 0),
            ("99.9999", 9999),
            ("100", 10_000),
        ] {
            assert_eq!(Percent::of_rules(rules), Percent(told), "{rules}");
        }
    }

    #[test]
    fn a_fixed_percent_keeps_its_decimals() {
        let settings: OneCSettings = from_value(json!({"payment_percent": "12.5"})).unwrap();
        assert_eq!(settings.payment_percent, PaymentPercent::Fixed(Percent(1250)));
    }
}
