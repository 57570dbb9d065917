//! Amounts and factors as a sentence for people writes them: `1 240,00` in Russian, `1,240.00` in English. The only place
//! where they become words; what programs read stays a plain decimal.

use std::fmt::Display;

use kopilka_contract::Words;

use super::Money;

/// Between thousands in Russian: a space at which no line breaks, as the till's page writes it.
const NO_BREAK: char = '\u{a0}';

/// Bonuses: `1 240,00`.
pub fn bonuses(amount: Money) -> Words {
    let plain = amount.to_string();
    let (whole, part) = plain.split_once('.').unwrap_or((&plain, "00"));
    Words::new(
        format!("{},{part}", grouped(whole, NO_BREAK)),
        format!("{}.{part}", grouped(whole, ',')),
    )
}

/// Money: `1 240,00 ₽`.
pub fn money(amount: Money) -> Words {
    let Words { ru, en } = bonuses(amount);
    Words::new(format!("{ru}{NO_BREAK}₽"), format!("₽{en}"))
}

/// A factor or a percentage in Russian: `1,5`.
pub fn factor_ru(factor: impl Display) -> String {
    factor.to_string().replace('.', ",")
}

/// Digits in threes from the right; a sign stays in front.
fn grouped(whole: &str, separator: char) -> String {
    let digits = whole.bytes().filter(u8::is_ascii_digit).count();
    let mut text = String::new();
    let mut left = digits;
    for c in whole.chars() {
        if c.is_ascii_digit() {
            if left < digits && left % 3 == 0 {
                text.push(separator);
            }
            left -= 1;
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ru(kopecks: i64) -> String {
        bonuses(Money::from_kopecks(kopecks)).ru
    }

    #[test]
    fn thousands_stand_apart_and_kopecks_follow_a_comma() {
        assert_eq!(ru(0), "0,00");
        assert_eq!(ru(10_025), "100,25");
        assert_eq!(ru(99_999), "999,99");
        assert_eq!(ru(100_000), "1\u{a0}000,00");
        assert_eq!(ru(-123_456_789), "-1\u{a0}234\u{a0}567,89");
        assert_eq!(bonuses(Money::from_kopecks(124_000_000)).en, "1,240,000.00");
    }

    #[test]
    fn money_has_its_sign_where_each_language_puts_it() {
        let Words { ru, en } = money(Money::from_kopecks(161_500));
        assert_eq!((ru.as_str(), en.as_str()), ("1\u{a0}615,00\u{a0}₽", "₽1,615.00"));
        assert_eq!(factor_ru("1.5"), "1,5");
    }
}
