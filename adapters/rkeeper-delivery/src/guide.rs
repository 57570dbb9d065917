//! What is typed into the screens of r_keeper Delivery.

use kopilka_contract::{GuideStep, Words};

/// The template of the webhook that we publish. What stands in the brackets is picked from the panel's list: the spelling
/// of its placeholders depends on the version.
const TEMPLATE: &str = r#"{"source": "rkeeper-delivery", "orderId": "[…]", "statusId": 11, "restaurantId": "[…]", "changedAt": "[…]"}"#;

/// Gives a new connection its account. The connection's id the person looks up: the door's address does not hold it.
fn account_command(address: &str) -> String {
    let service = address.split("/pos/").next().unwrap_or(address);
    format!(
        r#"curl -X PATCH {service}/api/v1/connections/con_… -H "Authorization: Bearer $ADMIN" -H "Content-Type: application/json" -d '{{"settings": {{"client_id": "…", "client_secret": "…"}}}}'"#
    )
}

/// The steps for a door with this address.
pub(crate) fn guide(address: &str) -> Vec<GuideStep> {
    vec![
        GuideStep::new(
            "Панель r_keeper Delivery → веб-хуки (подписка на статусы, канал API), шаблон «заказ завершён»",
            "Panel of r_keeper Delivery → webhooks (subscription to statuses, channel API), template \"order completed\"",
        )
        .literal("URL", format!("{address}/webhook"))
        .entry(
            Words::new("Условие", "Condition"),
            Words::new("статус = Завершён", "status = Completed"),
        )
        .entry(Words::new("Сообщение", "Message"), Words::new(TEMPLATE, TEMPLATE)),
        GuideStep::new(
            "Там же второй шаблон, «заказ отменён»: условие «статус = Отменён», в сообщении \"statusId\": 12",
            "There, a second template, \"order cancelled\": condition status = Cancelled, in the message \"statusId\": 12",
        ),
        GuideStep::new(
            "Настройки этого подключения в Копилке (учётную запись REST API выдаёт UCS)",
            "The settings of this connection in Kopilka (UCS gives the account of the REST API)",
        )
        .entry(
            Words::new("client_id, client_secret", "client_id, client_secret"),
            Words::new("учётная запись", "the account"),
        )
        .literal("curl", account_command(address)),
    ]
}
