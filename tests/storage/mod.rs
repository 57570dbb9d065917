//! The two databases: the same schema, and books that nobody changes.

mod append_only;
mod messages;
mod plans;
mod schema;
mod shared_commit;
