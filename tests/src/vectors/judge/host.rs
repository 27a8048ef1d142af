//! What only the host reads: packs, keyring files, signature files, descriptions, reports.

use std::fmt::Display;
use std::fs;

use serde_json::Value;
use steadfast::keys::{Chain, KeyringFile};
use steadfast::pack::Pack;
use steadfast::schema::Schema;
use steadfast::serve::report;
use steadfast::sign;
use steadfast_core::report::TrialState;
use steadfast_core::statement::{Kind, Message, PublicKey};

use super::super::{Vector, cast};
use super::{Fault, Known, Says, hex, pair, says};

/// A reason in words.
fn words(error: impl Display) -> Fault {
    Fault::Refused(error.to_string())
}

pub(super) fn keyring_file(bytes: &[u8]) -> Result<Says, Fault> {
    let file = KeyringFile::decode(bytes).map_err(words)?;
    let chain = Chain::start(file).map_err(words)?;
    Ok(says([("fleet", hex(&chain.fleet().0)), ("version", chain.newest().version.into())]))
}

pub(super) fn report(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let (body, report) = report::parse(bytes)?;
    let message = Message::new(Kind::Report, &vector.fleet(), &body.device.0, body.statement)?;
    message.verify(&[PublicKey(vector.array("device_key"))], 1, body.signature)?;
    let (trial, content) = match report.trial {
        TrialState::None => ("none", None),
        TrialState::Staged(content) => ("staged", Some(content)),
        TrialState::Running(content) => ("running", Some(content)),
        TrialState::Asking(content) => ("asking", Some(content)),
        TrialState::Suspended(content) => ("suspended", Some(content)),
    };
    let checks = vec![report.checks.passed, report.checks.failed];
    Ok(says([
        ("device", hex(&body.device.0)),
        ("challenge", hex(&cast::encode(&report.challenge))),
        ("running", hex(&report.running.0)),
        ("accepted", pair(report.accepted)),
        ("floor", pair(report.floor)),
        ("trial", trial.into()),
        ("trial_content", content.map_or(Value::Null, |content| hex(&content.0))),
        ("ending", (report.outcome.ending as u8).into()),
        ("reason", report.outcome.reason.0.into()),
        ("detail", report.outcome.detail.as_str().into()),
        ("checks", checks.into()),
        ("refused", report.refused.map(|refused| refused.reason.0).into()),
        ("stale", report.stale.into()),
    ]))
}

pub(super) fn schema(bytes: &[u8]) -> Result<Says, Fault> {
    let schema = Schema::decode(bytes).map_err(words)?;
    if schema.encode() != bytes {
        return Err(Fault::Refused("it is not in its one form".to_owned()));
    }
    let sections: Vec<&str> = schema.sections.iter().map(|section| section.name.as_str()).collect();
    Ok(says([
        ("short_id", schema.short_id().into()),
        ("id", hex(&schema.id.0)),
        ("name", schema.name.as_str().into()),
        ("sections", sections.into()),
    ]))
}

pub(super) fn pack(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let pack = Pack::parse(bytes.to_vec()).map_err(words)?;
    let keyring = vector.keyring();
    let verdict = sign::verify(&pack, vector.fleet(), &keyring, &vector.bytes("signatures")).map_err(words)?;
    Ok(says([
        ("release", hex(&pack.digest().0)),
        ("leaves", verdict.leaves.into()),
        ("manifests", verdict.manifests.into()),
        ("objects", verdict.objects.into()),
        ("devices", pack.roster().len().into()),
    ]))
}

pub(super) fn signature_file(vector: &Vector, bytes: &[u8]) -> Result<Says, Fault> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join(vector.text("file")), bytes).expect("a temporary file");
    let found = sign::load(&folder.path().join("release.pack")).map_err(words)?;
    let [key] = sign::signers(&found)[..] else { return Err(Fault::Refused("no signature was found".to_owned())) };
    Ok(says([("key", hex(&key.0))]))
}
