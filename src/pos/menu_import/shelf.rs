//! Products of a venue while a till's menu is laid over them: each has its own name and its own till's id.

use std::collections::{HashMap, HashSet};

use kopilka_contract::{MenuProduct, Words};

use super::plan::{Namesake, Write, twice};
use crate::api::author::Author;
use crate::api::given::{amount, external_id, optional_text};
use crate::api::menu::product_name;
use crate::api::problem::Problem;
use crate::domain::Money;
use crate::domain::ids::{ProductId, VenueId};
use crate::storage::menu::{Product, Unit};

/// The products, by both their keys.
pub(super) struct Shelf {
    products: Vec<Product>,
    by_id: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
    seen: HashSet<String>,
}

/// What a product of a till comes to.
pub(super) enum Put {
    /// It is there already, as it should be.
    AsItWas,
    /// It is to be written.
    Write(Box<Write<Product>>),
    /// Another product has its name.
    Namesake(Namesake),
}

/// A product of a till, within our limits.
struct Read {
    id: String,
    name: String,
    category: Option<String>,
    price: Option<Money>,
    barcode: Option<String>,
    unit: Option<Unit>,
}

impl Read {
    fn of(product: &MenuProduct) -> Result<Self, Problem> {
        let id = external_id::<ProductId>(Some(&product.external_id))?;
        Ok(Read {
            id: id.ok_or_else(|| {
                Problem::invalid("/external_id", "Нет номера товара.", "The product has no id.")
            })?,
            name: product_name(&product.name)?,
            category: optional_text("/category_id", product.category_id.as_deref(), 128)?,
            price: product.price.map(|price| amount("/price", price)).transpose()?,
            barcode: optional_text("/barcode", product.barcode.as_deref(), 64)?,
            unit: product
                .by_weight
                .map(|by_weight| if by_weight { Unit::Kg } else { Unit::Piece }),
        })
    }

    /// The same product with what the till knows of it.
    fn over(&self, product: &Product) -> Product {
        Product {
            external_id: Some(self.id.clone()),
            name: self.name.clone(),
            category_id: self.category.clone().or_else(|| product.category_id.clone()),
            price: self.price.or(product.price),
            barcode: self.barcode.clone().or_else(|| product.barcode.clone()),
            unit: self.unit.unwrap_or(product.unit),
            ..product.clone()
        }
    }

    fn fresh(&self, venue: VenueId, author: &Author) -> Product {
        let empty = Product {
            id: ProductId(author.next_id()),
            venue,
            external_id: None,
            name: String::new(),
            category_id: None,
            price: None,
            barcode: None,
            coefficient: None,
            redeemable: true,
            unit: Unit::default(),
        };
        self.over(&empty)
    }
}

impl Shelf {
    pub(super) fn of(products: Vec<Product>) -> Self {
        let by_id = |(at, product): (usize, &Product)| Some((product.external_id.clone()?, at));
        Shelf {
            by_id: products.iter().enumerate().filter_map(by_id).collect(),
            by_name: products
                .iter()
                .enumerate()
                .map(|(at, product)| (product.name.clone(), at))
                .collect(),
            seen: HashSet::new(),
            products,
        }
    }

    /// Lays one product of a till over them. A product that a person has added by its name alone gets the till's id.
    pub(super) fn put(
        &mut self,
        product: &MenuProduct,
        venue: VenueId,
        author: &Author,
    ) -> Result<Put, Words> {
        let read = Read::of(product).map_err(|problem| problem.words)?;
        if !self.seen.insert(read.id.clone()) {
            return Err(twice());
        }
        let namesake = self.by_name.get(&read.name).copied();
        let nameless = namesake.filter(|at| self.products.get(*at).is_some_and(|p| p.external_id.is_none()));
        let at = self.by_id.get(&read.id).copied().or(nameless);
        if namesake.is_some() && namesake != at {
            return Ok(Put::Namesake(Namesake {
                external_id: read.id,
                category_id: read.category,
            }));
        }
        let write = match at.and_then(|at| self.products.get(at)) {
            Some(stored) if read.over(stored) == *stored => return Ok(Put::AsItWas),
            Some(stored) => Write {
                new: false,
                thing: read.over(stored),
            },
            None => Write {
                new: true,
                thing: read.fresh(venue, author),
            },
        };
        self.shelve(at, write.thing.clone());
        Ok(Put::Write(Box::new(write)))
    }

    fn shelve(&mut self, at: Option<usize>, product: Product) {
        let at = at.unwrap_or(self.products.len());
        if let Some(id) = &product.external_id {
            self.by_id.insert(id.clone(), at);
        }
        if let Some(before) = self.products.get(at) {
            self.by_name.remove(&before.name);
        }
        self.by_name.insert(product.name.clone(), at);
        match self.products.get_mut(at) {
            Some(before) => *before = product,
            None => self.products.push(product),
        }
    }
}
