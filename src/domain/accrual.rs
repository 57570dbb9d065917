//! What a receipt accrues, and why.
//!
//! `accrued = round( Σ over lines ( base × base_percent/100 × k_customer × k_item × k_time × k_amount ) )`, computed
//! exactly in integers and rounded once.

use kopilka_contract::{Factor, FactorKind, Line, Payment, Words, apportion, apportion_by_amount};
use num_bigint::BigUint;

use super::amount_words::{self, factor_ru};
use super::business_time::BusinessTime;
use super::rate::Coefficient;
use super::refusal::Refusal;
use super::terms::{Rounding, RoundingMode, Rule, RuleCondition, VenueTerms};
use super::{Money, Timestamp};

/// Most that one receipt may accrue: 1,000,000,000,000.00.
pub const MAX_ACCRUAL: Money = Money::from_kopecks(100_000_000_000_000);

/// What the accrual of a receipt depends on besides the venue's terms.
#[derive(Debug, Clone, Copy)]
pub struct Sale<'a> {
    /// When the till closed it.
    pub closed_at: Timestamp,
    /// The lines.
    pub lines: &'a [Line],
    /// The part of each line that bonuses paid.
    pub redeemed: &'a [Money],
    /// Payments other than bonuses.
    pub payments: &'a [Payment],
    /// Total after discounts, before bonuses.
    pub total: Money,
}

/// Coefficients of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CustomerCoefficients {
    /// For this venue (индивидуальный).
    pub venue: Option<Coefficient>,
    /// For the network (общий).
    pub network: Option<Coefficient>,
}

impl CustomerCoefficients {
    /// The one that applies, and where it comes from.
    pub fn deciding(self) -> (Coefficient, &'static str) {
        match (self.venue, self.network) {
            (Some(k), _) => (k, "customer:venue"),
            (None, Some(k)) => (k, "customer:network"),
            (None, None) => (Coefficient::ONE, "default"),
        }
    }
}

/// What a receipt accrues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accrual {
    /// In all.
    pub total: Money,
    /// Share of each line; they add up to `total`.
    pub shares: Vec<Money>,
    /// Every factor with its source.
    pub explanation: Vec<Factor>,
}

/// Coefficient of one line and its source.
struct ItemFactor {
    coefficient: Coefficient,
    source: String,
    words: Option<Words>,
}

/// An accrual that the till has counted itself: spread over the lines by their amounts.
///
/// # Errors
/// `accrual-too-large` above [`MAX_ACCRUAL`].
pub fn counted_by_till(lines: &[Line], total: Money) -> Result<Accrual, Refusal> {
    if total > MAX_ACCRUAL {
        return Err(Refusal::AccrualTooLarge);
    }
    let mut shares = apportion_by_amount(total, lines.iter().map(|line| line.amount));
    // Lines that cost nothing weigh nothing: the first stands for the receipt.
    let missing = total - shares.iter().copied().sum::<Money>();
    if let Some(first) = shares.first_mut() {
        *first += missing;
    }
    let total = shares.iter().copied().sum();
    let said = amount_words::bonuses(total);
    Ok(Accrual {
        total,
        shares,
        explanation: vec![Factor {
            factor: FactorKind::Note,
            value: total.to_string(),
            source: "till".to_owned(),
            lines: Vec::new(),
            words: Words::new(
                format!("Бонусы посчитала касса: {}.", said.ru),
                format!("The till has counted the bonuses itself: {}.", said.en),
            ),
        }],
    })
}

/// Computes the accrual of a sale.
///
/// # Errors
/// `accrual-too-large` above [`MAX_ACCRUAL`].
pub fn accrue(
    terms: &VenueTerms,
    customer: CustomerCoefficients,
    sale: Sale<'_>,
) -> Result<Accrual, Refusal> {
    let bases = bases(terms, sale);
    let items: Vec<ItemFactor> = sale.lines.iter().map(|line| item_factor(terms, line)).collect();
    let weights: Vec<u128> = bases
        .iter()
        .zip(&items)
        .map(|(base, item)| positive(base.kopecks()) * positive(item.coefficient.scaled()))
        .collect();
    let (k_customer, customer_source) = customer.deciding();
    let time =
        BusinessTime::new(sale.closed_at, terms.time_zone, terms.day_starts_at).deciding_rule(&terms.rules);
    let amount = amount_rule(&terms.rules, sale.total);
    let k_time = time.map_or(Coefficient::ONE, |rule| rule.coefficient);
    let k_amount = amount.map_or(Coefficient::ONE, |rule| rule.coefficient);

    let numerator = [
        terms.base_percent.scaled(),
        k_customer.scaled(),
        k_time.scaled(),
        k_amount.scaled(),
    ]
    .into_iter()
    .fold(BigUint::from(weights.iter().sum::<u128>()), |product, factor| {
        product * positive(factor)
    });
    // Scales: k_item 6, percent 4 and its hundred 2, three more coefficients of 6.
    let denominator = BigUint::from(10u32).pow(6 + 4 + 2 + 18);
    let total = round(&numerator, &denominator, terms.rounding)
        .filter(|total| *total <= MAX_ACCRUAL)
        .ok_or(Refusal::AccrualTooLarge)?;

    let mut explanation = vec![
        Factor {
            factor: FactorKind::Base,
            value: bases.iter().copied().sum::<Money>().to_string(),
            source: "receipt".to_owned(),
            lines: Vec::new(),
            words: base_words(terms, sale),
        },
        Factor {
            factor: FactorKind::BasePercent,
            value: terms.base_percent.to_string(),
            source: "venue".to_owned(),
            lines: Vec::new(),
            words: Words::new(
                format!("Базовый бонус: {} %", factor_ru(terms.base_percent)),
                format!("Base bonus: {} %", terms.base_percent),
            ),
        },
        Factor {
            factor: FactorKind::Customer,
            value: k_customer.to_string(),
            source: customer_source.to_owned(),
            lines: Vec::new(),
            words: customer_words(k_customer, customer_source),
        },
    ];
    explanation.extend(item_explanation(sale.lines, items));
    explanation.push(rule_explanation(FactorKind::Time, time));
    explanation.push(rule_explanation(FactorKind::Amount, amount));
    explanation.push(rounding_explanation(terms.rounding));
    Ok(Accrual {
        total,
        shares: apportion(total, &weights),
        explanation,
    })
}

fn positive(value: i64) -> u128 {
    u128::from(value.max(0).unsigned_abs())
}

/// What the percent is taken of, line by line.
fn bases(terms: &VenueTerms, sale: Sale<'_>) -> Vec<Money> {
    let counted: Vec<Money> = if terms.accrue_on_redeemed {
        sale.lines.iter().map(|line| line.amount).collect()
    } else {
        sale.lines
            .iter()
            .zip(sale.redeemed)
            .map(|(line, redeemed)| line.amount - *redeemed)
            .collect()
    };
    let excluded = excluded_payments(terms, sale.payments).min(counted.iter().copied().sum());
    let excluded_parts = apportion_by_amount(excluded, counted.iter().copied());
    counted
        .iter()
        .zip(excluded_parts)
        .map(|(base, part)| (*base - part).max(Money::ZERO))
        .collect()
}

fn excluded_payments(terms: &VenueTerms, payments: &[Payment]) -> Money {
    payments
        .iter()
        .filter(|p| terms.excluded_payment_kinds.contains(&p.kind))
        .map(|p| p.amount)
        .sum()
}

fn item_factor(terms: &VenueTerms, line: &Line) -> ItemFactor {
    if let Some((k, item)) = terms
        .products
        .get(&line.name)
        .and_then(|p| Some((p.coefficient?, p)))
    {
        return ItemFactor {
            coefficient: k,
            source: format!("product:{}", item.name),
            words: Some(Words::new(
                format!("Товар «{}»: × {}", item.name, factor_ru(k)),
                format!("Product “{}”: × {k}", item.name),
            )),
        };
    }
    let Some(category_id) = &line.category_id else {
        return ItemFactor::neutral();
    };
    if let Some((k, item)) = terms
        .categories
        .get(category_id)
        .and_then(|c| Some((c.coefficient?, c)))
    {
        return ItemFactor {
            coefficient: k,
            source: format!("category:{category_id}"),
            words: Some(Words::new(
                format!("Категория «{}»: × {}", item.name, factor_ru(k)),
                format!("Category “{}”: × {k}", item.name),
            )),
        };
    }
    // A category that stands in several groups takes the best of them, as a guest would expect.
    let group = terms
        .groups
        .iter()
        .filter(|g| g.category_ids.contains(category_id))
        .reduce(|best, g| if g.coefficient > best.coefficient { g } else { best });
    group.map_or_else(ItemFactor::neutral, |g| ItemFactor {
        coefficient: g.coefficient,
        source: format!("group:{}", g.name),
        words: Some(Words::new(
            format!("Общая категория «{}»: × {}", g.name, factor_ru(g.coefficient)),
            format!("Group “{}”: × {}", g.name, g.coefficient),
        )),
    })
}

impl ItemFactor {
    fn neutral() -> Self {
        ItemFactor {
            coefficient: Coefficient::ONE,
            source: "default".to_owned(),
            words: None,
        }
    }
}

/// The rule on the amount that decides: the tightest threshold of each side; of both sides, the higher coefficient.
fn amount_rule(rules: &[Rule], total: Money) -> Option<&Rule> {
    let mut over: Option<(Money, &Rule)> = None;
    let mut under: Option<(Money, &Rule)> = None;
    for rule in rules {
        match rule.condition {
            RuleCondition::ReceiptOver { amount }
                if total > amount
                    && over.is_none_or(|(best, r)| (amount, rule.coefficient) > (best, r.coefficient)) =>
            {
                over = Some((amount, rule));
            }
            RuleCondition::ReceiptUnder { amount }
                if total < amount
                    && under.is_none_or(|(best, r)| {
                        amount < best || (amount == best && rule.coefficient > r.coefficient)
                    }) =>
            {
                under = Some((amount, rule));
            }
            _ => {}
        }
    }
    match (over, under) {
        (Some((_, a)), Some((_, b))) => Some(if b.coefficient > a.coefficient { b } else { a }),
        (a, b) => a.or(b).map(|(_, rule)| rule),
    }
}

/// Rounds `numerator / denominator` kopecks to the unit; `None` where the result does not fit.
fn round(numerator: &BigUint, denominator: &BigUint, rounding: Rounding) -> Option<Money> {
    let unit = rounding.unit.kopecks();
    let step = denominator * unit;
    let zero = BigUint::from(0u32);
    let (units, rest) = (numerator / &step, numerator % &step);
    let up = match rounding.mode {
        RoundingMode::Down => false,
        RoundingMode::HalfUp => rest * 2u32 >= step,
        RoundingMode::Up => rest > zero,
    };
    let units = i64::try_from(units + u32::from(up)).ok()?;
    units
        .checked_mul(i64::try_from(unit).ok()?)
        .map(Money::from_kopecks)
}

fn base_words(terms: &VenueTerms, sale: Sale<'_>) -> Words {
    let redeemed: Money = sale.redeemed.iter().copied().sum();
    let excluded = excluded_payments(terms, sale.payments);
    let (mut ru, mut en) = (
        "Сумма, за которую начисляем".to_owned(),
        "Amount that earns".to_owned(),
    );
    if redeemed.is_positive() && !terms.accrue_on_redeemed {
        let said = amount_words::money(redeemed);
        ru += &format!(", без оплаченного бонусами ({})", said.ru);
        en += &format!(", without what bonuses paid ({})", said.en);
    }
    if excluded.is_positive() {
        let said = amount_words::money(excluded);
        ru += &format!(", без оплат, за которые бонусов не дают ({})", said.ru);
        en += &format!(", without payments that earn nothing ({})", said.en);
    }
    Words { ru, en }
}

fn customer_words(k: Coefficient, source: &str) -> Words {
    match source {
        "customer:venue" => Words::new(
            format!("Ваш коэффициент здесь: × {}", factor_ru(k)),
            format!("Your coefficient here: × {k}"),
        ),
        "customer:network" => Words::new(
            format!("Ваш коэффициент в сети: × {}", factor_ru(k)),
            format!("Your coefficient: × {k}"),
        ),
        _ => Words::new("Личного коэффициента нет: × 1", "No coefficient of your own: × 1"),
    }
}

/// One factor per source of item coefficients, with the lines that it is about.
fn item_explanation(lines: &[Line], items: Vec<ItemFactor>) -> Vec<Factor> {
    let mut factors: Vec<Factor> = Vec::new();
    for (line, item) in lines.iter().zip(items) {
        let Some(words) = item.words else { continue };
        match factors.iter_mut().find(|f| f.source == item.source) {
            Some(factor) => factor.lines.push(line.line_id.clone()),
            None => factors.push(Factor {
                factor: FactorKind::Item,
                value: item.coefficient.to_string(),
                source: item.source,
                lines: vec![line.line_id.clone()],
                words,
            }),
        }
    }
    factors
}

fn rule_explanation(factor: FactorKind, rule: Option<&Rule>) -> Factor {
    let Some(rule) = rule else {
        let words = match factor {
            FactorKind::Time => Words::new(
                "Особых часов и дней сейчас нет: × 1",
                "No special day or hour now: × 1",
            ),
            _ => Words::new(
                "Правил на сумму чека нет: × 1",
                "No rule on the receipt's amount: × 1",
            ),
        };
        return Factor {
            factor,
            value: "1".to_owned(),
            source: "default".to_owned(),
            lines: Vec::new(),
            words,
        };
    };
    let k = rule.coefficient;
    let (ru, en) = condition_words(&rule.condition);
    let words = match &rule.name {
        Some(name) => Words::new(
            format!("«{name}» ({ru}): × {}", factor_ru(k)),
            format!("“{name}” ({en}): × {k}"),
        ),
        None => Words::new(
            format!("{}: × {}", capitalised(&ru), factor_ru(k)),
            format!("{}: × {k}", capitalised(&en)),
        ),
    };
    Factor {
        factor,
        value: k.to_string(),
        source: format!("rule:{}", rule.id),
        lines: Vec::new(),
        words,
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn condition_words(condition: &RuleCondition) -> (String, String) {
    let days_ru = |days: &super::terms::Weekdays| {
        let names = ["пн", "вт", "ср", "чт", "пт", "сб", "вс"];
        let list: Vec<&str> = days
            .0
            .iter()
            .filter_map(|d| {
                names
                    .get(usize::try_from(d.num_days_from_monday()).ok()?)
                    .copied()
            })
            .collect();
        list.join(", ")
    };
    let days_en = |days: &super::terms::Weekdays| {
        days.0
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match condition {
        RuleCondition::Date { date } => (date.format("%d.%m.%Y").to_string(), date.to_string()),
        RuleCondition::Weekday { weekdays } => (days_ru(weekdays), days_en(weekdays)),
        RuleCondition::Hours { from_hour, to_hour } => (
            format!("{from_hour}:00–{to_hour}:59"),
            format!("{from_hour}:00–{to_hour}:59"),
        ),
        RuleCondition::WeekdayHours {
            weekdays,
            from_hour,
            to_hour,
        } => (
            format!("{}, {from_hour}:00–{to_hour}:59", days_ru(weekdays)),
            format!("{}, {from_hour}:00–{to_hour}:59", days_en(weekdays)),
        ),
        RuleCondition::ReceiptOver { amount } => {
            let said = amount_words::money(*amount);
            (
                format!("чек больше {}", said.ru),
                format!("receipt over {}", said.en),
            )
        }
        RuleCondition::ReceiptUnder { amount } => {
            let said = amount_words::money(*amount);
            (
                format!("чек меньше {}", said.ru),
                format!("receipt under {}", said.en),
            )
        }
    }
}

fn rounding_explanation(rounding: Rounding) -> Factor {
    let unit: Money = rounding.unit.into();
    let said = amount_words::bonuses(unit);
    let (ru, en) = match rounding.mode {
        RoundingMode::Down => ("вниз", "down"),
        RoundingMode::HalfUp => ("до ближайшего", "half up"),
        RoundingMode::Up => ("вверх", "up"),
    };
    Factor {
        factor: FactorKind::Rounding,
        value: unit.to_string(),
        source: "venue".to_owned(),
        lines: Vec::new(),
        words: Words::new(
            format!("Округляем {ru} до {}, один раз на чек", said.ru),
            format!("Rounded {en} to {}, once per receipt", said.en),
        ),
    }
}
