//! The variables of the network's data, with the types that its own tools expect of them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All variables of one file, or of one host in it. Absent ones keep what an earlier level gave.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Vars {
    pub(crate) location: Option<String>,
    #[serde(default)]
    pub(crate) hosts: Vec<Vars>,
    pub(crate) hostname: Option<String>,
    pub(crate) role: Option<SiteRole>,
    pub(crate) model: Option<String>,
    pub(crate) target: Option<String>,

    pub(crate) brand_nice: Option<String>,
    pub(crate) model_nice: Option<String>,
    pub(crate) version_nice: Option<String>,
    pub(crate) openwrt_version: Option<String>,
    pub(crate) override_target: Option<String>,
    pub(crate) image_search_pattern: Option<String>,
    #[serde(default)]
    pub(crate) imagebuilder_config: BTreeMap<String, Value>,
    pub(crate) low_mem: Option<bool>,
    pub(crate) low_flash: Option<bool>,
    pub(crate) multicore: Option<bool>,
    pub(crate) cpu_governor: Option<String>,
    pub(crate) flow_offload: Option<String>,
    #[serde(default)]
    pub(crate) sysfs_overrides: Vec<KernelFile>,
    #[serde(default)]
    pub(crate) additional_serial_ports: Vec<String>,
    #[serde(default, rename = "host__disabled_services__to_merge")]
    pub(crate) disabled_services: Vec<String>,

    #[serde(default)]
    pub(crate) dsa_ports: Vec<String>,
    pub(crate) int_port: Option<String>,
    pub(crate) switch_ports: Option<u8>,
    pub(crate) switch_int_port: Option<u8>,
    #[serde(default)]
    pub(crate) switch_ignore_ports: Vec<u8>,
    pub(crate) requires_mac_override: Option<bool>,
    #[serde(default)]
    pub(crate) mac_override: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) port_untag: BTreeMap<u16, Vec<String>>,
    #[serde(default)]
    pub(crate) poe_ports: Vec<PowerPin>,
    #[serde(default)]
    pub(crate) poe_on: Vec<u8>,
    #[serde(default)]
    pub(crate) poemgr_ports: Vec<PowerPort>,
    pub(crate) poemgr_power_budget: Option<u16>,
    #[serde(default)]
    pub(crate) leds: Vec<Led>,

    pub(crate) ipv6_prefix: Option<String>,
    #[serde(default)]
    pub(crate) networks: Vec<Network>,

    pub(crate) wireless_profile: Option<String>,
    pub(crate) wifi_roaming: Option<bool>,
    #[serde(default)]
    pub(crate) wireless_devices: Vec<RadioDevice>,
    #[serde(default)]
    pub(crate) ath10k_ct_fwcfg: Vec<Tuning>,

    #[serde(default)]
    pub(crate) dns_servers: Vec<String>,
    pub(crate) dhcp_no_ping: Option<bool>,
    pub(crate) adblock_enabled: Option<bool>,
    pub(crate) adblock_fast_dns: Option<String>,
    pub(crate) adblock_fast_force_dns: Option<bool>,
    pub(crate) adblock_fast_gateway_check: Option<String>,
    pub(crate) adblock_fast_ipv6_enabled: Option<bool>,
    pub(crate) adblock_fast_procd_boot_wan_timeout: Option<u32>,
    #[serde(default)]
    pub(crate) adblock_fast_feeds: Vec<Feed>,
    #[serde(default)]
    pub(crate) airos_dfs_reset: Vec<Antenna>,

    pub(crate) uplink: Option<Routed>,
    pub(crate) mgmt: Option<Routed>,
    #[serde(default)]
    pub(crate) mesh_links: Vec<MeshLink>,
    pub(crate) sgw: Option<String>,
    pub(crate) tunnel_metric: Option<u16>,
    pub(crate) wireguard_base_prefix_ipv4: Option<String>,
    pub(crate) wireguard_base_prefix_ipv6: Option<String>,
    pub(crate) gre_base_prefix: Option<String>,
    pub(crate) gre_tunnel_alias: Option<String>,

    /// Keys with a part that varies, like the radio of a channel plan.
    #[serde(flatten)]
    pub(crate) patterned: BTreeMap<String, Value>,
}

/// What a host does at its site.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SiteRole {
    Ap,
    Corerouter,
    Gateway,
}

impl SiteRole {
    /// The data's word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ap => "ap",
            Self::Corerouter => "corerouter",
            Self::Gateway => "gateway",
        }
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct KernelFile {
    pub(crate) path: String,
    pub(crate) value: i64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct PowerPin {
    pub(crate) name: String,
    pub(crate) gpio_pin: u16,
    pub(crate) value: u8,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct PowerPort {
    pub(crate) name: String,
    pub(crate) port: u8,
    pub(crate) disabled: u8,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Led {
    pub(crate) name: String,
    pub(crate) sysfs: String,
    pub(crate) trigger: Trigger,
    pub(crate) dev: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) iface: Option<String>,
    pub(crate) minq: Option<u8>,
    pub(crate) maxq: Option<u8>,
    pub(crate) port_mask: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trigger {
    None,
    DefaultOn,
    Netdev,
    Rssi,
    Switch0,
    Phy0tpt,
    Phy1tpt,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Network {
    pub(crate) vid: Option<u16>,
    pub(crate) role: NetworkRole,
    pub(crate) name: Option<String>,
    pub(crate) ifname: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) ipv6_subprefix: Option<i16>,
    pub(crate) untagged: Option<bool>,
    #[serde(default)]
    pub(crate) assignments: BTreeMap<String, u16>,

    pub(crate) ptp: Option<bool>,
    pub(crate) mesh_ap: Option<String>,
    pub(crate) mesh_radio: Option<String>,
    pub(crate) mesh_iface: Option<String>,
    pub(crate) mesh_metric: Option<u16>,
    #[serde(default)]
    pub(crate) mesh_metric_lqm: Vec<String>,

    pub(crate) inbound_filtering: Option<bool>,
    pub(crate) enforce_client_isolation: Option<bool>,
    pub(crate) no_corerouter_dns_record: Option<bool>,
    pub(crate) gateway: Option<u16>,
    pub(crate) dns: Option<u16>,
    pub(crate) ntp: Option<u16>,
    pub(crate) ingress: Option<u32>,
    pub(crate) egress: Option<u32>,

    pub(crate) mtu: Option<u16>,
    pub(crate) wireguard_port: Option<u16>,
    pub(crate) uplink_ipv4: Option<String>,
    pub(crate) uplink_gateway: Option<Ipv4Addr>,
    pub(crate) uplink_mode: Option<String>,
    pub(crate) wireless_ssid: Option<String>,
    pub(crate) wireless_encryption: Option<String>,
    pub(crate) radio: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NetworkRole {
    Mesh,
    Dhcp,
    Mgmt,
    Ext,
    Tunnel,
    Uplink,
    WirelessUplink,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct RadioDevice {
    pub(crate) name: String,
    pub(crate) band: String,
    pub(crate) htmode_prefix: String,
    pub(crate) path: String,
    pub(crate) ifname_hint: String,
    pub(crate) antenna_gain: Option<u8>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Tuning {
    pub(crate) id: String,
    /// Lines of `name = number`.
    pub(crate) config: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Feed {
    pub(crate) name: String,
    pub(crate) url: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Antenna {
    pub(crate) name: String,
    pub(crate) target: Ipv4Addr,
    pub(crate) username: String,
    /// Two hours of the day, as in `1-5`.
    pub(crate) daytime_limit: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Routed {
    pub(crate) ifname: String,
    pub(crate) ipv4: String,
    pub(crate) ipv6: String,
    #[serde(default)]
    pub(crate) assignments: BTreeMap<String, u16>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct MeshLink {
    pub(crate) name: String,
    pub(crate) ifname: String,
    pub(crate) ipv4: String,
    pub(crate) ipv6: Option<String>,
    pub(crate) mesh_metric: Option<u16>,
    pub(crate) ptp: Option<bool>,
}
