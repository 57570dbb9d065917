//! Texts that people give: names and logins.

use chrono_tz::Tz;

use super::given::text;
use super::problem::Problem;

/// A name: a text of `most` characters at most, on one line.
///
/// # Errors
/// 422 at `pointer`.
pub fn name(pointer: &str, given: &str, most: usize) -> Result<String, Problem> {
    let name = text(pointer, given, most)?;
    if name.contains('\n') {
        return Err(Problem::invalid(
            pointer,
            "Название пишется в одну строку.",
            "A name stands on one line.",
        ));
    }
    Ok(name)
}

/// A login: 3 to 64 letters, digits and `. _ - + @`, in lower case.
///
/// # Errors
/// 422 at `pointer`.
pub fn login(pointer: &str, given: &str) -> Result<String, Problem> {
    let text = given.trim().to_lowercase();
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
pub fn time_zone(pointer: &str, name: &str) -> Result<Tz, Problem> {
    name.parse().map_err(|_| {
        Problem::invalid(
            pointer,
            "Неизвестный часовой пояс. Пример: Europe/Moscow.",
            "An unknown time zone. Example: Europe/Moscow.",
        )
    })
}
