//! The values of one layer, in the shapes of `schema/router.toml`. What is absent or empty is not written.

use std::collections::BTreeMap;

use serde::Serialize;

/// A layer's sections.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Layer {
    pub(crate) system: System,
    pub(crate) ports: Ports,
    pub(crate) network: Networks,
    pub(crate) wireless: Wireless,
    pub(crate) services: Services,
    pub(crate) upstream: Upstream,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct System {
    pub(crate) hostname: Option<String>,
    pub(crate) site: Option<String>,
    pub(crate) role: Option<&'static str>,
    pub(crate) brand: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) low_memory: Option<bool>,
    pub(crate) low_flash: Option<bool>,
    pub(crate) multicore: Option<bool>,
    pub(crate) cpu_governor: Option<String>,
    pub(crate) flow_offload: Option<&'static str>,
    pub(crate) serial_ports: Vec<String>,
    pub(crate) disabled_services: Vec<String>,
    pub(crate) image: Image,
    pub(crate) sysctl: BTreeMap<String, i64>,
    pub(crate) sysfs: Vec<KernelFile>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Image {
    pub(crate) board: Option<String>,
    pub(crate) pattern: Option<String>,
    pub(crate) options: BTreeMap<String, BuildOption>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BuildOption {
    Number(i64),
    Text(String),
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct KernelFile {
    pub(crate) path: String,
    pub(crate) value: i64,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Ports {
    pub(crate) switched: Vec<String>,
    pub(crate) internal: Option<String>,
    pub(crate) mac_required: Option<bool>,
    pub(crate) power_on: Vec<u8>,
    pub(crate) power_budget: Option<u16>,
    pub(crate) legacy_switch: Option<LegacySwitch>,
    pub(crate) mac: BTreeMap<String, String>,
    pub(crate) untagged: BTreeMap<String, Vec<String>>,
    pub(crate) power_pins: Vec<PowerPin>,
    pub(crate) power_ports: Vec<PowerPort>,
    pub(crate) leds: Vec<Led>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct LegacySwitch {
    pub(crate) ports: u8,
    pub(crate) cpu_port: u8,
    pub(crate) ignored: Vec<u8>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct PowerPin {
    pub(crate) name: String,
    pub(crate) gpio: u16,
    pub(crate) active: u8,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct PowerPort {
    pub(crate) name: String,
    pub(crate) port: u8,
    pub(crate) disabled: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Led {
    pub(crate) name: String,
    pub(crate) sysfs: String,
    pub(crate) trigger: LedTrigger,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LedTrigger {
    Off,
    Always,
    Radio { index: u8 },
    Switch { port_mask: u32 },
    Network { interface: Option<String>, shows: Vec<String> },
    Signal { interface: String, from: u8, to: u8 },
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Networks {
    pub(crate) ipv6_prefix: Option<String>,
    pub(crate) networks: Vec<Network>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Network {
    pub(crate) name: String,
    pub(crate) vid: Option<u16>,
    pub(crate) prefix: Option<String>,
    pub(crate) ipv6_subnet: Option<i16>,
    pub(crate) interface: Option<String>,
    pub(crate) untagged: Option<bool>,
    pub(crate) assignments: BTreeMap<String, u16>,
    pub(crate) kind: NetworkKind,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NetworkKind {
    Mesh(Mesh),
    Dhcp(Dhcp),
    Management(Management),
    External(External),
    Tunnel(Tunnel),
    Uplink(Uplink),
    WirelessUplink(WirelessUplink),
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Mesh {
    pub(crate) metric: Option<u16>,
    pub(crate) point_to_point: Option<bool>,
    pub(crate) link_quality: Vec<LinkQuality>,
    pub(crate) wireless: Option<MeshRadio>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct LinkQuality {
    pub(crate) neighbour: Option<String>,
    pub(crate) factor: f64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct MeshRadio {
    pub(crate) access_point: String,
    pub(crate) radio: String,
    pub(crate) interface: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Dhcp {
    pub(crate) inbound_filtering: Option<bool>,
    pub(crate) client_isolation: Option<bool>,
    pub(crate) dns_record: Option<bool>,
    pub(crate) gateway: Option<u16>,
    pub(crate) dns: Option<u16>,
    pub(crate) shaping: Shaping,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Shaping {
    pub(crate) down: Option<u32>,
    pub(crate) up: Option<u32>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Management {
    pub(crate) gateway: Option<u16>,
    pub(crate) dns: Option<u16>,
    pub(crate) ntp: Option<u16>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct External {
    pub(crate) inbound_filtering: Option<bool>,
    pub(crate) client_isolation: Option<bool>,
    pub(crate) dns_record: Option<bool>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tunnel {
    pub(crate) mtu: u16,
    pub(crate) port: u16,
    pub(crate) link_quality: Vec<LinkQuality>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Uplink {
    pub(crate) address: Option<String>,
    pub(crate) gateway: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) shaping: Shaping,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct WirelessUplink {
    pub(crate) ssid: String,
    pub(crate) encryption: String,
    pub(crate) radio: String,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Wireless {
    pub(crate) profile: Option<String>,
    pub(crate) roaming: Option<bool>,
    pub(crate) radios: Vec<Radio>,
    pub(crate) tuning: Vec<Tuning>,
}

/// A radio; in a host's layer only its name and channel.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Radio {
    pub(crate) name: String,
    pub(crate) band: Option<&'static str>,
    pub(crate) mode: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) antenna_gain: Option<u8>,
    pub(crate) channel: Option<Channel>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Channel {
    pub(crate) number: u8,
    pub(crate) width: String,
    pub(crate) power: Option<u8>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Tuning {
    pub(crate) device: String,
    pub(crate) limits: BTreeMap<String, u32>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Services {
    pub(crate) dns_servers: Vec<String>,
    pub(crate) lease_unchecked: Option<bool>,
    pub(crate) adblock: Adblock,
    pub(crate) antennas: Vec<Antenna>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Adblock {
    pub(crate) enabled: Option<bool>,
    pub(crate) dns: Option<String>,
    pub(crate) force_dns: Option<bool>,
    pub(crate) gateway_check: Option<String>,
    pub(crate) ipv6: Option<bool>,
    pub(crate) boot_timeout: Option<String>,
    pub(crate) feeds: Vec<Feed>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Feed {
    pub(crate) name: String,
    pub(crate) url: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Antenna {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) user: String,
    pub(crate) from_hour: u8,
    pub(crate) to_hour: u8,
}

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Upstream {
    pub(crate) gateway: Option<Gateway>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Gateway {
    pub(crate) announced_down: u32,
    pub(crate) announced_up: u32,
    pub(crate) tunnel_metric: u16,
    pub(crate) wireguard_ipv4: String,
    pub(crate) wireguard_ipv6: String,
    pub(crate) gre_ipv6: String,
    pub(crate) gre_alias: String,
    pub(crate) uplink: RoutedInterface,
    pub(crate) management: RoutedInterface,
    pub(crate) assignments: BTreeMap<String, u16>,
    pub(crate) mesh_links: Vec<MeshLink>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct RoutedInterface {
    pub(crate) interface: String,
    pub(crate) ipv4: String,
    pub(crate) ipv6: String,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct MeshLink {
    pub(crate) name: String,
    pub(crate) interface: String,
    pub(crate) ipv4: String,
    pub(crate) ipv6: Option<String>,
    pub(crate) metric: Option<u16>,
    pub(crate) point_to_point: Option<bool>,
}
