//! Hosts with their role and hardware, which some of them get from their site, and the channels of their radios.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shape::{Channel, Radio};
use super::{LeftOut, NO_VARIABLE};
use crate::source::{SiteRole, Source, Vars, group_name};

/// What the end of a key says that assigns channels: `..._channel_assignments_RADIO__to_merge`.
const CHANNELS: (&str, &str) = ("__channel_assignments_", "__to_merge");

/// A device of the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Its name, unique in the data.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) site: String,
    /// What it does there.
    pub(crate) role: SiteRole,
    /// What the data calls its model.
    pub(crate) hardware: String,
    /// Addresses that it has instead of the board's own, by port.
    pub(crate) mac: BTreeMap<String, String>,
}

/// Every host, by site and in its order.
pub(super) fn all(source: &Source) -> Vec<Host> {
    let mut hosts = Vec::new();
    for site in &source.sites {
        for host in &site.hosts {
            let role = host.role.or(site.role);
            let hardware = host.model.as_ref().or(site.model.as_ref());
            if let (Some(name), Some(site), Some(role), Some(hardware)) =
                (&host.hostname, &site.location, role, hardware)
            {
                let mac = host.mac_override.clone();
                hosts.push(Host { name: name.clone(), site: site.clone(), role, hardware: hardware.clone(), mac });
            }
        }
    }
    hosts
}

/// Takes the channel plans of a site out of its variables, as radios by host.
pub(super) fn channels(
    site: &mut Vars,
    (hosts, source): (&[Host], &Source),
    left_out: &mut LeftOut,
) -> BTreeMap<String, Vec<Radio>> {
    let mut plan: BTreeMap<String, Vec<Radio>> = BTreeMap::new();
    for (key, value) in std::mem::take(&mut site.patterned) {
        let Some((radio, Value::Object(entries))) = radio_of(&key).zip(Some(&value)) else {
            left_out.add(&key, NO_VARIABLE.to_owned());
            continue;
        };
        for (host, channel) in entries {
            let place = format!("{key}.{host}");
            let Some(known) = hosts.iter().find(|known| known.name == *host) else {
                left_out.add(&place, "there is no such host".to_owned());
                continue;
            };
            if !has_radio(source, &known.hardware, radio) {
                left_out.add(&place, format!("its hardware has no radio `{radio}`"));
                continue;
            }
            let Some(channel) = channel.as_str().and_then(channel_of) else {
                left_out.add(&place, format!("{channel} is no channel"));
                continue;
            };
            let radio = Radio { name: radio.to_owned(), channel: Some(channel), ..Radio::default() };
            plan.entry(host.clone()).or_default().push(radio);
        }
    }
    plan
}

fn radio_of(key: &str) -> Option<&str> {
    key.split_once(CHANNELS.0)?.1.strip_suffix(CHANNELS.1)
}

fn has_radio(source: &Source, hardware: &str, radio: &str) -> bool {
    let model = source.models.get(&group_name(hardware));
    model.is_some_and(|model| model.wireless_devices.iter().any(|device| device.name == radio))
}

/// Reads `149-80` or `149-80-17`: number, width in MHz, and power in dBm.
fn channel_of(text: &str) -> Option<Channel> {
    let mut parts = text.split('-');
    let number = parts.next()?.parse().ok()?;
    let width: u16 = parts.next()?.parse().ok()?;
    let power = parts.next().map(str::parse).transpose().ok()?;
    parts.next().is_none().then(|| Channel { number, width: format!("mhz_{width}"), power })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_have_a_width_and_perhaps_a_power() {
        let read = |text| channel_of(text).map(|one| (one.number, one.width, one.power));
        assert_eq!(read("149-80"), Some((149, "mhz_80".to_owned(), None)));
        assert_eq!(read("149-80-17"), Some((149, "mhz_80".to_owned(), Some(17))));
        for wrong in ["", "149", "149-", "a-80", "149-80-17-1", "300-80"] {
            assert!(channel_of(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn only_a_key_of_the_right_form_names_a_radio() {
        assert_eq!(radio_of("location__channel_assignments_fast__to_merge"), Some("fast"));
        assert_eq!(radio_of("location_north__channel_assignments_fast__to_merge"), Some("fast"));
        assert_eq!(radio_of("location_channel_assignments_fast_to_merge"), None);
    }
}
