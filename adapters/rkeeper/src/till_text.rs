//! Words that a till can show. The DLL keeps them in Windows-1251 strings of a fixed size, the ending zero included
//! (sizes: vendor's «Extdll6» text; the code page is an assumption).

use chrono::NaiveDate;
use kopilka_contract::{CashierMessage, Language, Money};

/// Longest `Holder`, in characters.
pub(crate) const HOLDER: usize = 39;
/// Longest `WhyLock`, `DopInfo`, `ScrMessage`, `PrnMessage`; taken for `err_text` and `slip` too.
pub(crate) const MESSAGE: usize = 255;

/// Letters and signs of Windows-1251 above ASCII, А to я apart.
const WINDOWS_1251: &str = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕї";

/// One line that a till can show: characters of Windows-1251 only, no breaks, not longer than `limit`.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(safe)
        .filter(|word| !word.is_empty())
        .collect();
    cut(&words.join(" "), limit)
}

/// Several lines, one under another.
pub(crate) fn lines(texts: &[String], limit: usize) -> String {
    let lines: Vec<String> = texts.iter().map(|text| line(text, limit)).collect();
    cut(&lines.join("\n"), limit)
}

/// An amount as people write it: `1240,00` in Russian, `1240.00` in English.
pub(crate) fn amount(amount: Money, language: Language) -> String {
    let text = amount.to_string();
    match language {
        Language::Ru => text.replace('.', ","),
        Language::En => text,
    }
}

/// A date as people write it.
pub(crate) fn date(date: NaiveDate, language: Language) -> String {
    match language {
        Language::Ru => date.format("%d.%m.%Y").to_string(),
        Language::En => date.format("%Y-%m-%d").to_string(),
    }
}

/// What the cashier should say or do, each thing once.
pub(crate) fn messages<'a>(
    messages: impl IntoIterator<Item = &'a CashierMessage>,
    language: Language,
) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for message in messages {
        let text = message.text.in_language(language);
        if !texts.iter().any(|known| known == text) {
            texts.push(text.to_owned());
        }
    }
    texts
}

fn cut(text: &str, limit: usize) -> String {
    let cut: String = text.chars().take(limit).collect();
    cut.trim_end().to_owned()
}

/// The sign of the rouble is spelt out, a foreign letter becomes `?` as Windows itself would do it, and pictures are
/// left out.
fn safe(word: &str) -> String {
    let mut safe = String::with_capacity(word.len());
    for c in word.chars() {
        match c {
            '₽' => safe.push_str("руб."),
            ' '..='~' | 'А'..='я' => safe.push(c),
            _ if WINDOWS_1251.contains(c) => safe.push(c),
            _ if c.is_alphabetic() => safe.push('?'),
            _ => {}
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_till_gets_only_what_it_can_show() {
        for (text, shown) in [
            ("С днём рождения! 🎂", "С днём рождения!"),
            ("Скидка 100\u{a0}₽ — №1 «Ёлка»", "Скидка 100 руб. — №1 «Ёлка»"),
            ("Әсел José", "?сел Jos?"),
            ("две\r\nстроки\t\u{0}\u{7}", "две строки"),
        ] {
            assert_eq!(line(text, MESSAGE), shown);
        }
    }

    #[test]
    fn long_words_are_cut_by_characters() {
        assert_eq!(line(&"ж".repeat(300), MESSAGE).chars().count(), 255);
        assert_eq!(line("Анна Константинопольская", 5), "Анна");
        assert_eq!(lines(&["а".to_owned(), "б".to_owned()], MESSAGE), "а\nб");
    }
}
