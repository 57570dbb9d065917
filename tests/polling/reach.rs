//! A connection's address is set by people of its network: on a service that several share, it leads nobody into the
//! machine's own network.

use chrono::Duration;
use kopilka::worker::polling::PrivateAddresses;

use super::Asking;
use crate::databases::each_database_async;

#[test]
fn a_vendor_inside_is_asked_while_there_is_one_network_and_not_when_there_are_several() {
    each_database_async(|store| async move {
        let mut asking = Asking::new(store).await;
        asking.sell("1", "1000.00");
        assert_eq!(asking.pass().await, ["token", "changes 0", "changes 1"]);

        asking.till.service.owner("another").await;
        assert_eq!(asking.after(Duration::minutes(1)).await, Vec::<String>::new());
        let (_, _, reason) = asking.standing().await;
        assert!(reason.unwrap().contains("polling.private_addresses"));

        // The service's operator may know better, either way.
        asking.till.service.app.private_addresses = PrivateAddresses::Always;
        assert_eq!(asking.after(Duration::minutes(15)).await, ["changes 1"]);
        asking.till.service.app.private_addresses = PrivateAddresses::Never;
        assert_eq!(asking.after(Duration::minutes(15)).await, Vec::<String>::new());
    });
}
