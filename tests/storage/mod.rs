//! The two databases: the same schema, and books that nobody changes.

mod append_only;
mod plans;
mod schema;
mod shared_commit;
