//! What a till's menu changes in ours: decided in memory, then written.

use std::collections::{BTreeMap, HashMap, HashSet};

use kopilka_contract::{Menu, MenuCategory, MenuGroup, MenuProduct, MenuTaken, Words, words};

use super::shelf::{Put, Shelf};

use crate::api::author::Author;
use crate::api::menu::till_id;
use crate::api::names;
use crate::domain::ids::{CategoryId, GroupId, VenueId};
use crate::domain::rate::Coefficient;
use crate::storage::menu::{self, Category, Group, Product};
use crate::storage::{AnyConnection, StorageError, Tenant};

/// The menu of a venue as it is.
pub(super) struct Stored {
    pub(super) categories: Vec<Category>,
    pub(super) groups: Vec<Group>,
    pub(super) products: Vec<Product>,
    pub(super) namesakes: BTreeMap<String, Option<String>>,
}

/// A product with the name of another: only its category is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Namesake {
    pub(super) external_id: String,
    pub(super) category_id: Option<String>,
}

/// A thing that is to be written: new, or over what is stored under its id.
pub(super) struct Write<T> {
    pub(super) new: bool,
    pub(super) thing: T,
}

/// What is to be written, in this order.
#[derive(Default)]
pub(super) struct Plan {
    categories: Vec<Write<Category>>,
    groups: Vec<Write<Group>>,
    products: Vec<Write<Product>>,
    namesakes: Vec<Namesake>,
    skipped: Vec<Words>,
}

impl Plan {
    /// Compares what a till has with what is stored.
    pub(super) fn of(wanted: &Menu, venue: VenueId, stored: Stored, author: &Author) -> Self {
        let mut plan = Plan::default();
        plan.categories(&wanted.categories, venue, stored.categories, author);
        plan.groups(&wanted.groups, venue, &stored.groups, author);
        let known = (stored.products, stored.namesakes);
        plan.products(&wanted.products, venue, known, author);
        plan
    }

    /// Whether nothing is to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.categories.is_empty()
            && self.groups.is_empty()
            && self.products.is_empty()
            && self.namesakes.is_empty()
    }

    /// The same in numbers.
    pub(super) fn taken(&self) -> MenuTaken {
        let news = self.categories.iter().map(|w| w.new);
        let news = news.chain(self.groups.iter().map(|w| w.new));
        let news: Vec<bool> = news.chain(self.products.iter().map(|w| w.new)).collect();
        let added = news.iter().filter(|new| **new).count();
        MenuTaken {
            added,
            changed: news.len() - added,
            skipped: self.skipped.clone(),
        }
    }

    /// Writes it.
    pub(super) fn apply(
        &self,
        connection: &mut AnyConnection,
        tenant: Tenant,
        venue: VenueId,
    ) -> Result<(), StorageError> {
        for Write { new, thing } in &self.categories {
            let write = if *new {
                menu::insert_category
            } else {
                menu::update_category
            };
            write(connection, tenant, thing)?;
        }
        for Write { new, thing } in &self.groups {
            let write = if *new {
                menu::insert_group
            } else {
                menu::update_group
            };
            write(connection, tenant, thing)?;
        }
        for Write { new, thing } in &self.products {
            let write = if *new {
                menu::insert_product
            } else {
                menu::update_product
            };
            write(connection, tenant, thing)?;
        }
        for Namesake {
            external_id,
            category_id,
        } in &self.namesakes
        {
            menu::put_namesake(connection, tenant, venue, external_id, category_id.as_deref())?;
        }
        Ok(())
    }

    fn skip(&mut self, what: &str, why: &Words) {
        let Words { ru, en } = why;
        self.skipped.push(words!("{what}: {ru}", "{what}: {en}"));
    }

    fn categories(
        &mut self,
        wanted: &[MenuCategory],
        venue: VenueId,
        stored: Vec<Category>,
        author: &Author,
    ) {
        let mut known: HashMap<String, Category> = stored
            .into_iter()
            .map(|category| (category.external_id.clone(), category))
            .collect();
        let mut seen = HashSet::new();
        for category in wanted {
            let read = till_id(&category.external_id)
                .and_then(|id| Ok((id, names::name("/name", &category.name, 200)?)));
            let (id, name) = match read {
                Ok(read) => read,
                Err(problem) => {
                    self.skip(&category.name, &problem.words);
                    continue;
                }
            };
            if !seen.insert(id.clone()) {
                self.skip(&category.name, &twice());
                continue;
            }
            match known.remove(&id) {
                Some(category) if category.name == name => {}
                Some(category) => self.categories.push(Write {
                    new: false,
                    thing: Category { name, ..category },
                }),
                None => self.categories.push(Write {
                    new: true,
                    thing: Category {
                        id: CategoryId(author.next_id()),
                        venue,
                        external_id: id,
                        name,
                        coefficient: None,
                        redeemable: true,
                    },
                }),
            }
        }
    }

    fn groups(&mut self, wanted: &[MenuGroup], venue: VenueId, stored: &[Group], author: &Author) {
        let mut held: HashSet<&str> = stored
            .iter()
            .flat_map(|group| &group.category_ids)
            .map(String::as_str)
            .collect();
        let mut seen = HashSet::new();
        for group in wanted {
            let name = match names::name("/name", &group.name, 200) {
                Ok(name) if seen.insert(name.clone()) => name,
                Ok(_) => {
                    self.skip(&group.name, &twice());
                    continue;
                }
                Err(problem) => {
                    self.skip(&group.name, &problem.words);
                    continue;
                }
            };
            // A category is in one group at most, and where a person has put it, it stays.
            let free: Vec<String> = group
                .category_ids
                .iter()
                .filter(|id| held.insert(id))
                .cloned()
                .collect();
            match stored.iter().find(|known| known.name == name) {
                Some(_) if free.is_empty() => {}
                Some(known) => {
                    let mut thing = known.clone();
                    thing.category_ids.extend(free);
                    self.groups.push(Write { new: false, thing });
                }
                None => self.groups.push(Write {
                    new: true,
                    thing: Group {
                        id: GroupId(author.next_id()),
                        venue,
                        name,
                        category_ids: free,
                        coefficient: Coefficient::ONE,
                    },
                }),
            }
        }
    }

    fn products(
        &mut self,
        wanted: &[MenuProduct],
        venue: VenueId,
        (stored, namesakes): (Vec<Product>, BTreeMap<String, Option<String>>),
        author: &Author,
    ) {
        let mut shelf = Shelf::of(stored);
        for product in wanted {
            match shelf.put(product, venue, author) {
                Ok(Put::AsItWas) => {}
                Ok(Put::Write(write)) => self.products.push(*write),
                Ok(Put::Namesake(namesake)) => {
                    let known = namesakes.get(&namesake.external_id);
                    if known != Some(&namesake.category_id) {
                        self.namesakes.push(namesake);
                    }
                    self.skip(&product.name, &has_a_namesake());
                }
                Err(why) => self.skip(&product.name, &why),
            }
        }
    }
}

/// Why the second product of one name is not in the menu.
fn has_a_namesake() -> Words {
    Words::new(
        "товар с таким названием уже есть; строки чеков с этим номером попадут в свою категорию, а коэффициент у названия один",
        "there is a product of this name already; lines of receipts with this id are in their own category, and a name has one \
         coefficient",
    )
}

/// Why the second thing of one id is left alone.
pub(super) fn twice() -> Words {
    Words::new(
        "в этой выгрузке уже есть такой же",
        "this menu has the same once more",
    )
}
