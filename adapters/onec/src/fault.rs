//! Why a document cannot be taken, so that the person who reads it knows which field to look at.

use kopilka_contract::{Money, Words, words};

/// A field at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// JSON Pointer to it.
    pub(crate) pointer: String,
    /// What is wrong.
    pub(crate) problem: Problem,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It must be there and is not.
    Missing,
    /// An object was expected.
    NotAnObject,
    /// A list was expected.
    NotAList,
    /// A text or a whole number was expected.
    NotAText,
    /// A number was expected.
    NotANumber,
    /// A number above what any receipt has.
    TooLarge,
    /// A number below zero where none can be.
    Negative,
    /// A number that must be above zero.
    NotPositive,
    /// A date was expected.
    NotADate,
    /// Neither a sale nor a return.
    UnknownOperation,
    /// Two lines have the same id.
    LineTwice,
    /// A return that does not say of which sale.
    ReturnWithoutSale,
    /// A returned line that does not say which line of the sale it is.
    ReturnedLineUnknown,
    /// The lines do not come to the total.
    TotalDiffers {
        /// What the lines come to.
        lines: Money,
        /// What the receipt says.
        total: Money,
    },
    /// The payments show that `amount` of the lines is not net of bonuses, as the contract wants it.
    LinesBeforeBonuses {
        /// What the lines come to.
        lines: Money,
        /// What was paid with money.
        paid: Money,
    },
    /// Bonuses were spent, but not on any line, and nothing shows that the lines are before bonuses.
    BonusesOnNoLine {
        /// How much was spent.
        spent: Money,
    },
}

impl Problem {
    pub(crate) fn words(&self) -> Words {
        let simple = |ru: &str, en: &str| Words::new(ru, en);
        match self {
            Problem::Missing => simple("обязательно для заполнения", "this field is required"),
            Problem::NotAnObject => simple("ожидался объект", "an object was expected"),
            Problem::NotAList => simple("ожидался список", "a list was expected"),
            Problem::NotAText => simple("ожидалась строка", "a text was expected"),
            Problem::NotANumber => simple("ожидалось число", "a number was expected"),
            Problem::TooLarge => simple("слишком большое число", "the number is too large"),
            Problem::Negative => simple(
                "число не может быть отрицательным: знак следует из вида документа",
                "the number must not be negative: the kind of the document has the sign",
            ),
            Problem::NotPositive => simple("число должно быть больше нуля", "the number must be above zero"),
            Problem::NotADate => simple(
                "ожидалась дата, например 2026-03-14T19:42:05",
                "a date was expected, such as 2026-03-14T19:42:05",
            ),
            Problem::UnknownOperation => simple(
                "ожидалось «Продажа» или «Возврат»",
                "«Продажа» (sale) or «Возврат» (return) was expected",
            ),
            Problem::LineTwice => simple(
                "такой lineId уже есть в этом документе",
                "another line of this document has the same lineId",
            ),
            Problem::ReturnWithoutSale => simple(
                "возврат без чека продажи (saleDocumentId): найдите продажу и проведите возврат вручную",
                "a return without its sale (saleDocumentId): find the sale and post the return by hand",
            ),
            Problem::ReturnedLineUnknown => simple(
                "не указано, какая строка продажи (saleLineId) или какой товар (item.id) возвращается",
                "the line does not say which line of the sale (saleLineId) or which product (item.id) it returns",
            ),
            Problem::TotalDiffers { lines, total } => words!(
                "сумма строк {lines}, а итог чека {total}",
                "the lines come to {lines}, but the total says {total}"
            ),
            Problem::LinesBeforeBonuses { lines, paid } => words!(
                "сумма строк {lines}, а деньгами оплачено {paid}: amount должен быть за вычетом бонусов",
                "the lines come to {lines}, but {paid} was paid with money: amount must be net of bonuses"
            ),
            Problem::BonusesOnNoLine { spent } => words!(
                "списано бонусов {spent}, но ни в одной строке нет bonusDiscount",
                "{spent} of bonuses was spent, but no line has bonusDiscount"
            ),
        }
    }
}

impl Fault {
    /// The whole sentence: where, and what.
    pub(crate) fn words(&self) -> Words {
        let what = self.problem.words();
        if self.pointer.is_empty() {
            return what;
        }
        let (Words { ru, en }, pointer) = (what, &self.pointer);
        words!("поле {pointer}: {ru}", "field {pointer}: {en}")
    }
}
