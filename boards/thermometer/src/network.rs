//! Tells the link which server to ask. A wrong one loses the round trip, and the trial with it.

use embedded_storage_async::nor_flash::NorFlash;
use steadfast_firmware::application::Subscriber;
use steadfast_firmware::link::Server;

use crate::config::Network;
use crate::or_defaults;

/// Runs for ever. `flashed` is the server that the device was flashed with.
pub(crate) async fn run<F: NorFlash>(
    mut network: Subscriber<Network, F>,
    server: &'static Server,
    flashed: heapless::String<64>,
) -> ! {
    let mut values = or_defaults(network.section().await);
    loop {
        let address = if values.server.is_empty() { &flashed } else { &values.server };
        server.set(address);
        defmt::info!("server {=str}", address.as_str());
        values = or_defaults(network.changed().await);
    }
}
