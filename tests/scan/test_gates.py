"""Gates: what may matter to a behaviour passes, in any spelling; the rest costs no Python."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.scan.gates import Gates
from agent.scan.literals import Literals
from agent.scan.scanner import Scanner
from agent.scan.wanted import Wanted, together
from tests import packets
from tests.scan.scanning import A, B, buffers

WORDS = (b"union select", b"/etc/passwd", b"cmd.exe", b"<script", b"jndi:")


def shows(wanted: Wanted, *payloads: bytes, port: int = 80) -> list[str]:
    """Return what a scanner without trails shows of these TCP payloads."""
    scanner = Scanner(*buffers(()), wanted=wanted)
    frames = [packets.tcp_frame(A, 40000 + n, B, port, p) for n, p in enumerate(payloads)]
    scanner.scan(packets.batch(frames))
    scanner.finish()
    return [sighting.what for sighting in scanner.drain(True, "")]


def asks(wanted: Wanted, message: bytes, *, answer: bool = False) -> list[str]:
    """Return what a scanner without trails shows of a DNS message."""
    scanner = Scanner(*buffers(()), wanted=wanted)
    ends = (B, 53, A, 40000) if answer else (A, 40000, B, 53)
    scanner.scan(packets.batch([packets.udp_frame(*ends, message)]))
    return [sighting.what for sighting in scanner.drain(True, "")]


@given(st.sampled_from(WORDS), st.binary(max_size=40), st.binary(max_size=40))
def test_a_literal_is_found_wherever_it_stands(word: bytes, before: bytes, behind: bytes) -> None:
    """In any case, at the very beginning and end."""
    literals = Literals(WORDS)

    assert literals.find(memoryview(before + word.upper() + behind), 0, len(before + word + behind))


@given(st.binary(max_size=200))
def test_what_holds_no_literal_is_not_found(data: bytes) -> None:
    """The search agrees with the plain one."""
    found = any(word in data.lower() for word in WORDS)

    assert Literals(WORDS).find(memoryview(data), 0, len(data)) == found


def test_a_literal_that_is_cut_off_is_not_found() -> None:
    """What lies behind the end is not read."""
    assert Literals(WORDS).find(memoryview(b"xx/etc/passwd"), 0, 12) == 0
    assert Literals(WORDS).find(memoryview(b"/etc/passwd"), 1, 11) == 0


def test_short_literals_are_refused() -> None:
    """They would have to be looked for at every byte."""
    with pytest.raises(ValueError, match="less than 4"):
        Literals([b"abc"])


@pytest.mark.parametrize(
    "text",
    [
        b"/?q=1%20UNION%20SELECT%202",
        b"/?q=1+union+select+2",
        b"/?q=1%2520union%2520select",
        b"/?q=1/**/union/*x*/select/**/2",
        b"/?q=1%0aunion%09%0dselect",
        b"/?q=1/*!50000union*/+select+2",
    ],
)
def test_spellings_of_a_literal_pass(text: bytes) -> None:
    """Decoded once and twice, plus signs, comments, any blanks."""
    gates = Gates(Wanted(literals=("union select",)))

    assert gates.may_matter(memoryview(text), 0, len(text), 2) == 1


@pytest.mark.parametrize(
    ("text", "passes"),
    [(b"${7*7}", 1), (b"{{7*7}}", 1), (b"%7b%7bx", 1), (b"(|(uid=*", 1), (b'{"a":{"b":1}}', 0)],
)
def test_pairs_of_brackets_pass(text: bytes, passes: int) -> None:
    """They are too short for literals; ordinary JSON has none of them."""
    gates = Gates(Wanted(literals=("union select",)))

    assert gates.may_matter(memoryview(text), 0, len(text), 2) == passes


@given(st.binary(max_size=300))
def test_no_bytes_upset_the_decoder(data: bytes) -> None:
    """Cut escapes, open comments, anything."""
    assert Gates(Wanted(literals=("union select",))).may_matter(
        memoryview(data), 0, len(data), 2
    ) in (0, 1)


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "/x/../etc/passwd", "/?f=/etc/passwd", "//etc/passwd"]
)
def test_a_request_with_a_literal_is_shown(target: str) -> None:
    """In plain paths as well as in queries."""
    assert shows(Wanted(literals=("/etc/passwd",)), packets.http_request(target)) == ["request"]


def test_a_body_with_a_literal_is_shown() -> None:
    """Whatever its type."""
    request = packets.http_request("/", method="POST", body=b"q=1+UNION+SELECT+2")

    assert shows(Wanted(literals=("union select",)), request) == ["request"]


def test_ordinary_requests_are_not_shown() -> None:
    """Nor anything at all where nothing is wanted."""
    everything = Wanted(literals=("union select",), extensions=(".exe",), host_by_address=True)
    requests = [
        packets.http_request("/img/logo.png"),
        packets.http_request("/search?q=trade+union&page=2"),
        packets.http_request("/.exe/readme"),
        packets.http_request("/a", method="POST", body=b"name=Ms+Example"),
    ]

    assert shows(everything, *requests) == []
    assert shows(Wanted(), packets.http_request("/?q=1 union select")) == []


@pytest.mark.parametrize(
    ("target", "shown"),
    [("/a/setup.exe", True), ("/a/SETUP.EXE?x=1", True), ("/a.exe/b", False), ("/setupexe", False)],
)
def test_extensions_of_files_are_shown(target: str, shown: bool) -> None:
    """Those of the last segment, with or without a query."""
    assert shows(Wanted(extensions=(".exe",)), packets.http_request(target)) == (
        ["request"] if shown else []
    )


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("198.51.100.9", True),
        ("198.51.100.9:8080", True),
        ("[2001:db8::1]", True),
        ("a.example", False),
    ],
)
def test_hosts_that_are_addresses_are_shown(host: str, shown: bool) -> None:
    """With and without a port."""
    assert shows(Wanted(host_by_address=True), packets.http_request("/x86", host)) == (
        ["request"] if shown else []
    )


def test_a_missing_host_is_shown_for_whole_requests_of_version_one_one() -> None:
    """Older versions need none; a head that goes on may still have it."""
    wanted = Wanted(without_host=True)

    assert shows(wanted, packets.http_request("/", None)) == ["request"]
    assert shows(wanted, packets.http_request("/", None, version="HTTP/1.0")) == []
    assert shows(wanted, packets.http_request("/", None)[:-2]) == []
    assert shows(wanted, packets.http_request("/")) == []


def test_whole_urls_as_targets_are_shown_on_port_eighty() -> None:
    """Elsewhere proxies listen."""
    probe = packets.http_request("http://a.example/echo", "a.example")

    assert shows(Wanted(to_proxy=True), probe) == ["request"]
    assert shows(Wanted(to_proxy=True), probe, port=3128) == []


def test_a_user_agent_is_shown_until_it_is_known_to_be_harmless() -> None:
    """Learnt once, whoever sends it; another one is shown."""
    scanner = Scanner(*buffers(()), wanted=Wanted(agents=True))

    def sees(agent: str, client: str = A) -> list[str]:
        request = packets.http_request("/", user_agent=agent)
        scanner.scan(packets.batch([packets.tcp_frame(client, 40000, B, 80, request)]))
        shown = scanner.drain(True, "")
        for sighting in shown:
            scanner.learn(sighting.token)
        return [sighting.fields["agent"].decode() for sighting in shown]

    assert sees("Firefox/128.0") == ["Firefox/128.0"]
    assert sees("Firefox/128.0", "10.0.0.67") == []
    assert sees("Firefox/129.0") == ["Firefox/129.0"]


@pytest.mark.parametrize("size", [*range(1, 18), 70])
def test_user_agents_that_differ_anywhere_are_told_apart(size: int) -> None:
    """By one byte, or by how many there are."""
    scanner = Scanner(*buffers(()), wanted=Wanted(agents=True))
    agents = [
        "x" * size,
        "x" * (size + 1),
        *("x" * i + "y" + "x" * (size - i - 1) for i in range(size)),
    ]
    requests = [packets.http_request("/", user_agent=agent) for agent in agents * 2]
    scanner.scan(packets.batch([packets.tcp_frame(A, 40000, B, 80, one) for one in requests]))

    shown = [sighting.fields["agent"].decode() for sighting in scanner.drain(True, "")]
    assert sorted(shown) == sorted(agents)


def test_a_harmless_request_is_not_shown_again() -> None:
    """But to another server it is."""
    scanner = Scanner(*buffers(()), wanted=Wanted(literals=("select ",)))
    request = packets.http_request("/?q=select+one")

    def sees(server: str) -> int:
        scanner.scan(packets.batch([packets.tcp_frame(A, 40000, server, 80, request)]))
        shown = scanner.drain(True, "")
        for sighting in shown:
            scanner.learn(sighting.token)
        return len(shown)

    assert [sees(B), sees(B), sees("198.51.100.8")] == [1, 0, 1]


def test_responses_with_a_literal_are_shown() -> None:
    """In the head or soon behind it."""
    wanted = Wanted(responses=("sinkhole",))

    assert shows(wanted, packets.http_response(headers=[("Server", "Sinkhole")])) == ["response"]
    assert shows(wanted, packets.http_response(b"<title>sinkhole</title>")) == ["response"]
    assert shows(wanted, packets.http_response(b"x" * 2000 + b"sinkhole")) == []
    assert shows(wanted, packets.http_response(b"<title>shop</title>")) == []


def test_long_labels_are_shown_above_the_threshold() -> None:
    """Of questions, by their first label."""
    wanted = Wanted(long_label=24)

    assert asks(wanted, packets.dns_query("a" * 25 + ".example.com")) == ["long"]
    assert asks(wanted, packets.dns_query("a" * 24 + ".example.com")) == []
    assert asks(wanted, packets.dns_query("www." + "a" * 30 + ".com")) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("abcdefghij.com", True),
        ("abcdefghi.com", False),
        ("www.abcdefghij.co.uk", True),
        ("abcdefghijkl.example.com", False),
        ("abcdefghijkl", False),
    ],
)
def test_names_that_do_not_exist_are_shown_by_their_registered_label(
    name: str, shown: bool
) -> None:
    """With at least as many characters as wanted."""
    wanted = Wanted(absent_label=10)

    told = asks(wanted, packets.dns_response(name, code=3), answer=True)

    assert told == (["absent"] if shown else [])
    assert asks(wanted, packets.dns_response(name, code=0), answer=True) == []


def test_hellos_are_shown_by_name_and_port() -> None:
    """Exactly these names."""
    wanted = Wanted(servers=("dns.example",), server_port=853)

    assert shows(wanted, packets.tls_hello_payload("dns.example"), port=443) == ["server"]
    assert shows(wanted, packets.tls_hello_payload("x.dns.example"), port=443) == []
    assert shows(wanted, packets.tls_hello_payload("any.example"), port=853) == ["server"]


def test_wants_are_united() -> None:
    """The wider of two thresholds, all words, once each."""
    both = together(
        [
            Wanted(literals=("abcd", "efgh"), long_label=30),
            Wanted(literals=("abcd",), long_label=24),
        ]
    )

    assert (both.literals, both.long_label, both.agents) == (("abcd", "efgh"), 24, False)
    assert together([]) == Wanted()
