//! Texts that people give: names and logins.

use super::problem::Problem;

/// A name: trimmed, not empty, of `max` characters at most, on one line.
///
/// # Errors
/// 422 at `pointer`.
pub fn name(pointer: &str, text: &str, max: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > max || text.chars().any(char::is_control) {
        return Err(Problem::invalid(
            pointer,
            format!("Название: от 1 до {max} символов в одну строку."),
            format!("A name has 1 to {max} characters on one line."),
        ));
    }
    Ok(text.to_owned())
}

/// A login: 3 to 64 letters, digits and `. _ - + @`, in lower case.
///
/// # Errors
/// 422 at `pointer`.
pub fn login(pointer: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim().to_lowercase();
    let fits = |c: char| c.is_alphanumeric() || "._-+@".contains(c);
    if !(3..=64).contains(&text.chars().count()) || !text.chars().all(fits) {
        return Err(Problem::invalid(
            pointer,
            "Логин: от 3 до 64 букв, цифр и знаков . _ - + @.",
            "A login has 3 to 64 letters, digits and the signs . _ - + @.",
        ));
    }
    Ok(text)
}

/// A time zone of the IANA database.
///
/// # Errors
/// 422 at `pointer`.
pub fn time_zone(pointer: &str, text: &str) -> Result<String, Problem> {
    match text.parse::<chrono_tz::Tz>() {
        Ok(zone) => Ok(zone.name().to_owned()),
        Err(_) => Err(Problem::invalid(
            pointer,
            "Неизвестный часовой пояс. Пример: Europe/Moscow.",
            "An unknown time zone. Example: Europe/Moscow.",
        )),
    }
}
