//! All integration tests, in one binary so that they link once.

mod api;
mod databases;
mod golden;
