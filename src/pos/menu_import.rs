//! A till's menu into ours: what is new is added, what differs is brought up to date, by the storage code and within the limits of
//! the menu's own calls. Nothing is removed, and what people set (coefficients, what bonuses may pay for) stays.

mod plan;
mod shelf;

use std::sync::Arc;

use kopilka_contract::{Menu, MenuTaken};
use serde::Serialize;

use self::plan::{Plan, Stored};
use crate::api::author::Author;
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::ids::VenueId;
use crate::storage::menu::{self, ProductFilter};
use crate::storage::{AnyConnection, Tenant, networks};

/// Takes a menu over, in one transaction. A menu that is ours already only reads.
///
/// # Errors
/// Those of the database.
pub async fn take(app: &App, author: Author, venue: VenueId, wanted: Menu) -> Result<MenuTaken, Problem> {
    let wanted = Arc::new(wanted);
    let (given, reader) = (Arc::clone(&wanted), author.clone());
    let known = app
        .read(move |c| -> Result<Plan, Problem> {
            Ok(Plan::of(&given, venue, stored(c, reader.tenant, venue)?, &reader))
        })
        .await?;
    if known.is_empty() {
        return Ok(known.taken());
    }
    app.write(move |c| {
        // First, so that of two imports at once the second sees what the first has made.
        networks::bump(c, author.tenant)?;
        let plan = Plan::of(&wanted, venue, stored(c, author.tenant, venue)?, &author);
        plan.apply(c, author.tenant, venue)?;
        let taken = plan.taken();
        author.note(c, "menu.import", venue, None, Some(&Noted::from(&taken)))?;
        Ok(taken)
    })
    .await
}

/// What the audit log says of an import.
#[derive(Serialize)]
struct Noted {
    added: usize,
    changed: usize,
    skipped: usize,
}

impl From<&MenuTaken> for Noted {
    fn from(taken: &MenuTaken) -> Self {
        Noted {
            added: taken.added,
            changed: taken.changed,
            skipped: taken.skipped.len(),
        }
    }
}

fn stored(connection: &mut AnyConnection, tenant: Tenant, venue: VenueId) -> Result<Stored, Problem> {
    Ok(Stored {
        categories: menu::categories_of(connection, tenant, venue, None, i64::MAX)?,
        groups: menu::groups_of(connection, tenant, venue, None, i64::MAX)?,
        products: menu::products_of(
            connection,
            tenant,
            venue,
            &ProductFilter::default(),
            None,
            i64::MAX,
        )?,
        namesakes: menu::namesakes_of(connection, tenant, venue)?,
    })
}
