//! Categories of lines whose till names only the product: the venue's menu, which the till's nomenclature was taken into,
//! knows them.

use std::collections::BTreeSet;

use kopilka_contract::{Ask, Close};

use crate::app::App;
use crate::domain::ids::VenueId;
use crate::storage::{StorageError, Tenant, menu};

/// Tells a sale what the menu knows of its lines. Most tills name their categories; then nothing is read.
///
/// # Errors
/// Those of the database.
pub async fn look_up(app: &App, tenant: Tenant, venue: VenueId, ask: &mut Ask) -> Result<(), StorageError> {
    let (Ask::Close(sale) | Ask::Quote(sale)) = ask else {
        return Ok(());
    };
    let products = without_category(sale);
    if !products.is_empty() {
        sale.menu_categories = app
            .read(move |c| menu::categories_by_product(c, tenant, venue, &products))
            .await?;
    }
    Ok(())
}

/// Products of the lines that have no category of their own.
fn without_category(sale: &Close) -> Vec<String> {
    let lines = sale
        .receipt
        .lines
        .iter()
        .filter(|line| line.category_id.is_none());
    let products: BTreeSet<&String> = lines.filter_map(|line| line.product_id.as_ref()).collect();
    products.into_iter().cloned().collect()
}
