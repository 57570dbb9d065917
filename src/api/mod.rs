//! REST v1: the doors for integrators, pages and keys. Requests in, problem+json or answers out.

pub mod caller;
pub mod problem;
