//! A small network, made up for tests: two sites, every kind of value, and mistakes like those that people make.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

const FILES: &[(&str, &str)] = &[
    ("group_vars/role_ap/all.yml", "wireless_profile: open\n"),
    (
        "group_vars/role_corerouter.yml",
        "wireless_profile: none\nadblock_enabled: true\nadblock_fast_procd_boot_wan_timeout: 90\n\
         role_corerouter__sysctl__to_merge:\n  net.example.limit: 5\n",
    ),
    ("group_vars/target_chip_one", "multicore: true\n"),
    (
        "group_vars/model_box_small.yml",
        "target: chip/one\nbrand_nice: Example\nmodel_nice: Small\nopenwrt_version: snapshot\ndsa_ports: [lan1, lan2]\n\
         leds:\n- {name: a, sysfs: 'red:a', trigger: none}\n- {name: b, sysfs: 'red:b', trigger: netdev, mode: link rx}\n\
         ath10k_ct_fwcfg:\n- {id: pci-1, config: \"peers = 3\\n\"}\n\
         wireless_devices:\n- {name: fast, band: 5g, htmode_prefix: VHT, path: platform/one, ifname_hint: radio5}\n",
    ),
    (
        "group_vars/model_box_large.yml",
        "target: chip/two\nmodel_nice: Large\nopenwrt_version: snapshot\nint_port: eth0\nunheard_of: 1\n",
    ),
    (
        "locations/north.yml",
        "location: north\nhosts:\n\
         - {hostname: north-core, role: corerouter, model: box-small, mac_override: {eth0: '02:00:5e:00:00:01'}}\n\
         - {hostname: north-ap, role: ap, model: box-small, wireless_profile: quiet}\n\
         ipv6_prefix: 2001:db8:1::/56\ndns_servers: [192.0.2.53]\n\
         airos_dfs_reset:\n- {name: dish, target: 192.0.2.9, username: someone, daytime_limit: 1-5}\n\
         networks:\n\
         - {vid: 7, role: mesh, name: mesh_roof, prefix: 192.0.2.16/32, ipv6_subprefix: -1, mesh_metric: 300, \
            mesh_metric_lqm: [default 0.35], mesh_ap: north-ap, mesh_radio: fast, mesh_iface: mesh}\n\
         - {vid: 9, role: dhcp, prefix: 192.0.2.32/28, untagged: true, inbound_filtering: true, \
            assignments: {north-core: 1, north-ap: 2}}\n\
         - {vid: 8, role: uplink, ingres: 5}\n\
         - {role: tunnel, ifname: wg0, mtu: 1400, wireguard_port: 5000, ntp: 3}\n\
         location__channel_assignments_fast__to_merge: {north-ap: 149-80-17, north-core: 149-80, nobody: 149-80}\n\
         location__channel_assignments_slow__to_merge: {north-ap: 1-20}\n",
    ),
    (
        "locations/south.yml",
        "location: south\nrole: gateway\nmodel: box-large\nhosts:\n- hostname: south-gw\n\
         ipv6_prefix: 2001:db8:2::/56\nsgw: 1000 500\ntunnel_metric: 9\nuplink: {ifname: eth0, ipv4: 192.0.2.65/30, \
         ipv6: '2001:db8:3::1/127'}\nmgmt: {ifname: eth1, ipv4: 192.0.2.129/30, ipv6: '2001:db8:2::/64', \
         assignments: {south-gw: 1}}\nmesh_links:\n- {name: mesh_hill, ifname: eth2, ipv4: 192.0.2.140/32, ptp: true}\n\
         wireguard_base_prefix_ipv4: 192.0.2.192/26\nwireguard_base_prefix_ipv6: 2001:db8:4::/64\n\
         gre_base_prefix: 2001:db8:5::/64\ngre_tunnel_alias: south\n",
    ),
];

/// The network's files in a folder that goes away with the value.
pub(crate) fn network() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in FILES {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("folders can be made");
        fs::write(path, text).expect("files can be written");
    }
    folder
}
