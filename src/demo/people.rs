//! The demo's customers.

use chrono::{Datelike, NaiveDate};
use kopilka_contract::{CustomerStatus, Phone};

use super::dice::Dice;
use super::network::{VENUES, coefficient, days_before};
use crate::domain::rate::Coefficient;
use crate::storage::cards::{CardKind, CardStatus};

/// The guest of every example: his card, telephone and name never change.
pub const ANNA_CARD: &str = "9000000017";
/// Her id in the network's own customer base.
pub const ANNA_ID: &str = "crm-1042";
/// Her telephone.
pub const ANNA_PHONE: &str = "+79215550117";
/// Her name.
pub const ANNA_NAME: &str = "Анна К.";

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Id in the network's own customer base.
    pub external_id: Option<&'static str>,
    /// Standing.
    pub status: CustomerStatus,
    /// Name.
    pub name: String,
    /// Telephone.
    pub phone: Option<Phone>,
    /// E-mail.
    pub email: Option<String>,
    /// Whether a woman.
    pub female: bool,
    /// Birthday.
    pub birthday: Option<NaiveDate>,
    /// Coefficient for the network.
    pub coefficient: Option<Coefficient>,
    /// Coefficient for a venue, by its place in [`VENUES`].
    pub venue_coefficient: Option<(usize, Coefficient)>,
    /// Cards, the newest last. One that works is what he shows at tills.
    pub cards: Vec<PlannedCard>,
    /// Where he joined, by its place in [`VENUES`].
    pub venue: usize,
    /// How many days ago he joined.
    pub days_ago: u64,
    /// A note for cashiers.
    pub cashier_note: Option<&'static str>,
}

/// A card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCard {
    /// Its number.
    pub number: String,
    /// What it is made of.
    pub kind: CardKind,
    /// Whether it works. A replaced one was replaced by the next.
    pub status: CardStatus,
}

impl Person {
    /// The card that he shows at tills.
    pub fn working_card(&self) -> Option<&str> {
        self.cards
            .iter()
            .rev()
            .find(|c| c.status == CardStatus::Active)
            .map(|c| c.number.as_str())
    }
}

const WOMEN: &[&str] = &[
    "Анна",
    "Мария",
    "Елена",
    "Ольга",
    "Наталья",
    "Екатерина",
    "Татьяна",
    "Ирина",
    "Светлана",
    "Юлия",
    "Дарья",
    "Алина",
    "Вера",
    "Полина",
    "Ксения",
    "Людмила",
    "Галина",
    "Надежда",
    "Софья",
    "Валентина",
];
const MEN: &[&str] = &[
    "Александр",
    "Сергей",
    "Дмитрий",
    "Алексей",
    "Андрей",
    "Михаил",
    "Иван",
    "Павел",
    "Николай",
    "Владимир",
    "Артём",
    "Максим",
    "Егор",
    "Кирилл",
    "Илья",
    "Роман",
    "Олег",
    "Виктор",
    "Константин",
    "Юрий",
];
/// Those that a woman's form is made of by adding one letter.
const SURNAMES: &[&str] = &[
    "Иванов",
    "Смирнов",
    "Кузнецов",
    "Попов",
    "Васильев",
    "Петров",
    "Соколов",
    "Михайлов",
    "Новиков",
    "Фёдоров",
    "Морозов",
    "Волков",
    "Алексеев",
    "Лебедев",
    "Семёнов",
    "Егоров",
    "Павлов",
    "Козлов",
    "Степанов",
    "Николаев",
    "Орлов",
    "Андреев",
    "Макаров",
    "Никитин",
    "Захаров",
    "Зайцев",
    "Соловьёв",
    "Борисов",
    "Яковлев",
    "Григорьев",
    "Романов",
    "Воробьёв",
    "Сергеев",
    "Кузьмин",
    "Фролов",
    "Александров",
    "Дмитриев",
    "Королёв",
    "Гусев",
    "Киселёв",
    "Ильин",
    "Максимов",
    "Поляков",
    "Сорокин",
    "Виноградов",
    "Ковалёв",
    "Белов",
    "Медведев",
    "Антонов",
    "Тарасов",
];
const NOTES: &[&str] = &[
    "Аллергия на орехи",
    "Просит столик у окна",
    "Постоянный гость: предложить десерт",
    "Приходит с собакой",
];

/// Customers of the network on a day: Anna first, then those who joined, those who come often before the others. Those
/// known by telephone only are not among them: the ledger meets them at the till.
pub fn people(dice: &mut Dice, count: usize, today: NaiveDate) -> Vec<Person> {
    let mut people = Vec::with_capacity(count);
    people.push(anna());
    for number in 1..count {
        people.push(person(dice, number, today));
    }
    people
}

fn anna() -> Person {
    Person {
        external_id: Some(ANNA_ID),
        status: CustomerStatus::Registered,
        name: ANNA_NAME.to_owned(),
        phone: Phone::parse(ANNA_PHONE),
        email: None,
        female: true,
        birthday: None,
        coefficient: Some(coefficient("2")),
        venue_coefficient: None,
        cards: vec![PlannedCard {
            number: ANNA_CARD.to_owned(),
            kind: CardKind::Plastic,
            status: CardStatus::Active,
        }],
        venue: 1,
        days_ago: 400,
        cashier_note: None,
    }
}

fn person(dice: &mut Dice, number: usize, today: NaiveDate) -> Person {
    let female = dice.percent(58);
    let name = name(dice, female);
    let birthday = match number {
        // Somebody has his birthday today, and somebody tomorrow.
        1 => born(today, 34),
        2 => today.succ_opt().and_then(|day| born(day, 41)),
        _ if dice.percent(60) => {
            let age = u64::try_from(dice.between(18 * 365, 70 * 365)).unwrap_or_default();
            Some(days_before(today, age))
        }
        _ => None,
    };
    // And some more tomorrow, so that a till has somebody to be reminded of.
    let birthday = match number {
        12..15 => today.succ_opt().and_then(|day| born(day, 29)),
        _ => birthday,
    };
    let status = if dice.percent(1) && number > 10 {
        CustomerStatus::Blocked
    } else {
        CustomerStatus::Registered
    };
    // Most are old hands; the rest joined while the demo's receipts were made.
    let days_ago = if dice.percent(25) && number > 10 {
        dice.between(1, 89)
    } else {
        dice.between(90, 800)
    };
    Person {
        external_id: None,
        status,
        name,
        phone: dice
            .percent(92)
            .then(|| Phone::parse(&format!("+7921555{:04}", number + 1000)))
            .flatten(),
        email: dice.percent(30).then(|| format!("guest{number}@example.com")),
        female,
        birthday,
        coefficient: (number % 25 == 3)
            .then(|| coefficient(if number.is_multiple_of(2) { "1.5" } else { "1.2" })),
        venue_coefficient: (number % 40 == 7).then(|| {
            (
                dice.index(VENUES.len()),
                coefficient(if number % 80 == 7 { "2" } else { "0" }),
            )
        }),
        cards: cards(dice, number),
        venue: dice.weighted([3, 5, 2].into_iter()),
        days_ago: u64::try_from(days_ago).unwrap_or_default(),
        cashier_note: (number % 50 == 11).then(|| dice.pick(NOTES).copied()).flatten(),
    }
}

fn cards(dice: &mut Dice, number: usize) -> Vec<PlannedCard> {
    let card = |number, kind, status| PlannedCard { number, kind, status };
    let plastic = format!("{}", 9_000_100_000 + number * 7);
    let virtual_number = format!("2000{:012}", number * 1_000_003 % 1_000_000_000_000);
    match dice.below(100) {
        0..55 => vec![card(plastic, CardKind::Plastic, CardStatus::Active)],
        55..90 => vec![card(virtual_number, CardKind::Virtual, CardStatus::Active)],
        90..96 => vec![
            card(plastic, CardKind::Plastic, CardStatus::Active),
            card(virtual_number, CardKind::Virtual, CardStatus::Active),
        ],
        96..98 => vec![
            card(plastic, CardKind::Plastic, CardStatus::Replaced),
            card(virtual_number, CardKind::Virtual, CardStatus::Active),
        ],
        _ => vec![
            card(plastic, CardKind::Plastic, CardStatus::Blocked),
            card(virtual_number, CardKind::Virtual, CardStatus::Active),
        ],
    }
}

/// A name of a woman or a man.
pub(super) fn name(dice: &mut Dice, female: bool) -> String {
    let first = dice
        .pick(if female { WOMEN } else { MEN })
        .copied()
        .unwrap_or_default();
    let last = dice.pick(SURNAMES).copied().unwrap_or_default();
    format!("{first} {last}{}", if female { "а" } else { "" })
}

/// The day so many years ago; the 29th of February becomes the 28th where it must.
fn born(day: NaiveDate, age: i32) -> Option<NaiveDate> {
    let year = day.year() - age;
    day.with_year(year)
        .or_else(|| NaiveDate::from_ymd_opt(year, day.month(), 28))
}

/// A telephone of somebody who has not joined.
pub(super) fn stranger_phone(number: usize) -> Option<Phone> {
    Phone::parse(&format!("+7921556{:04}", number % 10_000))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_their_own_and_the_two_birthdays_are_there() {
        let today = NaiveDate::from_ymd_opt(2028, 2, 28).unwrap();
        let people = people(&mut Dice::new(1), 2000, today);
        assert_eq!(people.len(), 2000);
        let cards: Vec<&str> = people
            .iter()
            .flat_map(|p| p.cards.iter().map(|c| c.number.as_str()))
            .collect();
        assert_eq!(cards.iter().collect::<HashSet<_>>().len(), cards.len());
        let phones: Vec<&Phone> = people.iter().filter_map(|p| p.phone.as_ref()).collect();
        assert_eq!(phones.iter().collect::<HashSet<_>>().len(), phones.len());
        let day = |p: &Person| p.birthday.map(|b| (b.month(), b.day()));
        assert_eq!(day(&people[1]), Some((2, 28)));
        assert_eq!(day(&people[2]), Some((2, 28)), "1987 had no 29th of February");
        assert!(people.iter().all(|p| p.working_card().is_some()));
        for status in [CustomerStatus::Registered, CustomerStatus::Blocked] {
            assert!(people.iter().any(|p| p.status == status));
        }
        assert_eq!(people, super::people(&mut Dice::new(1), 2000, today));
    }
}
