"""HTTP requests: host, path, agent and URL candidates of rule T-13, on any port."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.scan import stats
from agent.scan.http import HttpReader
from agent.scan.lookup import TEXT_BYTES
from tests import packets
from tests.scan.scanning import A6, B6, A, B, count, make, scan, seen

HOST = "evil.example.org"

# The table of rule T-13.8; the row of a body is left out, as bodies are not read.
CANDIDATES = [
    ("/malicious-login.php", ["/malicious-login.php"]),
    ("/a/b/c", ["/a/b/c", "/a/b", "/c"]),
    ("/x?y", ["/x?y", "/x"]),
    (
        "/a/b/c.php?id=1&x=2",
        [
            "/a/b/c.php?id=1&x=2",
            "/a/b/c.php",
            "/a/b/c.php?id=",
            "/a/b/c.php?id=&x=",
            "/c.php?id=&x=",
        ],
    ),
    ("/a/b/c/d?p=1", ["/a/b/c/d?p=1", "/a/b/c/d", "/a/b/c/d?p=", "/a/b/c", "/d"]),
    ("/submit", ["/submit"]),
    ("/", []),
    # Beyond the table, by the words of the rule.
    ("", []),
    ("//", []),
    ("/a/", ["/a"]),
    ("/a/b/", ["/a/b", "/a", "/b"]),
    ("/?id=5", ["/?id=5", "/?id="]),
    ("/a?", ["/a?", "/a"]),
    ("/a?b=", ["/a?b=", "/a", "/a?b="]),
    ("/a?=x", ["/a?=x", "/a", "/a?="]),
    ("/a/b?x=/c/d", ["/a/b?x=/c/d", "/a/b", "/a/b?x=", "/a", "/d"]),
]


def frame(payload: bytes, port: int = 80) -> bytes:
    """Send a segment to a server."""
    return packets.tcp_frame(A, 50000, B, port, payload)


def request(*lines: str, end: str = "\r\n") -> bytes:
    """Send a request of these lines."""
    return frame((end.join(lines) + end + end).encode("latin-1"))


@pytest.mark.parametrize(("path", "expected"), CANDIDATES)
def test_candidates_are_those_of_the_table_in_its_order(path: str, expected: list[str]) -> None:
    """Rule T-13.8: which parts of a path a key may be."""
    reader = HttpReader(bytearray(TEXT_BYTES))

    assert [part.decode() for part in reader.candidates(path.encode(), b"")] == expected


@pytest.mark.parametrize(("path", "expected"), CANDIDATES)
def test_every_candidate_is_found_alone_and_behind_its_host(path: str, expected: list[str]) -> None:
    """A key that equals a candidate yields a sighting, whatever the host or with it."""
    sent = [request(f"GET {path or '/'} HTTP/1.1", "Host: www.example.net")]

    for candidate in expected:
        assert seen([candidate], sent) == ["http"], candidate
        assert seen([f"www.example.net{candidate}"], sent) == ["http"], candidate
        assert seen([f"other.example.net{candidate}"], sent) == [], candidate


def test_value_with_an_equals_sign_is_taken_away_as_the_rule_does() -> None:
    """The rule goes on behind what it has taken away, and `=c` has no name there."""
    reader = HttpReader(bytearray(TEXT_BYTES))

    assert reader.candidates(b"/x?a=b=c", b"") == [b"/x?a=b=c", b"/x", b"/x?a=", b"/x?a==c"]


@settings(deadline=None)
@given(st.text("ab/?=&._%+", max_size=24))
def test_candidates_of_any_path_are_those_of_the_rule(tail: str) -> None:
    """The compiled list equals the rule's words, written down in another way."""
    # A request's slashes are folded before; the test above is about values with an equals sign.
    path = re.sub(r"=([^&=]*)(?==)", r"&\1", re.sub("//+", "/", f"/a{tail}"))
    reader = HttpReader(bytearray(TEXT_BYTES))

    found = [part.decode() for part in reader.candidates(path.encode(), b"")]

    assert found == _candidates(path)


def test_empty_candidate_has_no_parents() -> None:
    """What stands before the question mark is the last candidate of the rule, even if empty."""
    reader = HttpReader(bytearray(TEXT_BYTES))

    assert reader.candidates(b"/?x/y", b"") == [b"/?x/y"]


@pytest.mark.parametrize("path", ["/gate.php?id=77&x=1", "/GATE.PHP?ID=77&x=1", "//gate.php?id=7"])
def test_key_with_a_parameter_matches_any_value(path: str) -> None:
    """The measured example of rule T-13.8, in any case and with doubled slashes."""
    assert seen(["/gate.php?id="], [request(f"GET {path} HTTP/1.1", "Host: a.example")]) == ["http"]


def test_key_of_a_path_does_not_match_in_the_middle() -> None:
    """Rule T-13.8: a bare path needs the whole path, its last segment, or its directory."""
    paths = ["/a/gate.php?id=77&x=1", "/gate.php2?id=1", "/x/gate.php/y/z"]

    assert seen(["/gate.php?id="], [request(f"GET {path} HTTP/1.1") for path in paths]) == []


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PROPFIND", "CONNECT", "M"])
@pytest.mark.parametrize("port", [80, 8080, 443, 31337])
def test_request_is_recognised_on_any_port(method: str, port: int) -> None:
    """Content decides: a word in capitals, a target, a version."""
    payload = packets.http_request("/x", HOST, method=method)

    assert seen([HOST], [frame(payload, port)]) == ["http"]


def test_sighting_has_the_slices_that_a_hit_shows() -> None:
    """Method, target, host and agent as they were sent."""
    payload = packets.http_request(
        "/Gate.php?ID=7", HOST.upper(), method="POST", user_agent="Evil/1 (x)"
    )

    (sighting,) = scan([HOST], [frame(payload)])

    assert sighting.packet == payload
    assert sighting.fields == {
        "method": b"POST",
        "target": b"/Gate.php?ID=7",
        "host": HOST.upper().encode(),
        "agent": b"Evil/1 (x)",
    }


@pytest.mark.parametrize("name", ["Host", "host", "HOST", "hOsT"])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("blank", ["", " ", "\t", " \t  "])
def test_host_header_is_found_however_it_is_written(name: str, end: str, blank: str) -> None:
    """Any case (RFC 9110 section 5.1), bare line feeds, any blanks around the value."""
    sent = request("GET / HTTP/1.1", "Accept: */*", f"{name}:{blank}{HOST}{blank}", end=end)

    assert seen([HOST], [sent]) == ["http"]


@pytest.mark.parametrize(
    "line",
    [f"X-Host: {HOST}", f"Hosts: {HOST}", f"Host : {HOST}", f" Host: {HOST}", f"Referer: {HOST}"],
)
def test_other_headers_are_no_host(line: str) -> None:
    """Only the whole name counts."""
    assert seen([HOST], [request("GET / HTTP/1.1", line)]) == []


def test_host_behind_the_empty_line_is_body() -> None:
    """Headers end there, with either line end."""
    for end in ("\r\n", "\n"):
        assert (
            seen([HOST], [request("POST / HTTP/1.1", "A: b", "", f"Host: {HOST}", end=end)]) == []
        )


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\n\r\n", "\r\n\n"])
@pytest.mark.parametrize("size", range(9))
def test_request_behind_another_is_found_wherever_that_ends(end: str, size: int) -> None:
    """The empty line of the first may lie anywhere in a word."""
    first = f"GET / HTTP/1.1\r\nHost: www.example.net\r\nX: {'x' * size}{end}"
    second = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"

    assert seen([HOST], [frame((first + second).encode())]) == ["http"]


@pytest.mark.parametrize("size", [*range(20), 255])
def test_host_and_path_of_any_length_are_found(size: int) -> None:
    """In lower case, whatever does not fill a word included."""
    host = f"{'a' * min(size, 60)}.{HOST}"
    path = f"/{'b' * size}"
    sent = [request(f"GET {path.upper()} HTTP/1.1", f"Host: {host.upper()}")]

    assert seen([host], sent) == ["http"]
    assert seen([f"{host}{path}"], sent) == ["http"]
    assert seen([f"{host}{path}c"], sent) == []


@pytest.mark.parametrize("place", range(1, 20))
def test_double_slash_is_one_wherever_it_stands(place: int) -> None:
    """Also between two words."""
    path = f"/{'a' * place}/{'b' * 9}"
    sent = [request(f"GET {path.replace('a/', 'a//')} HTTP/1.1", f"Host: {HOST}")]

    assert seen([path], sent) == ["http"]


def test_first_host_counts() -> None:
    """Servers refuse a second one (RFC 9112 section 3.2)."""
    lines = ["Host: harmless.example.net", f"Host: {HOST}"]

    assert seen([HOST], [request("GET / HTTP/1.1", *lines)]) == []
    assert seen([HOST], [request("GET / HTTP/1.1", *reversed(lines))]) == ["http"]


def test_host_behind_many_headers_is_found() -> None:
    """Sixty lines are read; nobody sends that many before it."""
    lines = [f"X-{number}: y" for number in range(60)]

    assert seen([HOST], [request("GET / HTTP/1.1", *lines, f"Host: {HOST}")]) == ["http"]


def test_host_that_the_capture_cut_is_read_as_far_as_it_goes() -> None:
    """A cut name is another name, a whole one without its line end is itself."""
    payload = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n".encode()

    assert seen([HOST], [frame(payload[:-2])]) == ["http"]
    assert seen([HOST], [frame(payload[:-3])]) == []


@pytest.mark.parametrize(
    ("host", "listed"),
    [
        (HOST, True),
        (f"www.{HOST}", True),
        (HOST.upper(), True),
        (f"{HOST}.", True),
        (f"{HOST}:80", True),
        (f"{HOST}:8080", True),
        (f"{HOST}.:8080", True),
        (f"user@{HOST}", True),
        (f"user:secret@{HOST}:8080", True),
        (f"x{HOST}", False),
        (f"{HOST}.net", False),
        (f"{HOST}@harmless.example.net", False),
        ("[::1]:80", False),
        ("", False),
    ],
)
def test_host_is_compared_as_a_domain(host: str, listed: bool) -> None:
    """Port, user, final dot and case are no part of the name."""
    assert seen([HOST], [request("GET / HTTP/1.1", f"Host: {host}")]) == ["http"] * listed


@pytest.mark.parametrize(
    ("key", "host", "listed"),
    [
        (f"{HOST}/", HOST, True),
        (f"{HOST}/", f"{HOST}:80", True),
        (f"{HOST}:80/", HOST, True),
        (f"{HOST}/", f"{HOST}.", True),
        (f"{HOST}/", f"{HOST}:8080", False),
        (f"{HOST}:8080/", f"{HOST}:8080", True),
        (f"{HOST}:8080/", HOST, False),
        (f"{HOST}/", f"www.{HOST}", False),
        (f"{HOST}/a/b", HOST, True),
        (f"http://{HOST}/A/b/", HOST, True),
        (f"{HOST}/a", HOST, True),
        (f"{HOST}/b", HOST, True),
        (f"{HOST}/a/b/c", HOST, False),
        ("[2001:db8::1]:8080/a/b", "[2001:DB8::1]:8080", True),
        ("[2001:db8::1]/a/b", "[2001:db8::1]", True),
        ("[2001:db8::1]/a/b", "[2001:db8::1]:80", True),
        ("198.51.100.99/a/b", "198.51.100.99", True),
        ("198.51.100.99:8000/a/b", "198.51.100.99:8000", True),
        (f"{HOST}/a/b", f"user@{HOST}", True),
    ],
)
def test_url_key_needs_the_exact_host(key: str, host: str, listed: bool) -> None:
    """Rule T-13.9: host with its port unless that is 80, then a candidate, or only the slash."""
    assert seen([key], [request("GET /a/b HTTP/1.1", f"Host: {host}")]) == ["http"] * listed


@pytest.mark.parametrize("scheme", ["http", "HTTP", "https", "ftp"])
@pytest.mark.parametrize("port", ["", ":80"])
def test_absolute_form_names_host_and_path(scheme: str, port: str) -> None:
    """Requests to proxies (RFC 9112 section 3.2.2); the Host header gives way."""
    sent = [request(f"GET {scheme}://{HOST}{port}/a/b HTTP/1.1", "Host: proxy.example.net")]

    for key in (HOST, f"{HOST}/a/b", f"{HOST}/", "/a/b"):
        assert seen([key], sent) == ["http"], key
    assert seen(["proxy.example.net"], sent) == []


def test_absolute_form_without_a_path_is_read() -> None:
    """`GET http://host HTTP/1.1` asks for the root."""
    sent = [request(f"GET http://{HOST} HTTP/1.1", "Host: proxy.example.net")]

    assert seen([HOST], sent) == ["http"]
    assert seen([f"{HOST}/"], sent) == ["http"]


def test_url_in_a_parameter_is_no_absolute_form() -> None:
    """Rule T-13.4 misreads redirect parameters; we do not."""
    sent = [request(f"GET /go?to=http://{HOST}/x HTTP/1.1", "Host: harmless.example.net")]

    assert seen([HOST], sent) == []
    assert seen(["/go?to="], sent) == ["http"]


@pytest.mark.parametrize("port", ["", ":80", ":443"])
def test_authority_form_names_the_host(port: str) -> None:
    """CONNECT (RFC 9112 section 3.2.3)."""
    sent = [request(f"CONNECT {HOST}{port} HTTP/1.1", "Host: proxy.example.net")]

    assert seen([HOST], sent) == ["http"]
    assert seen(["proxy.example.net"], sent) == []


def test_asterisk_form_is_read() -> None:
    """`OPTIONS *` is about the server that Host names."""
    assert seen([HOST], [request("OPTIONS * HTTP/1.1", f"Host: {HOST}")]) == ["http"]


@pytest.mark.parametrize("lines", [["GET /x HTTP/1.0"], ["GET /x HTTP/1.1", "Host:"]])
def test_missing_host_stands_for_the_destination_address(lines: list[str]) -> None:
    """Rule T-13.2: host/path keys with an address match requests without a name."""
    sent = [request(*lines)]

    assert seen([f"{B}/x"], sent) == ["http"]
    assert seen([f"{B}/"], sent) == ["http"]
    assert seen(["198.51.100.70/x"], sent) == []


@pytest.mark.parametrize("address", ["1.2.3.4", "255.255.255.255", "100.20.3.40", "10.0.0.0"])
def test_destination_address_is_spelled_as_dotted_quad(address: str) -> None:
    """Every length of an octet."""
    payload = packets.http_request("/x", None)

    assert seen([f"{address}/x"], [packets.tcp_frame(A, 50000, address, 80, payload)]) == ["http"]


def test_request_over_ipv6_without_host_is_read() -> None:
    """Its path is still looked up."""
    payload = packets.http_request("/x", None)

    assert seen(["/x"], [packets.tcp_frame(A6, 50000, B6, 80, payload)]) == ["http"]


@pytest.mark.parametrize("key", [B, A, "198.51.100.0/24"])
def test_request_with_a_listed_address_is_sighted(key: str) -> None:
    """Rule T-13.2: even where the SYN was missed."""
    assert seen([key], [request("GET / HTTP/1.1", "Host: harmless.example.net")]) == ["http"]


@pytest.mark.parametrize(
    ("key", "agent", "listed"),
    [
        ("ua:Evil/1.0", "Evil/1.0", True),
        ("ua:Evil/1.0", "  Evil/1.0\t", True),
        ("ua:Evil/1.0", "evil/1.0", False),
        ("ua:Evil/1.0", "Evil/1.0 ", True),
        ("ua:Evil/1.0", "Evil/1.05", False),
        ("ua:Evil/1.0", "", False),
        ("ua:" + "x" * 1000, "x" * 1000, True),
    ],
)
def test_user_agent_is_compared_exactly(key: str, agent: str, listed: bool) -> None:
    """Case counts, blanks around it do not."""
    lines = [f"USER-agent:{agent}", "Host: harmless.example.net"]

    assert seen([key], [request("GET / HTTP/1.1", *lines)]) == ["http"] * listed


@pytest.mark.parametrize(
    "payload",
    [
        b"GET / FTP/1.1\r\nHost: evil.example.org\r\n\r\n",
        b"PUT /\r\nHost: evil.example.org\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: evil.example.org\r\n\r\n",
        b"GET / x HTTP 1.1\r\nHost: evil.example.org\r\n\r\n",
        b" GET / HTTP/1.1\r\nHost: evil.example.org\r\n\r\n",
        b"GET / HTTP 1.1\r\nHost: evil.example.org\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nHost: evil.example.org\r\n\r\n",
        b"SSH-2.0-x HTTP/1.1\r\nHost: evil.example.org\r\n\r\n",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\r\nHost: evil.example.org\r\n\r\n",
    ],
)
def test_other_texts_are_no_request(payload: bytes) -> None:
    """Rule T-13.1: method, target and version with one space between."""
    scanner = make(HOST)

    scanner.scan(packets.batch([frame(payload)]))

    assert scanner.drain(True, "") == []
    assert count(scanner, stats.HTTP_REQUESTS) == 0


def test_path_longer_than_what_is_kept_is_read_to_there() -> None:
    """What capture keeps of a packet bounds the path; the host behind it is found."""
    payload = packets.http_request("/" + "a" * 5000 + "?x=1", HOST)

    assert seen([HOST], [frame(payload)]) == ["http"]


def test_host_longer_than_any_name_is_cut_and_harmless() -> None:
    """A megabyte of host costs its bytes once."""
    hosts = ["a" * 3000, "a." * 1500, "@" * 3000, ":" * 3000, "]" * 3000, f"{'a' * 300}.{HOST}"]

    assert seen([HOST], [request("GET / HTTP/1.1", f"Host: {host}") for host in hosts]) == []


def test_different_requests_between_the_same_hosts_are_told_apart() -> None:
    """Host and path make a sighting; the method and the parameters' order in headers do not."""
    sent = [request(f"GET /{path} HTTP/1.1", f"Host: {HOST}") for path in ("a", "b", "a", "a")]

    assert [sighting.count for sighting in scan([HOST], sent)] == [3, 1]


def _candidates(path: str) -> list[str]:
    """Follow the words of rule T-13.8, without bodies."""
    whole = path.rstrip("/")
    found = [whole]
    if "?" in path:
        found.append(path.partition("?")[0].rstrip("/"))
        if "=" in path:
            found.append(path[: path.index("=") + 1])
        blanked = re.sub(r"(\w+=)[^&=]+", r"\1", path)
        if blanked not in found:
            found.append(blanked)
            if blanked.count("/") > 1:
                found.append(blanked[blanked.rindex("/") :])
    if found[-1].count("/") > 1:
        found.append(found[-1][: found[-1].rindex("/")])
        found.append(whole[whole.rindex("/") :].partition("?")[0])
    return [candidate for candidate in found if candidate]


ODD = {
    b"GET /gate.php\n": "/gate.php",  # HTTP/0.9
    b"GET /gate.php\r\nHost: x\r\n\r\n": "/gate.php",
    b"POST /gate.php\r\n\r\n": "/gate.php",
    b"GET HTTP/1.1\r\nHost: x\r\n\r\n": "",
    b"GET /gate.php and more HTTP/1.1\r\n\r\n": "/gate.php and more",
    b"GET  /gate.php HTTP/1.1\r\n\r\n": "/gate.php",
    b"CONNECT x:25 / HTTP/1.0\r\n\r\n": "x:25 /",
    b"M-SEARCH /gate.php HTTP/1.1\r\n\r\n": "/gate.php",
    b"CCM_POST /gate.php HTTP/1.1\r\n\r\n": "/gate.php",
}
NONE = (
    b"GET gate.php\r\n",
    b"GET /gate.php",
    b"RETR /gate.php\r\n",
    b"PASS /gate.php\r\n",
    b"PUT /gate.php\r\n",
    b"GET /gate.php\x01\r\n",
    b"- /gate.php HTTP/1.1\r\n",
    b"GET- /gate.php\r\n",
)


@pytest.mark.parametrize("line", ODD)
def test_request_lines_that_servers_take_are_read(line: bytes) -> None:
    """Without a version, without a target, with blanks in it, methods of two words."""
    (sighting,) = scan([B], [frame(line)])

    assert sighting.what == "http"
    assert sighting.fields.get("target", b"").decode() == ODD[line]


@pytest.mark.parametrize("line", NONE)
def test_other_lines_are_no_requests(line: bytes) -> None:
    """A path alone makes no request of a line of another protocol."""
    assert scan([B], [frame(line)]) == []


@pytest.mark.parametrize("line", ODD)
def test_odd_line_cut_anywhere_is_survived(line: bytes) -> None:
    """At every byte, in two segments, and each byte changed."""
    scanner = make(B, "/gate.php")
    for place in range(len(line)):
        first = packets.tcp_frame(A, 1024 + place, B, 80, line[:place] or b"G", sequence=1)
        rest = packets.tcp_frame(A, 1024 + place, B, 80, line[place:], sequence=1 + place)
        damaged = frame(line[:place] + b"\xff" + line[place + 1 :])
        scanner.scan(packets.batch([first, rest, damaged]))
    scanner.finish()

    assert count(scanner, stats.ERRORS) == 0


def test_long_request_is_kept_whole() -> None:
    """As much as a server takes, while there is room for that."""
    sent = packets.http_request("/" + "a" * 4000, HOST, user_agent="Evil/1")

    (sighting,) = scan([HOST], [frame(sent)])

    assert sighting.fields["agent"] == b"Evil/1"
