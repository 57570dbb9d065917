//! iiko
