//! The shape of the golden files.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveTime};
use kopilka::domain::rate::{Coefficient, Percent};
use kopilka::domain::terms::{Rounding, RuleCondition};
use kopilka_contract::{Line, Money, Quantity};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Venue {
    pub base_percent: Percent,
    pub time_zone: chrono_tz::Tz,
    #[serde(default)]
    pub day_starts_at: Option<String>,
    #[serde(default)]
    pub rules: Vec<Rule>,
    #[serde(default)]
    pub category_coefficients: BTreeMap<String, Coefficient>,
    #[serde(default)]
    pub product_coefficients: BTreeMap<String, Coefficient>,
    #[serde(default)]
    pub groups: Vec<Group>,
    #[serde(default)]
    pub not_redeemable_category_ids: Vec<String>,
    #[serde(default)]
    pub accrue_on_redeemed: bool,
    #[serde(default)]
    pub rounding: Rounding,
    #[serde(default)]
    pub redeem_max_percent: Option<Percent>,
    #[serde(default)]
    pub min_money_payment: Option<Money>,
}

impl Venue {
    pub fn day_starts_at(&self) -> NaiveTime {
        self.day_starts_at.as_deref().map_or(NaiveTime::MIN, |text| {
            NaiveTime::parse_from_str(text, "%H:%M").unwrap()
        })
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Rule {
    #[serde(flatten)]
    pub condition: serde_json::Map<String, serde_json::Value>,
}

impl Rule {
    pub fn coefficient(&self) -> Coefficient {
        serde_json::from_value(self.condition["coefficient"].clone()).unwrap()
    }

    pub fn condition(&self) -> RuleCondition {
        let mut condition = self.condition.clone();
        condition.remove("coefficient");
        serde_json::from_value(condition.into()).unwrap()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub name: String,
    pub category_ids: Vec<String>,
    pub coefficient: Coefficient,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    #[serde(default)]
    pub network_coefficient: Option<Coefficient>,
    #[serde(default)]
    pub venue_coefficient: Option<Coefficient>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    pub closed_at: DateTime<FixedOffset>,
    pub redeem: Money,
    pub lines: Vec<ReceiptLine>,
}

impl Receipt {
    pub fn lines(&self) -> Vec<Line> {
        self.lines
            .iter()
            .enumerate()
            .map(|(i, l)| Line {
                line_id: (i + 1).to_string(),
                name: l.name.clone(),
                product_id: None,
                category_id: Some(l.category_id.clone()),
                category_name: None,
                quantity: l.quantity,
                price: None,
                amount: l.amount,
                redeemed: None,
            })
            .collect()
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptLine {
    pub name: String,
    pub category_id: String,
    pub quantity: Quantity,
    pub amount: Money,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccrualCase {
    pub name: String,
    pub venue: Venue,
    pub customer: Customer,
    pub receipt: Receipt,
    pub expect: ExpectedAccrual,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedAccrual {
    pub accrued: Money,
    pub line_accrued: Vec<Money>,
    pub line_redeemed: Vec<Money>,
    pub customer_coefficient: String,
    pub time_coefficient: String,
    pub amount_coefficient: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    pub name: String,
    pub venue: Venue,
    pub settings: NetworkSettings,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings {
    pub refund_grace_days: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    pub at: DateTime<FixedOffset>,
    #[serde(flatten)]
    pub action: Action,
    pub expect: ExpectedState,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    Credit {
        amount: Money,
        #[serde(default)]
        starts_at: Option<DateTime<FixedOffset>>,
        #[serde(default)]
        expires_at: Option<DateTime<FixedOffset>>,
        #[serde(default)]
        venue: Option<String>,
    },
    Hold {
        hold: String,
        amount: Money,
        minutes: u32,
    },
    Void {
        hold: String,
    },
    Sale {
        receipt_id: String,
        receipt: Receipt,
        #[serde(default)]
        hold: Option<String>,
    },
    Return {
        receipt_id: String,
        quantities: Vec<Quantity>,
    },
    Reset,
    Wait,
}

/// What a step must leave behind.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedState {
    pub balance: Money,
    pub available: Money,
    pub held: Money,
    pub pending: Money,
    pub debt: Money,
    #[serde(default)]
    pub accrued: Option<Money>,
    #[serde(default)]
    pub redeemed: Option<Money>,
    #[serde(default)]
    pub accrual_undone: Option<Money>,
    #[serde(default)]
    pub redemption_undone: Option<Money>,
    #[serde(default)]
    pub error: Option<String>,
}
