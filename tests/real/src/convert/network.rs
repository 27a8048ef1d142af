//! Networks of a site, and the way out of a gateway.

use std::mem::take;

use super::LeftOut;
use super::shape::{
    Dhcp, External, Gateway, LinkQuality, Management, Mesh, MeshLink, MeshRadio, Network, NetworkKind, RoutedInterface,
    Shaping, Tunnel, Uplink, Upstream, WirelessUplink,
};
use crate::source::{self, NetworkRole, Vars};

/// One network under a name of its own: the data names some and leaves others to their role.
pub(super) fn network(mut one: source::Network, left_out: &mut LeftOut) -> Option<Network> {
    let name = one.name.take().or_else(|| match one.role {
        NetworkRole::Tunnel => one.ifname.clone(),
        role => Some(default_name(role).to_owned()),
    })?;
    let before = left_out.enter(&format!("networks.{name}"));
    let kind = kind(&mut one, left_out);
    let network = kind.map(|kind| Network {
        name,
        vid: one.vid.take(),
        prefix: one.prefix.take(),
        ipv6_subnet: one.ipv6_subprefix.take(),
        interface: one.ifname.take(),
        untagged: one.untagged.take(),
        assignments: take(&mut one.assignments),
        kind,
    });
    match &network {
        Some(_) => left_out.rest("", &one, &["role"]),
        None => left_out.add("", "lacks what a network of its role needs".to_owned()),
    }
    left_out.leave(before);
    network
}

fn default_name(role: NetworkRole) -> &'static str {
    match role {
        NetworkRole::Mesh => "mesh",
        NetworkRole::Dhcp => "dhcp",
        NetworkRole::Mgmt => "management",
        NetworkRole::Ext => "external",
        NetworkRole::Tunnel => "tunnel",
        NetworkRole::Uplink | NetworkRole::WirelessUplink => "uplink",
    }
}

/// `None` when something is missing without which the network means nothing.
fn kind(one: &mut source::Network, left_out: &mut LeftOut) -> Option<NetworkKind> {
    Some(match one.role {
        NetworkRole::Mesh => NetworkKind::Mesh(Mesh {
            metric: one.mesh_metric.take(),
            point_to_point: one.ptp.take(),
            link_quality: link_quality(one, left_out),
            wireless: mesh_radio(one),
        }),
        NetworkRole::Dhcp => NetworkKind::Dhcp(Dhcp {
            inbound_filtering: one.inbound_filtering.take(),
            client_isolation: one.enforce_client_isolation.take(),
            dns_record: one.no_corerouter_dns_record.take().map(|none| !none),
            gateway: one.gateway.take(),
            dns: one.dns.take(),
            shaping: shaping(one),
        }),
        NetworkRole::Mgmt => NetworkKind::Management(Management {
            gateway: one.gateway.take(),
            dns: one.dns.take(),
            ntp: one.ntp.take(),
        }),
        NetworkRole::Ext => NetworkKind::External(External {
            inbound_filtering: one.inbound_filtering.take(),
            client_isolation: one.enforce_client_isolation.take(),
            dns_record: one.no_corerouter_dns_record.take().map(|none| !none),
        }),
        NetworkRole::Tunnel => NetworkKind::Tunnel(Tunnel {
            mtu: one.mtu.take()?,
            port: one.wireguard_port.take()?,
            link_quality: link_quality(one, left_out),
        }),
        NetworkRole::Uplink => NetworkKind::Uplink(Uplink {
            address: one.uplink_ipv4.take(),
            gateway: one.uplink_gateway.take().map(|address| address.to_string()),
            mode: one.uplink_mode.take(),
            shaping: shaping(one),
        }),
        NetworkRole::WirelessUplink => NetworkKind::WirelessUplink(WirelessUplink {
            ssid: one.wireless_ssid.take()?,
            encryption: one.wireless_encryption.take()?,
            radio: one.radio.take()?,
        }),
    })
}

fn mesh_radio(one: &mut source::Network) -> Option<MeshRadio> {
    let (access_point, radio) = one.mesh_ap.clone().zip(one.mesh_radio.clone())?;
    let interface = one.mesh_iface.take()?;
    (one.mesh_ap, one.mesh_radio) = (None, None);
    Some(MeshRadio { access_point, radio, interface })
}

fn shaping(one: &mut source::Network) -> Shaping {
    Shaping { down: one.ingress.take(), up: one.egress.take() }
}

/// Reads `default 0.35`, or a neighbour's address in place of `default`.
fn link_quality(one: &mut source::Network, left_out: &mut LeftOut) -> Vec<LinkQuality> {
    let quality = |text: &String| {
        let parsed = text.split_once(' ').and_then(|(who, factor)| {
            let neighbour = if who == "default" { None } else { Some(who.to_owned()) };
            Some(LinkQuality { neighbour, factor: factor.trim().parse().ok()? })
        });
        parsed.or_else(|| left_out.odd("mesh_metric_lqm", text))
    };
    take(&mut one.mesh_metric_lqm).iter().filter_map(quality).collect()
}

/// The way out, where the level has all of it.
pub(super) fn upstream(vars: &mut Vars, left_out: &mut LeftOut) -> Upstream {
    let whole = vars.uplink.is_some() && vars.mgmt.is_some() && vars.tunnel_metric.is_some();
    let gateway = if whole { gateway(vars) } else { None };
    if whole && gateway.is_none() {
        left_out.add("uplink", "lacks a part of what a gateway needs".to_owned());
    }
    Upstream { gateway }
}

fn gateway(vars: &mut Vars) -> Option<Gateway> {
    let (down, up) = vars.sgw.as_deref()?.split_once(' ')?;
    let (announced_down, announced_up) = (down.parse().ok()?, up.parse().ok()?);
    vars.sgw = None;
    let mut management = vars.mgmt.take()?;
    let assignments = take(&mut management.assignments);
    Some(Gateway {
        announced_down,
        announced_up,
        tunnel_metric: vars.tunnel_metric.take()?,
        wireguard_ipv4: vars.wireguard_base_prefix_ipv4.take()?,
        wireguard_ipv6: vars.wireguard_base_prefix_ipv6.take()?,
        gre_ipv6: vars.gre_base_prefix.take()?,
        gre_alias: vars.gre_tunnel_alias.take()?,
        uplink: vars.uplink.take().map(routed)?,
        management: routed(management),
        assignments,
        mesh_links: take(&mut vars.mesh_links).into_iter().map(mesh_link).collect(),
    })
}

fn routed(one: source::Routed) -> RoutedInterface {
    RoutedInterface { interface: one.ifname, ipv4: one.ipv4, ipv6: one.ipv6 }
}

fn mesh_link(one: source::MeshLink) -> MeshLink {
    MeshLink {
        name: one.name,
        interface: one.ifname,
        ipv4: one.ipv4,
        ipv6: one.ipv6,
        metric: one.mesh_metric,
        point_to_point: one.ptp,
    }
}
