//! A till of one network shows the cards and telephones of another's guests, and names its receipts: it learns nothing
//! of them, and nothing is posted there.

use kopilka::pos::conversation;
use kopilka::pos::inbox::replay;
use kopilka::pos::incoming::Incoming;
use kopilka::pos::{adapter, connection_cache};
use kopilka::storage::books::all_networks;
use kopilka::storage::messages::{self, MessageFilter};
use serde_json::{Value, json};

use super::Till;
use crate::api::client::Service;
use crate::api::isolation::everything;
use crate::databases::each_database_async;

/// A name that no fixture has.
const NAME: &str = "Аглая Ф.";

/// What a till sends: method, what follows the token, body.
type Sent = (String, String, Vec<u8>);

/// Every message among the fixtures of an adapter, as a till sends it.
fn messages(kind: &str) -> Vec<Sent> {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("adapters")
        .join(kind)
        .join("fixtures");
    let mut sent = Vec::new();
    let mut each = |folder: &str, ending: &str, way: &dyn Fn(&str, Vec<u8>) -> Option<Sent>| {
        let files = std::fs::read_dir(fixtures.join(folder)).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        for file in files {
            let name = file.file_name().unwrap().to_str().unwrap();
            if let Some(name) = name.strip_suffix(ending) {
                sent.extend(way(name, std::fs::read(&file).unwrap()));
            }
        }
    };
    let post = |path: &str, body| Some(("POST".to_owned(), path.to_owned(), body));
    match kind {
        "rkeeper" => each("", ".xml", &|name, body| {
            let path = match name {
                name if name.ends_with(".answer") => return None,
                name if name.starts_with("card-read") => "getcardinfoex.php",
                name if name.starts_with("find-") => "findemail.php",
                "card-image" => "getcardimageex.php",
                _ => "transactionsex.php",
            };
            post(path, body)
        }),
        "iiko" => each("", ".request.json", &|_, body| post("", body)),
        // Orders and missing ones are what the service fetches itself.
        "rkeeper-delivery" => each(
            "",
            ".request.json",
            &|name, body| match name.split('.').next().unwrap() {
                fetched @ ("order" | "missing") => post(&format!("poll/{fetched}"), body),
                path => post(path, body),
            },
        ),
        _ => {
            each("receipt_json", ".request.json", &|_, body| {
                post("v1/receipts", body)
            });
            each("loyalty_server", ".request.txt", &|_, line| {
                let line = String::from_utf8(line).unwrap();
                let (method, path) = line.trim().split_once(' ').unwrap();
                Some((method.to_owned(), in_an_address(path), Vec::new()))
            });
        }
    }
    sent
}

/// The fixtures have addresses as they are read; on the wire they are ASCII.
fn in_an_address(path: &str) -> String {
    let piece = |byte: u8| match byte {
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(piece).collect()
}

/// Sends a message to a till's door; one that the service would have fetched comes as such. Gives the answer.
async fn say(till: &Till, (method, path, body): &Sent) -> String {
    if !path.starts_with("poll/") {
        return till.send(method, path, body.clone()).await.text;
    }
    let app = &till.service.app;
    let known = connection_cache::find(app, &till.token, [127, 0, 0, 1].into()).await;
    let incoming = Incoming {
        method: method.clone(),
        path: path.clone(),
        query: String::new(),
        content_type: None,
        body: body.clone().into(),
        login: None,
        received_at: app.clock.now(),
        replay_of: None,
    };
    let held = conversation::hold(app, adapter(till.kind).unwrap(), &known.unwrap(), incoming, None).await;
    String::from_utf8_lossy(&held.reply.body).into_owned()
}

#[test]
fn no_door_reaches_into_another_network() {
    each_database_async(|store| async move {
        let service = Service::on(store.clone());
        for (kind, card, phone, told_by_card) in [
            ("rkeeper", "9000000017", "+79000000017", true),
            ("iiko", "9000000017", "+79005550202", false),
            ("rkeeper-delivery", "9000000017", "+79000000017", true),
            ("onec", "2900000001734", "+79005550101", true),
        ] {
            let a = Till::of(&format!("anna@{kind}"), &service, kind, json!({})).await;
            let b = Till::of(&format!("boris@{kind}"), &service, kind, json!({})).await;
            let guest = a.customer(card, phone, "5713.00").await;
            let (guest_path, name) = (format!("/api/v1/customers/{guest}"), json!({"name": NAME}));
            a.owner.patch(&guest_path, name.clone()).await.expect(200);
            let network = |of: Value| of["id"].as_str().unwrap().to_owned();
            let network = network(a.owner.get("/api/v1/network").await.expect(200));

            // First as if A had only guests, then again when it has receipts to return, repeat and roll back.
            let messages = messages(kind);
            assert!(messages.len() > 15, "{kind}: {}", messages.len());
            for round in 0..2 {
                let before = everything(&store, &network);
                for message in &messages {
                    let answer = say(&b, message).await;
                    let told = format!("{kind} {} {}: {answer}", message.0, message.1);
                    for secret in [NAME, guest.as_str(), network.as_str(), "5713"] {
                        assert!(!answer.contains(secret), "{secret} in {told}");
                    }
                }
                assert_eq!(everything(&store, &network), before, "{kind}, round {round}");
                // The messages are good ones: at A's own door they tell of the guest, and they post.
                let mut told = false;
                for message in &messages {
                    told |= say(&a, message).await.contains(NAME);
                    // A till that gives the guest a card writes down his name as it knows it.
                    a.owner.patch(&guest_path, name.clone()).await.expect(200);
                }
                assert_eq!(told, told_by_card, "{kind}");
                assert_ne!(everything(&store, &network), before, "{kind}");
            }
            assert!(a.transactions().await.len() > 1, "{kind}");
            let of_b = b
                .owner
                .get("/api/v1/customers?status=registered")
                .await
                .expect(200);
            // Whom a till of B gives a card of its own, that is B's guest, and another one than A's.
            for found in of_b["items"].as_array().unwrap() {
                assert_ne!(found["id"], guest, "{kind}");
                assert_eq!(found["cards"][0]["customer_id"], found["id"], "{kind}: {found}");
                assert_ne!(found["cards"][0]["number"], card, "{kind}");
            }
            a.assert_books();

            // A token opens the door of its own kind only.
            for other in ["rkeeper", "rkeeper-delivery", "iiko", "onec"]
                .into_iter()
                .filter(|other| *other != kind)
            {
                let at_another = Till {
                    kind: other,
                    service: a.service.clone(),
                    owner: a.owner.clone(),
                    token: a.token.clone(),
                };
                for method in ["GET", "POST"] {
                    at_another
                        .send(method, "v1/receipts", "{}")
                        .await
                        .refused(404, "not-found");
                }
            }
        }

        // A kept message of one network is nobody else's to replay.
        let networks = all_networks(&mut store.connection().unwrap()).unwrap();
        for tenant in &networks {
            let kept = messages::list_all(
                &mut store.connection().unwrap(),
                *tenant,
                MessageFilter::default(),
                1,
            )
            .unwrap();
            for other in networks
                .iter()
                .filter(|other| other.network() != tenant.network())
            {
                let replayed = replay(&service.app, *other, kept[0].id).await;
                assert_eq!(replayed.unwrap_err().code, "not-found");
            }
        }
    });
}
