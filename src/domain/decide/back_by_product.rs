//! Returns whose source does not number the sale's lines: what comes back is a product, off whichever of its lines.

use kopilka_contract::ProductBack;

use super::returned_lines::{return_line, share};
use crate::domain::refusal::Refusal;
use crate::domain::world::{ReturnedBy, ReturnedLine, StoredLine};
use crate::domain::{Money, Quantity};

/// Takes the quantity off what is left of the product's lines: those that cost as much first, then in the receipt's order.
///
/// # Errors
/// `unknown-line`, `return-exceeds-sale`, and those of a line.
pub(super) fn return_product(
    lines: &mut [StoredLine],
    wanted: &ReturnedLine,
    product: &ProductBack,
) -> Result<(), Refusal> {
    let places = lines_of(lines, wanted, product);
    let Some(first) = places.first().and_then(|first| lines.get_mut(*first)) else {
        return Err(Refusal::UnknownLine {
            line_id: wanted.named().to_owned(),
        });
    };
    let (Some(quantity), None) = (wanted.quantity, wanted.amount) else {
        return return_line(first, wanted.quantity, wanted.amount);
    };
    let exceeds = Refusal::ReturnExceedsSale {
        line_id: first.line_id.clone(),
    };
    let mut left = quantity.thousandths();
    for place in places {
        let Some(line) = lines.get_mut(place) else {
            continue;
        };
        let of_line = left_of(line).min(left);
        if of_line > 0 {
            return_line(line, Some(Quantity::from_thousandths(of_line)), None)?;
            left -= of_line;
        }
    }
    if left == 0 { Ok(()) } else { Err(exceeds) }
}

/// Places of the lines that may be meant, the likeliest first. Lines with the key of the return's own source come before lines
/// of another road, which have only the product in common.
fn lines_of(lines: &[StoredLine], wanted: &ReturnedLine, product: &ProductBack) -> Vec<usize> {
    let places = |is_meant: &dyn Fn(&StoredLine) -> bool| -> Vec<usize> {
        let meant = lines.iter().enumerate().filter(|(_, line)| is_meant(line));
        meant.map(|(place, _)| place).collect()
    };
    let mut found = places(&|line| is_one_of(&line.line_id, &wanted.line_id));
    if found.is_empty() {
        found = places(&|line| line.product_id.as_ref() == Some(&product.id));
    }
    let costs_as_much = |place: &usize| {
        let worth = wanted.quantity.zip(product.worth);
        let line = lines.get(*place).zip(worth);
        line.is_some_and(|(line, (quantity, worth))| is_worth(line, quantity, worth))
    };
    // The sort is stable: lines that cost alike stay in the receipt's order.
    found.sort_by_key(|place| !costs_as_much(place));
    found
}

/// Whether a line is `key`, or `key/2`, `key/3` …
fn is_one_of(line_id: &str, key: &str) -> bool {
    let is_number = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    match line_id.strip_prefix(key) {
        _ if key.is_empty() => false,
        Some("") => true,
        Some(rest) => rest.strip_prefix('/').is_some_and(is_number),
        None => false,
    }
}

fn left_of(line: &StoredLine) -> i64 {
    match line.returned_by {
        Some(ReturnedBy::Amount) => 0,
        _ => line.quantity.thousandths() - line.returned_quantity.thousandths(),
    }
}

/// Whether so much of a line is worth so much, with the part that bonuses paid or without it, give or take a kopeck.
fn is_worth(line: &StoredLine, quantity: Quantity, worth: Money) -> bool {
    let whole = line.quantity.thousandths();
    [line.amount, line.amount - line.redeemed].iter().any(|amount| {
        (share(*amount, quantity.thousandths(), whole) - worth)
            .kopecks()
            .abs()
            <= 1
    })
}

#[cfg(test)]
mod tests {
    use super::is_one_of;

    #[test]
    fn lines_of_a_key_are_itself_and_its_numbered_ones() {
        for (line_id, is) in [
            ("a", true),
            ("a/2", true),
            ("a/12", true),
            ("a/", false),
            ("a/b", false),
            ("a#v", false),
            ("ab", false),
            ("b", false),
        ] {
            assert_eq!(is_one_of(line_id, "a"), is, "{line_id}");
        }
        assert!(!is_one_of("", ""));
    }
}
