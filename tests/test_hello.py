"""ClientHello details: names and fingerprints, as their authors publish them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import hello
from agent.hello import Hello
from tests import packets

JA4_CIPHERS = (
    0x002F, 0x0035, 0x009C, 0x009D, 0x1301, 0x1302, 0x1303, 0xC013, 0xC014, 0xC02B, 0xC02C, 0xC02F,
    0xC030, 0xCCA8, 0xCCA9,
)  # fmt: skip
JA4_EXTENSIONS = (
    0x0000, 0x0005, 0x000A, 0x000B, 0x000D, 0x0010, 0x0012, 0x0015, 0x0017, 0x001B, 0x0023, 0x002B,
    0x002D, 0x0033, 0x4469, 0xFF01,
)  # fmt: skip
JA4_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


def made(**changes: object) -> Hello:
    """Make the hello of JA4's own example."""
    fields: dict[str, object] = {
        "version": 0x0303,
        "server_name": "example.org",
        "ciphers": JA4_CIPHERS,
        "extensions": JA4_EXTENSIONS,
        "groups": (),
        "point_formats": (),
        "signatures": JA4_SIGNATURES,
        "protocols": (b"h2", b"http/1.1"),
        "versions": (0x0304, 0x0303),
        "is_whole": True,
    }
    return Hello(**(fields | changes))  # type: ignore[arg-type]


def parsed(message: bytes) -> Hello:
    """Read what must be a hello."""
    found = hello.parse(message)
    assert found is not None
    return found


def test_ja4_is_that_of_its_specification() -> None:
    """FoxIO's technical details, the worked example."""
    assert made().ja4() == "t13d1516h2_8daaf6152771_e5627efa2ab1"


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"versions": ()}, "t12d1516h2"),
        ({"versions": (0x7F17,)}, "t00d1516h2"),
        ({"extensions": (5, 43)}, "t13i1502h2"),
        ({"ciphers": tuple(range(120))}, "t13d9916h2"),
        ({"protocols": ()}, "t13d151600"),
        ({"protocols": (b"",)}, "t13d151600"),
        ({"protocols": (b"h",)}, "t13d1516hh"),
        ({"protocols": (b"http/1.1",)}, "t13d1516h1"),
        ({"protocols": (b"\xab\xcd",)}, "t13d1516ad"),
        ({"protocols": (b"0\xab",)}, "t13d15163b"),
    ],
)
def test_ja4_begins_with_what_the_client_offers(changes: dict[str, object], start: str) -> None:
    """Version, name or address, counts, first and last character of the first protocol."""
    assert made(**changes).ja4().startswith(start + "_")


def test_ja4_marks_quic() -> None:
    """`q` in place of `t`."""
    assert made().ja4("q").startswith("q13d")


def test_ja4_of_empty_lists_has_zeros() -> None:
    """Nothing to hash is twelve zeros; without signatures there is no underscore to hash."""
    bare = made(ciphers=(), extensions=(), signatures=())

    assert bare.ja4() == "t13i0000h2_000000000000_000000000000"
    assert made(signatures=()).ja4() != made().ja4()


def test_ja3_is_that_of_its_specification() -> None:
    """Salesforce's two examples."""
    older = made(
        version=769,
        ciphers=(47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4),
        extensions=(0, 10, 11),
        groups=(23, 24, 25),
        point_formats=(0,),
    )
    bare = made(version=769, ciphers=(4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99), extensions=())

    assert older.ja3() == "ada70206e40642a3e4461f35503241d5"
    assert bare.ja3() == "de350869b8c85de67a350c8d186f11e6"


def test_hello_is_read_with_its_lists() -> None:
    """Every list that a fingerprint needs, in the order it was sent."""
    found = parsed(packets.client_hello("WWW.Example.COM.", alpn=("h2",), ciphers=(0x1301, 0xC02F)))

    assert found.server_name == "www.example.com"
    assert found.ciphers == (0x1301, 0xC02F)
    assert found.extensions == (0, 23, 0xFF01, 10, 11, 35, 16, 5, 13, 51, 45, 43)
    assert found.groups == (29, 23, 24)
    assert found.point_formats == (0,)
    assert found.signatures == JA4_SIGNATURES
    assert found.protocols == (b"h2",)
    assert found.versions == (0x0304, 0x0303)
    assert found.version_name == "1.3"
    assert found.is_whole


def test_grease_changes_no_fingerprint() -> None:
    """RFC 8701 values are drawn anew for each connection."""
    plain = parsed(packets.client_hello(grease=False))
    greased = parsed(packets.client_hello(grease=True))

    assert plain.ja3() == greased.ja3()
    assert plain.ja4() == greased.ja4()


def test_encrypted_hello_is_labelled() -> None:
    """The outer name is that of the front."""
    outer = parsed(packets.client_hello("front.example", extensions=[(0xFE0D, bytes(40))]))

    assert outer.is_encrypted
    assert not parsed(packets.client_hello()).is_encrypted


def test_cut_hello_is_read_as_far_as_it_goes() -> None:
    """Each shorter cut yields no more than the whole, and says that it is cut."""
    message = packets.client_hello("evil.example.org")
    whole = parsed(message)
    name_end = message.index(b"evil.example.org") + len("evil.example.org")

    for length in range(len(message)):
        cut = hello.parse(message[:length])
        assert cut is None or not cut.is_whole
        assert cut is None or set(cut.extensions) <= set(whole.extensions)
        assert (cut is not None and cut.server_name != "") == (length >= name_end), length


def test_hello_without_extensions_is_whole() -> None:
    """SSL 3 sends none."""
    body = b"\x03\x00" + bytes(32) + b"\0" + b"\0\2\0\x0a" + b"\1\0"
    found = parsed(b"\1" + len(body).to_bytes(3, "big") + body)

    assert found.is_whole
    assert found.version_name == "3.0"


@pytest.mark.parametrize("size", [1, 2, 7, 100, 5000])
def test_records_are_joined(size: int) -> None:
    """A hello may be spread over records of any size, RFC 8446 section 5.1."""
    message = packets.client_hello(padding=900)
    records = b"".join(
        packets.tls_record(message[at : at + size]) for at in range(0, len(message), size)
    )

    assert hello.join_records(records) == message
    assert hello.join_records(records + b"\x17\x03\x03\0\1x") == message


@pytest.mark.parametrize("message", [b"", b"\x02" + bytes(80), b"\x01\0\0\0", b"\x01\0\0\1\3"])
def test_other_messages_are_no_hello(message: bytes) -> None:
    """Another type, or too short for its fixed part."""
    assert hello.parse(message) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"\0", b"\0\0\1\0\1a", b"\0\0\0\0\0", b"\0\0\0\xff\xffa", b"\0\0\0\1\0" + b"a" * 256],
)
def test_odd_server_names_are_none(body: bytes) -> None:
    """Another type, empty, cut, longer than any name."""
    found = parsed(packets.client_hello(None, extensions=[(0, body)]))

    assert found.server_name == ""


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(tail: bytes) -> None:
    """Whatever stands in a hello, reading and fingerprinting it never raises."""
    start = b"\1\0\0\0\3\3" + bytes(32)
    for message in (tail, start + tail, start + b"\0\0\2\x13\1\1\0" + tail):
        found = hello.parse(message)
        if found:
            assert found.ja3()
            assert len(found.ja4()) == 36
    hello.join_records(tail)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=20))
def test_any_extensions_are_survived(extensions: list[tuple[int, bytes]]) -> None:
    """Known kinds with foreign bodies, doubled kinds."""
    message = packets.client_hello(None, extensions=extensions)
    found = parsed(message)

    assert found.is_whole
    assert found.ja4().startswith("t")
    assert struct.unpack("!B", message[:1]) == (1,)
