//! What a network sets, and what its venues override.

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

use super::Money;
use super::rate::Percent;
use super::terms::Rounding;

/// A time of day as `HH:MM`.
mod clock_time {
    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(time: &NaiveTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.format("%H:%M"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        NaiveTime::parse_from_str(&text, "%H:%M")
            .map_err(|_| serde::de::Error::custom("expected a time such as 05:00"))
    }
}

/// The same, where it may be absent.
mod optional_clock_time {
    use chrono::NaiveTime;
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    struct Given(#[serde(with = "super::clock_time")] NaiveTime);

    pub fn serialize<S: Serializer>(time: &Option<NaiveTime>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::clock_time::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveTime>, D::Error> {
        Ok(Option::<Given>::deserialize(deserializer)?.map(|given| given.0))
    }
}

/// Settings of a network; what is absent has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSettings {
    /// How an accrual is rounded.
    pub rounding: Rounding,
    /// Whether the part of a line that was paid with bonuses accrues too.
    pub accrue_on_redeemed: bool,
    /// Kinds of payments that lower the base (gift certificates).
    pub excluded_payment_kinds: Vec<String>,
    /// Border of the business day, `HH:MM`.
    #[serde(with = "clock_time")]
    pub day_starts_at: NaiveTime,
    /// Most of a receipt that bonuses may pay, in percent.
    pub redeem_max_percent: Percent,
    /// Least that stays to be paid with money.
    pub min_money_payment: Money,
    /// How long a hold lasts.
    pub hold_minutes: u32,
    /// Days that ordinary bonuses live; absent: for ever.
    pub bonus_lifetime_days: Option<u32>,
    /// Days until accrued bonuses start.
    pub accrual_delay_days: u32,
    /// Least life of bonuses that a return gives back, in days.
    pub refund_grace_days: u32,
    /// A customer without a purchase for so many days loses the balance; absent: never.
    pub inactivity_reset_days: Option<u32>,
    /// Which text of the consent guests are asked to agree to.
    pub consent_version: Option<String>,
    /// The text itself.
    pub consent_text: Option<String>,
    /// Where a guest joins by himself: the till's second screen shows it as a code.
    pub join_url: Option<String>,
    /// A till on which nothing happens for so many seconds is locked.
    pub till_idle_lock_seconds: u32,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        NetworkSettings {
            rounding: Rounding::default(),
            accrue_on_redeemed: false,
            excluded_payment_kinds: Vec::new(),
            day_starts_at: NaiveTime::MIN,
            redeem_max_percent: Percent::HUNDRED,
            min_money_payment: Money::ZERO,
            hold_minutes: 30,
            bonus_lifetime_days: None,
            accrual_delay_days: 0,
            refund_grace_days: 7,
            inactivity_reset_days: None,
            consent_version: None,
            consent_text: None,
            join_url: None,
            till_idle_lock_seconds: 600,
        }
    }
}

impl NetworkSettings {
    /// What is wrong with them, as (field, Russian, English); `None`: nothing.
    pub fn fault(&self) -> Option<(&'static str, &'static str, &'static str)> {
        limits(
            Some(self.redeem_max_percent),
            Some(self.min_money_payment),
            Some(self.hold_minutes),
        )
        .or_else(|| {
            let days = [
                ("bonus_lifetime_days", self.bonus_lifetime_days, 1),
                ("accrual_delay_days", Some(self.accrual_delay_days), 0),
                ("refund_grace_days", Some(self.refund_grace_days), 0),
                ("inactivity_reset_days", self.inactivity_reset_days, 1),
            ];
            days.into_iter()
                .find(|(_, value, least)| value.is_some_and(|v| v < *least || v > 36_500))
                .map(|(field, ..)| {
                    (
                        field,
                        "Число дней вне пределов.",
                        "The number of days is out of range.",
                    )
                })
        })
        .or_else(|| self.till_fault())
    }

    fn till_fault(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let too_long = |text: &Option<String>, most: usize| {
            text.as_ref()
                .is_some_and(|t| t.trim().is_empty() || t.chars().count() > most)
        };
        if too_long(&self.consent_version, 100) {
            return Some(("consent_version", "От 1 до 100 знаков.", "1 to 100 characters."));
        }
        if too_long(&self.consent_text, 10_000) {
            return Some(("consent_text", "От 1 до 10 000 знаков.", "1 to 10000 characters."));
        }
        let is_link = |url: &String| {
            (url.starts_with("https://") || url.starts_with("http://"))
                && url.len() <= 500
                && !url.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        if self.join_url.as_ref().is_some_and(|url| !is_link(url)) {
            return Some((
                "join_url",
                "Нужна ссылка вида https://…",
                "A link such as https://… is needed.",
            ));
        }
        if !(30..=86_400).contains(&self.till_idle_lock_seconds) {
            return Some((
                "till_idle_lock_seconds",
                "От 30 секунд до суток.",
                "30 seconds to a day.",
            ));
        }
        None
    }
}

/// What a venue overrides of its network's settings; what is absent is the network's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VenueSettings {
    /// See [`NetworkSettings::rounding`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// See [`NetworkSettings::accrue_on_redeemed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accrue_on_redeemed: Option<bool>,
    /// See [`NetworkSettings::excluded_payment_kinds`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded_payment_kinds: Option<Vec<String>>,
    /// See [`NetworkSettings::day_starts_at`].
    #[serde(with = "optional_clock_time", skip_serializing_if = "Option::is_none")]
    pub day_starts_at: Option<NaiveTime>,
    /// See [`NetworkSettings::redeem_max_percent`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redeem_max_percent: Option<Percent>,
    /// See [`NetworkSettings::min_money_payment`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_money_payment: Option<Money>,
    /// See [`NetworkSettings::hold_minutes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_minutes: Option<u32>,
    /// Most that a guest may redeem at a till that has no network; absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline_limit: Option<Money>,
    /// How long bonuses are set aside for a till that may lose its network; absent: 240.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline_permit_minutes: Option<u32>,
}

/// How long an offline allowance lives where the venue does not say.
pub const OFFLINE_PERMIT_MINUTES: u32 = 240;

impl VenueSettings {
    /// What is wrong with them, as (field, Russian, English); `None`: nothing.
    pub fn fault(&self) -> Option<(&'static str, &'static str, &'static str)> {
        limits(self.redeem_max_percent, self.min_money_payment, self.hold_minutes).or_else(|| {
            if self
                .offline_limit
                .is_some_and(|m| !(Money::ZERO..=Money::MAX_INPUT).contains(&m))
            {
                return Some((
                    "offline_limit",
                    "Сумма вне пределов.",
                    "The amount is out of range.",
                ));
            }
            if self
                .offline_permit_minutes
                .is_some_and(|m| !(1..=44_640).contains(&m))
            {
                return Some((
                    "offline_permit_minutes",
                    "От минуты до месяца.",
                    "A minute to a month.",
                ));
            }
            None
        })
    }
}

fn limits(
    redeem_max_percent: Option<Percent>,
    min_money_payment: Option<Money>,
    hold_minutes: Option<u32>,
) -> Option<(&'static str, &'static str, &'static str)> {
    if redeem_max_percent.is_some_and(|p| p > Percent::HUNDRED) {
        return Some(("redeem_max_percent", "Не больше 100 %.", "At most 100 %."));
    }
    if min_money_payment.is_some_and(|m| !(Money::ZERO..=Money::MAX_INPUT).contains(&m)) {
        return Some((
            "min_money_payment",
            "Сумма вне пределов.",
            "The amount is out of range.",
        ));
    }
    if hold_minutes.is_some_and(|m| !(1..=44_640).contains(&m)) {
        return Some(("hold_minutes", "От минуты до месяца.", "A minute to a month."));
    }
    None
}
