//! The menu.

use chrono::Duration;
use kopilka_contract::{Ask, Menu, Next};
use serde_json::{Value, json};

use crate::round::{PLACE, Round, call, failed, messages};

const FOOD: &str = "0a9b8c7d-0000-4000-8000-000000000001";
const SOUPS: &str = "0a9b8c7d-0000-4000-8000-000000000002";
const HOT: &str = "0a9b8c7d-0000-4000-8000-000000000003";

fn nomenclature() -> Value {
    let product = |number: u32, name: &str, group: &str, more: Value| {
        let mut product = json!({"id": format!("3c1f6f20-93a1-4f7a-8a5d-5e2f7b1c{number:04}"), "name": name, "type": "Dish",
            "parentGroup": group, "productCategoryId": HOT, "description": "long", "imageLinks": ["https://x.example/1.jpg"],
            "useBalanceForSell": false, "isDeleted": false,
            "sizePrices": [{"sizeId": null, "price": {"currentPrice": 350.5, "isIncludedInMenu": true}}]});
        for (name, value) in more.as_object().unwrap() {
            product[name] = value.clone();
        }
        product
    };
    json!({
        "correlationId": "c", "revision": 77,
        "groups": [
            {"id": FOOD, "name": "Кухня", "parentGroup": null, "isDeleted": false},
            {"id": SOUPS, "name": "Супы", "parentGroup": FOOD, "isDeleted": false},
        ],
        "productCategories": [{"id": HOT, "name": "Горячее", "isDeleted": false}],
        "products": [
            product(1, "Борщ", SOUPS, json!({})),
            product(2, "Уха", SOUPS, json!({"isDeleted": true})),
            product(3, "Сыр", FOOD, json!({"useBalanceForSell": true, "sizePrices": [
                {"sizeId": "s", "price": {"currentPrice": 100, "isIncludedInMenu": false}},
                {"sizeId": "l", "price": {"currentPrice": 200, "isIncludedInMenu": true}}]})),
            product(4, "Соль", "0a9b8c7d-0000-4000-8000-000000000009", json!({"sizePrices": null})),
            {"id": "", "name": "?"},
        ],
        "sizes": [],
    })
}

fn with_menu(cloud: Value) -> Round {
    let mut round = Round::new(cloud);
    round.settings.values["organizations"] = json!([PLACE]);
    round
}

fn taken(round: &Round, body: &Value) -> (Menu, Vec<String>) {
    let dialogue = round.read("poll/menu", body.to_string().as_bytes()).unwrap();
    let Ask::TakeMenu(menu) = dialogue.asks().remove(0) else {
        panic!()
    };
    let remarks = dialogue.remarks().into_iter().map(|remark| remark.en);
    (menu, remarks.collect())
}

#[test]
fn the_menu_is_taken_over_once_a_day_if_it_has_changed() {
    let mut round = with_menu(json!({"poll_seconds": 0, "menu_hours": 24}));
    round.step(None);
    let asked = json!({"organizationId": PLACE, "startRevision": 0});
    assert_eq!(call(&round.token()), ("1/nomenclature".to_owned(), asked));
    let (path, body) = messages(&round.ok(&nomenclature())).remove(0);
    assert_eq!(path, "menu");
    assert!(
        !body.to_string().contains("imageLinks"),
        "only what is read is kept"
    );
    let until = round.now + Duration::hours(24);
    assert_eq!(round.next(None), Next::Rest { until });
    round.now = until;
    round.step(None);
    assert_eq!(call(&round.token()).1["startRevision"], 77);
    let unchanged = json!({"groups": [], "productCategories": [], "products": [], "revision": 77});
    assert!(matches!(round.ok(&unchanged).next, Next::Rest { .. }));
}

#[test]
fn products_have_the_category_of_their_group() {
    let round = with_menu(json!({}));
    let (menu, remarks) = taken(&round, &nomenclature());
    let categories: Vec<_> = menu
        .categories
        .iter()
        .map(|c| (c.external_id.as_str(), c.name.as_str()))
        .collect();
    assert_eq!(categories, [(FOOD, "Кухня"), (SOUPS, "Супы")]);
    assert_eq!(menu.groups.len(), 1);
    assert_eq!(
        (
            menu.groups[0].name.as_str(),
            menu.groups[0].category_ids.as_slice()
        ),
        ("Кухня", [SOUPS.to_owned()].as_slice())
    );
    let product = |name: &str| menu.products.iter().find(|p| p.name == name);
    let price = |name: &str| product(name).unwrap().price.map(|price| price.to_string());
    assert_eq!(menu.products.len(), 3);
    assert_eq!(product("Борщ").unwrap().category_id.as_deref(), Some(SOUPS));
    assert_eq!(
        (price("Борщ").as_deref(), price("Сыр").as_deref(), price("Соль")),
        (Some("350.50"), Some("200.00"), None)
    );
    assert_eq!(product("Сыр").unwrap().by_weight, Some(true));
    assert_eq!(
        product("Соль").unwrap().category_id,
        None,
        "its group is not in the menu"
    );
    assert_eq!(remarks.len(), 1, "{remarks:?}");
}

#[test]
fn or_the_category_of_the_product_itself() {
    let round = with_menu(json!({"menu_categories": "product_categories"}));
    let (menu, _) = taken(&round, &nomenclature());
    assert_eq!((menu.categories.len(), menu.groups.len()), (1, 0));
    assert_eq!(menu.products[0].category_id.as_deref(), Some(HOT));
}

#[test]
fn somebody_may_ask_for_it_at_once() {
    let mut round = with_menu(json!({"poll_seconds": 0}));
    round.errands = round.read("menu", b"").unwrap().errands();
    assert_eq!(round.step(None).done, ["menu"]);
    assert_eq!(call(&round.token()).0, "1/nomenclature");
    assert_eq!(messages(&round.ok(&nomenclature())).len(), 1);
    assert_eq!(
        round.next(None),
        Next::Rest {
            until: round.now + Duration::days(1)
        }
    );
    // All of it, although nothing has changed since.
    round.errands = round.read("menu", b"").unwrap().errands();
    assert_eq!(call(&round.step(None)).1["startRevision"], 0);
}

#[test]
fn a_menu_that_is_not_to_be_had_does_not_stop_sales() {
    for (status, again) in [(403, 24 * 60), (500, 15), (200, 24 * 60)] {
        let mut round = with_menu(json!({"poll_seconds": 0, "menu_hours": 24}));
        round.step(None);
        round.token();
        let (reason, retry) = failed(&round.step(Some((status, "[]"))));
        assert!(reason.contains("menu"), "{reason}");
        assert_eq!(
            retry,
            Some(15 * 60),
            "an order that is announced meanwhile does not wait for the menu"
        );
        if again > 15 {
            round.now += Duration::minutes(again - 1);
            let until = round.now + Duration::minutes(1);
            assert_eq!(
                round.next(None),
                Next::Rest { until },
                "nor is the menu asked for again too soon"
            );
        }
    }
}

#[test]
fn a_menu_that_does_not_answer_waits_and_sales_are_asked_for() {
    let mut round = with_menu(json!({"poll_seconds": 60, "menu_hours": 24}));
    round.step(None);
    let mut step = round.token();
    while call(&step).0 != "1/nomenclature" {
        step = round.ok(&json!({"maxRevision": 5, "ordersByOrganizations": []}));
    }
    // The round ended there; the next one does not begin with it.
    assert_eq!(
        failed(&round.step(None)),
        ("iikoCloud: no answer".to_owned(), Some(15))
    );
    round.now += Duration::seconds(15);
    let (reason, retry) = failed(&round.step(None));
    assert!(reason.contains("the menu"), "{reason}");
    assert_eq!(retry, Some(60), "when sales are due");
    round.now += Duration::seconds(45);
    assert_eq!(call(&round.step(None)).0, "1/deliveries/by_revision");
    assert!(matches!(
        round.next(Some((200, r#"{"maxRevision": 6, "ordersByOrganizations": []}"#))),
        Next::Rest { .. }
    ));
}
