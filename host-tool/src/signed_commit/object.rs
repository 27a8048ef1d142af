//! A commit's own bytes: what its signature covers, and whose signature it is.
//!
//! ```text
//! tree ...                                   a signature covers all bytes but those of the header that holds it
//! author ...
//! gpgsig -----BEGIN SSH SIGNATURE-----       (gpgsig-sha256 in repositories of that format)
//!  U1NIU0lH...                               each further line of a header begins with a space
//!  -----END SSH SIGNATURE-----
//!
//! message
//! ```
//!
//! An SSH signature (OpenSSH's PROTOCOL.sshsig) is over the namespace "git" and a hash of these bytes. Core verifies it, as strictly as a
//! release's.

use ssh_key::{Algorithm, HashAlg, SshSig};
use steadfast_core::statement::PublicKey;
use thiserror::Error;

/// What git's signatures are for.
pub(super) const NAMESPACE: &str = "git";

/// Who signed a commit.
pub(super) struct Signer {
    pub(super) key: PublicKey,
    /// The key as `ssh-keygen -l` shows it.
    pub(super) fingerprint: String,
}

/// Why a commit's signature is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Fault {
    #[error("is not signed")]
    Unsigned,
    #[error("is signed by {0}, and only SSH signatures are read")]
    OtherKind(&'static str),
    #[error("is signed with a key of type {0}, and only ssh-ed25519 is read")]
    KeyType(String),
    #[error("has a signature for `{0}` and not for git")]
    Namespace(String),
    #[error("has a signature that cannot be read: {0}")]
    Malformed(String),
    #[error("was changed after it was signed, or its signature is another commit's")]
    Wrong,
}

impl Fault {
    /// What to do next.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::Wrong => "do not publish it; ask who made it, and look at it with `git show`",
            _ => {
                "sign it: `git config gpg.format ssh`, `git config user.signingkey FILE.pub`, then `git commit --amend -S --no-edit`, or an \
                 empty commit on top with `git commit -S --allow-empty`"
            }
        }
    }
}

/// Who signed this commit, whoever that is.
pub(super) fn signer(raw: &[u8], hash: gix::hash::Kind) -> Result<Signer, Fault> {
    let header: &[u8] = if hash == gix::hash::Kind::Sha1 { b"gpgsig " } else { b"gpgsig-sha256 " };
    let (payload, armor) = split(raw, header)?;
    let armor = armor.ok_or(Fault::Unsigned)?;
    let text = String::from_utf8(armor).map_err(|_| Fault::Malformed("it is not text".to_owned()))?;
    for (begin, kind) in [("-----BEGIN PGP ", "OpenPGP"), ("-----BEGIN SIGNED MESSAGE", "an X.509 certificate")] {
        if text.starts_with(begin) {
            return Err(Fault::OtherKind(kind));
        }
    }
    let signature = SshSig::from_pem(text.trim_end()).map_err(|error| Fault::Malformed(error.to_string()))?;
    verify(&signature, &payload)
}

fn verify(signature: &SshSig, payload: &[u8]) -> Result<Signer, Fault> {
    let malformed = |why: &str| Fault::Malformed(why.to_owned());
    let key = signature.public_key();
    if signature.version() != SshSig::VERSION || !signature.reserved().is_empty() {
        return Err(malformed("it is of another version"));
    }
    if signature.namespace() != NAMESPACE {
        return Err(Fault::Namespace(signature.namespace().to_owned()));
    }
    let public = key.ed25519().ok_or_else(|| Fault::KeyType(key.algorithm().to_string()))?;
    if signature.algorithm() != Algorithm::Ed25519 {
        return Err(malformed("its key and its algorithm differ"));
    }
    let bytes: [u8; 64] = signature.signature_bytes().try_into().map_err(|_| malformed("it is not 64 bytes"))?;
    let covered = SshSig::signed_data(NAMESPACE, signature.hash_alg(), payload);
    let covered = covered.map_err(|error| Fault::Malformed(error.to_string()))?;
    let public = PublicKey(public.0);
    public.verify(&covered, &bytes).map_err(|_| Fault::Wrong)?;
    Ok(Signer { key: public, fingerprint: key.fingerprint(HashAlg::Sha256).to_string() })
}

/// What the signature covers, and the signature: a commit without the headers of either format's signature, as git takes them out.
fn split(raw: &[u8], header: &[u8]) -> Result<(Vec<u8>, Option<Vec<u8>>), Fault> {
    let mut payload = Vec::with_capacity(raw.len());
    let mut signature: Option<Vec<u8>> = None;
    let mut place = Place::Payload;
    let mut rest = raw;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = rest.split_at(end + 1);
        if line == b"\n" {
            break;
        }
        rest = after;
        let text = match line.strip_prefix(header) {
            Some(text) => {
                if signature.replace(Vec::new()).is_some() {
                    return Err(Fault::Malformed("there are two".to_owned()));
                }
                place = Place::Signature;
                text
            }
            None if line.starts_with(b" ") => &line[1..],
            None => {
                place = if line.starts_with(b"gpgsig") { Place::Other } else { Place::Payload };
                line
            }
        };
        match (place, &mut signature) {
            (Place::Signature, Some(signature)) => signature.extend_from_slice(text),
            (Place::Payload, _) => payload.extend_from_slice(line),
            _ => {}
        }
    }
    // The empty line and the message.
    payload.extend_from_slice(rest);
    Ok((payload, signature))
}

/// What a header's line belongs to.
#[derive(Clone, Copy)]
enum Place {
    Payload,
    Signature,
    Other,
}
