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
        let address = if named(&values).is_empty() { &flashed } else { named(&values) };
        server.set(address);
        defmt::info!("server {=str}", address);
        values = or_defaults(network.changed().await);
    }
}

/// The server that the configuration names, if any.
fn named(values: &Network) -> &str {
    #[cfg(not(feature = "next"))]
    return &values.server;
    #[cfg(feature = "next")]
    return values.address.as_deref().unwrap_or_default();
}
