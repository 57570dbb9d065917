//! What makes two messages the same return.

use sha2::{Digest, Sha256};

use crate::domain::books::Hash;
use crate::domain::world::{ReturnRequest, SourceKey};
use crate::domain::{Money, Quantity};

/// What makes two messages the same return. The text that is hashed is what it always was: returns of before are told again.
pub(super) fn return_fingerprint(sale: &SourceKey, request: &ReturnRequest) -> Hash {
    /// A line as it is hashed: its debug form, by this name.
    #[derive(Debug)]
    #[expect(dead_code, reason = "its debug form is what is hashed")]
    struct ReturnedLine<'r> {
        line_id: &'r str,
        quantity: Option<Quantity>,
        amount: Option<Money>,
    }
    fn hashed(line: &crate::domain::world::ReturnedLine) -> ReturnedLine<'_> {
        ReturnedLine {
            line_id: line.named(),
            quantity: line.quantity,
            amount: line.amount,
        }
    }
    let lines = request.lines.as_ref();
    let lines = lines.map(|lines| lines.iter().map(hashed).collect::<Vec<_>>());
    let content = (&sale.source, &sale.external_id, lines, request.cancel);
    let mut hasher = Sha256::new();
    hasher.update(format!("{content:?}").as_bytes());
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use kopilka_contract::{Money, ProductBack, Quantity, Stands};
    use sha2::{Digest, Sha256};

    use super::return_fingerprint;
    use crate::domain::Timestamp;
    use crate::domain::ids::{NetworkId, VenueId};
    use crate::domain::world::{ReturnRequest, ReturnedLine, SourceKey};

    /// What a return of a line of sale `a` is known by.
    fn known_by(line_id: &str, product: Option<ProductBack>) -> [u8; 32] {
        let sale = SourceKey {
            network: NetworkId(1),
            venue: VenueId(2),
            source: "3".to_owned(),
            external_id: "a".to_owned(),
        };
        let line = ReturnedLine {
            line_id: line_id.to_owned(),
            quantity: Some(Quantity::ONE),
            amount: None,
            product,
        };
        let request = ReturnRequest {
            version: None,
            returned_at: Timestamp::UNIX_EPOCH,
            lines: Some(vec![line]),
            rollback: false,
            stands: Stands::WithItsSale,
            cancel: false,
        };
        return_fingerprint(&sale, &request)
    }

    #[test]
    fn a_return_is_known_by_the_line_it_names_and_by_the_product_where_it_names_none() {
        // As returns were hashed before they named products: those told again must be known.
        let before = r#"("3", "a", Some([ReturnedLine { line_id: "1", quantity: Some(Quantity(1000)), amount: None }]), false)"#;
        let before: [u8; 32] = Sha256::digest(before).into();
        let product = |id: &str, worth: i64| {
            Some(ProductBack {
                id: id.to_owned(),
                worth: Some(Money::from_kopecks(worth)),
                any_line: true,
            })
        };
        assert_eq!(known_by("1", None), before);
        assert_eq!(known_by("1", product("cheese", 100)), before);
        assert_eq!(
            known_by("", product("cheese", 100)),
            known_by("", product("cheese", 200))
        );
        assert_ne!(
            known_by("", product("cheese", 100)),
            known_by("", product("coffee", 100))
        );
    }
}
