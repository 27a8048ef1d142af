"""Judges the vectors of the specification, by the pages beside it alone: what `verify.py vectors` runs."""

import hashlib
import json
from collections import Counter
from types import SimpleNamespace

from verify import (BASE, KEYRING, OBJECT, POSITION, SEVEN, SIGNED, THREE, TWO, Reader, Refused, check_pack, check_run,
                    check_signature_file, check_sound, decode, encoding, leaf_hash, message, next_keyring,
                    read_keyring, read_keyring_file, read_manifest, read_release, require, sha256, signed_by, times)
from verify_schema import read_schema

LEAF = dict(device=16, schema=32, manifest=32, private=("option", OBJECT))
PROOF = dict(release="bytes", signatures="bytes", index="u32", path="bytes")
ENVELOPE = dict(PROOF, private=("option", OBJECT), manifest="bytes")
POLL = dict(format="u8", device=16, keyring_version="u32", schema=8, running=16, accepted=POSITION, nonce=8, flags="u8",
            refused=("option", 4))
CHALLENGE = ("verbatim", ("row", "u64", 8))
UNCHANGED = dict(poll_after_seconds="u32", report_wanted="bool", challenge=CHALLENGE)
ASSIGNMENT = ("row", 32, UNCHANGED)
ADOPT, CHANGED = dict(signed=SIGNED, **PROOF), dict(signed=SIGNED, envelope="bytes", inline="bytes")
HEAD = dict(counter="u64", release=32, not_after=("option", "u64"))
OUTCOME = dict(ending=SEVEN, content=16, reason="u16", detail=("text", 40))
REPORT = dict(challenge=CHALLENGE, running=16, confirmed=16, schema=8, firmware=8, accepted=POSITION, floor=POSITION,
              keyring_version="u32", trial=("enum", "nothing", 16, 16, 16, 16), outcome=OUTCOME,
              checks=("row", "u16", "u16"), refused=("option", ("row", 16, "u16")), stale="bool")
SLOT = dict(manifest=32, private=("option", OBJECT), schema=8, position=POSITION, standing=THREE)
TRIAL = dict(slot=TWO, stage=THREE, boots_left="u8", unreachable="u8", crashed="bool", spent="bool", cause=THREE,
             floor="u32")
RECORD = dict(generation="u32", a=("option", SLOT), b=("option", SLOT), confirmed=("option", TWO),
              trial=("option", TRIAL), accepted=POSITION, floor=POSITION, keyring=KEYRING,
              rejected=("list", 4, ("row", 8, 4, "u16")), outcome=OUTCOME)
IDENTITY = dict(fleet=16, device=16, seed=32, keyring=KEYRING, floor=POSITION, server=("text", 64))


def public_key(seed):
    secret = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return encoding(times(secret & 2**254 - 8 | 2**254, BASE))


def content_id(manifest, private):
    return sha256(b"steadfast.content.v1\0", manifest, private[0] if private else b"")[:16]


def check_path(found, index, leaves, path, root):
    require(index < leaves and len(path) % 32 == 0 and len(path) <= 24 * 32, 33, "no path")
    position, last = index, leaves - 1
    for sibling in (path[at : at + 32] for at in range(0, len(path), 32)):
        require(last, 33, "the path is too long")
        if position % 2 or position == last:
            found = sha256(b"\1", sibling, found)
            while position and position % 2 == 0:
                position, last = position // 2, last // 2
        else:
            found = sha256(b"\1", found, sibling)
        position, last = position // 2, last // 2
    require(last == 0 and found == root, 33, "the path does not lead to the root")


def read_copy(copy):
    """The boot record in a copy that counts; None otherwise."""
    try:
        require(copy[:16] == sha256(b"steadfast.record.v1\0", copy[16:])[:16], None, "another check")
        reader = Reader(copy[16:])
        record = reader.read(RECORD)
        return None if any(copy[16 + reader.at :]) else record
    except Refused:
        return None


def youngest(found):
    """Of pairs (generation, anything)."""
    best = found[0]
    for one in found[1:]:
        best = one if 0 < (one[0] - best[0]) % 2**32 < 2**31 else best
    return best


def inline_objects(data, objects):
    """What came along with its right digest, in the manifest's order, as far as the bytes can be followed."""
    reader, found = Reader(data), {}
    try:
        while reader.at < len(data):
            place = reader.byte(len(objects))
            found.setdefault(place, reader.take(objects[place][3] or 0))
    except Refused:
        pass
    return [content for place, content in sorted(found.items()) if sha256(content) == objects[place][2]]


class Judge:
    """What the reader knows already, and a method for each kind of vector that tells what the bytes say."""

    def __init__(self, context):
        """Strings in a context are bytes in hex, but for a file's name; what is absent is None, or (0, 0)."""
        known = {key: bytes.fromhex(value) if isinstance(value, str) and key != "file" else value
                 for key, value in context.items()}
        for key in ("private", "running_private"):
            known[key] = (bytes.fromhex(known[key][0]), known[key][1]) if key in known else None
        known["floor"], known["accepted"] = (tuple(known.get(key, (0, 0))) for key in ("floor", "accepted"))
        self.known, self.order = SimpleNamespace(**known), None
        self.believed = read_keyring(known["keyring"]) if "keyring" in known else None

    def ed25519(self, data):
        require(signed_by(self.known.public_key, data, self.known.message), 11, "it does not verify")
        return {}

    def identity(self, data):
        require(data[:8] == b"SFIDENT\1", 1, "another magic or version")
        end = 10 + int.from_bytes(data[8:10], "little")
        require(end + 16 <= min(len(data), 640), 1, "too long, or cut off")
        require(data[end : end + 16] == sha256(data[:end])[:16], 1, "another check")
        identity = decode(IDENTITY, data[10:end])
        require(any(identity.device), 1, "the device of nobody")
        check_sound(identity.keyring)
        return dict(vars(identity), keyring_version=identity.keyring.version, public_key=public_key(identity.seed))

    def keyring(self, data):
        keyring = read_keyring(data)
        root, publisher = ((threshold, len(keys)) for threshold, keys in (keyring.root, keyring.publisher))
        return dict(version=keyring.version, root=root, publisher=publisher, publisher_epoch=keyring.epoch,
                    director_keys=len(keyring.director[1] or []))

    def signed_keyring(self, data):
        keyring = next_keyring(self.known.fleet, self.believed, decode(SIGNED, data))
        return dict(version=keyring.version, publisher_epoch=keyring.epoch)

    def keyring_file(self, data):
        fleet, signed = read_keyring_file(data)
        return dict(fleet=fleet, version=next_keyring(fleet, None, signed).version)

    def check_signed(self, kind, statement, run, role, context=b""):
        check_run(run, role[1], role[0], message(kind, self.known.fleet, context, statement))

    def check_release(self, statement, run):
        """Points 2 to 6 of an envelope."""
        release = read_release(statement)
        require(release.epoch == self.believed.epoch, 30, "another epoch")
        require(release.position >= self.known.floor, 31, "below the floor")
        if self.order:
            require(self.order == sha256(statement), 34, "another release than the one ordered")
        else:
            require(release.position >= self.known.accepted, 35, "older, and not ordered")
        self.check_signed("release", statement, run, self.believed.publisher)
        return release

    def release(self, data):
        release = self.check_release(data, self.known.signatures)
        return dict(vars(release), commit=release.commit[1], digest=sha256(data))

    def head(self, data):
        variant, keys = self.believed.director
        require(variant == 2, 22, "no head keys")
        self.check_signed("head", data, self.known.signatures, (1, keys))
        return vars(decode(HEAD, data))

    def leaf(self, data):
        leaf = decode(LEAF, data)
        return dict(vars(leaf), hash=leaf_hash(leaf.device, leaf.schema, leaf.manifest, leaf.private))

    def path(self, data):
        check_path(self.known.leaf_hash, self.known.index, self.known.leaves, data, self.known.root)
        return dict(hashes=len(data) // 32)

    def manifest(self, data):
        manifest = read_manifest(data)
        (reach, _), trial_seconds, boots = manifest.policy
        kinds = ("config", "private", "file")
        objects = [dict(section=name, kind=kinds[kind], size=size, restart=flags & 3, risk=flags >> 2)
                   for name, kind, _, size, flags in manifest.objects]
        return dict(settings=manifest.settings, reach=("server", "none")[reach], trial_seconds=trial_seconds,
                    boots=boots, checks=manifest.checks, objects=objects, digest=sha256(data))

    def check_content(self, proof, manifest, private):
        """Points 2 to 7 of an envelope, for this content."""
        release = self.check_release(proof.release, proof.signatures)
        found = leaf_hash(self.known.device, self.known.schema, manifest, private)
        check_path(found, proof.index, release.leaves, proof.path, release.root)
        return dict(content_id=content_id(manifest, private), manifest=manifest, position=release.position,
                    floor=release.floor)

    def check_envelope(self, data):
        envelope = decode(ENVELOPE, data, 3072)
        told = self.check_content(envelope, sha256(envelope.manifest), envelope.private)
        return told, read_manifest(envelope.manifest).objects

    def check_director(self, kind, signed, form):
        variant, keys = self.believed.director
        require(variant == 1, 22, "no director")
        self.check_signed(kind, *signed, (1, keys), self.known.poll)
        return decode(form, signed[0])

    def envelope(self, data):
        if hasattr(self.known, "assignment"):
            self.order, _ = self.check_director("assignment", decode(SIGNED, self.known.assignment), ASSIGNMENT)
        return self.check_envelope(data)[0]

    def poll(self, data):
        poll = decode(POLL, data, 80)
        return dict(vars(poll), signed=bool(poll.flags & 1), preparing=bool(poll.flags & 2))

    def answer(self, data):
        if not data:
            return dict(answer="nothing new")
        variant, answer = decode(("enum", SIGNED, ADOPT, CHANGED, SIGNED), data, 3328)
        if variant == 3:
            return dict(answer="keyring", version=next_keyring(self.known.fleet, self.believed, answer).version)
        if variant == 0:
            return dict(vars(self.check_director("unchanged", answer, UNCHANGED)), answer="unchanged")
        self.order, rest = self.check_director("assignment", answer.signed, ASSIGNMENT)
        if variant == 1:
            require(hasattr(self.known, "running_manifest"), 33, "nothing intact runs")
            told = self.check_content(answer, self.known.running_manifest, self.known.running_private)
            return dict(told, **vars(rest), answer="adopt")
        told, objects = self.check_envelope(answer.envelope)
        return dict(told, **vars(rest), inline=inline_objects(answer.inline, objects), answer="changed")

    def report(self, data):
        device, statement, run = decode(("row", 16, "bytes", "bytes"), data, 420)
        report = decode(REPORT, statement, 320)
        self.check_signed("report", statement, run, (1, [self.known.device_key]), device)
        trial, content = report.trial
        return dict(vars(report), device=device, trial=("none", "staged", "running", "asking", "suspended")[trial],
                    trial_content=content, ending=report.outcome.ending[0], reason=report.outcome.reason,
                    detail=report.outcome.detail, refused=report.refused and report.refused[1])

    def record_copy(self, data):
        record = read_copy(data)
        require(record and len(data) == 768, None, "the copy does not count")
        a, b = (slot and content_id(slot.manifest, slot.private) for slot in (record.a, record.b))
        return dict(vars(record), a=a, b=b, confirmed=record.confirmed and "ab"[record.confirmed[0]],
                    boots_left=record.trial and record.trial.boots_left, rejected=len(record.rejected),
                    ending=record.outcome.ending[0], detail=record.outcome.detail,
                    keyring_version=record.keyring.version)

    def record_region(self, data):
        whole, begun, generations = [], [], []
        for start in range(0, self.known.erase_bytes * self.known.blocks, self.known.erase_bytes):
            copies = data[start : start + 768], data[start + 768 : start + 1536]
            first, second = (read_copy(copy) for copy in copies)
            generations += [(record.generation, None) for record in (first, second) if record]
            is_pair, untouched = copies[0] == copies[1], not copies[1].strip(bytes([self.known.erased]))
            if first and untouched:
                begun.append((first.generation, (first, False)))
            elif first or second:
                whole.append(((first or second).generation, (first or second, is_pair)))
        require(generations, None, "there is no record")
        generation, (record, is_pair) = youngest(whole or begun)
        is_last = all(youngest([(generation, None), other])[0] == generation for other in begun)
        afresh = (youngest(generations)[0] + 1) % 2**32
        return dict(accepted=record.accepted, generation=generation if is_pair and is_last else afresh)

    def slot(self, data):
        def part(size):
            nonlocal at
            start, at = at, -(-(at + size) // 32) * 32
            return data[start : start + size].ljust(size, bytes([self.known.erased]))

        at = 0
        header = part(128)
        require(header[:16] == sha256(b"steadfast.slot.v1\0", header[16:])[:16], None, "another check of the header")
        reader = Reader(header[16:])
        digest, private, size = reader.read(("row", 32, ("option", OBJECT), "u32"))
        require(not any(header[16 + reader.at :]), None, "something behind the header's fields")
        require((digest, private) == (self.known.manifest, self.known.private), None, "another content")
        manifest = part(size)
        require(sha256(manifest) == digest, None, "another manifest")
        sections = {}
        for name, _, digest, size, _ in read_manifest(manifest).objects:
            if digest:
                sections[name] = part(size)
                require(sha256(sections[name]) == digest, None, "another object")
        sealed = private and part(private[1])
        require(not private or sha256(sealed) == private[0], None, "another private object")
        return dict(sections=sections, private=sealed)

    def schema(self, data):
        return read_schema(data)

    def pack(self, data):
        pack = check_pack(data, self.known.fleet, self.believed, self.known.signatures)
        return dict(vars(pack), devices=len(pack.people), release=sha256(pack.statement))

    def signature_file(self, data):
        return dict(key=check_signature_file(self.known.file, data)[:4])


def plain(value):
    """As JSON has it: bytes in hex, tuples as lists."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def disagreement(vector):
    """What we say of a vector and it does not; None when we agree."""
    expect = vector["expect"]
    try:
        judge = getattr(Judge(vector.get("context", {})), vector["kind"].replace("-", "_"))
        told = plain(judge(bytes.fromhex(vector["bytes"])))
    except Refused as refusal:
        agrees = "good" not in expect and expect.get("refusal") in (None, refusal.number)
        return None if agrees else f"refused: {refusal} ({refusal.number})"
    if "good" not in expect:
        return "taken"
    return next((f"{key} is {told.get(key)}" for key, value in expect["good"].items()
                 if key not in told or told[key] != value), None)


def judge_all(folder):
    """Prints counts and disagreements; 0 when there are vectors and no disagreement, else 1."""
    counts, wrong = Counter(), []
    for path in sorted(folder.glob("*.json")):
        for vector in json.loads(path.read_text(encoding="utf-8")):
            counts[vector["kind"], "good" in vector["expect"]] += 1
            found = disagreement(vector)
            if found:
                wrong.append(f"{path.name}, {vector['kind']}, {vector['name']}: {found}")
    print(f"{'kind':16}{'good':>6}{'bad':>6}")
    for kind in sorted({kind for kind, _ in counts}):
        print(f"{kind:16}{counts[kind, True]:6}{counts[kind, False]:6}")
    print(f"{counts.total()} vectors, {len(wrong)} disagreements", *wrong, sep="\n")
    return 1 if wrong or not counts else 0
