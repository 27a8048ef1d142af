//! Texts that stand for addresses, durations and numbers, as regular expressions that every editor's engine knows: no look-around, no `\d`,
//! which some take for any script's digits.

use crate::schema::Type;

/// Text that `Duration::from_text` reads, or none at all.
pub(super) const DURATION: &str = r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
/// A map's key that is a number.
pub(super) const INTEGER: &str = r"^-?[0-9]+$";

/// A number from 0 to 255, without leading zeros.
const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
/// A sixteenth of an IPv6 address.
const GROUP: &str = "[0-9A-Fa-f]{1,4}";
/// A prefix length of IPv4, with its slash.
const LENGTH4: &str = "/(3[0-2]|[12]?[0-9])";
/// A prefix length of IPv6, with its slash.
const LENGTH6: &str = "/(12[0-8]|1[01][0-9]|[1-9]?[0-9])";
/// Two hexadecimal digits.
const PAIR: &str = "[0-9A-Fa-f]{2}";

/// The texts of an address type.
pub(super) fn address(ty: &Type) -> String {
    let (four, six) = (four(), six());
    let text = match ty {
        Type::Ipv4Addr => four,
        Type::Ipv6Addr => six,
        Type::IpAddr => format!("{four}|{six}"),
        Type::Ipv4Net => format!("{four}{LENGTH4}"),
        Type::Ipv6Net => format!("({six}){LENGTH6}"),
        Type::IpNet => format!("{four}{LENGTH4}|({six}){LENGTH6}"),
        _ => format!("{PAIR}(:{PAIR}){{5}}|{PAIR}(-{PAIR}){{5}}"),
    };
    format!("^({text})$")
}

fn four() -> String {
    format!(r"{OCTET}(\.{OCTET}){{3}}")
}

/// Eight groups, of which `::` stands for one or more of zeros; an IPv4 address stands for the last two.
fn six() -> String {
    let (four, group) = (four(), GROUP);
    let mut forms = vec![
        format!("({group}:){{7}}{group}"),
        format!("({group}:){{1,7}}:"),
        format!(":(:{group}){{1,7}}"),
        "::".to_owned(),
        format!("({group}:){{6}}{four}"),
        format!("({group}:){{1,5}}:{four}"),
        format!("::({group}:){{0,5}}{four}"),
    ];
    forms.extend((1..=6).map(|tail| format!("({group}:){{1,{}}}(:{group}){{1,{tail}}}", 7 - tail)));
    forms.extend((1..=4).map(|tail| format!("({group}:){{1,{}}}(:{group}){{1,{tail}}}:{four}", 5 - tail)));
    forms.join("|")
}
