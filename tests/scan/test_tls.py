"""TLS hellos: the server name is found wherever it stands, and nothing is made up."""

import struct

import pytest

from agent.scan import stats
from agent.scan.scanner import Scanner
from tests import packets
from tests.scan.scanning import A6, B6, A, B, count, make, scan, seen

NAME = "evil.example.org"


def frame(payload: bytes, port: int = 443) -> bytes:
    """Send a segment to a server."""
    return packets.tcp_frame(A, 50000, B, port, payload)


def hello(name: str | None = NAME, **options: object) -> bytes:
    """Build a hello in one record."""
    return packets.tls_record(packets.client_hello(name, **options))  # type: ignore[arg-type]


def scanned(payload: bytes) -> Scanner:
    """Return a scanner after one segment."""
    scanner = make(NAME)
    scanner.scan(packets.batch([frame(payload)]))
    assert count(scanner, stats.ERRORS) == 0
    return scanner


@pytest.mark.parametrize("port", [443, 80, 25, 8443, 1])
def test_hello_is_recognised_on_any_port(port: int) -> None:
    """Content decides, not the port."""
    assert seen([NAME], [frame(packets.tls_hello_payload(NAME), port)]) == ["tls"]


def test_sighting_has_name_version_and_segment() -> None:
    """What a hit shows are slices of the kept payload."""
    payload = packets.tls_hello_payload(NAME.upper())

    (sighting,) = scan([NAME], [frame(payload)])

    assert sighting.fields == {"name": NAME.upper().encode(), "version": b"\x03\x03"}
    assert sighting.packet == payload


def test_hello_over_ipv6_is_read() -> None:
    """Maltrail reads hellos over IPv4 only."""
    payload = packets.tls_hello_payload(NAME)

    assert seen([NAME], [packets.tcp_frame(A6, 50000, B6, 443, payload)]) == ["tls"]


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        (NAME, True),
        (f"cdn.{NAME}", True),
        (f"{NAME}.", True),
        ("EVIL.EXAMPLE.org", True),
        (f"x{NAME}", False),
        ("example.org", False),
        (f"{NAME}..", False),
        (f"evil example.{NAME}", False),
        (f"\x00{NAME}", False),
        (f"é.{NAME}", False),
    ],
)
def test_names_are_compared_as_domains(name: str, listed: bool) -> None:
    """Any case, below a key, absolute; odd characters are in no name."""
    assert seen([NAME], [frame(packets.tls_hello_payload(name))]) == ["tls"] * listed


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302, 0x0303, 0x0304])
def test_record_version_makes_no_difference(version: int) -> None:
    """RFC 8446 section 5.1 lets clients write what middleboxes like."""
    record = packets.tls_record(packets.client_hello(NAME), version=version)

    assert seen([NAME], [frame(record)]) == ["tls"]


def test_server_name_behind_a_large_extension_is_found() -> None:
    """A client may put its key share or padding first."""
    extensions = struct.pack("!HH", 21, 900) + bytes(900)
    server_name = NAME.encode()
    entry = b"\0" + struct.pack("!H", len(server_name)) + server_name
    extensions += struct.pack("!HHH", 0, len(entry) + 2, len(entry)) + entry

    assert seen([NAME], [frame(packets.tls_record(_bare(extensions)))]) == ["tls"]


def test_hello_that_continues_in_the_next_segment_is_read_as_far_as_it_goes() -> None:
    """Post-quantum hellos take two segments; the name mostly stands in the first."""
    payload = hello(padding=1900)
    assert len(payload) > 1460

    assert seen([NAME], [frame(payload[:1460])]) == ["tls"]


def test_name_is_found_exactly_when_it_is_there_whole() -> None:
    """Every shorter cut is a hello without a name, or too short to be one."""
    payload = hello(NAME)
    whole = payload.index(NAME.encode()) + len(NAME)

    for length in range(1, len(payload) + 1):
        scanner = scanned(payload[:length])
        found = scanner.drain(True, "")
        assert len(found) == (length >= whole), length
        hellos = count(scanner, stats.TLS_HELLOS)
        assert hellos == (length >= 44), length
        assert count(scanner, stats.TLS_NO_NAME) == hellos - len(found)


def test_hello_without_a_name_is_counted() -> None:
    """Connections by address, or with encrypted hellos, are a number."""
    scanner = scanned(hello(None))

    assert scanner.drain(True, "") == []
    assert (count(scanner, stats.TLS_HELLOS), count(scanner, stats.TLS_NO_NAME)) == (1, 1)


def test_hello_without_extensions_is_a_hello() -> None:
    """SSL 3 and early TLS 1.0 clients send none."""
    body = b"\x03\x00" + bytes(32) + b"\0" + b"\0\2\0\x0a" + b"\1\0"
    scanner = scanned(packets.tls_record(b"\1" + len(body).to_bytes(3, "big") + body))

    assert (count(scanner, stats.TLS_HELLOS), count(scanner, stats.TLS_NO_NAME)) == (1, 1)


@pytest.mark.parametrize(
    "payload",
    [
        packets.tls_record(packets.server_hello()) + bytes(64),
        packets.tls_record(packets.client_hello(NAME), kind=23),
        packets.tls_record(packets.client_hello(NAME), kind=21),
        packets.tls_record(packets.client_hello(NAME), version=0x0201),
        b"\x16\x03\x01" + bytes(80),
    ],
)
def test_other_records_are_no_hello(payload: bytes) -> None:
    """Server hellos, application data, alerts and what only begins like a record."""
    scanner = scanned(payload)

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.TLS_HELLOS) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"\0\0\0",
        b"\0\x05\0\0\0",
        b"\0\x0a\1\0\7badtype",
        b"\0\x0a\0\xff\xffevil.ex",
        b"\0\x04\0\0\1.",
    ],
)
def test_malformed_server_name_is_no_name(body: bytes) -> None:
    """Empty, of another type, longer than the hello, or the root."""
    scanner = scanned(packets.tls_record(_bare(struct.pack("!HH", 0, len(body)) + body)))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.TLS_NO_NAME) == 1


def test_longest_name_is_read() -> None:
    """253 characters, and one more is none (RFC 1035 section 2.3.4)."""
    longest = ".".join(["a" * 63] * 3 + ["b" * 44]) + f".{NAME}"

    assert len(longest) == 253
    assert seen([NAME], [frame(hello(longest))]) == ["tls"]
    assert seen([NAME], [frame(hello(f"c{longest}"))]) == []


def test_only_the_first_server_name_extension_counts() -> None:
    """A second one is against RFC 8446 section 4.2; servers look at the first."""
    entry = b"\0" + struct.pack("!H", len(NAME)) + NAME.encode()
    second = (0, struct.pack("!H", len(entry)) + entry)

    assert seen([NAME], [frame(hello("harmless.example.net", extensions=[second]))]) == []
    assert seen([NAME], [frame(hello(None, extensions=[second]))]) == ["tls"]


def test_name_that_may_match_a_pattern_is_sighted() -> None:
    """Patterns are about names, wherever they show."""
    assert seen([r"re:c2-[0-9]+\.example\.org"], [frame(hello("c2-17.example.org"))]) == ["tls"]


def _bare(extensions: bytes) -> bytes:
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    body += struct.pack("!H", len(extensions)) + extensions
    return b"\1" + len(body).to_bytes(3, "big") + body
