//! Dishes as lines that add up to what the order costs.

use kopilka_contract::{Line, Money, Quantity, apportion_by_amount};

use crate::amounts;
use crate::order::{Dish, Order};
use crate::remark::Remark;
use crate::unread::{Amount, Unread};

/// The lines of an order, and what they cost after discounts.
///
/// `amount` is the order after discounts (UCS documents); how a discount is spread over dishes is not told, so it is
/// spread in proportion. What is above the dishes (a delivery fee, assumed) is a line of its own.
///
/// # Errors
/// What can't be read.
pub(crate) fn lines(order: &Order, remarks: &mut Vec<Remark>) -> Result<(Vec<Line>, Money), Unread> {
    let mut lines = Vec::new();
    for (index, dish) in order.dish_list.iter().flatten().enumerate() {
        lines.push(line(index + 1, dish)?);
    }
    let dishes = sum(&lines)?;
    let total = match amounts::money(Amount::Order, &order.amount)? {
        Some(amount) => amount,
        None => {
            remarks.push(Remark::NoAmount);
            amounts::money(Amount::Full, &order.full_amount)?.unwrap_or(dishes)
        }
    };
    if total < dishes {
        remarks.push(Remark::DiscountSpread { dishes, order: total });
        let amounts: Vec<Money> = lines.iter().map(|line| line.amount).collect();
        for (line, share) in lines.iter_mut().zip(apportion_by_amount(total, amounts)) {
            line.amount = share;
        }
    } else if total > dishes {
        if !lines.is_empty() {
            remarks.push(Remark::RestIsALine { dishes, order: total });
        }
        let name = if lines.is_empty() {
            "Заказ"
        } else {
            "Доставка и прочее"
        };
        lines.push(new_line(
            "other".to_owned(),
            name.to_owned(),
            Quantity::ONE,
            total - dishes,
        ));
    }
    if lines.is_empty() {
        lines.push(new_line(
            "other".to_owned(),
            "Заказ".to_owned(),
            Quantity::ONE,
            Money::ZERO,
        ));
    }
    Ok((lines, total))
}

fn new_line(line_id: String, name: String, quantity: Quantity, amount: Money) -> Line {
    Line {
        line_id,
        name,
        product_id: None,
        category_id: None,
        category_name: None,
        quantity,
        price: None,
        amount,
        redeemed: None,
    }
}

fn line(number: usize, dish: &Dish) -> Result<Line, Unread> {
    let quantity = amounts::quantity(&dish.quantity)?;
    let price = amounts::money(Amount::Dish, &dish.price)?.unwrap_or_default();
    let mut one = price;
    for added in dish.ingredients.iter().flatten() {
        let price = amounts::money(Amount::Ingredient, &added.price)?.unwrap_or_default();
        let cost = times(price, amounts::quantity(&added.quantity)?)?;
        one = one.checked_add(cost).ok_or(Unread::DishesTooDear)?;
    }
    let name = amounts::words(&dish.name).unwrap_or_else(|| format!("Блюдо {number}"));
    let mut line = new_line(number.to_string(), name, quantity, times(one, quantity)?);
    // The restaurant's own code of the dish; the id is that of the delivery menu.
    line.product_id = amounts::id(&dish.external_id).or_else(|| amounts::id(&dish.id));
    line.price = Some(one);
    Ok(line)
}

/// Price times quantity, rounded half up.
fn times(price: Money, quantity: Quantity) -> Result<Money, Unread> {
    let exact = i128::from(price.kopecks()) * i128::from(quantity.thousandths());
    let kopecks = i64::try_from((exact + 500) / 1000).map_err(|_| Unread::DishesTooDear)?;
    Some(Money::from_kopecks(kopecks))
        .filter(|amount| *amount <= Money::MAX_INPUT)
        .ok_or(Unread::DishesTooDear)
}

fn sum(lines: &[Line]) -> Result<Money, Unread> {
    Money::checked_sum(lines.iter().map(|line| line.amount))
        .filter(|sum| *sum <= Money::MAX_INPUT)
        .ok_or(Unread::DishesTooDear)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(order: serde_json::Value) -> Result<(Vec<(String, String)>, String), Unread> {
        let order: Order = serde_json::from_value(order).unwrap();
        let (lines, total) = lines(&order, &mut Vec::new())?;
        let of = |line: &Line| (line.line_id.clone(), line.amount.to_string());
        Ok((lines.iter().map(of).collect(), total.to_string()))
    }

    fn pair(id: &str, amount: &str) -> (String, String) {
        (id.to_owned(), amount.to_owned())
    }

    #[test]
    fn a_discount_is_spread_exactly_and_a_fee_is_a_line() {
        let dishes = json!([{"price": 10, "quantity": 1}, {"price": 10, "quantity": 1}, {"price": "10.00"}]);
        let (lines, total) = read(json!({"amount": 20, "dishList": dishes})).unwrap();
        assert_eq!(lines, [pair("1", "6.67"), pair("2", "6.67"), pair("3", "6.66")]);
        assert_eq!(total, "20.00");
        let (lines, _) = read(json!({"amount": 45.5, "dishList": dishes})).unwrap();
        assert_eq!(lines[3], pair("other", "15.50"));
    }

    #[test]
    fn ingredients_cost_with_each_piece_of_their_dish() {
        let dish = json!({"price": 100, "quantity": 2, "ingredients": [{"price": 15.5, "quantity": 2}, {}]});
        let (lines, _) = read(json!({"amount": 262, "dishList": [dish]})).unwrap();
        assert_eq!(lines, [pair("1", "262.00")]);
    }

    #[test]
    fn what_is_no_number_is_not_guessed() {
        for dish in [
            json!({"price": "much"}),
            json!({"price": -1}),
            json!({"price": 1, "quantity": 0}),
        ] {
            assert!(read(json!({"amount": 1, "dishList": [dish]})).is_err(), "{dish}");
        }
        assert!(read(json!({"amount": 1e30})).is_err());
        assert_eq!(read(json!({"amount": 0})).unwrap().0, [pair("other", "0.00")]);
    }
}
