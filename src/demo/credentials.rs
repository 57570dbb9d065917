//! Keys, tokens and passwords of the demo network. They are public, and the same in every demo, so that examples work
//! as they stand: a network that has them must be reachable from its own machine only.

use crate::api::caller::Role;

/// An API key that may do everything that a key of one's own may do.
pub const LIVE_KEY: &str = "kop_live_demo-key-of-the-demo-network-known-to-all-0";
/// An API key that may only read and quote.
pub const TEST_KEY: &str = "kop_test_demo-key-of-the-demo-network-known-to-all-0";
/// Token of the restaurant's r_keeper.
pub const RKEEPER_TOKEN: &str = "kop_till_demo-rkeeper-till-token-everybody-knows-it0";
/// Token of the restaurant's r_keeper Delivery.
pub const DELIVERY_TOKEN: &str = "kop_till_demo-delivery-till-token-everybody-knows000";
/// Token of the café's iiko.
pub const IIKO_TOKEN: &str = "kop_till_demo-iiko-till-token-everybody-knows-it0000";
/// Token of the shop's 1C.
pub const ONEC_TOKEN: &str = "kop_till_demo-onec-till-token-everybody-knows-it0000";

/// A member of staff of the demo network.
#[derive(Debug, Clone, Copy)]
pub struct Login {
    /// What he logs in with.
    pub login: &'static str,
    /// His password.
    pub password: &'static str,
    /// His PIN at the virtual till.
    pub pin: &'static str,
    /// His name.
    pub name: &'static str,
    /// His role.
    pub role: Role,
    /// External id of the only venue that he sees.
    pub venue: Option<&'static str>,
}

/// The members of staff.
pub const LOGINS: [Login; 4] = [
    Login {
        login: "owner",
        password: "kopilka-owner",
        pin: "1597",
        name: "Ольга Владимировна",
        role: Role::Owner,
        venue: None,
    },
    Login {
        login: "manager",
        password: "kopilka-manager",
        pin: "1470",
        name: "Михаил Андреевич",
        role: Role::Manager,
        venue: Some("restaurant"),
    },
    Login {
        login: "cashier",
        password: "kopilka-cashier",
        pin: "2580",
        name: "Катя",
        role: Role::Cashier,
        venue: Some("cafe"),
    },
    Login {
        login: "marina",
        password: "kopilka-marina",
        pin: "3690",
        name: "Марина",
        role: Role::Cashier,
        venue: Some("cafe"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::connections::TOKEN_PREFIX;
    use crate::api::secrets::{LIVE_PREFIX, TEST_PREFIX, check_password};

    #[test]
    fn they_look_like_real_ones() {
        for (secret, prefix) in [
            (LIVE_KEY, LIVE_PREFIX),
            (TEST_KEY, TEST_PREFIX),
            (RKEEPER_TOKEN, TOKEN_PREFIX),
            (DELIVERY_TOKEN, TOKEN_PREFIX),
            (IIKO_TOKEN, TOKEN_PREFIX),
            (ONEC_TOKEN, TOKEN_PREFIX),
        ] {
            let rest = secret.strip_prefix(prefix).unwrap();
            // 32 bytes as base64url.
            assert_eq!(rest.len(), 43, "{secret}");
            assert!(
                rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
                "{secret}"
            );
        }
        for login in LOGINS {
            assert!(check_password("/password", login.password).is_ok());
        }
    }
}
