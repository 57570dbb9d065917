//! What a venue has set, made ready for deciding: one immutable value per venue, cached by version.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::ids::{NetworkId, VenueId};
use super::rate::{Coefficient, Percent};
use super::{Money, Timestamp};

/// Everything of a network and a venue that a receipt's outcome depends on.
#[derive(Debug, Clone)]
pub struct VenueTerms {
    /// The network.
    pub network: NetworkId,
    /// The venue.
    pub venue: VenueId,
    /// The venue's name, for explanations.
    pub name: String,
    /// The venue's zone: rules look at its wall clock.
    pub time_zone: Tz,
    /// The border of `date` and `weekday` rules and of 'today'.
    pub day_starts_at: NaiveTime,
    /// Base bonus.
    pub base_percent: Percent,
    /// Rules on time and amount.
    pub rules: Vec<Rule>,
    /// Terms of products by exact name.
    pub products: HashMap<String, ItemTerms>,
    /// Terms of categories by the till's id.
    pub categories: HashMap<String, ItemTerms>,
    /// Groups of categories.
    pub groups: Vec<GroupTerms>,
    /// Whether the part of a line that was paid with bonuses counts too.
    pub accrue_on_redeemed: bool,
    /// Payments of these kinds lower the base (gift certificates).
    pub excluded_payment_kinds: Vec<String>,
    /// How an accrual is rounded.
    pub rounding: Rounding,
    /// Most of a receipt that bonuses may pay.
    pub redeem_max_percent: Percent,
    /// Least that stays to be paid with money.
    pub min_money_payment: Money,
    /// How long a hold lasts.
    pub hold_minutes: u32,
    /// Transaction type of a receipt that names none.
    pub default_type: String,
    /// Transaction types that a receipt may name.
    pub types: Vec<String>,
    /// Since when the venue is out of use.
    pub archived_at: Option<Timestamp>,
    /// Days that ordinary bonuses live; `None`: for ever.
    pub bonus_lifetime_days: Option<u32>,
    /// Days until accrued bonuses start.
    pub accrual_delay_days: u32,
    /// Least life of bonuses that a return gives back.
    pub refund_grace_days: u32,
}

/// What a product or category has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemTerms {
    /// Its name, for explanations.
    pub name: String,
    /// Its coefficient, if set. Zero is set.
    pub coefficient: Option<Coefficient>,
    /// Whether bonuses may pay for it.
    pub redeemable: bool,
}

/// A group of categories (общая категория).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupTerms {
    /// Its name.
    pub name: String,
    /// The till's ids of its categories.
    pub category_ids: Vec<String>,
    /// Its coefficient.
    pub coefficient: Coefficient,
}

/// A rule of a venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id in text form (`rul_…`), or any name that explains it.
    pub id: String,
    /// Its name for people, if it has one.
    pub name: Option<String>,
    /// When it matches.
    pub condition: RuleCondition,
    /// What it multiplies by.
    pub coefficient: Coefficient,
}

/// When a rule matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RuleCondition {
    /// One business date.
    Date {
        /// The date.
        date: NaiveDate,
    },
    /// Weekdays of the business day.
    Weekday {
        /// `mon` … `sun`, or 1 (Monday) … 7.
        weekdays: Weekdays,
    },
    /// Whole hours of the wall clock, both inclusive; may wrap over midnight.
    Hours {
        /// First hour, 0-23.
        from_hour: u32,
        /// Last hour, 0-23.
        to_hour: u32,
    },
    /// Both; a window over midnight belongs to the day on which it began.
    WeekdayHours {
        /// Weekdays.
        weekdays: Weekdays,
        /// First hour, 0-23.
        from_hour: u32,
        /// Last hour, 0-23.
        to_hour: u32,
    },
    /// Receipt's total after discounts and before bonuses is above the amount.
    ReceiptOver {
        /// The threshold, exclusive.
        amount: Money,
    },
    /// Receipt's total is below the amount.
    ReceiptUnder {
        /// The threshold, exclusive.
        amount: Money,
    },
}

/// A set of weekdays. JSON: a list of names (`"mon"`, `"Monday"`) or numbers 1 (Monday) to 7 (Sunday).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weekdays(pub Vec<Weekday>);

impl Weekdays {
    /// Whether the set has the day.
    pub fn has(&self, day: Weekday) -> bool {
        self.0.contains(&day)
    }
}

impl Serialize for Weekdays {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|day| day.to_string().to_lowercase()))
    }
}

impl<'de> Deserialize<'de> for Weekdays {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Name(String),
            Number(u8),
        }
        let wrong =
            || serde::de::Error::custom("a weekday is mon, tue, wed, thu, fri, sat, sun or 1 (Monday) to 7");
        let mut days = Vec::<Given>::deserialize(deserializer)?
            .into_iter()
            .map(|given| match given {
                Given::Name(name) => name.parse::<Weekday>().map_err(|_| wrong()),
                Given::Number(number @ 1..=7) => Weekday::try_from(number - 1).map_err(|_| wrong()),
                Given::Number(_) => Err(wrong()),
            })
            .collect::<Result<Vec<_>, D::Error>>()?;
        if days.is_empty() {
            return Err(wrong());
        }
        days.sort_by_key(Weekday::num_days_from_monday);
        days.dedup();
        Ok(Weekdays(days))
    }
}

/// How an accrual is rounded, once, on the receipt's sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rounding {
    /// `0.01`, `0.10`, `1.00` or `10.00`.
    pub unit: RoundingUnit,
    /// Which way.
    pub mode: RoundingMode,
}

impl Default for Rounding {
    fn default() -> Self {
        Rounding {
            unit: RoundingUnit(Money::from_kopecks(1)),
            mode: RoundingMode::Down,
        }
    }
}

/// 0.01, 0.10, 1.00 or 10.00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Money", into = "Money")]
pub struct RoundingUnit(Money);

impl RoundingUnit {
    /// The unit in kopecks, above zero.
    pub fn kopecks(self) -> u64 {
        self.0.kopecks().unsigned_abs().max(1)
    }
}

impl TryFrom<Money> for RoundingUnit {
    type Error = String;
    fn try_from(unit: Money) -> Result<Self, String> {
        match unit.kopecks() {
            1 | 10 | 100 | 1000 => Ok(RoundingUnit(unit)),
            _ => Err("a rounding unit is 0.01, 0.10, 1.00 or 10.00".to_owned()),
        }
    }
}

impl From<RoundingUnit> for Money {
    fn from(unit: RoundingUnit) -> Money {
        unit.0
    }
}

/// Which way an accrual is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundingMode {
    /// Towards zero.
    Down,
    /// To the nearest, halves up.
    HalfUp,
    /// Away from zero.
    Up,
}
