//! A till's menu into a venue's own: what is added, what is brought up to date, and what is left alone.

use kopilka::api::author::Author;
use kopilka::domain::ids::{ConnectionId, VenueId};
use kopilka::pos::menu_import;
use kopilka::storage::menu;
use kopilka_contract::{Menu, MenuCategory, MenuGroup, MenuProduct, MenuTaken, Money};
use serde_json::{Value, json};

use super::Till;
use crate::api::client::Service;
use crate::databases::each_database_async;

fn category(id: &str, name: &str) -> MenuCategory {
    MenuCategory {
        external_id: id.to_owned(),
        name: name.to_owned(),
    }
}

fn product(id: &str, name: &str, category: Option<&str>, price: Option<i64>) -> MenuProduct {
    MenuProduct {
        external_id: id.to_owned(),
        name: name.to_owned(),
        category_id: category.map(str::to_owned),
        price: price.map(Money::from_kopecks),
        barcode: None,
        by_weight: None,
    }
}

fn menu() -> Menu {
    let coffee = MenuGroup {
        name: "Напитки".to_owned(),
        category_ids: vec!["g1".to_owned()],
    };
    Menu {
        categories: vec![category("g1", "Кофе"), category("g2", "Сыры")],
        groups: vec![coffee],
        products: vec![
            product("p1", "Капучино", Some("g1"), Some(19_000)),
            product("p2", "Раф", Some("g1"), None),
        ],
    }
}

/// The venue `r` as a till with its own connection sees it.
struct Kitchen {
    till: Till,
    venue: VenueId,
    connection: ConnectionId,
}

impl Kitchen {
    async fn new(service: &Service) -> Self {
        let till = Till::new(service, "onec", json!({})).await;
        let venue = till.owner.get("/api/v1/venues/r").await.expect(200);
        let connections = till.owner.get("/api/v1/connections").await.expect(200);
        Kitchen {
            till,
            venue: venue["id"].as_str().unwrap().parse().unwrap(),
            connection: connections["items"][0]["id"].as_str().unwrap().parse().unwrap(),
        }
    }

    async fn take(&self, menu: Menu) -> MenuTaken {
        let app = &self.till.service.app;
        let tenant = app
            .read(kopilka::storage::books::all_networks)
            .await
            .unwrap()
            .remove(0);
        let author = Author::till(app, tenant, self.connection);
        menu_import::take(app, author, self.venue, menu).await.unwrap()
    }

    async fn items(&self, what: &str) -> Vec<Value> {
        let list = self
            .till
            .owner
            .get(&format!("/api/v1/venues/r/{what}"))
            .await
            .expect(200);
        list["items"].as_array().unwrap().clone()
    }
}

fn numbers(taken: &MenuTaken) -> (usize, usize, usize) {
    (taken.added, taken.changed, taken.skipped.len())
}

#[test]
fn a_menu_is_added_once_and_then_only_what_differs_is_written() {
    each_database_async(|store| async move {
        let kitchen = Kitchen::new(&Service::on(store)).await;
        assert_eq!(numbers(&kitchen.take(menu()).await), (5, 0, 0));
        assert_eq!(numbers(&kitchen.take(menu()).await), (0, 0, 0));
        let mut renamed = menu();
        renamed.categories[0].name = "Кофе и какао".to_owned();
        renamed.products[1].price = Some(Money::from_kopecks(26_000));
        renamed.products.remove(0);
        assert_eq!(numbers(&kitchen.take(renamed).await), (0, 2, 0));
        let products = kitchen.items("products").await;
        let prices: Vec<_> = products
            .iter()
            .map(|p| (p["name"].as_str().unwrap(), p["price"].as_str()))
            .collect();
        // What the till did not name is still sold, and keeps its price.
        assert_eq!(prices, [("Капучино", Some("190.00")), ("Раф", Some("260.00"))]);
        assert_eq!(kitchen.items("categories").await[0]["name"], "Кофе и какао");
    });
}

#[test]
fn what_people_have_set_stays_and_a_product_added_by_name_gets_the_tills_id() {
    each_database_async(|store| async move {
        let kitchen = Kitchen::new(&Service::on(store)).await;
        let owner = &kitchen.till.owner;
        let raf = json!({"name": "Раф", "coefficient": "2", "redeemable": false});
        owner.post("/api/v1/venues/r/products", raf).await.expect(201);
        let coffee = json!({"external_id": "g1", "name": "Кофе", "coefficient": "1.5"});
        owner
            .post("/api/v1/venues/r/categories", coffee)
            .await
            .expect(201);
        let group = json!({"name": "Любимое", "category_ids": ["g1"], "coefficient": "3"});
        owner.post("/api/v1/venues/r/groups", group).await.expect(201);

        // The category g2, the group without the category that is in another, the product p1; and Раф gets its id.
        assert_eq!(numbers(&kitchen.take(menu()).await), (3, 1, 0));
        let products = kitchen.items("products").await;
        let raf = products.iter().find(|p| p["name"] == "Раф").unwrap();
        assert_eq!(
            (
                &raf["external_id"],
                &raf["coefficient"],
                &raf["redeemable"],
                &raf["category_id"]
            ),
            (&json!("p2"), &json!("2"), &json!(false), &json!("g1"))
        );
        let categories = kitchen.items("categories").await;
        assert_eq!(
            categories.iter().find(|c| c["external_id"] == "g1").unwrap()["coefficient"],
            "1.5"
        );
        let groups = kitchen.items("groups").await;
        let held: Vec<_> = groups
            .iter()
            .map(|g| (g["name"].as_str().unwrap(), g["category_ids"].clone()))
            .collect();
        assert_eq!(held, [("Любимое", json!(["g1"])), ("Напитки", json!([]))]);
        assert_eq!(numbers(&kitchen.take(menu()).await), (0, 0, 0));
    });
}

#[test]
fn what_cannot_be_taken_is_named_and_does_not_stop_the_rest() {
    each_database_async(|store| async move {
        let kitchen = Kitchen::new(&Service::on(store)).await;
        let wanted = Menu {
            categories: vec![
                category("g1", "Кофе"),
                category("g1", "Чай"),
                category("", "Ничьё"),
            ],
            groups: Vec::new(),
            products: vec![
                product("p1", "Раф", None, None),
                product("p2", "Раф", None, None),
                product("p3", "Эклер", None, Some(-1)),
                product("p4", &"я".repeat(501), None, None),
                product("p5", "Вода", None, None),
            ],
        };
        let taken = kitchen.take(wanted).await;
        assert_eq!(numbers(&taken), (3, 0, 5), "{taken:?}");
        let names: Vec<_> = kitchen
            .items("products")
            .await
            .iter()
            .map(|p| p["name"].clone())
            .collect();
        assert_eq!(names, [json!("Раф"), json!("Вода")]);
        let said = taken.skipped[2].in_language(kopilka_contract::Language::En);
        assert!(said.starts_with("Раф: there is a product of this name"), "{said}");
    });
}

#[test]
fn products_of_one_name_are_each_in_their_own_category() {
    each_database_async(|store| async move {
        let kitchen = Kitchen::new(&Service::on(store)).await;
        let wanted = |second: &str| Menu {
            categories: vec![category("g1", "Кофе"), category("g2", "Завтраки")],
            groups: Vec::new(),
            products: vec![
                product("p1", "Раф", Some("g1"), None),
                product("p2", "Раф", Some(second), None),
                product("p3", "Вода", None, None),
            ],
        };
        let found = async || {
            let (app, venue) = (&kitchen.till.service.app, kitchen.venue);
            app.read(move |c| {
                let tenant = kopilka::storage::books::all_networks(c)?.remove(0);
                let sold = ["p1", "p2", "p3", "p4"].map(str::to_owned);
                menu::categories_by_product(c, tenant, venue, &sold)
            })
            .await
            .unwrap()
        };
        let of = |second: &str| {
            [("p1", "g1"), ("p2", second)].map(|(product, group)| (product.to_owned(), group.to_owned()))
        };
        assert_eq!(numbers(&kitchen.take(wanted("g2")).await), (4, 0, 1));
        assert_eq!(found().await, of("g2").into());
        assert_eq!(numbers(&kitchen.take(wanted("g1")).await), (0, 0, 1));
        assert_eq!(found().await, of("g1").into());
    });
}
