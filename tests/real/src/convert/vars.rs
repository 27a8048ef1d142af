//! The variables of one level as the layer of that level.
//!
//! Every variable is taken out as it is carried over; what is left at the end is reported by the caller.

use std::collections::BTreeMap;
use std::mem::take;

use serde_json::Value;

use super::LeftOut;
use super::network::{network, upstream};
use super::shape::{
    Adblock, Antenna, BuildOption, Feed, Image, KernelFile, Layer, Led, LedTrigger, LegacySwitch, Networks, Ports,
    PowerPin, PowerPort, Radio, Services, System, Tuning, Wireless,
};
use crate::source::{self, SiteRole, Trigger, Vars};

/// Takes what a level says out of its variables. Values that cannot be understood are put on the list.
pub(super) fn layer(vars: &mut Vars, left_out: &mut LeftOut) -> Layer {
    Layer {
        system: system(vars, left_out),
        ports: ports(vars, left_out),
        network: Networks {
            ipv6_prefix: vars.ipv6_prefix.take(),
            networks: take(&mut vars.networks).into_iter().filter_map(|one| network(one, left_out)).collect(),
        },
        wireless: wireless(vars, left_out),
        services: services(vars, left_out),
        upstream: upstream(vars, left_out),
    }
}

fn system(vars: &mut Vars, left_out: &mut LeftOut) -> System {
    System {
        hostname: None,
        site: vars.location.take(),
        role: None,
        brand: vars.brand_nice.take(),
        product: vars.model_nice.take(),
        revision: vars.version_nice.take(),
        release: vars.openwrt_version.take(),
        low_memory: vars.low_mem.take(),
        low_flash: vars.low_flash.take(),
        multicore: vars.multicore.take(),
        cpu_governor: vars.cpu_governor.take(),
        flow_offload: vars.flow_offload.take().and_then(|word| match word.as_str() {
            "hw" => Some("hardware"),
            "sw" => Some("software"),
            _ => left_out.odd("flow_offload", &word),
        }),
        serial_ports: take(&mut vars.additional_serial_ports),
        disabled_services: take(&mut vars.disabled_services),
        image: Image {
            board: vars.override_target.take(),
            pattern: vars.image_search_pattern.take(),
            options: build_options(take(&mut vars.imagebuilder_config), left_out),
        },
        sysctl: sysctl(vars),
        sysfs: take(&mut vars.sysfs_overrides)
            .into_iter()
            .map(|file| KernelFile { path: file.path, value: file.value })
            .collect(),
    }
}

/// The schema's word for a role.
pub(super) fn role_word(role: SiteRole) -> &'static str {
    match role {
        SiteRole::Ap => "access_point",
        SiteRole::Corerouter => "core_router",
        SiteRole::Gateway => "gateway",
    }
}

fn build_options(options: BTreeMap<String, Value>, left_out: &mut LeftOut) -> BTreeMap<String, BuildOption> {
    let option = |(name, value): (String, Value)| {
        let option = match &value {
            Value::String(text) => BuildOption::Text(text.clone()),
            Value::Number(number) => BuildOption::Number(number.as_i64()?),
            other => return left_out.odd(&format!("imagebuilder_config.{name}"), &other.to_string()),
        };
        Some((name, option))
    };
    options.into_iter().filter_map(option).collect()
}

/// Kernel parameters stand under a key that names the level.
fn sysctl(vars: &mut Vars) -> BTreeMap<String, i64> {
    let keys: Vec<String> = vars.patterned.keys().filter(|key| key.ends_with("__sysctl__to_merge")).cloned().collect();
    let tables = keys.iter().filter_map(|key| match vars.patterned.remove(key) {
        Some(Value::Object(table)) => Some(table),
        _ => None,
    });
    tables.flatten().filter_map(|(name, value)| Some((name, value.as_i64()?))).collect()
}

fn ports(vars: &mut Vars, left_out: &mut LeftOut) -> Ports {
    let switch = vars.switch_ports.take().zip(vars.switch_int_port.take());
    let ignored = take(&mut vars.switch_ignore_ports);
    Ports {
        switched: take(&mut vars.dsa_ports),
        internal: vars.int_port.take(),
        mac_required: vars.requires_mac_override.take(),
        power_on: take(&mut vars.poe_on),
        power_budget: vars.poemgr_power_budget.take(),
        legacy_switch: switch.map(|(ports, cpu_port)| LegacySwitch { ports, cpu_port, ignored }),
        mac: take(&mut vars.mac_override),
        untagged: take(&mut vars.port_untag).into_iter().map(|(vid, ports)| (vid.to_string(), ports)).collect(),
        power_pins: take(&mut vars.poe_ports)
            .into_iter()
            .map(|pin| PowerPin { name: pin.name, gpio: pin.gpio_pin, active: pin.value })
            .collect(),
        power_ports: take(&mut vars.poemgr_ports)
            .into_iter()
            .map(|port| PowerPort { name: port.name, port: port.port, disabled: port.disabled != 0 })
            .collect(),
        leds: take(&mut vars.leds).into_iter().filter_map(|led| light(led, left_out)).collect(),
    }
}

fn light(mut led: source::Led, left_out: &mut LeftOut) -> Option<Led> {
    let trigger = match led.trigger {
        Trigger::None => LedTrigger::Off,
        Trigger::DefaultOn => LedTrigger::Always,
        Trigger::Phy0tpt => LedTrigger::Radio { index: 0 },
        Trigger::Phy1tpt => LedTrigger::Radio { index: 1 },
        Trigger::Switch0 => match led.port_mask.take() {
            Some(port_mask) => LedTrigger::Switch { port_mask },
            None => return left_out.odd("leds", &led.name),
        },
        Trigger::Netdev => LedTrigger::Network {
            interface: led.dev.take(),
            shows: led.mode.take().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        },
        Trigger::Rssi => match (led.iface.take(), led.minq.take(), led.maxq.take()) {
            (Some(interface), Some(from), Some(to)) => LedTrigger::Signal { interface, from, to },
            _ => return left_out.odd("leds", &led.name),
        },
    };
    let light = Led { name: take(&mut led.name), sysfs: take(&mut led.sysfs), trigger };
    left_out.rest(&format!("leds.{}", light.name), &led, &["trigger"]);
    Some(light)
}

fn wireless(vars: &mut Vars, left_out: &mut LeftOut) -> Wireless {
    Wireless {
        profile: vars.wireless_profile.take(),
        roaming: vars.wifi_roaming.take(),
        radios: take(&mut vars.wireless_devices).into_iter().map(|device| radio(device, left_out)).collect(),
        tuning: take(&mut vars.ath10k_ct_fwcfg).into_iter().map(|one| tuning(one, left_out)).collect(),
    }
}

fn radio(device: source::RadioDevice, left_out: &mut LeftOut) -> Radio {
    Radio {
        band: match device.band.as_str() {
            "2g" => Some("ghz_2"),
            "5g" => Some("ghz_5"),
            "6g" => Some("ghz_6"),
            "60g" => Some("ghz_60"),
            other => left_out.odd("wireless_devices.band", other),
        },
        name: device.name,
        mode: Some(device.htmode_prefix.to_lowercase()),
        path: Some(device.path),
        interface: Some(device.ifname_hint),
        antenna_gain: device.antenna_gain,
        channel: None,
    }
}

fn tuning(one: source::Tuning, left_out: &mut LeftOut) -> Tuning {
    let mut limits = BTreeMap::new();
    for line in one.config.lines().filter(|line| !line.trim().is_empty()) {
        let limit = line.split_once('=').and_then(|(name, value)| Some((name.trim(), value.trim().parse().ok()?)));
        match limit {
            Some((name, value)) => drop(limits.insert(name.to_owned(), value)),
            None => left_out.add("ath10k_ct_fwcfg", format!("`{line}` is no limit")),
        }
    }
    Tuning { device: one.id, limits }
}

fn services(vars: &mut Vars, left_out: &mut LeftOut) -> Services {
    Services {
        dns_servers: take(&mut vars.dns_servers),
        lease_unchecked: vars.dhcp_no_ping.take(),
        adblock: Adblock {
            enabled: vars.adblock_enabled.take(),
            dns: vars.adblock_fast_dns.take(),
            force_dns: vars.adblock_fast_force_dns.take(),
            gateway_check: vars.adblock_fast_gateway_check.take(),
            ipv6: vars.adblock_fast_ipv6_enabled.take(),
            boot_timeout: vars.adblock_fast_procd_boot_wan_timeout.take().map(|seconds| format!("{seconds}s")),
            feeds: take(&mut vars.adblock_fast_feeds)
                .into_iter()
                .map(|feed| Feed { name: feed.name, url: feed.url })
                .collect(),
        },
        antennas: take(&mut vars.airos_dfs_reset).into_iter().filter_map(|one| antenna(one, left_out)).collect(),
    }
}

fn antenna(one: source::Antenna, left_out: &mut LeftOut) -> Option<Antenna> {
    let hours = one.daytime_limit.split_once('-');
    let Some((Ok(from_hour), Ok(to_hour))) = hours.map(|(from, to)| (from.parse(), to.parse())) else {
        return left_out.odd("airos_dfs_reset.daytime_limit", &one.daytime_limit);
    };
    Some(Antenna { name: one.name, address: one.target.to_string(), user: one.username, from_hour, to_hour })
}
