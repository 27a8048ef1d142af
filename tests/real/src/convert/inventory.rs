//! The devices: a table of comma-separated values for routers and access points, a TOML file for the few gateways.
//!
//! A device's id is the beginning of its name's digest, so that converting twice gives the same fleet.

use std::collections::{BTreeMap, BTreeSet};

use steadfast_core::digest::Digest;
use steadfast_core::id::DeviceId;

use super::hosts::Host;
use crate::source::{SiteRole, Vars};

/// Where routers and access points stand.
pub(crate) const TABLE: &str = "inventory/routers.csv";
/// Where gateways stand.
const GATEWAYS: &str = "inventory/gateways.toml";
/// The one model of this fleet.
const MODEL: &str = "router";

/// The device id of a host.
pub(crate) fn device_id(name: &str) -> DeviceId {
    let digest = Digest::of(name.as_bytes()).0;
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    DeviceId(id)
}

/// What the inventory says of a host stands in no layer.
pub(super) fn take_cells(host: &mut Vars) {
    host.mac_override.clear();
}

/// Writes both files; the number of values that they set.
pub(super) fn write(hosts: &[Host], files: &mut BTreeMap<String, String>) -> usize {
    let (gateways, others): (Vec<_>, Vec<_>) = hosts.iter().partition(|host| host.role == SiteRole::Gateway);
    let ports: BTreeSet<&String> = others.iter().flat_map(|host| host.mac.keys()).collect();
    let columns = ["device", "name", "model", "role", "hardware", "site", "set.system.hostname"].map(str::to_owned);
    let mut rows = vec![columns.into_iter().chain(ports.iter().map(|port| format!("set.ports.mac.{port}"))).collect()];
    rows.extend(others.iter().map(|host| row(host, &ports)));
    let table = rows.iter().map(|cells: &Vec<String>| cells.join(",") + "\n").collect();
    files.insert(TABLE.to_owned(), table);
    if !gateways.is_empty() {
        files.insert(GATEWAYS.to_owned(), gateways.iter().map(|host| gateway(host)).collect());
    }
    hosts.iter().map(|host| 1 + host.mac.len()).sum()
}

fn row(host: &Host, ports: &BTreeSet<&String>) -> Vec<String> {
    let Host { name, site, role, hardware, mac } = host;
    let id = device_id(name).to_string();
    let cells = [id.as_str(), name, MODEL, role.word(), hardware, site, name].map(str::to_owned);
    cells.into_iter().chain(ports.iter().map(|port| mac.get(*port).cloned().unwrap_or_default())).collect()
}

fn gateway(host: &Host) -> String {
    let Host { name, site, role, hardware, mac } = host;
    let (id, role) = (device_id(name), role.word());
    let mut text = format!(
        "[[device]]\ndevice = \"{id}\"\nname = \"{name}\"\nmodel = \"{MODEL}\"\nrole = \"{role}\"\n\
         hardware = \"{hardware}\"\nsite = \"{site}\"\n\n[device.set.system]\nhostname = \"{name}\"\n"
    );
    if !mac.is_empty() {
        text.push_str("\n[device.set.ports.mac]\n");
        text.extend(mac.iter().map(|(port, address)| format!("\"{port}\" = \"{address}\"\n")));
    }
    text.push('\n');
    text
}
