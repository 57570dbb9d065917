//! The virtual till: a page at which a cashier sells, and what it needs beside the till's path that is open to all tills.

pub mod conflicts;
pub mod device;
pub mod devices;
pub mod guests;
pub mod menu;
pub mod messages;
pub mod operations;
pub mod permits;
pub mod screens;
pub mod session;
pub mod shift;
pub mod signed;
pub mod start;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// The source of what the virtual till sells.
pub const SOURCE: &str = "till";

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(devices::routes())
        .merge(session::routes())
        .merge(menu::routes())
        .merge(guests::routes())
        .merge(messages::routes())
        .merge(signed::routes())
        .merge(operations::routes())
        .merge(shift::routes())
        .merge(permits::routes())
        .merge(conflicts::routes())
        .merge(screens::routes())
}
