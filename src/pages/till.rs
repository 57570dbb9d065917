//! The virtual till: a page that sells with or without a network, and the second screen for the guest.
//!
//! There is no build step: the modules are served as they are written, under an address with a hash of all of them, so
//! that a browser keeps them for ever and never mixes two versions.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use super::{ASKED_AGAIN, Asset, KEPT, NEVER_KEPT};
use crate::api::problem::Problem;
use crate::app::App;

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../assets/till/", $name)))),*]
    };
}

/// What the pages load; a test compares the list with the folder.
const FILES: &[(&str, &[u8])] = files! {
    "api.js"
    "conflicts.js"
    "database.js"
    "day.js"
    "drafts.js"
    "guest.js"
    "guests.js"
    "i18n.js"
    "i18n/en.js"
    "i18n/ru.js"
    "icon.svg"
    "icon_shapes.js"
    "journal.js"
    "main.js"
    "money.js"
    "offline_pin.js"
    "phone.js"
    "preferences.js"
    "prefs.js"
    "qr_code.js"
    "sale.js"
    "scanned.js"
    "scanner.js"
    "screens/corner.js"
    "screens/enrol.js"
    "screens/entry.js"
    "screens/find.js"
    "screens/guest.js"
    "screens/line.js"
    "screens/lock.js"
    "screens/menu.js"
    "screens/operations.js"
    "screens/pay.js"
    "screens/pin.js"
    "screens/result.js"
    "screens/shift.js"
    "screens/waiting.js"
    "screens/why.js"
    "second_screen.js"
    "sender.js"
    "session.js"
    "slip.js"
    "store.js"
    "till.css"
    "ui.js"
    "vendor/preact-htm.js"
    "vendor/qrcode.js"
};

/// What the till itself does without. Its other modules are asked for at once, instead of one after the other.
const NOT_OF_THE_TILL: [&str; 4] = ["guest.js", "qr_code.js", "vendor/qrcode.js", "prefs.js"];

static TILL: LazyLock<Till> = LazyLock::new(Till::new);

/// The pages as they are served.
struct Till {
    /// Hash of all files: part of their addresses.
    version: String,
    files: BTreeMap<&'static str, Asset>,
    page: Asset,
    guest: Asset,
    manifest: Asset,
    worker: Asset,
}

impl Till {
    fn new() -> Self {
        let page = include_str!("../../assets/till/till.html");
        let guest = include_str!("../../assets/till/guest.html");
        let manifest = include_str!("../../assets/till/manifest.webmanifest");
        let worker = include_str!("../../assets/till/sw.js");
        let mut hash = Sha256::new();
        for text in [page, guest, manifest, worker] {
            hash.update(text);
        }
        for (name, content) in FILES {
            hash.update(name);
            hash.update(content);
        }
        let version: String = hash
            .finalize()
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect();
        let assets = format!("/till/assets/{version}");
        let scripts = |name: &&str| name.ends_with(".js") && !NOT_OF_THE_TILL.contains(name);
        let preloads: String = FILES
            .iter()
            .map(|(name, _)| *name)
            .filter(scripts)
            .map(|name| format!("<link rel=\"modulepreload\" href=\"{assets}/{name}\">\n"))
            .collect();
        let list = FILES
            .iter()
            .map(|(name, _)| format!("\"{assets}/{name}\""))
            .collect::<Vec<_>>()
            .join(",");
        let filled = |text: &str| {
            text.replace("{{assets}}", &assets)
                .replace("{{version}}", &version)
                .replace("{{preloads}}", &preloads)
                .replace("\"{{files}}\"", &list)
        };
        Till {
            files: FILES
                .iter()
                .map(|(name, content)| (*name, Asset::new(name, *content, KEPT)))
                .collect(),
            page: Asset::new("till.html", filled(page), NEVER_KEPT),
            guest: Asset::new("guest.html", filled(guest), NEVER_KEPT),
            manifest: Asset::new("manifest.webmanifest", filled(manifest), ASKED_AGAIN),
            worker: Asset::new("sw.js", filled(worker), ASKED_AGAIN),
            version,
        }
    }
}

/// The pages and what they need.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/till", get(async |wanted: HeaderMap| TILL.page.answer(&wanted)))
        .route(
            "/till/guest",
            get(async |wanted: HeaderMap| TILL.guest.answer(&wanted)),
        )
        .route(
            "/till/manifest.webmanifest",
            get(async |wanted: HeaderMap| TILL.manifest.answer(&wanted)),
        )
        .route("/till/sw.js", get(service_worker))
        .route("/till/assets/{version}/{*name}", get(file))
}

/// The program that keeps the page ready while there is no network. It stands for the page too, which lies above it.
async fn service_worker(wanted: HeaderMap) -> Response {
    let mut response = TILL.worker.answer(&wanted);
    response.headers_mut().insert(
        HeaderName::from_static("service-worker-allowed"),
        HeaderValue::from_static("/till"),
    );
    response
}

async fn file(Path((version, name)): Path<(String, String)>, wanted: HeaderMap) -> Response {
    let asset = TILL.files.get(name.as_str()).filter(|_| version == TILL.version);
    asset.map_or_else(
        || Problem::not_found().into_response(),
        |asset| asset.answer(&wanted),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn names_in(folder: &Path, prefix: &str, names: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                names_in(&entry.path(), &format!("{name}/"), names);
            } else {
                names.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let mut there = BTreeSet::new();
        names_in(
            Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/till")),
            "",
            &mut there,
        );
        // Served under addresses of their own, and what only people read.
        for apart in [
            "till.html",
            "guest.html",
            "manifest.webmanifest",
            "sw.js",
            "vendor/LICENCES.md",
        ] {
            assert!(there.remove(apart), "{apart}");
        }
        let served: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(there, served);
    }

    #[test]
    fn a_page_weighs_less_than_150_kilobytes() {
        let sent = |asset: &Asset| asset.gzip.as_ref().unwrap_or(&asset.plain).len();
        let files: usize = TILL.files.values().map(sent).sum();
        assert!(files + sent(&TILL.page) <= 150 * 1024, "{files} bytes");
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for asset in [&TILL.page, &TILL.guest, &TILL.manifest, &TILL.worker] {
            assert!(!String::from_utf8_lossy(&asset.plain).contains("{{"));
        }
    }
}
