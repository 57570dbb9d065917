//! The lines of a receipt, made of the items of an order so that they add up to its sum.

use std::collections::{BTreeMap, BTreeSet};

use kopilka_contract::{Line, Money, Quantity, Words, words};
use serde::Serialize;
use serde_json::Value;

use crate::Id;
use crate::item::{Item, Modifier, Portion};
use crate::order::{Discount, Named};
use crate::remark::Remark;
use crate::spread::spread;

/// An item that cannot be read. Without it the receipt would be wrong, so the order is left to a person.
#[derive(Debug)]
pub(crate) struct BadItem {
    number: usize,
    error: serde_json::Error,
}

impl BadItem {
    /// Which item, and what is wrong with it.
    pub fn words(&self) -> Words {
        let BadItem { number, error } = self;
        words!(
            "позиция {number} заказа: {error}",
            "item {number} of the order: {error}"
        )
    }
}

/// The lines of one order. Amounts are net of bonuses posted as a discount until [`Lines::cover`] adds them.
#[derive(Debug)]
pub(crate) struct Lines {
    sold: Vec<Sold>,
    /// Where to find a position of the till.
    positions: BTreeMap<Id, usize>,
}

/// One line in the making.
#[derive(Debug)]
struct Sold {
    line_id: String,
    name: String,
    product_id: Option<Id>,
    quantity: Quantity,
    price: Option<Money>,
    /// Before discounts.
    gross: Money,
    /// After discounts, those in bonuses included.
    net: Money,
    /// What bonuses posted as a discount took off.
    covered: Money,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Product,
    /// Added to the product at this index, unless that was left out.
    Modifier(Option<usize>),
}

/// A product or a modifier as it was found, before anything was made of it.
struct Found<'a> {
    position: Option<&'a Id>,
    /// Names the line where the till does not: its place in the order.
    place: String,
    product: Option<&'a Named>,
    quantity: Option<Quantity>,
    price: Option<Money>,
    gross: Option<Money>,
    net: Option<Money>,
    role: Role,
}

impl Lines {
    /// Reads the items. Deleted ones are no part of the sale. A modifier that costs something is a line of its own:
    /// it has a product, a position and a sum of its own on the wire, and discounts name it separately.
    pub fn read(items: &[Value], notes: &mut Vec<Remark>) -> Result<Lines, BadItem> {
        let mut lines = Lines {
            sold: Vec::new(),
            positions: BTreeMap::new(),
        };
        for (number, value) in (1..).zip(items) {
            let (item, portions) = Item::read(value).map_err(|error| BadItem { number, error })?;
            if item.deleted.is_some() {
                continue;
            }
            let mut first = None;
            for (part, portion) in (1..).zip(&portions) {
                let place = match portions.len() {
                    1 => number.to_string(),
                    _ => format!("{number}.{part}"),
                };
                let product = lines.add(Found::portion(portion, item.amount, place.clone()), notes);
                lines.add_modifiers(&portion.modifiers, product, &place, notes);
                first = first.or(product);
            }
            lines.add_modifiers(&item.common_modifiers, first, &format!("{number}.common"), notes);
        }
        lines.name_apart();
        Ok(lines)
    }

    fn add_modifiers(
        &mut self,
        modifiers: &[Modifier],
        of: Option<usize>,
        place: &str,
        notes: &mut Vec<Remark>,
    ) {
        for (number, modifier) in (1..).zip(modifiers) {
            if modifier.deleted.is_none() {
                self.add(
                    Found::modifier(modifier, of, format!("{place}.modifier-{number}")),
                    notes,
                );
            }
        }
    }

    /// Adds a line and returns its index; `None`: nothing to add.
    fn add(&mut self, found: Found<'_>, notes: &mut Vec<Remark>) -> Option<usize> {
        let quantity = found.quantity.unwrap_or(Quantity::ONE);
        let gross = found
            .gross
            .or_else(|| found.price.map(|price| times(price, quantity)))
            .or(found.net)
            .unwrap_or_default();
        let net = found.net.unwrap_or(gross);
        let is_modifier = matches!(found.role, Role::Modifier(_));
        if quantity < Quantity::ZERO || net < Money::ZERO {
            notes.push(Remark::LineLeftOut {
                line: found.place,
                quantity,
                amount: net,
            });
            return None;
        }
        let free = net.is_zero() && !gross.is_positive();
        if net.is_zero() && quantity == Quantity::ZERO || is_modifier && free {
            return None;
        }
        let quantity = if quantity == Quantity::ZERO {
            notes.push(Remark::ZeroQuantity {
                line: found.place.clone(),
                amount: net,
            });
            Quantity::ONE
        } else {
            quantity
        };
        let product_id = found.product.and_then(|product| product.id.clone());
        let name = found
            .product
            .and_then(|product| product.name.clone())
            .filter(|name| !name.trim().is_empty())
            .or_else(|| product_id.as_ref().map(Id::to_string))
            .unwrap_or_else(|| "?".to_owned());
        let index = self.sold.len();
        if let Some(position) = found.position {
            self.positions.entry(position.clone()).or_insert(index);
        }
        self.sold.push(Sold {
            line_id: found.position.map_or(found.place, Id::to_string),
            name,
            product_id,
            quantity,
            price: found.price,
            gross: gross.max(Money::ZERO),
            net,
            covered: Money::ZERO,
            role: found.role,
        });
        Some(index)
    }

    /// Gives a line whose id another one has already an id of its own: returns name lines.
    fn name_apart(&mut self) {
        let mut taken = BTreeSet::new();
        for line in &mut self.sold {
            let mut id = line.line_id.clone();
            let mut again = 1;
            while !taken.insert(id.clone()) {
                again += 1;
                id = format!("{}~{again}", line.line_id);
            }
            line.line_id = id;
        }
    }

    /// Makes the lines add up to the order's sum (both net).
    ///
    /// The vendor does not say whether a product's `resultSum` contains its modifiers: the order's sum tells. Where
    /// neither reading fits it within a kopeck a line, the sum is the truth, being what the guest paid, and the
    /// difference is spread.
    pub fn reconcile(&mut self, sum: Money, notes: &mut Vec<Remark>) {
        let tolerance = i64::try_from(self.sold.len()).unwrap_or(i64::MAX);
        let fits = |net: Money| (net - sum).kopecks().saturating_abs() <= tolerance;

        let products: Money = self.products().map(|line| line.net).sum();
        if !fits(self.net()) && products != self.net() && fits(products) {
            notes.push(Remark::ModifiersInside);
            self.fold_modifiers();
        }
        let net = self.net();
        if net == sum {
            return;
        }
        if fits(net) {
            notes.push(Remark::Rounding {
                lines: net,
                order: sum,
            });
        } else if self.sold.is_empty() {
            notes.push(Remark::NoLines { order: sum });
            self.sold.push(Sold::whole_order(sum));
        } else {
            notes.push(Remark::DifferenceSpread {
                lines: net,
                order: sum,
            });
            let weights = if net.is_positive() {
                self.nets()
            } else {
                self.grosses()
            };
            for (line, part) in self.sold.iter_mut().zip(spread(sum - net, &weights)) {
                line.net += part;
            }
        }
    }

    /// Drops the modifiers; what is said of their positions is meant for their products from now on.
    fn fold_modifiers(&mut self) {
        let mut new_index = vec![None; self.sold.len()];
        let products = (0..)
            .zip(&self.sold)
            .filter(|(_, line)| line.role == Role::Product);
        for (new, (old, _)) in products.enumerate() {
            new_index[old] = Some(new);
        }
        let home = |index: usize| match self.sold[index].role {
            Role::Product => new_index[index],
            Role::Modifier(of) => of.and_then(|product| new_index[product]),
        };
        self.positions = self
            .positions
            .iter()
            .filter_map(|(position, index)| Some((position.clone(), home(*index)?)))
            .collect();
        self.sold.retain(|line| line.role == Role::Product);
    }

    /// Adds what bonuses posted as a discount took off, so that lines are before bonuses.
    ///
    /// Newer tills say how much each position lost. What they do not say is spread over the positions that the
    /// discount names, else over all, in proportion to what discounts took off each.
    pub fn cover(&mut self, discount: &Discount, notes: &mut Vec<Remark>) {
        let amount = discount.sum.unwrap_or_default();
        let mut named = Money::ZERO;
        for part in &discount.selective_positions_with_sum {
            let line = part.position_id.as_ref().and_then(|id| self.positions.get(id));
            if let (Some(index), Some(sum)) = (line, part.sum.filter(|sum| sum.is_positive())) {
                self.sold[*index].covered += sum;
                named += sum;
            }
        }
        let rest = amount - named;
        if rest.is_zero() || self.sold.is_empty() {
            return;
        }
        if rest < Money::ZERO {
            notes.push(Remark::MoreByPosition {
                discount: amount,
                positions: named,
            });
            return;
        }
        notes.push(Remark::NotByPosition {
            rest,
            discount: amount,
        });
        let mut meant: Vec<usize> = discount
            .selective_positions
            .iter()
            .filter_map(|text| self.positions.get(&Id::parse(text).ok()?).copied())
            .collect();
        meant.sort_unstable();
        meant.dedup();
        if meant.is_empty() {
            meant = (0..self.sold.len()).collect();
        }
        let meant_lines = || meant.iter().map(|index| &self.sold[*index]);
        let mut weights: Vec<Money> = meant_lines().map(Sold::taken_off).collect();
        if !weights.iter().any(|weight| weight.is_positive()) {
            weights = meant_lines().map(|line| line.gross).collect();
        }
        for (index, part) in meant.into_iter().zip(spread(rest, &weights)) {
            self.sold[index].covered += part;
        }
    }

    /// The lines as the till has told them, until bonuses are covered.
    pub fn said(&self) -> Vec<SaidLine<'_>> {
        self.sold.iter().map(Sold::said).collect()
    }

    /// Which line is at which position of the till.
    pub fn positions(&self) -> Vec<(&Id, usize)> {
        self.positions.iter().map(|(id, index)| (id, *index)).collect()
    }

    /// What bonuses posted as a discount took off all lines.
    pub fn covered(&self) -> Money {
        self.sold.iter().map(|line| line.covered).sum()
    }

    /// The sum of the lines before bonuses.
    pub fn total(&self) -> Money {
        self.net() + self.covered()
    }

    /// The lines as the ledger knows them. `with_covered`: the till's spread of the bonuses is all there is to them,
    /// so the ledger takes it over.
    pub fn finish(self, categories: &BTreeMap<Id, String>, with_covered: bool) -> Vec<Line> {
        self.sold
            .into_iter()
            .map(|line| Line {
                line_id: line.line_id,
                name: line.name,
                category_id: line
                    .product_id
                    .as_ref()
                    .and_then(|id| categories.get(id))
                    .cloned(),
                category_name: None,
                product_id: line.product_id.map(|id| id.to_string()),
                quantity: line.quantity,
                price: line.price,
                amount: line.net + line.covered,
                redeemed: with_covered.then_some(line.covered),
            })
            .collect()
    }

    fn products(&self) -> impl Iterator<Item = &Sold> {
        self.sold.iter().filter(|line| line.role == Role::Product)
    }

    fn net(&self) -> Money {
        self.sold.iter().map(|line| line.net).sum()
    }

    fn nets(&self) -> Vec<Money> {
        self.sold.iter().map(|line| line.net).collect()
    }

    fn grosses(&self) -> Vec<Money> {
        self.sold.iter().map(|line| line.gross).collect()
    }
}

/// A line as its till has told it. A product that has an id may be renamed; of one that has none, its name tells which it is.
#[derive(Debug, Serialize)]
pub(crate) struct SaidLine<'a> {
    line_id: &'a str,
    product: Option<&'a Id>,
    name: Option<&'a str>,
    quantity: Quantity,
    gross: Money,
    net: Money,
}

impl Sold {
    fn said(&self) -> SaidLine<'_> {
        SaidLine {
            line_id: &self.line_id,
            product: self.product_id.as_ref(),
            name: self.product_id.is_none().then_some(self.name.as_str()),
            quantity: self.quantity,
            gross: self.gross,
            net: self.net,
        }
    }

    /// What all discounts together took off.
    fn taken_off(&self) -> Money {
        (self.gross - self.net).max(Money::ZERO)
    }

    fn whole_order(sum: Money) -> Sold {
        Sold {
            line_id: "order".to_owned(),
            name: "?".to_owned(),
            product_id: None,
            quantity: Quantity::ONE,
            price: None,
            gross: sum,
            net: sum,
            covered: Money::ZERO,
            role: Role::Product,
        }
    }
}

impl<'a> Found<'a> {
    fn portion(portion: &'a Portion, quantity: Option<Quantity>, place: String) -> Self {
        Found {
            position: portion.position_id.as_ref(),
            place,
            product: portion.product.as_ref().or(portion.service.as_ref()),
            quantity,
            price: portion.price,
            gross: portion.cost,
            net: portion.result_sum,
            role: Role::Product,
        }
    }

    fn modifier(modifier: &'a Modifier, of: Option<usize>, place: String) -> Self {
        Found {
            position: modifier.position_id.as_ref(),
            place,
            product: modifier.product.as_ref(),
            quantity: modifier.amount,
            price: modifier.price,
            gross: None,
            net: modifier.result_sum,
            role: Role::Modifier(of),
        }
    }
}

/// Price × quantity, rounded half up, and no more than an amount may be.
fn times(price: Money, quantity: Quantity) -> Money {
    let exact = i128::from(price.kopecks()) * i128::from(quantity.thousandths());
    let limit = i128::from(Money::MAX_INPUT.kopecks());
    let kopecks = (exact + 500).div_euclid(1000).clamp(-limit, limit);
    Money::from_kopecks(i64::try_from(kopecks).unwrap_or(0))
}
