//! What happened in the demo network: receipts, returns, gifts, in the order of time.

use chrono::{Datelike, Duration, NaiveDate, Weekday};
use kopilka_contract::{Line, Money, Phone, Quantity};

use super::dice::Dice;
use super::menu::CategoryPlan;
use super::network::{VENUES, VenuePlan, ZONE, days_before, midnight};
use super::people::{Person, name, stranger_phone};
use crate::domain::Timestamp;

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Customers who joined.
    pub customers: usize,
    /// Customers known by telephone only.
    pub strangers: usize,
    /// Days of receipts.
    pub days: u64,
    /// Receipts of an ordinary day.
    pub receipts_per_day: u32,
}

impl Scale {
    /// The demo as it is shown.
    pub const FULL: Scale = Scale {
        customers: 1850,
        strangers: 150,
        days: 90,
        receipts_per_day: 76,
    };
}

/// Whose receipt it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guest {
    /// Nobody showed a card.
    Nobody,
    /// A customer, by his place in the list.
    Person(usize),
    /// Somebody who left a telephone and a name.
    Stranger(Phone, String),
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSale {
    /// When the till closed it.
    pub at: Timestamp,
    /// The venue, by its place in [`VENUES`].
    pub venue: usize,
    /// Whose.
    pub guest: Guest,
    /// Its transaction type.
    pub kind: &'static str,
    /// Id at its source.
    pub external_id: String,
    /// Its number of the day.
    pub number: u32,
    /// What was sold.
    pub lines: Vec<Line>,
    /// The part of `lines` that bonuses may pay for.
    pub redeemable: Money,
    /// How many hundredths of what he may redeem the guest redeems.
    pub redeem_share: i64,
    /// How the rest is paid.
    pub payment: &'static str,
    /// Who served.
    pub waiter: Option<&'static str>,
    /// How many guests.
    pub guests: Option<u32>,
    /// Where a delivery came from.
    pub advertising_source: Option<&'static str>,
}

impl PlannedSale {
    /// Total before bonuses.
    pub fn total(&self) -> Money {
        self.lines.iter().map(|line| line.amount).sum()
    }
}

/// A return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedReturn {
    /// When.
    pub at: Timestamp,
    /// The venue.
    pub venue: usize,
    /// Whose.
    pub guest: Guest,
    /// Whether the site sold it.
    pub kind: &'static str,
    /// Id of the sale at its source.
    pub sale: String,
    /// The line that comes back, one of it; `None`: everything.
    pub line_id: Option<String>,
}

/// A change of a balance without a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gift {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub person: usize,
    /// What.
    pub change: Change,
}

/// What changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Bonuses are given.
    Credit {
        /// How much.
        amount: Money,
        /// The first and the last day of a temporary bonus.
        days: Option<(NaiveDate, NaiveDate)>,
        /// The only venue that takes them.
        venue: Option<usize>,
        /// Given by a promotion, not by a person.
        promotion: bool,
        /// Why.
        comment: &'static str,
    },
    /// Bonuses are taken.
    Debit(Money, &'static str),
    /// The balance is set to zero.
    Reset(&'static str),
    /// What has expired is written down.
    Settle,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A receipt.
    Sale(Box<PlannedSale>),
    /// A return.
    Return(PlannedReturn),
    /// A change of a balance.
    Gift(Gift),
}

impl Event {
    /// When.
    pub fn at(&self) -> Timestamp {
        match self {
            Event::Sale(sale) => sale.at,
            Event::Return(back) => back.at,
            Event::Gift(gift) => gift.at,
        }
    }

    /// Whose balance it changes.
    pub fn guest(&self) -> Guest {
        match self {
            Event::Sale(sale) => sale.guest.clone(),
            Event::Return(back) => back.guest.clone(),
            Event::Gift(gift) => Guest::Person(gift.person),
        }
    }
}

/// Receipts of a hundred, by venue; of an ordinary day.
const SHARES: [u32; 3] = [36, 42, 22];
/// How busy an hour is, from 5 o'clock of the business day on.
const HOURS: [[u32; 24]; 3] = [
    [
        0, 0, 0, 0, 0, 0, 1, 6, 9, 8, 5, 4, 6, 9, 12, 13, 11, 8, 5, 3, 1, 0, 0, 0,
    ],
    [
        0, 0, 2, 9, 12, 8, 6, 9, 11, 9, 6, 6, 7, 8, 6, 4, 2, 0, 0, 0, 0, 0, 0, 0,
    ],
    [
        0, 0, 0, 0, 0, 4, 6, 7, 6, 6, 7, 8, 10, 11, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
];
const WAITERS: [&[&str]; 3] = [
    &["Мария", "Тимур", "Лена", "Артур"],
    &["Катя", "Света", "Никита"],
    &["Орлова Н.", "Белова Т."],
];
const SOURCES: [&str; 4] = ["Сайт", "Листовка", "Карты", "Друзья"];

/// How busy a weekday is, of a hundred.
fn weekday_factor(venue: usize, day: Weekday) -> u32 {
    match (venue, day) {
        (0, Weekday::Fri) => 135,
        (0, Weekday::Sat) => 155,
        (0, Weekday::Sun) => 120,
        (0, _) => 80,
        (1, Weekday::Sat | Weekday::Sun) => 80,
        (1, _) => 108,
        (_, Weekday::Sat) => 140,
        (_, Weekday::Sun) => 70,
        _ => 98,
    }
}

/// Everything that happened until `now`, the earliest first.
pub fn season(dice: &mut Dice, scale: &Scale, people: &[Person], now: Timestamp) -> Vec<Event> {
    let today = now.with_timezone(&ZONE).date_naive();
    let mut events = Vec::new();
    let mut strangers = 0;
    for days_ago in (0..=scale.days).rev() {
        let day = days_before(today, days_ago);
        for (venue, plan) in VENUES.iter().enumerate() {
            let busy = scale.receipts_per_day * SHARES[venue] * weekday_factor(venue, day.weekday()) / 10_000;
            let swing = i64::from(busy / 5);
            let count = (i64::from(busy) + dice.between(-swing, swing)).max(1);
            for number in 1..=u32::try_from(count).unwrap_or(1) {
                let mut sale = sale(dice, plan, venue, day, number);
                sale.guest = guest(dice, &sale, people, scale, days_ago, &mut strangers);
                if matches!(sale.guest, Guest::Person(_)) && dice.percent(28) {
                    sale.redeem_share = dice.between(40, 100);
                }
                if dice.percent(2) {
                    events.push(Event::Return(give_back(dice, &sale)));
                }
                events.push(Event::Sale(Box::new(sale)));
            }
        }
    }
    annas(&mut events, today, scale);
    gifts(dice, &mut events, people, today, scale);
    // What lies ahead has not happened; a minute is left for the slowest till.
    events.retain(|event| event.at() < now - Duration::minutes(1));
    events.sort_by_key(Event::at);
    events
}

fn guest(
    dice: &mut Dice,
    sale: &PlannedSale,
    people: &[Person],
    scale: &Scale,
    days_ago: u64,
    strangers: &mut usize,
) -> Guest {
    if sale.kind == "delivery" && scale.strangers > 0 && dice.percent(35) {
        let number = *strangers % scale.strangers;
        *strangers += 1;
        // The same number, the same name.
        let mut own = Dice::new(u64::try_from(number).unwrap_or(0) + 77);
        let female = own.percent(60);
        return match stranger_phone(number) {
            Some(phone) => Guest::Stranger(phone, name(&mut own, female)),
            None => Guest::Nobody,
        };
    }
    if people.len() < 2 || dice.percent(if sale.kind == "place" { 30 } else { 10 }) {
        return Guest::Nobody;
    }
    // Squared: the first of the list come much more often than the last. Anna has her own receipts.
    let r = dice.below(1000);
    let place = usize::try_from(r * r).unwrap_or(0) * (people.len() - 1) / 1_000_000 + 1;
    match people.get(place) {
        Some(person) if person.days_ago > days_ago => Guest::Person(place),
        _ => Guest::Nobody,
    }
}

fn moment(day: NaiveDate, hour: i64, minute: i64, second: i64) -> Timestamp {
    midnight(day) + Duration::hours(hour) + Duration::minutes(minute) + Duration::seconds(second)
}

fn sale(dice: &mut Dice, plan: &VenuePlan, venue: usize, day: NaiveDate, number: u32) -> PlannedSale {
    let hour = dice.weighted(HOURS[venue].iter().copied());
    let at = moment(
        day,
        i64::try_from(hour).unwrap_or(0) + 5,
        dice.between(0, 59),
        dice.between(0, 59),
    );
    let kind = match plan.types {
        // The restaurant's deliveries would come by r_keeper Delivery, which has no season here.
        [_, other] if venue != 0 && dice.percent(24) => *other,
        [usual, ..] => *usual,
        [] => "place",
    };
    let most = if venue == 1 { 3 } else { 5 };
    let guests = (venue == 0).then(|| u32::try_from(dice.between(1, 5)).unwrap_or(1));
    let count = dice.between(1, most) + i64::from(guests.unwrap_or(1) / 2);
    // Somebody has a discount of the till now and then.
    let paid_percent = if dice.percent(8) { 90 } else { 100 };
    let mut lines = Vec::new();
    let mut redeemable = Money::ZERO;
    for _ in 0..count {
        add(dice, plan, &mut lines, &mut redeemable, paid_percent);
    }
    if kind == "delivery" {
        add_delivery(plan, &mut lines);
    }
    PlannedSale {
        at,
        venue,
        guest: Guest::Nobody,
        kind,
        external_id: external_id(dice, venue),
        number,
        lines,
        redeemable,
        redeem_share: 0,
        payment: match dice.below(100) {
            0..68 => "card",
            68..97 => "cash",
            _ => "gift_certificate",
        },
        waiter: dice.pick(WAITERS[venue]).copied(),
        guests,
        advertising_source: (kind == "delivery")
            .then(|| dice.pick(&SOURCES).copied())
            .flatten(),
    }
}

/// As the venue's till makes ids.
fn external_id(dice: &mut Dice, venue: usize) -> String {
    let bits = dice.bits();
    let guid = format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        bits >> 32,
        (bits >> 16) & 0xffff,
        bits & 0xfff,
        dice.below(0x1000),
        dice.bits() & 0xffff_ffff_ffff
    );
    if venue == 0 { guid.to_uppercase() } else { guid }
}

fn add(dice: &mut Dice, plan: &VenuePlan, lines: &mut Vec<Line>, redeemable: &mut Money, paid_percent: i64) {
    let place = dice.weighted(plan.categories.iter().map(|c| c.weight));
    let Some(category) = plan.categories.get(place) else {
        return;
    };
    let Some((name, ..)) = dice.pick(category.products) else {
        return;
    };
    let pieces = if dice.percent(15) { 2 } else { 1 };
    if let Some(line) = line(plan, category, name, lines.len() + 1, pieces, paid_percent) {
        if category.redeemable {
            *redeemable += line.amount;
        }
        lines.push(line);
    }
}

fn add_delivery(plan: &VenuePlan, lines: &mut Vec<Line>) {
    let category = plan.categories.iter().find(|c| c.till_id == "delivery");
    let free = lines.iter().map(|l| l.amount).sum::<Money>() >= Money::from_kopecks(150_000);
    if let Some(category) = category.filter(|_| !free) {
        lines.extend(line(plan, category, "Доставка", lines.len() + 1, 1, 100));
    }
}

fn line(
    plan: &VenuePlan,
    category: &CategoryPlan,
    name: &str,
    number: usize,
    pieces: i64,
    paid_percent: i64,
) -> Option<Line> {
    let (product_id, _, price) = plan.product(name)?;
    Some(Line {
        line_id: number.to_string(),
        name: name.to_owned(),
        product_id: Some(product_id),
        category_id: Some(category.till_id.to_owned()),
        category_name: Some(category.name.to_owned()),
        quantity: Quantity::from_thousandths(pieces * 1000),
        price: Some(price),
        amount: Money::from_kopecks(price.kopecks() * pieces * paid_percent / 100),
        redeemed: None,
    })
}

fn give_back(dice: &mut Dice, sale: &PlannedSale) -> PlannedReturn {
    // A restaurant cancels at once what a shop takes back after days.
    let minutes = if sale.venue == 2 {
        dice.between(600, 8000)
    } else {
        dice.between(3, 25)
    };
    let whole = sale.lines.len() < 2 || dice.percent(30);
    PlannedReturn {
        at: sale.at + Duration::minutes(minutes),
        venue: sale.venue,
        guest: sale.guest.clone(),
        kind: sale.kind,
        sale: sale.external_id.clone(),
        line_id: dice
            .pick(&sale.lines)
            .filter(|_| !whole)
            .map(|l| l.line_id.clone()),
    }
}

/// Anna's own receipts: the same in every demo.
fn annas(events: &mut Vec<Event>, today: NaiveDate, scale: &Scale) {
    const RECEIPTS: [(u64, i64, usize, &[&str]); 6] = [
        (71, 13, 1, &["Бизнес-ланч", "Капучино"]),
        (47, 19, 0, &["Борщ", "Котлета по-киевски", "Морс клюквенный"]),
        (30, 9, 1, &["Сырники", "Латте"]),
        (16, 20, 0, &["Цезарь с курицей", "Медовик", "Чай в чайнике"]),
        (9, 12, 2, &["Иван-чай, 100 г", "Мёд липовый, 500 г"]),
        (3, 13, 1, &["Бизнес-ланч", "Эклер", "Капучино"]),
    ];
    for (number, (days_ago, hour, venue, products)) in RECEIPTS.into_iter().enumerate() {
        if days_ago > scale.days {
            continue;
        }
        let plan = &VENUES[venue];
        let mut lines: Vec<Line> = Vec::new();
        for product in products {
            let category = plan
                .categories
                .iter()
                .find(|c| c.products.iter().any(|(name, ..)| name == product));
            if let Some(category) = category {
                lines.extend(line(plan, category, product, lines.len() + 1, 1, 100));
            }
        }
        events.push(Event::Sale(Box::new(PlannedSale {
            at: moment(days_before(today, days_ago), hour, 17, 5),
            venue,
            guest: Guest::Person(0),
            kind: "place",
            external_id: external_id(&mut Dice::new(u64::try_from(number).unwrap_or(0) + 9000), venue),
            number: 900,
            lines,
            redeemable: Money::ZERO,
            redeem_share: 0,
            payment: "card",
            waiter: WAITERS[venue].first().copied(),
            guests: None,
            advertising_source: None,
        })));
    }
}

/// Bonuses that are given and taken without a receipt.
fn gifts(dice: &mut Dice, events: &mut Vec<Event>, people: &[Person], today: NaiveDate, scale: &Scale) {
    let after = |day: NaiveDate, days: u64| day + Duration::days(i64::try_from(days).unwrap_or(0));
    let mut push = |days_ago: u64, hour: i64, person: usize, change: Change| {
        if days_ago <= scale.days {
            let at = moment(
                days_before(today, days_ago),
                hour,
                i64::try_from(person % 60).unwrap_or(0),
                0,
            );
            events.push(Event::Gift(Gift { at, person, change }));
        }
    };
    let gift = |roubles: i64, days, venue, comment| Change::Credit {
        amount: Money::from_kopecks(roubles * 100),
        days,
        venue,
        promotion: true,
        comment,
    };
    for (place, person) in people.iter().enumerate().skip(1) {
        if person.days_ago <= scale.days {
            push(
                person.days_ago,
                11,
                place,
                gift(200, None, None, "Приветственный бонус"),
            );
        }
        if let Some(days_ago) = birthday_days_ago(person, today)
            && days_ago < person.days_ago
        {
            let day = days_before(today, days_ago);
            let days = Some((day, after(day, 13)));
            push(days_ago, 5, place, gift(300, days, None, "С днём рождения!"));
            // What burnt is written down in the night after its last day.
            if days_ago > 14 {
                push(days_ago - 14, 1, place, Change::Settle);
            }
        }
        if place % 12 == 5 && person.days_ago > 45 {
            let day = days_before(today, 45);
            push(
                45,
                8,
                place,
                gift(150, Some((day, after(day, 20))), None, "Возвращайтесь"),
            );
            push(24, 2, place, Change::Settle);
        }
        if place % 30 == 9 && person.days_ago > 20 {
            let day = days_before(today, 20);
            push(
                20,
                8,
                place,
                gift(100, Some((day, after(day, 40))), Some(2), "Знакомство с лавкой"),
            );
        }
        if place % 60 == 13 && person.days_ago > 2 {
            let days = Some((after(today, 7), after(today, 14)));
            push(2, 9, place, gift(250, days, None, "Скоро праздник"));
        }
        if place % 90 == 21 && person.days_ago > 60 {
            push(
                u64::try_from(dice.between(1, 59)).unwrap_or(1),
                15,
                place,
                Change::Credit {
                    amount: Money::from_kopecks(dice.between(1, 5) * 10_000),
                    days: None,
                    venue: None,
                    promotion: false,
                    comment: "Извинение за долгое ожидание",
                },
            );
        }
        if place % 300 == 33 {
            push(
                12,
                16,
                place,
                Change::Debit(Money::from_kopecks(5_000), "Начислено по ошибке"),
            );
        }
        if place % 900 == 66 {
            push(6, 16, place, Change::Reset("По просьбе клиента"));
        }
    }
}

/// How long ago the last birthday was; `None`: it is not known, or longer ago than the demo reaches.
fn birthday_days_ago(person: &Person, today: NaiveDate) -> Option<u64> {
    let birthday = person.birthday?;
    let this_year = birthday.with_year(today.year())?;
    let last = if this_year <= today {
        this_year
    } else {
        birthday.with_year(today.year() - 1)?
    };
    u64::try_from((today - last).num_days()).ok().filter(|d| *d < 90)
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Timelike, Utc};

    use super::super::people::people;
    use super::*;

    #[test]
    fn a_season_has_everything_and_is_the_same_again() {
        let now = Utc.with_ymd_and_hms(2026, 11, 22, 15, 0, 0).unwrap();
        let make = || {
            let mut dice = Dice::new(2026);
            let people = people(&mut dice, Scale::FULL.customers, now.date_naive());
            season(&mut dice, &Scale::FULL, &people, now)
        };
        let events = make();
        assert!(events == make());
        assert!(events.iter().all(|e| e.at() < now));
        let sales: Vec<&PlannedSale> = events
            .iter()
            .filter_map(|e| match e {
                Event::Sale(sale) => Some(&**sale),
                _ => None,
            })
            .collect();
        assert!((6000..8000).contains(&sales.len()), "{}", sales.len());
        for sale in &sales {
            let hour = sale.at.with_timezone(&ZONE).hour();
            assert!(sale.venue == 0 || (7..=21).contains(&hour), "{sale:?}");
            assert!(sale.total().is_positive() && sale.redeemable <= sale.total());
        }
        let strangers = sales.iter().filter(|s| matches!(s.guest, Guest::Stranger(..)));
        assert!(strangers.count() >= Scale::FULL.strangers);
        let known = sales.iter().filter(|s| s.guest != Guest::Nobody).count();
        assert!(known * 100 / sales.len() > 50);
        for kind in ["place", "delivery", "online"] {
            assert!(sales.iter().any(|s| s.kind == kind), "{kind}");
        }
        assert!(events.iter().filter(|e| matches!(e, Event::Return(_))).count() > 50);
        let settles = events
            .iter()
            .filter(|e| matches!(e, Event::Gift(gift) if gift.change == Change::Settle));
        assert!(settles.count() > 100);
    }
}
