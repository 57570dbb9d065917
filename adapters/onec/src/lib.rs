//! onec
