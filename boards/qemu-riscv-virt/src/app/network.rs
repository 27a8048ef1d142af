//! Tells the link which server to ask. A wrong one loses the round trip, and the trial with it.

use steadfast_firmware::link::Server;

use super::config::Network;
use super::{Subscriber, or_defaults};

/// Runs for ever. `flashed` is the server that the device was flashed with.
#[embassy_executor::task]
pub async fn run(mut network: Subscriber<Network>, server: &'static Server, flashed: heapless::String<64>) -> ! {
    let mut values = or_defaults(network.section().await);
    loop {
        let address = if values.server.is_empty() { &flashed } else { &values.server };
        server.set(address);
        defmt::info!("server {=str}", address.as_str());
        values = or_defaults(network.changed().await);
    }
}
