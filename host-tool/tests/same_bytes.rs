//! One commit is one pack, byte for byte: wherever its clone lies, whatever the locale, the time zone and the number of processors, and
//! however git stores it.

mod rig;

use std::fs;
use std::path::Path;
use std::process::Command;

use rig::{Fleet, git};

/// So many devices that several threads share the work.
const DEVICES: u32 = 3_000;

/// Builds a folder's checked-out commit, by way of `program` and its arguments where there is one.
fn build(folder: &Path, out: &Path, (wrapper, variables): (&[&str], &[(&str, &str)])) -> Vec<u8> {
    let steadfast = env!("CARGO_BIN_EXE_steadfast");
    let line = [wrapper, &[steadfast, "build", "--epoch", "1", "--out"]].concat();
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).arg(out).current_dir(folder).envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(out).unwrap()
}

/// A fleet with labels, levels and values of devices' own.
fn fleet() -> Fleet {
    let fleet = Fleet::new();
    let write = |path: &str, text: &str| fs::write(fleet.path().join(path), text).unwrap();
    let mut rows = "device,name,model,site,set.sampling.period_ms\n".to_owned();
    for device in 1..=DEVICES {
        let own = if device % 10 == 0 { (1_000 + device).to_string() } else { String::new() };
        // Scattered ids, letters of both cases: neither the order of rows nor that of a locale is the order of bytes.
        let id = u128::from(device).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let letter = ['a', 'B', 'z', 'Z'][device as usize % 4];
        rows += &format!("{id:032x},{letter}{device},sensor,s{},{own}\n", device % 40);
    }
    write("inventory/devices.csv", &rows);
    for gone in ["labels/site/office.toml", "layers/site/office.toml"] {
        fs::remove_file(fleet.path().join(gone)).unwrap();
    }
    for site in 0..40 {
        write(&format!("labels/site/s{site}.toml"), &format!("land = \"l{}\"\n", site % 7));
        write(&format!("layers/site/s{site}.toml"), &format!("[sampling]\nperiod_ms = {}\n", 2_000 + site));
    }
    fleet.commit("many devices");
    fleet
}

#[test]
fn one_commit_is_the_same_bytes_everywhere() {
    let fleet = fleet();
    let out = fleet.beside("one.pack");
    let here: &[(&str, &str)] = &[("LC_ALL", "C"), ("TZ", "UTC")];
    let expected = build(&fleet.path(), &out, (&[], here));
    assert!(expected.len() > 40 * DEVICES as usize, "every device is in it");

    let elsewhere = fleet.beside("a folder/with another path, ünd spaces");
    fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    git(&fleet.path(), &["clone", "-q", "--no-local", &fleet.path().to_string_lossy(), &elsewhere.to_string_lossy()]);
    let turkish: &[(&str, &str)] =
        &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8"), ("TZ", "Pacific/Kiritimati"), ("COLUMNS", "20")];
    assert_eq!(build(&elsewhere, &out, (&[], turkish)), expected, "another path, locale and time zone");

    let first = fs::read_to_string("/proc/self/status").unwrap();
    let allowed = first.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    let processor: String = allowed.chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(build(&elsewhere, &out, (&["taskset", "-c", &processor], here)), expected, "one processor");

    git(&fleet.path(), &["gc", "-q", "--aggressive", "--prune=now"]);
    assert!(fs::read_dir(fleet.path().join(".git/objects/pack")).unwrap().next().is_some(), "git has packed");
    assert_eq!(build(&fleet.path(), &out, (&[], turkish)), expected, "after git gc");

    fs::write(fleet.path().join("layers/site/s3.toml"), "[sampling]\nperiod_ms = 99\n").unwrap();
    fleet.commit("another value");
    assert_ne!(build(&fleet.path(), &out, (&[], here)), expected, "another commit");
}
