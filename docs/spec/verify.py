#!/usr/bin/env python3
"""An independent verifier of version 1 of the formats, written from the pages beside it alone.

    verify.py pack FILE --keyring FILE... [--signatures FILE...]
        verifies a pack under a chain of keyring files, the first one first; the signatures are those in the files
        named, or in the FILE.KEYID.sig beside the pack
    verify.py vectors [FOLDER]
        judges every vector in the folder, or in the one beside this file, and tells where it disagrees

It needs Python 3.10 and nothing else, and is written to be read, not to be fast. The exit code is 0 when all is right,
and 1 otherwise. Here stands what a pack needs; what devices read is in verify_vectors.py and verify_schema.py.
"""

import argparse
import hashlib
import pathlib
import re
import sys
from types import SimpleNamespace


class Refused(Exception):
    """What was read is not taken. `number` is that of refusals.md, or None where reasons have none."""

    def __init__(self, number, words):
        super().__init__(words)
        self.number = number


def require(holds, number, words):
    if not holds:
        raise Refused(number, words)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def ascending(values):
    return all(a < b for a, b in zip(values, values[1:]))


class Reader:
    """Takes values off the front of bytes: the encoding of formats.md."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        require(size <= len(self.data) - self.at, 1, "it is cut off")
        self.at += size
        return self.data[self.at - size : self.at]

    def byte(self, below=256):
        value = self.take(1)[0]
        require(value < below, 1, "a byte that means nothing here")
        return value

    def varint(self, bits):
        value = shift = 0
        while shift < bits:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                require(byte or shift == 7, 1, "a number is longer than needed")
                require(value < 1 << bits, 1, "a number does not fit")
                return value
        raise Refused(1, "a number does not fit")

    def read(self, kind):
        """A kind is a number of bytes, a word, a tuple that starts with a word, or a dict of the fields of a struct."""
        match kind:
            case int():
                return self.take(kind)
            case dict():
                return SimpleNamespace(**{name: self.read(field) for name, field in kind.items()})
            case "nothing":
                return None
            case "bool":
                return bool(self.byte(2))
            case "u8":
                return self.byte()
            case "u16" | "u32" | "u64":
                return self.varint(int(kind[1:]))
            case "bytes":
                return self.take(self.varint(32))
            case "text", most:
                content = self.read("bytes")
                require(len(content) <= most, 1, "a text is too long")
                try:
                    return content.decode()
                except UnicodeDecodeError:
                    raise Refused(1, "a text is not UTF-8") from None
            case "option", item:
                return self.read(item) if self.byte(2) else None
            case "list", most, item:
                count = self.varint(32)
                require(count <= most, 1, "too many items")
                return [self.read(item) for _ in range(count)]
            case "enum", *variants:
                number = self.varint(32)
                require(number < len(variants), 1, "an unknown variant")
                return number, self.read(variants[number])
            case "row", *items:
                return tuple(self.read(item) for item in items)
            case "verbatim", item:
                start, _ = self.at, self.read(item)
                return self.data[start : self.at]

    def end(self):
        require(self.at == len(self.data), 1, "bytes are left over")


def decode(kind, data, most=2**31):
    require(len(data) <= most, 2, "it is too large")
    reader = Reader(data)
    value = reader.read(kind)
    reader.end()
    return value


ANY = 2**31
TWO, THREE, SEVEN = (("enum", *["nothing"] * variants) for variants in (2, 3, 7))
KEYS, TWO_KEYS, TEXT = ("list", 5, 32), ("list", 2, 32), ("text", ANY)
POSITION, OBJECT, ROLE = ("row", "u32", "u32"), ("row", 32, "u32"), ("row", "u8", KEYS)
KEYRING = dict(version="u32", root=ROLE, publisher=ROLE, director=("enum", "nothing", TWO_KEYS, TWO_KEYS), epoch="u32")
SIGNED = ("row", "bytes", "bytes")
RELEASE = dict(epoch="u32", sequence="u32", floor="u32", commit=("enum", 20, 32), leaves="u32", root=32)
ENTRY = ("row", TEXT, ("enum", OBJECT, "nothing", OBJECT), "u8")
SETTINGS, POLICY = ("row", "u32", "u32", "u32", "u32"), ("row", TWO, "u32", "u8")
PERSON = dict(id=16, name="u32", model="u32", labels=("list", ANY, ("row", "u32", "u32")), key=("option", 32))
ROSTER = ("row", ("list", ANY, TEXT), ("list", ANY, PERSON))
CELL = dict(schema="u32", manifest="u32", private=("option", OBJECT))
TABLE = ("row", ("list", ANY, 32), ("list", ANY, ("row", 16, ("list", ANY, CELL))))

# Ed25519. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z and xy = T/Z; points are added as in RFC 8032, 5.1.4.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    total = (0, 1, 1, 0)
    for bit in f"{number:b}":
        total = add(total, total)
        total = add(total, point) if bit == "1" else total
    return total


def encoding(point):
    x, y = (value * pow(point[2], -1, P) % P for value in point[:2])
    return (y | (x & 1) << 255).to_bytes(32, "little")


def point_of(data):
    """The point that these bytes encode; None if they encode none, or one of small order, or in another way."""
    y, odd = int.from_bytes(data, "little") & 2**255 - 1, data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    roots = (root * pow(square, (P + 3) // 8, P) % P for root in (1, pow(2, (P - 1) // 4, P)))
    x = next((root for root in roots if root * root % P == square), None)
    if y >= P or x is None:
        return None
    x = x if x & 1 == odd else P - x
    point = (x, y, 1, x * y % P)
    eightfold = times(8, point)
    return None if eightfold[0] == 0 and eightfold[1] == eightfold[2] else point


BASE = point_of((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def signed_by(key, signature, message):
    a, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return encoding(times(s, BASE)) == encoding(add(r, times(k, a)))


def message(kind, fleet, context, statement):
    return f"steadfast.{kind}.v1\0".encode() + fleet + context + statement


def check_run(run, keys, threshold, message):
    """The ids of those keys that signed: "a run of entries" in formats.md."""
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
    keys = [key for role in roles for key in role]
    require(keyring.version >= 1, 21, "a keyring has version 1 at least")
    require(all(0 < threshold <= len(held) for threshold, held in (keyring.root, keyring.publisher)), 21, "a threshold")
    require(all(ascending(role) for role in roles), 21, "keys do not ascend")
    require(keyring.director[0] == 0 or roles[2], 21, "a director without keys")
    require(len({key[:4] for key in keys}) == len(keys), 21, "two keys with one id")
    require(all(point_of(key) for key in keys), 21, "a weak key")


def read_keyring(statement):
    keyring = decode(KEYRING, statement, 400)
    check_sound(keyring)
    return keyring


def read_release(statement):
    release = decode(RELEASE, statement, 112)
    require(1 <= release.leaves <= 2**24, 1, "1 to 2^24 leaves")
    require(release.floor <= release.sequence, 32, "a floor above the release")
    release.position, release.floor = (release.epoch, release.sequence), (release.epoch, release.floor)
    return release


def read_manifest(data):
    """Settings, policy, checks and objects; an object is its section, kind, digest, size and flags."""

    def ascending_items(most, kind):
        count, items = reader.byte(), []
        require(count <= most, 40, "too many checks or objects")
        for _ in range(count):
            items.append(reader.read(kind))
            name, flags = items[-1][0], items[-1][-1] if kind == ENTRY else 0
            require(re.fullmatch("[a-z][a-z0-9_]{0,31}", name), 40, "a name that is none")
            require(ascending([item[0] for item in items[-2:]]), 40, "names do not ascend")
            require(flags < 16 and flags & 3 < 3 and flags >> 2 < 3, 40, "flags that mean nothing")
        return items

    reader = Reader(data)
    settings, policy = reader.read(SETTINGS), reader.read(POLICY)
    checks, entries = ascending_items(16, ("row", TEXT)), ascending_items(32, ENTRY)
    reader.end()
    objects = [(name, kind, *(content or (None, None)), flags) for name, (kind, content), flags in entries]
    return SimpleNamespace(settings=settings, policy=policy, checks=[name for name, in checks], objects=objects)


def varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def leaf_hash(device, schema, manifest, private):
    return sha256(b"\0", device, schema, manifest, b"\1" + private[0] + varint(private[1]) if private else b"\0")


def tree_root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1", tree_root(hashes[:split]), tree_root(hashes[split:]))


def read_table(data, manifests):
    """The leaves of a pack's table, as (device, schema id, manifest's place, private object)."""
    schemas, devices = decode(TABLE, data)
    leaves = [(device, cell) for device, cells in devices for cell in cells]
    used = {cell.schema for _, cell in leaves}
    require(ascending(schemas) and used == set(range(len(schemas))), None, "schemas are not those used, ascending")
    require(ascending([bytes(16), *(device for device, _ in devices)]), None, "devices do not ascend, or one is nobody")
    for _, cells in devices:
        require(cells and ascending([cell.schema for cell in cells]), None, "a device without leaves, or out of order")
    order = list(dict.fromkeys(cell.manifest for _, cell in leaves))
    require(order == list(range(len(manifests))), None, "manifests are not in the order of the leaves")
    return [(device, schemas[cell.schema], cell.manifest, cell.private) for device, cell in leaves]


def check_roster(data, running):
    texts, people = decode(ROSTER, data)
    used = {place for person in people for pair in person.labels for place in pair}
    used |= {place for person in people for place in (person.name, person.model)}
    require(ascending(texts) and used == set(range(len(texts))), None, "texts do not ascend, or are not those used")
    ids, names = [person.id for person in people], {person.name for person in people}
    require(ascending(ids) and len(names) == len(ids), None, "devices do not ascend, or two have one name")
    require(all(ascending([key for key, _ in person.labels]) for person in people), None, "labels do not ascend")
    require(running <= set(ids), None, "a device is not in the roster")
    return people


def read_pack(data):
    """A pack that is whole, under no keyring: fleet, statement and release, roster, leaves, manifests, objects."""
    require(data[:8] == b"SFPACK\0\1", None, "it does not start as a pack")
    require(len(data) <= 2**31 and data[-32:] == sha256(data[:-32]), None, "another digest at the end")
    reader = Reader(data[8:-32])
    fleet = reader.take(16)
    statement, roster, table, *lists = (reader.take(int.from_bytes(reader.take(8), "little")) for _ in range(5))
    reader.end()
    release = read_release(statement)
    manifests, objects = (decode(("list", ANY, "bytes"), part) for part in lists)
    leaves = read_table(table, manifests)
    people = check_roster(roster, {device for device, *_ in leaves})
    require(len(set(manifests)) == len(manifests), None, "a manifest stands twice")
    require(all(len(manifest) <= 1792 for manifest in manifests), None, "a manifest is too large")
    named = {(digest, size) for manifest in manifests for _, _, digest, size, _ in read_manifest(manifest).objects}
    named |= {private for *_, private in leaves}
    sizes = [(sha256(content), len(content)) for content in objects]
    require(sizes == sorted(named - {(None, None), None}), None, "objects are not exactly those that are named")
    digests = [sha256(manifest) for manifest in manifests]
    hashes = [leaf_hash(bytes(16), bytes(32), sha256(roster), None)]
    hashes += [leaf_hash(device, schema, digests[place], private) for device, schema, place, private in leaves]
    require((release.leaves, release.root) == (len(hashes), tree_root(hashes)), None, "the leaves do not make the tree")
    return SimpleNamespace(fleet=fleet, statement=statement, release=release, people=people, leaves=len(hashes),
                           manifests=len(manifests), objects=len(objects))


def next_keyring(fleet, before, signed):
    """The keyring that follows; the first one, when there is none before."""
    statement, run = signed
    keyring = read_keyring(statement)
    if before:
        require(keyring.version == before.version + 1, 20, "not the next version")
        require(keyring.epoch >= before.epoch, 20, "a lower epoch")
    else:
        require(keyring.version == 1, None, "the first keyring has version 1")
    for threshold, keys in (known.root for known in (before, keyring) if known):
        check_run(run, keys, threshold, message("keyring", fleet, b"", statement))
    return keyring


def read_keyring_file(data):
    require(data[:8] == b"SFKEYS\0\1", None, "it does not start as a keyring file")
    return decode(("row", 16, SIGNED), data[8:])


def check_pack(data, fleet, keyring, run):
    pack = read_pack(data)
    require(pack.fleet == fleet, None, "the fleet is another one")
    require(pack.release.commit != (0, bytes(20)), None, "built from no commit")
    require(pack.release.epoch == keyring.epoch, 30, "another epoch")
    threshold, keys = keyring.publisher
    pack.signers = check_run(run, keys, threshold, message("release", fleet, b"", pack.statement))
    return pack


def check_signature_file(name, data):
    require(len(data) == 68, None, "a signature file has 68 bytes")
    require(name.endswith(f".pack.{data[:4].hex()}.sig"), None, "the name is another key's")
    return data


def verify_pack(path, keyrings, signatures):
    fleet = keyring = None
    for file in keyrings:
        file_fleet, signed = read_keyring_file(file.read_bytes())
        require(fleet in (None, file_fleet), None, "keyrings of two fleets")
        fleet, keyring = file_fleet, next_keyring(file_fleet, keyring, signed)
    if signatures:
        entries = [file.read_bytes() for file in signatures]
    else:
        beside = path.parent.glob(f"{path.name}.*.sig")
        entries = [check_signature_file(file.name, file.read_bytes()) for file in beside]
    pack = check_pack(path.read_bytes(), fleet, keyring, b"".join(sorted(entries)))
    print("fleet     ", fleet.hex())
    print("keyring   ", keyring.version)
    print("release   ", sha256(pack.statement).hex())
    print("commit    ", pack.release.commit[1].hex())
    print(f"sequence   {pack.release.sequence} in epoch {pack.release.epoch}, floor {pack.release.floor[1]}")
    print(f"devices    {len(pack.people)}, with {pack.leaves - 1} leaves")
    print(f"content    {pack.manifests} manifests, {pack.objects} objects")
    print("signers   ", *(signer.hex() for signer in pack.signers))


def main():
    parser = argparse.ArgumentParser(description="Verifies packs, and judges the vectors of the specification.")
    commands = parser.add_subparsers(dest="command", required=True)
    vectors = commands.add_parser("vectors")
    vectors.add_argument("folder", type=pathlib.Path, nargs="?", default=pathlib.Path(__file__).parent / "vectors")
    pack = commands.add_parser("pack")
    pack.add_argument("pack", type=pathlib.Path)
    pack.add_argument("--keyring", type=pathlib.Path, nargs="+", required=True, help="the first keyring first")
    pack.add_argument("--signatures", type=pathlib.Path, nargs="+", help="files of signature entries")
    given = parser.parse_args()
    if given.command == "vectors":
        sys.dont_write_bytecode = True  # nothing is left beside the pages
        from verify_vectors import judge_all

        sys.exit(judge_all(given.folder))
    try:
        verify_pack(given.pack, given.keyring, given.signatures)
    except (Refused, OSError) as failure:
        sys.exit(f"refused: {failure}")


if __name__ == "__main__":
    main()
