"""What is read of a DNS message without dnslib says the same as dnslib does."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.dns_details import addresses, details
from tests import packets

NAME = "www.example.org"
ADDRESS = st.one_of(
    st.ip_addresses(v=4).map(lambda one: (packets.A, str(one))),
    st.ip_addresses(v=6).map(lambda one: (packets.AAAA, str(one))),
)


@given(st.lists(ADDRESS, max_size=14), st.booleans())
def test_answers_of_addresses_are_those_that_dnslib_finds(
    answers: list[tuple[int, str | bytes]], compressed: bool
) -> None:
    """At most ten, in their order; some have several spellings."""
    message = packets.dns_response(NAME, answers, compressed=compressed)

    found = addresses(message)

    assert found is not None
    told = details(message, NAME).answers
    assert [ip_address(one) for one in found] == [ip_address(one) for one in told]
    assert len(found) == min(len(answers), 10)


@pytest.mark.parametrize(
    "answers",
    [
        [(packets.CNAME, "other.example.org"), (packets.A, "192.0.2.1")],
        [(packets.A, "192.0.2.1"), (packets.TXT, "text")],
        [(packets.A, b"\xc0\x00\x02")],
        [(packets.AAAA, b"\xc0\x00\x02\x01")],
    ],
)
def test_answers_of_something_else_are_left_to_dnslib(
    answers: list[tuple[int, str | bytes]],
) -> None:
    """Names and texts lead on; an address of another size is none."""
    assert addresses(packets.dns_response(NAME, answers)) is None


@given(st.integers(min_value=0, max_value=64))
def test_a_cut_answer_is_left_to_dnslib(size: int) -> None:
    """What is not whole says nothing."""
    message = packets.dns_response(NAME, [(packets.A, "192.0.2.1"), (packets.A, "192.0.2.2")])

    assert len(message) > size
    assert addresses(message[:size]) is None


@given(st.binary(max_size=200))
def test_any_message_is_read_to_an_end(message: bytes) -> None:
    """Pointers that go round, records that lie outside."""
    addresses(message)
    addresses(b"\0" * 4 + b"\0\1" + message)


@pytest.mark.parametrize(
    "parameter",
    [
        b"\0\1\0\3\x05h2",  # alpn: a text longer than the value
        b"\0\3\0\1\x01",  # port: one byte
        b"\0\4\0\3\x01\x02\x03",  # ipv4hint: three bytes
        b"\0\0\0\1\x01",  # mandatory: half a key
    ],
)
def test_a_service_record_that_dnslib_cannot_write_is_told_by_its_name(parameter: bytes) -> None:
    """Whoever answers for a listed name chooses these bytes: RFC 9460 section 2.2."""
    told = details(packets.dns_response(NAME, [(65, b"\0\1\0" + parameter)]), NAME)

    assert (told.question, told.response, told.answers) == (NAME, True, ())
