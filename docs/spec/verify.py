#!/usr/bin/env python3
"""An independent verifier of version 1 of the formats, written from the pages beside it alone. It needs Python 3.10 and nothing else.

    verify.py pack FILE --keyring FILE... [--signatures FILE...]
        verifies a pack under a chain of keyring files, the first one first; the signatures are in the files named, or in FILE.KEYID.sig
    verify.py vectors [FOLDER]
        judges every vector in the folder, or in the one beside this file, and tells where it disagrees

It is written to be read, not to be fast. The exit code is 0 when all is right, and 1 otherwise.
"""
import argparse, functools, hashlib, ipaddress, json, pathlib, re, struct, sys

class Refused(Exception):
    """Not taken: the number in refusals.md, or None where reasons have none; then words for people."""
class Struct(dict):
    __getattr__ = dict.__getitem__
def require(holds, number, words):
    if not holds:
        raise Refused(number, words)
def kept(value, holds, number, words):
    require(holds(value), number, words)
    return value
def sha256(*parts): return hashlib.sha256(b"".join(parts)).digest()
def ascending(values): return all(a < b for a, b in zip(values, values[1:]))

# ---- formats.md: encoding

def varint(number): return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)
class Reader:
    def __init__(self, data):
        self.data, self.at, self.prose = data, 0, []
    def take(self, size):
        require(size <= len(self.data) - self.at, 1, "it is cut off")
        self.at += size
        return self.data[self.at - size : self.at]
    def varint(self, bits):
        value = 0
        for shift in range(0, bits, 7):
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            if byte < 128:
                return kept(value, lambda value: (byte or not shift) and value < 1 << bits, 1, "a number longer than needed, or too large")
        raise Refused(1, "a number too large")
    def below(self, bound):
        return kept(self.varint(32), lambda value: value < bound, 1, "a number, size or variant beyond its bound")
    def read(self, kind):
        """A kind is a number of bytes, a dict of the fields of a struct, a word, or a tuple that starts with a word."""
        match kind:
            case int(): return self.take(kind)
            case dict(): return Struct({name: self.read(field) for name, field in kind.items()})
            case "nothing": return None
            case "bool": return bool(self.below(2))
            case "u8": return self.take(1)[0]
            case "u16" | "u32" | "u64" | "u70": return self.varint(int(kind[1:]))
            case "bytes": return self.take(self.varint(32))
            case "option", item: return self.read(item) if self.below(2) else None
            case "list", most, item: return [self.read(item) for _ in range(self.below(most + 1))]
            case "row", *items: return tuple([self.read(item) for item in items])
            case "below", bound: return self.below(bound)
            case "made", item, make: return make(self.read(item))
            case "enum", variants:
                name = list(variants)[self.below(len(variants))]
                return name, self.read(variants[name])
            case "text", most:
                content = self.take(self.below(most + 1))
                return kept(content.decode(errors="replace"), lambda text: text.encode() == content, 1, "a text that is not UTF-8")
            case "that", item, holds, *number:
                return kept(self.read(item), holds, number[0] if number else 1, "a value that breaks a rule of its kind")
            case "parts", most, item:  # the checks or objects of a manifest
                count, parts = self.take(1)[0], []
                require(count <= most, 40, "too many checks or objects")
                for _ in range(count):
                    parts.append(self.read(item))
                    require(ascending([key_of(part) for part in parts[-2:]]), 40, "checks or objects do not ascend")
                return parts
            case "prose", most:  # a str* of a schema
                start, text = self.at, self.read(("text", most))
                self.prose.append((start, self.at))
                return text
    def whole(self, kind):
        return kept(self.read(kind), lambda _: self.at == len(self.data), 1, "bytes are left over")
def decode(kind, data, most=2**31):
    return Reader(kept(data, lambda data: len(data) <= most, 2, "it is too large")).whole(kind)

ANY, LETTERS, TWO, THREE = 2**31, re.compile("[a-z][a-z0-9_]{0,31}"), ("below", 2), ("below", 3)
TEXT, KEYS, TWO_KEYS, POSITION, OBJECT = ("text", ANY), ("list", 5, 32), ("list", 2, 32), ("row", "u32", "u32"), ("row", 32, "u32")
ROLE, SIGNED, PRIVATE = ("row", "u8", KEYS), ("row", "bytes", "bytes"), ("option", OBJECT)
DIRECTOR = ("enum", dict(none="nothing", assignments=TWO_KEYS, heads=TWO_KEYS))
KEYRING = dict(version="u32", root=ROLE, publisher=ROLE, director=DIRECTOR, publisher_epoch="u32")
RELEASE = dict(epoch="u32", sequence="u32", floor="u32", commit=("enum", dict(sha1=20, sha256=32)),
               leaves=("that", "u32", lambda leaves: 1 <= leaves <= 2**24), root=32)
LEAF = dict(device=16, schema=32, manifest=32, private=PRIVATE)
SETTINGS, POLICY = ("row", "u32", "u32", "u32", "u32"), dict(reach=TWO, trial_seconds="u32", boots="u8")
CHECK = ("that", TEXT, LETTERS.fullmatch, 40)
ENTRY = ("that", ("row", TEXT, ("enum", dict(config=OBJECT, private="nothing", file=OBJECT)), "u8"),
         lambda entry: LETTERS.fullmatch(entry[0]) and entry[2] < 16 and entry[2] & 3 < 3 and entry[2] >> 2 < 3, 40)
MANIFEST = dict(settings=SETTINGS, policy=POLICY, checks=("parts", 16, CHECK), objects=("parts", 32, ENTRY))
PROOF = dict(release="bytes", signatures="bytes", index="u32", path="bytes")
ENVELOPE = dict(PROOF, private=PRIVATE, manifest="bytes")
POLL = dict(format="u8", device=16, keyring_version="u32", schema=8, running=16, accepted=POSITION, nonce=8, flags="u8",
            refused=("option", 4))
CHALLENGE = ("made", ("row", "u64", 8), lambda challenge: varint(challenge[0]) + challenge[1])
UNCHANGED = dict(poll_after_seconds="u32", report_wanted="bool", challenge=CHALLENGE)
ASSIGNMENT, CHANGED = ("row", 32, UNCHANGED), dict(signed=SIGNED, envelope="bytes", inline="bytes")
ANSWER = ("enum", dict(unchanged=SIGNED, adopt=dict(signed=SIGNED, **PROOF), changed=CHANGED, keyring=SIGNED))
HEAD = dict(counter="u64", release=32, not_after=("option", "u64"))
OUTCOME = dict(ending=("below", 7), content=16, reason="u16", detail=("text", 40))
REPORT = dict(challenge=CHALLENGE, running=16, confirmed=16, schema=8, firmware=8, accepted=POSITION, floor=POSITION, keyring_version="u32",
              trial=("enum", dict(none="nothing", staged=16, running=16, asking=16, suspended=16)), outcome=OUTCOME,
              checks=("row", "u16", "u16"), refused=("option", ("row", 16, "u16")), stale="bool")
def sorted_list(item): return ("that", ("list", ANY, item), lambda items: ascending([key_of(item) for item in items]))
def key_of(item): return item[0] if isinstance(item, tuple) else item
DEVICE = ("row", 16, dict(name="u32", model="u32", labels=sorted_list(("row", "u32", "u32")), key=("option", 32)))
CELLS = ("that", sorted_list(("row", "u32", "u32", PRIVATE)), any)  # schema, manifest, private object
ROSTER, TABLE = ("row", sorted_list(TEXT), sorted_list(DEVICE)), ("row", sorted_list(32), sorted_list(("row", ("that", 16, any), CELLS)))
SLOT = dict(manifest=32, private=PRIVATE, schema=8, position=POSITION, standing=THREE)
TRIAL = dict(slot=TWO, stage=THREE, boots_left="u8", unreachable="u8", crashed="bool", spent="bool", cause=THREE, floor="u32")
RECORD = dict(generation="u32", a=("option", SLOT), b=("option", SLOT), confirmed=("option", TWO), trial=("option", TRIAL),
              accepted=POSITION, floor=POSITION, keyring=KEYRING, rejected=("list", 4, ("row", 8, 4, "u16")), outcome=OUTCOME)
IDENTITY = dict(fleet=16, device=("that", 16, any), seed=32, keyring=KEYRING, floor=POSITION, server=("text", 64))

# ---- formats.md: Ed25519. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z and xy = T/Z; points are added as in RFC 8032, 5.1.4.

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P
def times(number, point):
    even = times(number // 2, add(point, point)) if number else (0, 1, 1, 0)
    return add(even, point) if number % 2 else even
def encoding(point):
    x, y = (value * pow(point[2], -1, P) % P for value in point[:2])
    return (y | (x & 1) << 255).to_bytes(32, "little")
def point_of(data):
    """The point that these bytes encode; None if they encode none, or one of small order, or in another way."""
    y, odd = int.from_bytes(data, "little") & 2**255 - 1, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    root = root if root * root % P == square else root * pow(2, (P - 1) // 4, P) % P
    x = root if root & 1 == odd else P - root
    point = (x, y, 1, x * y % P)
    return point if y < P and x * x % P == square and times(8, point)[0] else None
BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
def signed_by(key, signature, message):
    a, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return a and r and s < L and encoding(times(s, BASE)) == encoding(add(r, times(k, a)))

# ---- formats.md: what is signed, and keyrings; keys.md

def check_run(kind, fleet, context, statement, run, role):
    """The ids of those keys of the role that signed."""
    message, (threshold, keys) = f"steadfast.{kind}.v1\0".encode() + fleet + context + statement, role
    require(len(message) <= 640, 2, "the message is too large")
    require(len(run) % 68 == 0, 1, "an entry has 68 bytes")
    entries = [run[at : at + 68] for at in range(0, len(run), 68)]
    require(len(entries) <= 10, 2, "more than ten signatures")
    require(ascending([entry[:4] for entry in entries]), 12, "signers do not ascend")
    known = [(key, entry[4:]) for entry in entries for key in keys if key[:4] == entry[:4]]
    require(all(signed_by(key, signature, message) for key, signature in known), 11, "a signature does not verify")
    require(0 < threshold <= len(known), 10, "fewer signatures than the threshold")
    return [key[:4] for key, _ in known]
def check_sound(keyring):
    roles = [keyring.root[1], keyring.publisher[1], keyring.director[1] or []]
    keys = sum(roles, [])
    require(keyring.version >= 1, 21, "a keyring has version 1 at least")
    require(all(0 < threshold <= len(held) for threshold, held in (keyring.root, keyring.publisher)), 21, "a threshold")
    require(all(map(ascending, roles)) and len({key[:4] for key in keys}) == len(keys), 21, "keys out of order, or two with one id")
    require(all(map(point_of, keys)) and (roles[2] or keyring.director[0] == "none"), 21, "a weak key, or a director without keys")
    return keyring
def read_keyring(statement): return check_sound(decode(KEYRING, statement, 400))
def next_keyring(signed, known):
    """The keyring that follows the known one; the first one, when none is known."""
    keyring, before = read_keyring(signed[0]), known.get("keyring")
    last, epoch = (before.version, before.publisher_epoch) if before else (0, 0)
    require(keyring.version == last + 1 and keyring.publisher_epoch >= epoch, 20, "not the next version, or a lower epoch")
    for role in [before.root, keyring.root] if before else [keyring.root]:
        check_run("keyring", known.fleet, b"", *signed, role)
    return keyring
def keyring_file(data, known):
    require(data[:8] == b"SFKEYS\0\1", None, "it does not start as a keyring file")
    fleet, signed = decode(("row", 16, SIGNED), data[8:])
    require(known.get("fleet") in (None, fleet), None, "keyrings of two fleets")
    keyring = next_keyring(signed, Struct(known, fleet=fleet))
    return Struct(known, fleet=fleet, keyring=keyring, version=keyring.version)

# ---- formats.md: release to head. `known` is what a reader knows already, as the context of a vector says it

NOTHING = Struct(floor=(0, 0), accepted=(0, 0), order=None, private=None, running_private=None)
def release(data, known):
    """Points 2 to 6 of an envelope."""
    release = decode(RELEASE, data, 112)
    require(release.floor <= release.sequence, 32, "a floor above the release")
    position, floor = ((release.epoch, sequence) for sequence in (release.sequence, release.floor))
    require(release.epoch == known.keyring.publisher_epoch, 30, "another epoch")
    require(position >= known.floor, 31, "below the floor")
    require(known.order in (None, sha256(data)), 34, "another release than the one ordered")
    require(known.order or position >= known.accepted, 35, "older, and not ordered")
    signers = check_run("release", known.fleet, b"", data, known.signatures, known.keyring.publisher)
    return Struct(release, position=position, floor=floor, commit=release.commit[1], digest=sha256(data), signers=signers)
def leaf_hash(device, schema, manifest, private):
    return sha256(b"\0", device, schema, manifest, b"\1" + private[0] + varint(private[1]) if private else b"\0")
def path(data, known):
    require(known.index < known.leaves and len(data) % 32 == 0 and len(data) <= 24 * 32, 33, "no path")
    position, last, found = known.index, known.leaves - 1, known.leaf_hash
    for sibling in (data[at : at + 32] for at in range(0, len(data), 32)):
        require(last, 33, "the path is too long")
        if position % 2 or position == last:
            found = sha256(b"\1", sibling, found)
            while position and position % 2 == 0:
                position, last = position // 2, last // 2
        else:
            found = sha256(b"\1", found, sibling)
        position, last = position // 2, last // 2
    require(last == 0 and found == known.root, 33, "the path does not lead to the root")
    return dict(hashes=len(data) // 32)
def manifest(data, _=None):
    settings, policy, checks, entries = decode(MANIFEST, data).values()
    objects = [Struct(section=section, kind=kind, size=content and content[1], restart=flags & 3, risk=flags >> 2)
               for section, (kind, content), flags in entries]
    return Struct(policy, settings=settings, reach=("server", "none")[policy.reach], checks=checks, objects=objects,
                  contents=[content for _, (_, content), _ in entries], digest=sha256(data))
def content_id(manifest, private): return sha256(b"steadfast.content.v1\0", manifest, private[0] if private else b"")[:16]
def check_content(proof, manifest, private, known):
    """Points 2 to 7 of an envelope, for this content."""
    found = release(proof.release, Struct(known, signatures=proof.signatures))
    path(proof.path, Struct(found, index=proof.index, leaf_hash=leaf_hash(known.device, known.schema, manifest, private)))
    return dict(content_id=content_id(manifest, private), manifest=manifest, position=found.position, floor=found.floor)
def check_envelope(data, known):
    envelope = decode(ENVELOPE, data, 3072)
    told = check_content(envelope, sha256(envelope.manifest), envelope.private, known)
    return told, manifest(envelope.manifest).contents
def check_director(kind, signed, form, known):
    variant, keys = known.keyring.director
    require(variant == ("heads" if kind == "head" else "assignments"), 22, "nobody may say this")
    check_run(kind, known.fleet, b"" if kind == "head" else known.poll, *signed, (1, keys))
    return decode(form, signed[0])
def envelope(data, known):
    if "assignment" in known:
        known["order"], _ = check_director("assignment", decode(SIGNED, known.assignment), ASSIGNMENT, known)
    return check_envelope(data, known)[0]
def answer(data, known):
    name, parts = decode(ANSWER, data, 3328) if data else ("nothing new", None)
    told = {}
    if name == "keyring":
        told = next_keyring(parts, known)
    elif name == "unchanged":
        told = check_director(name, parts, UNCHANGED, known)
    elif data:
        known["order"], rest = check_director("assignment", parts.signed, ASSIGNMENT, known)
        if name == "changed":
            told, contents = check_envelope(parts.envelope, known)
            told.update(inline=inline_objects(parts.inline, contents))
        else:
            require("running_manifest" in known, 33, "nothing intact runs")
            told = check_content(parts, known.running_manifest, known.running_private, known)
        told.update(rest)
    return dict(told, answer=name)
def inline_objects(data, contents):
    """What came along with its right digest, in the manifest's order, as far as the bytes can be followed."""
    reader, found = Reader(data), {}
    try:
        while reader.at < len(data):
            place = reader.below(len(contents))
            found.setdefault(place, reader.take(contents[place][1] if contents[place] else 0))
    except Refused:
        pass
    return [content for place, content in sorted(found.items()) if contents[place] == (sha256(content), len(content))]
def report(data, known):
    device, statement, run = decode(("row", 16, "bytes", "bytes"), data, 420)
    report = decode(REPORT, statement, 320)
    check_run("report", known.fleet, device, statement, run, (1, [known.device_key]))
    refused = report.refused and report.refused[1]
    return report | report.outcome | dict(device=device, trial=report.trial[0], trial_content=report.trial[1], refused=refused)

# ---- pack.md

def tree_root(hashes):
    split = 1 << (len(hashes) - 1).bit_length() >> 1
    return sha256(b"\1", tree_root(hashes[:split]), tree_root(hashes[split:])) if split else hashes[0]
def places_of(items): return list(range(len(items)))
def read_roster(data):
    """The ids of its devices."""
    texts, devices = decode(ROSTER, data)
    used = {place for _, device in devices for place in [device.name, device.model, *sum(device.labels, ())]}
    require(sorted(used) == places_of(texts), None, "texts are not those used")
    require(len({device.name for _, device in devices}) == len(devices), None, "two devices have one name")
    return {device for device, _ in devices}
def read_table(data, manifests):
    """Its leaves, as (device, schema id, digest of the manifest, private object)."""
    schemas, devices = decode(TABLE, data)
    leaves = [(device, *cell) for device, cells in devices for cell in cells]
    require(sorted({schema for _, schema, *_ in leaves}) == places_of(schemas), None, "schemas are not those used")
    require([*dict.fromkeys(place for _, _, place, _ in leaves)] == places_of(manifests), None, "manifests are not in leaf order")
    return [(device, schemas[schema], sha256(manifests[place]), private) for device, schema, place, private in leaves]
def pack(data, known):
    require(data[:8] == b"SFPACK\0\1", None, "it does not start as a pack")
    require(len(data) <= 2**31 and data[-32:] == sha256(data[:-32]), None, "another digest at the end")
    reader = Reader(data[8:-32])
    fleet, *sections = reader.take(16), *(reader.take(int.from_bytes(reader.take(8), "little")) for _ in range(5))
    reader.whole("nothing")
    statement, roster, table, *lists = sections
    found, devices = release(statement, known), read_roster(roster)
    manifests, objects = (decode(("list", ANY, "bytes"), part) for part in lists)
    leaves = read_table(table, manifests)
    require({device for device, *_ in leaves} <= devices, None, "a device is not in the roster")
    require(len(set(manifests)) == len(manifests) and max(map(len, manifests), default=0) <= 1792, None, "a manifest twice, or too large")
    named = {content for data in manifests for content in manifest(data).contents} | {private for *_, private in leaves}
    contents = [(sha256(content), len(content)) for content in objects]
    require(contents == sorted(named - {None}), None, "objects are not exactly those that are named")
    hashes = [leaf_hash(*leaf) for leaf in [(bytes(16), bytes(32), sha256(roster), None), *leaves]]
    require((found.leaves, found.root) == (len(hashes), tree_root(hashes)), None, "the leaves do not make the tree")
    require(fleet == known.fleet and found.commit != bytes(20), None, "the fleet is another one, or it was built from no commit")
    return Struct(found, release=found.digest, devices=len(devices), manifests=len(manifests), objects=len(objects))
def signature_file(data, known):
    require(len(data) == 68 and known.file.endswith(f".pack.{data[:4].hex()}.sig"), None, "not 68 bytes, or the name is another key's")
    return dict(key=data[:4])

# ---- identity.md and flash.md

def identity(data, _):
    end = 10 + int.from_bytes(data[8:10], "little")
    require(data[:8] == b"SFIDENT\1" and end + 16 <= min(len(data), 640), 1, "another magic or version, too long, or cut off")
    require(data[end : end + 16] == sha256(data[:end])[:16], 1, "another check")
    identity = decode(IDENTITY, data[10:end])
    secret = int.from_bytes(hashlib.sha512(identity.seed).digest()[:32], "little") & 2**254 - 8 | 2**254
    return dict(identity, keyring_version=check_sound(identity.keyring).version, public_key=encoding(times(secret, BASE)))
def checked(tag, data, kind):
    """What stands in `data` behind its check, with zeros to the end."""
    require(data[:16] == sha256(f"steadfast.{tag}.v1\0".encode(), data[16:])[:16], None, "another check")
    reader = Reader(data[16:])
    value = reader.read(kind)
    require(not any(reader.data[reader.at :]), None, "something behind the fields")
    return value
def record_copy(data, _=None):
    require(len(data) == 768, None, "a copy has 768 bytes")
    record = checked("record", data, RECORD)
    a, b = (slot and content_id(slot.manifest, slot.private) for slot in (record.a, record.b))
    confirmed, boots_left = {0: "a", 1: "b"}.get(record.confirmed), record.trial and record.trial.boots_left
    return Struct(record | record.outcome, a=a, b=b, confirmed=confirmed, boots_left=boots_left, rejected=len(record.rejected),
                  keyring_version=record.keyring.version)
def copy_of(data):
    """The copy; None where it does not count."""
    try:
        return record_copy(data)
    except Refused:
        return None
def younger(a, b): return b if 0 < (b.generation - a.generation) % 2**32 < 2**31 else a
def record_region(data, known):
    seen, begun, returned = [], [], []
    for start in range(0, known.erase_bytes * known.blocks, known.erase_bytes):
        copies = data[start : start + 768], data[start + 768 : start + 1536]
        first, second = map(copy_of, copies)
        seen += filter(None, [first, second])
        if first and copies[1] == bytes([known.erased]) * 768:
            begun.append(first)
        elif first or second:
            returned.append(Struct(first or second, is_pair=copies[0] == copies[1]))
    require(seen, None, "there is no record")
    record = functools.reduce(younger, returned or begun)
    is_settled = returned and record.is_pair and all(younger(record, other) is record for other in begun)
    generation = record.generation if is_settled else (functools.reduce(younger, seen).generation + 1) % 2**32
    return dict(accepted=record.accepted, generation=generation)
def slot(data, known):
    reader = Reader(data + bytes([known.erased]) * 2**16)
    def part(size, digest):
        content, _gap = reader.take(size), reader.take(-size % 32)
        require(sha256(content) == digest, None, "another part than the one named")
        return content
    digest, private, size = checked("slot", reader.take(128), ("row", 32, PRIVATE, "u32"))
    require((digest, private) == (known.manifest, known.private), None, "another content")
    found = manifest(part(size, digest))
    sections = {entry.section: part(*content[::-1]) for entry, content in zip(found.objects, found.contents) if content}
    return dict(sections=sections, private=private and part(*private[::-1]))

# ---- schema.md, section 2

CENTURY_MS, MAP_KEYS = 3_155_760_000_000, {"integer", "text", "ipv4_addr", "ipv6_addr", "ip_addr", "mac"}
RESERVED = {"agent", "append", "final", "health", "match", "unset"}
MAC = re.compile("[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\\1[0-9a-fA-F]{2}){4}")
DURATION = re.compile("(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?")
UNITS_MS = (86_400_000, 3_600_000, 60_000, 1000, 1)
def stands_for(literal, kind):
    (tag, value), (name, body) = literal, kind
    match name:
        case "option": return stands_for(literal, body)
        case "bool": return tag == "flag"
        case "integer" | "float": return tag == name and body.min <= value <= body.max
        case "list": return tag == "list" and len(value) <= body.max and all(stands_for(item, body.item) for item in value)
        case "map": return tag == "list" and not value
        case "struct": return False
    return tag == "text" and text_stands_for(value, name, body)
def text_stands_for(text, name, body):
    match name:
        case "text": return len(text.encode()) <= body.max
        case "enum": return any(variant.name == text and not variant.payload for variant in body.variants)
        case "mac": return MAC.fullmatch(text)
        case "duration":
            parts = DURATION.fullmatch(text)
            return text and parts and body.min <= sum(int(part or 0) * unit for part, unit in zip(parts.groups(), UNITS_MS)) <= body.max
    family, form = name.split("_")
    try:
        version = ipaddress.ip_interface(text).version
    except ValueError:
        return False
    return family in ("ip", f"ipv{version}") and re.fullmatch("[^%/]+" + dict(addr="", net="/(0|[1-9][0-9]*)")[form], text)
def in_range(body, low, high): return low <= body.min <= body.max <= high
def key_fits(body):
    (name, item), key = body.item, body.key
    return key is None or name == "struct" and any(field.name == key and field.type[0] in MAP_KEYS for field in item.fields)
def once(names): return len(set(names)) == len(names)
def names_fit(members, removed=()):
    return once([name for member in members for name in (member.name, member.get("was")) if name is not None] + [*removed])
def default_fits(field): return all(literal is None or stands_for(literal, field.type) for literal in (field.default, field.absent_means))

INTEGERS = [(0, 2**bits - 1) for bits in (8, 16, 32, 64)] + [(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)]
FLOATS = (2 - 2**-23) * 2.0**127, sys.float_info.max
NAME, PROSE, DOC = ("that", ("text", 32), LETTERS.fullmatch), ("prose", 64), ("prose", 1024)
INT = ("that", ("made", "u70", lambda folded: folded >> 1 ^ -(folded & 1)), lambda number: -(2**63) <= number < 2**64)
F64 = ("made", 8, lambda data: struct.unpack("<d", data)[0])
def place(kind, **before):
    """What ends with fields, whose types are of this kind, and with removed names."""
    field = dict(name=NAME, doc=DOC, type=kind, unit=("option", ("that", ("text", 16), len)), default=("option", LITERAL),
                 was=("option", NAME), absent_means=("option", LITERAL))
    found = dict(before, fields=("list", 64, ("that", field, default_fits)), removed=("list", 64, NAME))
    return ("that", found, lambda place: names_fit(place.fields, place.removed))
def type_over(inner):
    """The kind of a type, whose items, fields and payloads have types of the kind given."""
    variant = ("that", dict(name=NAME, doc=DOC, payload=("option", inner)), lambda variant: (variant.payload or [None])[0] != "option")
    return ("enum", dict(
        bool="nothing",
        integer=("that", dict(kind=("below", 8), min=INT, max=INT), lambda body: in_range(body, *INTEGERS[body.kind])),
        float=("that", dict(kind=TWO, min=F64, max=F64), lambda body: in_range(body, -FLOATS[body.kind], FLOATS[body.kind])),
        text=dict(max="u32"),
        list=("that", dict(max="u32", item=inner, key=("option", NAME)), key_fits),
        map=("that", dict(max="u32", key=inner, value=inner), lambda body: body.key[0] in MAP_KEYS),
        struct=place(inner, name=PROSE),
        option=("that", inner, lambda kind: kind[0] != "option"),
        enum=dict(name=PROSE, variants=("that", ("list", 64, variant), lambda variants: variants and names_fit(variants))),
        **dict.fromkeys(["ipv4_addr", "ipv6_addr", "ip_addr", "ipv4_net", "ipv6_net", "ip_net", "mac"], "nothing"),
        duration=("that", dict(min="u64", max="u64"), lambda body: in_range(body, 0, CENTURY_MS))))
LITERAL = TYPE = ("enum", {})  # nothing stands below level 8
for _ in range(8):
    LITERAL = ("enum", dict(flag="bool", integer=INT, float=F64, text=("text", 256), list=("list", 64, LITERAL)))
for _ in range(8):
    TYPE = type_over(TYPE)
SECTION = place(TYPE, name=("that", NAME, lambda name: name not in RESERVED), doc=DOC, restart=THREE, risk=THREE, secret="bool",
                checks=("that", ("list", 16, NAME), once), was=("option", NAME))
SCHEMA = dict(version=("that", "u8", lambda version: version == 1), name=PROSE, sections=("list", 32, SECTION), removed=("list", 64, NAME))
def schema(data, _):
    require(len(data) <= 65_536, None, "more than 65,536 bytes")
    reader = Reader(data)
    schema = reader.whole(SCHEMA)
    names = [section.name for section in schema.sections]
    require(names and names_fit(schema.sections, schema.removed), None, "no section, or a name that occurs twice")
    require(len({check for section in schema.sections for check in section.checks}) <= 16, None, "more than 16 checks")
    starts, ends = zip(*reader.prose)
    digest = sha256(b"\0".join(data[end:start] for end, start in zip((0, *ends), (*starts, len(data)))))
    return dict(id=digest, short_id=digest[:8], name=schema.name, sections=names)

# ---- vectors.md

def ed25519(data, known):
    require(signed_by(known.public_key, data, known.message), 11, "it does not verify")
    return {}
def keyring(data, _):
    keyring = read_keyring(data)
    root, publisher = ((threshold, len(keys)) for threshold, keys in (keyring.root, keyring.publisher))
    return dict(keyring, root=root, publisher=publisher, director_keys=len(keyring.director[1] or []))
def leaf(data, _):
    leaf = decode(LEAF, data)
    return dict(leaf, hash=leaf_hash(**leaf))
def poll(data, _):
    poll = decode(POLL, data, 80)
    return dict(poll, signed=bool(poll.flags & 1), preparing=bool(poll.flags & 2))
KINDS = {"ed25519": ed25519, "identity": identity, "keyring": keyring, "keyring-file": keyring_file, "release": release, "leaf": leaf,
         "path": path, "manifest": manifest, "envelope": envelope, "poll": poll, "answer": answer, "report": report,
         "record-copy": record_copy, "record-region": record_region, "slot": slot, "schema": schema, "pack": pack,
         "signature-file": signature_file, "signed-keyring": lambda data, known: next_keyring(decode(SIGNED, data), known),
         "head": lambda data, known: check_director("head", (data, known.signatures), HEAD, known)}
def from_json(value):
    """Bytes where hex stands, and tuples for lists."""
    if isinstance(value, list):
        return tuple(map(from_json, value))
    return bytes.fromhex(value) if isinstance(value, str) else value
def told(vector):
    """Whether the bytes are taken; and what they say, as JSON has it, or else the number of the refusal."""
    known = Struct(NOTHING)
    known.update((key, value if key == "file" else from_json(value)) for key, value in vector.get("context", {}).items())
    if "keyring" in known:
        known["keyring"] = read_keyring(known.keyring)
    try:
        return True, json.loads(json.dumps(KINDS[vector["kind"]](bytes.fromhex(vector["bytes"]), known), default=bytes.hex))
    except Refused as refusal:
        return False, refusal.args[0]
def agrees(vector):
    (taken, said), expect = told(vector), vector["expect"]
    if taken and "good" in expect:
        return all(key in said and said[key] == value for key, value in expect["good"].items())
    return not taken and "good" not in expect and expect.get("refusal") in (None, said)
def judge_vectors(given):
    vectors = [(path.name, vector) for path in sorted(given.folder.glob("*.json")) for vector in json.loads(path.read_text("utf-8"))]
    wrong = [f"{file}, {vector['kind']}, {vector['name']}: {told(vector)}" for file, vector in vectors if not agrees(vector)]
    require(vectors, None, f"{given.folder} is no folder with vectors: name one that holds *.json, or none")
    print(f"{len(vectors)} vectors, {len(wrong)} disagreements", *wrong, sep="\n")
    return 1 if wrong else 0

# ---- keys.md and pack.md: files

def verify_pack(given):
    known = NOTHING
    require(given.pack.is_file(), None, f"{given.pack} is no file: name one pack, or say `vectors` for a folder of them")
    for file in given.keyring:
        known = keyring_file(file.read_bytes(), known)
    files = given.signatures or [*given.pack.parent.glob(f"{given.pack.name}.*.sig")]
    entries = [file.read_bytes() for file in files]
    for file, entry in [] if given.signatures else zip(files, entries):
        signature_file(entry, Struct(file=file.name))
    told = pack(given.pack.read_bytes(), Struct(known, signatures=b"".join(sorted(entries))))
    print(f"fleet      {known.fleet.hex()}\nkeyring    {known.version}\nrelease    {told.digest.hex()}\ncommit     {told.commit.hex()}")
    print(f"sequence   {told.sequence} in epoch {told.epoch}, floor {told.floor[1]}")
    print(f"devices    {told.devices}, with {told.leaves - 1} leaves; the statement counts {told.leaves}, for the roster has one, too")
    print(f"content    {told.manifests} manifests, {told.objects} objects")
    print("signers   ", *(signer.hex() for signer in told.signers))
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="pack | vectors")
    vectors, pack = commands.add_parser("vectors"), commands.add_parser("pack")
    vectors.add_argument("folder", type=pathlib.Path, nargs="?", default=pathlib.Path(__file__).parent / "vectors")
    vectors.set_defaults(run=judge_vectors)
    pack.add_argument("pack", type=pathlib.Path)
    pack.add_argument("--keyring", type=pathlib.Path, nargs="+", required=True, help="the first keyring first")
    pack.add_argument("--signatures", type=pathlib.Path, nargs="+", help="files of signature entries")
    pack.set_defaults(run=verify_pack)
    given = parser.parse_args()
    try:
        sys.exit(given.run(given))
    except Refused as refusal:
        number, words = refusal.args
        sys.exit(f"refused: {words}" + (f" ({number} in refusals.md)" if number else ""))
    except OSError as failure:
        sys.exit(f"error: {failure}")
if __name__ == "__main__":
    main()
