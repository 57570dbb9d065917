//! Which door of ours an address means.

/// A door, by what follows `/pos/onec/<token>/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// A method of the stock loyalty server. The till glues `/<method>/` to the address in its settings, which may
    /// have more path before `/hs/`; methods without parameters come without the last slash.
    LoyaltyServer(&'a str),
    /// One receipt or return.
    Receipts,
    /// Many receipts and returns.
    ReceiptBatch,
    /// Who is this guest?
    Members,
    /// Bonuses are set aside.
    Reserve,
    /// They are let go.
    Cancel,
    /// The exchange of CommerceML, at the address that people know from site builders too.
    Exchange,
    /// A file of CommerceML, sent as it is.
    CommerceMlFile,
    /// A document of a base that the service has asked for.
    AskedFor,
    /// Nothing of ours.
    Unknown,
}

impl<'a> Route<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments.as_slice() {
            [.., "hs", "loyaltyservice", method] => Route::LoyaltyServer(method),
            [.., "hs", "loyaltyservice"] => Route::LoyaltyServer(""),
            ["v1", "receipts"] => Route::Receipts,
            ["v1", "receipts", "batch"] => Route::ReceiptBatch,
            ["v1", "members"] => Route::Members,
            ["v1", "reserve"] => Route::Reserve,
            ["v1", "cancel"] => Route::Cancel,
            ["poll", crate::odata::DELIVERED] => Route::AskedFor,
            ["exchange"] | [.., "1c_exchange.php"] => Route::Exchange,
            ["v1", "commerceml"] => Route::CommerceMlFile,
            _ => Route::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_found_with_and_without_slashes_and_below_any_address() {
        for path in [
            "hs/loyaltyservice/ping",
            "hs/loyaltyservice/ping/",
            "shop/hs/loyaltyservice//ping/",
        ] {
            assert_eq!(Route::of(path), Route::LoyaltyServer("ping"), "{path}");
        }
        assert_eq!(Route::of("hs/loyaltyservice/"), Route::LoyaltyServer(""));
    }

    #[test]
    fn receipts_and_members_have_their_own_doors_and_the_rest_has_none() {
        assert_eq!(Route::of("v1/receipts/"), Route::Receipts);
        assert_eq!(Route::of("v1/receipts/batch"), Route::ReceiptBatch);
        assert_eq!(Route::of("v1/members"), Route::Members);
        assert_eq!(Route::of("v1/reserve"), Route::Reserve);
        assert_eq!(Route::of("v1/cancel/"), Route::Cancel);
        assert_eq!(Route::of("exchange"), Route::Exchange);
        assert_eq!(Route::of("bitrix/admin/1c_exchange.php"), Route::Exchange);
        assert_eq!(Route::of("v1/commerceml"), Route::CommerceMlFile);
        for path in ["", "v1", "v2/receipts", "hs/otherservice/ping"] {
            assert_eq!(Route::of(path), Route::Unknown, "{path}");
        }
    }
}
