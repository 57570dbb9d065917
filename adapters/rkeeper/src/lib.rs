//! rkeeper
