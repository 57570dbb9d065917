//! Requests to try.
