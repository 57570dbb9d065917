//! The words of the contract about a guest himself, whatever adapter says them: they do what REST does, once.

use std::sync::{Arc, Mutex};

use chrono::NaiveDate;
use kopilka::pos::connection_cache::Known;
use kopilka::pos::conversation::hold;
use kopilka::pos::incoming::Incoming;
use kopilka::storage::till_connections;
use kopilka_contract::{
    Adapter, Adjust, AdjustDirection, Ask, CustomerRef, CustomerStatus, Dialogue, Enrol, GuestCard, Message,
    Money, Phone, Refusal, Reply, Settings, SettingsError, Sex, Told, Unreadable, Words,
};
use serde_json::json;

use super::Till;
use crate::api::client::Service;
use crate::databases::each_database_async;

/// An adapter that asks what it was given, and remembers the answers.
#[derive(Default)]
struct Saying {
    asks: Mutex<Vec<Ask>>,
    told: Arc<Mutex<Vec<Result<Told, Refusal>>>>,
}

struct Said(Vec<Ask>, Arc<Mutex<Vec<Result<Told, Refusal>>>>);

fn nothing() -> Reply {
    Reply {
        status: 200,
        content_type: "text/plain",
        body: Vec::new(),
    }
}

impl Dialogue for Said {
    fn asks(&self) -> Vec<Ask> {
        self.0.clone()
    }

    fn reply(&self, told: &[Result<Told, Refusal>]) -> Reply {
        *self.1.lock().unwrap() = told.to_vec();
        nothing()
    }
}

impl Adapter for Saying {
    fn kind(&self) -> &'static str {
        "iiko"
    }

    fn title(&self) -> &'static str {
        "a test"
    }

    fn check_settings(&self, _: &Settings) -> Result<(), SettingsError> {
        Ok(())
    }

    fn read(&self, _: &Message<'_>, _: &Settings) -> Result<Box<dyn Dialogue>, Unreadable> {
        let asks = self.asks.lock().unwrap().clone();
        Ok(Box::new(Said(asks, Arc::clone(&self.told))))
    }

    fn failure(&self, _: &Message<'_>, _: &Words, _: &Settings) -> Reply {
        nothing()
    }
}

struct Speaker<'a> {
    till: &'a Till,
    known: Arc<Known>,
    adapter: &'static Saying,
}

impl<'a> Speaker<'a> {
    async fn at(till: &'a Till) -> Self {
        let hash = kopilka::api::secrets::hash_of(&till.token);
        let found = till
            .service
            .app
            .read(move |c| till_connections::by_token(c, &hash))
            .await
            .unwrap();
        let (tenant, connection) = found.unwrap();
        Speaker {
            till,
            known: Arc::new(Known { tenant, connection }),
            adapter: Box::leak(Box::default()),
        }
    }

    async fn ask(&self, ask: Ask) -> Result<Told, Refusal> {
        *self.adapter.asks.lock().unwrap() = vec![ask];
        let incoming = Incoming {
            method: "POST".to_owned(),
            path: String::new(),
            query: String::new(),
            content_type: None,
            body: Vec::new().into(),
            login: None,
            received_at: self.till.service.clock_now(),
            replay_of: None,
        };
        hold(&self.till.service.app, self.adapter, &self.known, incoming, None).await;
        self.adapter
            .told
            .lock()
            .unwrap()
            .pop()
            .expect("the conversation was held")
    }

    async fn guest(&self, ask: Ask) -> kopilka_contract::Guest {
        match self.ask(ask).await {
            Ok(Told::Guest(guest)) => *guest,
            other => panic!("{other:?}"),
        }
    }
}

fn phone() -> Phone {
    Phone::parse("+79005550101").unwrap()
}

fn enrol(name: &str) -> Enrol {
    Enrol {
        phone: Some(phone()),
        name: Some(name.to_owned()),
        ..Enrol::default()
    }
}

#[test]
fn a_guest_joins_once_and_is_changed_afterwards() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let speaker = Speaker::at(&till).await;
        let new = Enrol {
            card: Some("2900000001734".to_owned()),
            sex: Some(Sex::Female),
            ..enrol("Анна")
        };
        let first = speaker.guest(Ask::Enrol(Box::new(new.clone()))).await;
        assert_eq!(first.status, CustomerStatus::Registered);
        assert_eq!(first.card.as_deref(), Some("2900000001734"));
        // The same again, and with more: one guest, what was not said stays.
        let again = speaker.guest(Ask::Enrol(Box::new(new))).await;
        let birthday = NaiveDate::from_ymd_opt(1991, 7, 2);
        let more = Enrol {
            who: Some(CustomerRef::Card("2900000001734".to_owned())),
            birthday,
            ..Enrol::default()
        };
        let more = speaker.guest(Ask::Enrol(Box::new(more))).await;
        assert_eq!([&again.id, &more.id], [&first.id, &first.id]);
        assert_eq!((more.name.as_deref(), more.birthday), (Some("Анна"), birthday));

        let view = till
            .owner
            .get(&format!("/api/v1/customers/{}", first.id))
            .await
            .expect(200);
        assert_eq!(
            (view["sex"].as_str(), view["cards"].as_array().unwrap().len()),
            (Some("female"), 1)
        );
        assert!(view["venue_id"].is_string(), "he joined at the till's venue");
    });
}

#[test]
fn a_potential_guest_becomes_registered_and_keeps_his_bonuses() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        till.send(
            "POST",
            "webhook",
            super::fixture("iiko/fixtures/delivery-closed.request.json"),
        )
        .await;
        let speaker = Speaker::at(&till).await;
        let ask = Enrol {
            phone: Phone::parse("+79005550202"),
            ..enrol("Игорь Петров")
        };
        let guest = speaker.guest(Ask::Enrol(Box::new(ask))).await;
        assert_eq!(guest.status, CustomerStatus::Registered);
        assert_eq!(guest.balance.available.to_string(), "52.00");
        let found = till
            .owner
            .get("/api/v1/customers?status=potential")
            .await
            .expect(200);
        assert_eq!(found["items"], json!([]));
    });
}

#[test]
fn a_card_is_given_taken_and_given_back_and_never_taken_from_another() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let other = till.customer("9000000017", "+79215550101", "0.00").await;
        let speaker = Speaker::at(&till).await;
        let guest = speaker.guest(Ask::Enrol(Box::new(enrol("Анна")))).await;
        let card = |number: &str| GuestCard {
            customer: CustomerRef::Id(guest.id.clone()),
            number: number.to_owned(),
        };
        for _ in 0..2 {
            let with = speaker.guest(Ask::AddCard(card("2900000001734"))).await;
            assert_eq!(with.card.as_deref(), Some("2900000001734"));
        }
        let without = speaker.guest(Ask::RemoveCard(card("2900000001734"))).await;
        assert_eq!(without.card, None);
        let back = speaker.guest(Ask::AddCard(card("2900000001734"))).await;
        assert_eq!(back.card.as_deref(), Some("2900000001734"));

        let refused = speaker.ask(Ask::AddCard(card("9000000017"))).await.unwrap_err();
        assert_eq!(refused.code, "already-exists");
        let refused = speaker
            .ask(Ask::RemoveCard(card("9000000017")))
            .await
            .unwrap_err();
        assert_eq!(refused.code, "not-found");
        let nobody = Enrol {
            who: Some(CustomerRef::Id("nobody".to_owned())),
            ..enrol("Никто")
        };
        let refused = speaker.ask(Ask::Enrol(Box::new(nobody))).await.unwrap_err();
        assert_eq!(refused.code, "customer-not-found");
        assert_ne!(other, guest.id);
    });
}

#[test]
fn bonuses_are_given_and_taken_once_by_their_key() {
    each_database_async(|store| async move {
        let till = Till::new(&Service::on(store), "iiko", json!({})).await;
        let id = till.customer("9000000017", "+79215550101", "0.00").await;
        let speaker = Speaker::at(&till).await;
        let adjust = |key: &str, direction, amount: &str| {
            Ask::Adjust(Adjust {
                key: key.to_owned(),
                customer: CustomerRef::Id(id.clone()),
                direction,
                amount: amount.parse::<Money>().unwrap(),
                reason: Some("по звонку".to_owned()),
            })
        };
        for _ in 0..3 {
            speaker
                .ask(adjust("a", AdjustDirection::Credit, "100.00"))
                .await
                .unwrap();
        }
        assert_eq!(till.balance(&id).await, "100.00");
        for _ in 0..2 {
            speaker
                .ask(adjust("b", AdjustDirection::Debit, "30.00"))
                .await
                .unwrap();
        }
        assert_eq!(till.balance(&id).await, "70.00");
        let refused = speaker
            .ask(adjust("b", AdjustDirection::Debit, "31.00"))
            .await
            .unwrap_err();
        assert_eq!(refused.code, "idempotency-key-reused");
        let refused = speaker
            .ask(adjust("c", AdjustDirection::Debit, "70.01"))
            .await
            .unwrap_err();
        assert_eq!(refused.code, "insufficient-balance");
        assert_eq!(till.balance(&id).await, "70.00");
        till.assert_books();
    });
}
