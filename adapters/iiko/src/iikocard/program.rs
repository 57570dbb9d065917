//! What there is beside guests: one organization, one programme, one wallet.

use serde_json::json;

use super::{Call, Said, answer};

pub(super) fn organizations(call: &Call<'_>) -> Said {
    let ids: Vec<&str> = match call.organizations.len() {
        0 => vec![call.card.organization_id.as_str()],
        _ => call.organizations.iter().map(crate::Id::as_str).collect(),
    };
    let organizations: Vec<_> = ids
        .iter()
        .map(|id| json!({"responseType": "Simple", "id": id, "name": call.card.program_name}))
        .collect();
    Said::new(&json!({
        "correlationId": answer::correlation_id(call.message),
        "organizations": organizations,
    }))
}

/// `Programs` with a capital letter, as iikoCard writes it; type 1 is a bonus programme.
pub(super) fn programs(call: &Call<'_>) -> Said {
    Said::new(&json!({"Programs": [{
        "id": call.card.program_id.as_str(),
        "name": call.card.program_name,
        "description": null,
        "serviceFrom": null,
        "serviceTo": null,
        "notifyAboutBalanceChanges": false,
        "programType": 1,
        "isActive": true,
        "walletId": call.card.wallet_id.as_str(),
        "marketingCampaigns": [],
        "appliedOrganizations": call.organizations.iter().map(crate::Id::as_str).collect::<Vec<_>>(),
        "templateType": 0,
        "hasWelcomeBonus": false,
        "welcomeBonusSum": 0,
        "isExchangeRateEnabled": false,
        "refillType": 0,
    }]}))
}

/// Guests have no categories here.
pub(super) fn categories() -> Said {
    Said::new(&json!({"guestCategories": []}))
}
