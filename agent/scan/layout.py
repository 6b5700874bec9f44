"""Where everything lies in a trail set file; shared by the builder and the scanner.

All numbers are little-endian 64-bit words unless said otherwise, sections start at multiples of
eight bytes. Rows are sorted by table and key, so that each table owns one run of rows and two
sets can be compared by walking both once. Constants live here rather than in the compiled files:
a name that a .pxd gives a C type is gone from the Python module.
"""

import hashlib
import mmap
import struct
from typing import NamedTuple

HASH_PRIME = 0x9E3779B97F4A7C15
HASH_FINISH = 0xD6E8FEB86659FD93
GATE_PRIME = 0x9E3779B1
GATE_PRIME2 = 0x85EBCA6B
WORD_MASK = 0xFFFFFFFFFFFFFFFF

OWN_ROWS = 1 << 32
"""Added to rows of the own set, so that one number names a row of either set."""

MAGIC = b"MTAGSET\x00"
FORMAT_VERSION = 1
HEADER_BYTES = 1024
"""Magic, version, sizes, seed, digests and the section directory; the rest is zero."""

# Tables of exact keys, also the order of rows in the file.
DOMAIN = 0  # text, lower case; its hash runs from the last byte to the first
IP4 = 1  # 4 bytes
IP4_PORT = 2  # address, port: 6 bytes
IP6 = 3  # 16 bytes
IP6_PORT = 4  # 18 bytes
NET4 = 5  # masked address, prefix length: 5 bytes
NET6 = 6  # 17 bytes
URL = 7  # host/path or host/, lower case
PATH = 8  # /path, lower case
USER_AGENT = 9  # exact
CERTIFICATE = 10  # hex
JA3 = 11  # hex
JA4 = 12  # text
TABLES = 13

ADDRESS_BYTES = {IP4: 4, IP4_PORT: 6, IP6: 16, IP6_PORT: 18, NET4: 5, NET6: 17}
"""Sizes of the keys that are numbers."""

# Kinds that are rows but have no hash table.
PATTERN = 13  # regular expression over names
USER_AGENT_PATTERN = 14
KINDS = 15

KIND_NAMES = (
    "domain",
    "ip",
    "ip-port",
    "ip",
    "ip-port",
    "network",
    "network",
    "url",
    "path",
    "user-agent",
    "certificate",
    "ja3",
    "ja4",
    "pattern",
    "user-agent-pattern",
)

# Flags of a row.
BELOW_ONLY = 1  # a leading dot: names below the key, not the key itself
ANCHORED = 2  # a pattern of our own dialect: anchored to label boundaries

# Sections.
SECTION_META = 0  # JSON: counts, inert rows, sources, dates
SECTION_POOL = 1  # keys, end to end
SECTION_ROWS = 2  # two words a row, see ROW_WORDS
SECTION_LABELS = 3  # two words a label: info, reference as offset | length << 32 into strings
SECTION_STRINGS = 4
SECTION_PROVENANCE = 5  # lists of sources: a count, then source << 32 | first << 16 | last day
SECTION_TABLES = 6  # the filters and slots of every table
SECTION_DIRECTORY = 7  # DIRECTORY_WORDS words a table
SECTION_NETWORKS = 8  # gates and prefix lengths, see NETWORK_*
SECTION_GATE = 9  # GATE_MAPS bitmaps of hashed 4-byte literals, then 1 where a pattern has none
SECTION_AGENTS = 10  # AGENT_MAPS bitmaps of hashed literals, then 1 where a pattern has none
SECTION_QUARANTINED = 11  # text lines: key, tab, reason
SECTIONS = 12

ROW_WORDS = 2
# Word 0: key offset | key length << 32 | kind << 48 | flags << 56.
# Word 1: label | provenance << 32.

DIRECTORY_WORDS = 6
# First filter word, filter mask, first slot word, slot mask, first row, number of rows;
# word numbers count from the start of the file.

FILTER_BITS_PER_KEY = 8
"""Two bits of one word a key: 1 to 6 % of foreign keys pass, at one memory access each; more bits
would let fewer pass but push more packets' headers out of the second-level cache."""
FILTER_MIN_WORDS = 512
"""Even an empty table has room for some thousand keys of the site's own."""

GATE_BITS = 65536
"""Bits of each bitmap: of hashed pattern literals, and of the first 16 bits of networks."""
GATE_WORDS = GATE_BITS // 64
GATE_ALL = 0  # every literal; the following maps divide them by what else a match must hold,
# and hash them with GATE_PRIME2, so that what passes by chance stops there
GATE_PLAIN = 1
GATE_HYPHEN = 2
GATE_DIGIT = 3
GATE_MAPS = 4
AGENT_MAPS = 2  # every literal, hashed with GATE_PRIME, and again with GATE_PRIME2

NETWORK_GATE4 = 0  # offsets in words inside the section
NETWORK_GATE6 = GATE_WORDS
NETWORK_LENGTHS4 = 2 * GATE_WORDS  # a count, then prefix lengths, longest first
NETWORK_LENGTHS6 = NETWORK_LENGTHS4 + 34
NETWORK_WORDS = NETWORK_LENGTHS6 + 130

MAX_KEY_BYTES = 2048
"""A key longer than what capture keeps of a packet could never match."""


_HEADER = struct.Struct("<8sIIQQQ32s32s")
_DIGEST_BYTES = 32


Buffer = bytes | bytearray | memoryview | mmap.mmap


class Header(NamedTuple):
    """The first HEADER_BYTES of a set file; sections are (offset, length) in bytes."""

    version: int
    file_size: int
    seed: int
    keys: int
    content_hash: bytes
    body_digest: bytes
    sections: tuple[tuple[int, int], ...]


def filter_words(keys: int) -> int:
    """Return the words of a filter for so many keys: a power of two, to mask a hash with."""
    words = max(FILTER_MIN_WORDS, keys * FILTER_BITS_PER_KEY // 64)
    return 1 << (words - 1).bit_length()


def pack_header(header: Header) -> bytes:
    """Return the bytes of a header, closed by a digest over themselves."""
    fixed = _HEADER.pack(
        MAGIC,
        header.version,
        len(header.sections),
        header.file_size,
        header.seed,
        header.keys,
        header.content_hash,
        header.body_digest,
    )
    directory = b"".join(struct.pack("<QQ", *section) for section in header.sections)
    body = (fixed + directory).ljust(HEADER_BYTES - _DIGEST_BYTES, b"\x00")
    return body + hashlib.sha256(body).digest()


def unpack_header(raw: bytes) -> Header:
    """Read a header; raise ValueError saying what is wrong with it."""
    if len(raw) < HEADER_BYTES:
        raise ValueError(f"is too short for a trail set ({len(raw)} bytes)")
    if raw[: len(MAGIC)] != MAGIC:
        raise ValueError("is not a trail set (wrong magic)")
    _, version, count, size, seed, keys, content, digest = _HEADER.unpack_from(raw)
    if version < FORMAT_VERSION:
        raise ValueError(
            f"has format version {version}, this agent reads {FORMAT_VERSION}: "
            "build it again, or run maltrail-agent update"
        )
    if version > FORMAT_VERSION:
        raise ValueError(
            f"has format version {version}, this agent reads {FORMAT_VERSION}: upgrade it"
        )
    body, check = raw[: HEADER_BYTES - _DIGEST_BYTES], raw[HEADER_BYTES - _DIGEST_BYTES :]
    if hashlib.sha256(body).digest() != check[:_DIGEST_BYTES] or count != SECTIONS:
        raise ValueError("has a damaged header")
    sections = tuple(
        struct.unpack_from("<QQ", raw, _HEADER.size + 16 * index) for index in range(count)
    )
    for offset, length in sections:
        if offset % 8 or offset < HEADER_BYTES or offset + length > size:
            raise ValueError("has a section outside the file")
    return Header(version, size, seed, keys, content, digest, sections)
