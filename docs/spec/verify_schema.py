"""Reads the description of a schema, by schema.md alone; `verify_vectors.py` runs it over the vectors."""

import ipaddress
import math
import re
import struct
from types import SimpleNamespace

from verify import Reader, require, sha256

RESERVED = {"agent", "append", "final", "health", "match", "unset"}
CENTURY = 3_155_760_000_000  # milliseconds
DURATION_TEXT = re.compile("(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m(?!s))?(?:([0-9]+)s)?(?:([0-9]+)ms)?")
MAC_TEXT = re.compile("[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\\1[0-9a-fA-F]{2}){4}")
BOOL, INTEGER, FLOAT, TEXT, LIST, MAP, STRUCT, OPTION, ENUM, IP4, IP6, IP, NET4, NET6, NET, MAC, DURATION = range(17)
KEYS = {INTEGER, TEXT, IP4, IP6, IP, MAC}


class Description(Reader):
    """Reads the parts of a description, and remembers where its prose stands."""

    def __init__(self, data):
        super().__init__(data)
        self.prose, self.checks = [], set()

    def string(self, most):
        return self.read(("text", most))

    def note(self, most):
        """A `str*`."""
        start, content = self.at, self.string(most)
        self.prose.append((start, self.at))
        return content

    def name(self):
        name = self.string(32)
        require(re.fullmatch("[a-z][a-z0-9_]*", name), None, "names are lower case")
        return name

    def optional(self, read):
        return read() if self.byte(2) else None

    def several(self, most, read):
        count = self.varint(32)
        require(count <= most, None, f"at most {most}")
        return [read() for _ in range(count)]

    def int(self):
        folded = self.varint(70)
        value = -(folded >> 1) - 1 if folded & 1 else folded >> 1
        require(-(2**63) <= value < 2**64, None, "a number beyond 64 bits")
        return value

    def f64(self):
        (value,) = struct.unpack("<d", self.take(8))
        require(math.isfinite(value), None, "bounds are finite")
        return value

    def schema(self):
        require(self.byte() == 1, None, "the version is not 1")
        name = self.note(64)
        sections = self.several(32, self.section)
        require(sections, None, "1 to 32 sections")
        require(len(self.checks) <= 16, None, "at most 16 checks")
        self.place(sections)
        self.end()
        return name, [section.name for section in sections]

    def place(self, members):
        """The end of a place: its removed names. None of its names occurs twice."""
        names = [name for member in members for name in (member.name, member.was) if name is not None]
        names += self.several(64, self.name)
        require(len(set(names)) == len(names), None, "no name occurs twice")

    def section(self):
        section = SimpleNamespace(name=self.name())
        require(section.name not in RESERVED, None, "this word means something else in a layer")
        self.note(1024)
        _restart, _risk, _secret = self.byte(3), self.byte(3), self.byte(2)
        checks = self.several(16, self.name)
        require(len(set(checks)) == len(checks), None, "a check stands once in a section")
        self.checks.update(checks)
        section.was = self.optional(self.name)
        self.fields(1)
        return section

    def fields(self, level):
        fields = self.several(64, lambda: self.field(level))
        self.place(fields)
        return fields

    def field(self, level):
        field = SimpleNamespace(name=self.name())
        self.note(1024)
        field.type = self.type(level)
        require(self.optional(lambda: self.string(16)) != "", None, "a unit has 1 to 16 bytes")
        default = self.optional(lambda: self.literal(1))
        field.was = self.optional(self.name)
        absent_means = self.optional(lambda: self.literal(1))
        for literal in (default, absent_means):
            require(literal is None or stands_for(literal, field.type), None, "a default is a value of its field")
        return field

    def variant(self, level):
        variant = SimpleNamespace(name=self.name(), was=None)
        self.note(1024)
        variant.payload = self.optional(lambda: self.type(level))
        require(not variant.payload or variant.payload.tag != OPTION, None, "a variant holds no option")
        return variant

    def bounds(self, one, low, high):
        kept = SimpleNamespace(low=one(), high=one())
        require(low <= kept.low <= kept.high <= high, None, "a range is empty, or outside its kind")
        return vars(kept)

    def type(self, level):
        require(level <= 8, None, "at most 8 levels")
        found = SimpleNamespace(tag=self.byte(17))
        if found.tag == INTEGER:
            signed, size = divmod(self.byte(8), 4)
            bits = 8 << size
            low = -(1 << bits - 1) if signed else 0
            vars(found).update(self.bounds(self.int, low, low + (1 << bits) - 1))
        elif found.tag == FLOAT:
            most = (2 - 2**-23) * 2.0**127 if self.byte(2) == 0 else math.inf
            vars(found).update(self.bounds(self.f64, -most, most))
        elif found.tag == TEXT:
            found.most = self.varint(32)
        elif found.tag == LIST:
            found.most, found.item = self.varint(32), self.type(level + 1)
            key = self.optional(self.name)
            if key is not None:
                require(found.item.tag == STRUCT, None, "only structs have keys")
                keys = {field.name for field in found.item.fields if field.type.tag in KEYS}
                require(key in keys, None, "a field that is none, or cannot be a key")
        elif found.tag == MAP:
            self.varint(32)
            require(self.type(level + 1).tag in KEYS, None, "a type that is no key")
            self.type(level + 1)
        elif found.tag == STRUCT:
            self.note(64)
            found.fields = self.fields(level + 1)
        elif found.tag == OPTION:
            found.item = self.type(level + 1)
            require(found.item.tag != OPTION, None, "an option holds no option")
        elif found.tag == ENUM:
            self.note(64)
            found.variants = self.several(64, lambda: self.variant(level + 1))
            names = {variant.name for variant in found.variants}
            require(found.variants and len(names) == len(found.variants), None, "1 to 64 variants, none twice")
        elif found.tag == DURATION:
            vars(found).update(self.bounds(lambda: self.varint(64), 0, CENTURY))
        return found

    def literal(self, level):
        require(level <= 8, None, "literals nest 8 levels at most")
        tag = self.byte(5)
        readers = (lambda: self.byte(2), self.int, self.f64, lambda: self.string(256),
                   lambda: self.several(64, lambda: self.literal(level + 1)))
        return tag, readers[tag]()


def stands_for(literal, kind):
    tag, value = literal
    if kind.tag == OPTION:
        return stands_for(literal, kind.item)
    if kind.tag in (BOOL, STRUCT):
        return kind.tag == BOOL and tag == 0
    if kind.tag in (INTEGER, FLOAT):
        return tag == kind.tag and kind.low <= value <= kind.high
    if kind.tag == LIST:
        return tag == 4 and len(value) <= kind.most and all(stands_for(item, kind.item) for item in value)
    if kind.tag == MAP:
        return tag == 4 and not value
    return tag == 3 and text_stands_for(value, kind)


def text_stands_for(value, kind):
    if kind.tag == TEXT:
        return len(value.encode()) <= kind.most
    if kind.tag == ENUM:
        return any(variant.name == value and not variant.payload for variant in kind.variants)
    if kind.tag == MAC:
        return MAC_TEXT.fullmatch(value)
    if kind.tag == DURATION:
        parts, units = DURATION_TEXT.fullmatch(value), (86_400_000, 3_600_000, 60_000, 1000, 1)
        time = sum(int(part or 0) * unit for part, unit in zip(parts.groups(), units)) if parts else -1
        return value and kind.low <= time <= kind.high
    address, slash, length = value.partition("/")
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return False
    is_net, versions = kind.tag in (NET4, NET6, NET), {IP4: {4}, NET4: {4}, IP6: {6}, NET6: {6}}.get(kind.tag, {4, 6})
    fits = re.fullmatch("0|[1-9][0-9]{0,2}", length) and int(length) <= (32 if version == 4 else 128)
    return "%" not in address and version in versions and (fits if is_net else not slash)


def read_schema(data):
    """The schema's id, name and sections."""
    require(len(data) <= 65_536, None, "more than 65,536 bytes")
    description = Description(data)
    name, sections = description.schema()
    bare, start = b"", 0
    for prose_start, prose_end in description.prose:
        bare, start = bare + data[start:prose_start] + b"\0", prose_end
    digest = sha256(bare, data[start:])
    return dict(id=digest, short_id=digest[:8], name=name, sections=sections)
