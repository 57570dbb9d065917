//! What is printed on the guest's receipt and said to the cashier about points. A line of a receipt has 40 characters.

use kopilka_contract::{Language, Money};

use super::answer::ReceiptLine;

/// An amount of points as people read it: `74`, `380,50`.
pub(super) fn points(amount: Money, language: Language) -> String {
    let text = amount.to_string();
    let text = text.strip_suffix(".00").unwrap_or(&text);
    match language {
        Language::Ru => text.replace('.', ","),
        Language::En => text.to_owned(),
    }
}

/// Lines for those amounts that are there.
pub(super) fn lines(of: &[(Label, Option<Money>)], language: Language) -> Vec<ReceiptLine> {
    of.iter()
        .filter_map(|(label, amount)| {
            Some(ReceiptLine {
                left: label.text(language),
                right: points((*amount)?, language),
            })
        })
        .collect()
}

/// What an amount is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Label {
    Earned,
    Spent,
    TakenBack,
    GivenBack,
    Balance,
}

impl Label {
    pub fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Label::Earned, Language::Ru) => "Начислено баллов",
            (Label::Earned, Language::En) => "Points earned",
            (Label::Spent, Language::Ru) => "Списано баллов",
            (Label::Spent, Language::En) => "Points spent",
            (Label::TakenBack, Language::Ru) => "Снято начисление",
            (Label::TakenBack, Language::En) => "Points taken back",
            (Label::GivenBack, Language::Ru) => "Возвращено баллов",
            (Label::GivenBack, Language::En) => "Points given back",
            (Label::Balance, Language::Ru) => "Баланс",
            (Label::Balance, Language::En) => "Balance",
        }
    }
}

/// The amounts above zero in one sentence: `Начислено баллов: 74. Списано баллов: 259,50.`
pub(super) fn sentence(of: &[(Label, Money)], language: Language) -> Option<String> {
    let parts: Vec<String> = of
        .iter()
        .filter(|(_, amount)| amount.is_positive())
        .map(|(label, amount)| format!("{}: {}.", label.text(language), points(*amount, language)))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}
