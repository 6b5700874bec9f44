"""Names beyond ASCII: lists and people write letters, the wire has punycode; they are one name."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import config
from agent.allow import AllowList
from agent.names import ascii_glob, ascii_name
from agent.notices import AgentNotices
from agent.scan import layout
from agent.suppress import Suppressions
from agent.trails import keys
from agent.trails.keys import Inert, parse
from feeds._quarantine import PROTECTED, Quarantine
from tests import packets
from tests.packets import CLIENT, SERVER
from tests.wired import NOTHING, Wired

WIRE = "xn--mnchen-3ya.example.net"
SPELLINGS = (
    "münchen.example.net",
    "MÜNCHEN.Example.NET",
    "mu\u0308nchen.example.net",  # with a combining mark
    "münchen\u3002example\u3002net",  # ideographic full stops
    "münchen\uff0eexample\uff61net",  # full-width and half-width ones
    "münchen.example.net.",
    "XN--MNCHEN-3YA.example.net",
    "xn--mnchen-3ya\u3002example.net",
)


def frames() -> dict[str, bytes]:
    """Return the name in every protocol as it is sent."""
    hello = packets.tls_record(packets.client_hello(f"www.{WIRE}"))
    return {
        "dns.question": packets.udp_frame(
            CLIENT, 40000, "192.0.2.53", 53, packets.dns_query(f"WWW.{WIRE.upper()}")
        ),
        "http.host": packets.tcp_frame(
            CLIENT, 50000, SERVER, 80, packets.http_request("/", f"www.{WIRE}")
        ),
        "tls.sni": packets.tcp_frame(CLIENT, 50001, SERVER, 443, hello),
    }


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("where", ["dns.question", "http.host", "tls.sni"])
def test_a_name_in_any_spelling_is_found_in_every_protocol(spelling: str, where: str) -> None:
    """In public lists and in own trails."""
    frame = frames()[where]

    for wired in (Wired({spelling: "x"}), Wired(NOTHING, {spelling: "x"})):
        (hit,) = wired.hits(frame)
        assert (hit.where, hit.indicator, hit.observed) == (where, WIRE, f"www.{WIRE}")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_url_in_any_spelling_is_found(spelling: str) -> None:
    """Its host is a name, its path is not."""
    frame = packets.tcp_frame(CLIENT, 50000, SERVER, 80, packets.http_request("/bad", WIRE))

    for key in (f"{spelling}/bad", f"http://{spelling}/bad"):
        (hit,) = Wired({key: "x"}).hits(frame)
        assert hit.indicator == f"{WIRE}/bad"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_leading_dot_and_a_star_keep_their_meaning(spelling: str) -> None:
    """Only below, whichever dot it is."""
    for key in (f".{spelling}", f"*.{spelling}", f"\u3002{spelling}"):
        assert parse(key) == keys.Key(layout.DOMAIN, WIRE.encode(), layout.BELOW_ONLY)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_allow_list_knows_every_spelling(spelling: str, tmp_path: Path) -> None:
    """In its files, as a domain, as a trail, with a star."""
    (tmp_path / "a.txt").write_text(f"{spelling}  # ours\n", encoding="utf-8")
    files = config.AllowList(builtin=False, files=(str(tmp_path),))
    entries = [
        config.AllowList(builtin=False, files=(), entries=(entry,))
        for entry in (
            config.Allowed(domain=spelling),
            config.Allowed(trail=spelling.rstrip(".")),
            config.Allowed(trail=f"*{spelling[-12:].rstrip('.')}"),
        )
    ]
    for setting in (files, *entries):
        wired = Wired({WIRE: "x"})
        wired.matcher.allow = AllowList.load(setting, 0)
        assert wired.hits(frames()["dns.question"]) == []


def test_suppressions_know_every_spelling() -> None:
    """With stars in labels of their own."""
    (hit,) = Wired({WIRE: "x"}).hits(frames()["dns.question"])
    notices = AgentNotices("s", "", (), lambda: "id")
    for trail in ("münchen.example.net", "MÜNCHEN.*", "münchen\u3002*"):
        entry = config.Suppression(name="a", reason="b", trails=(trail,))
        assert Suppressions([entry], notices).holds_back(hit), trail


def test_protected_names_know_every_spelling() -> None:
    """No public list may name the site's own."""
    for spelling in SPELLINGS:
        assert Quarantine([spelling]).reason(parse(WIRE), "x") == PROTECTED


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("faß.de", "xn--fa-hia.de"),  # a name of its own since IDNA 2008, as browsers ask for it
        ("βόλος.com", "xn--nxasmm1c.com"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("\uff25\uff36\uff29\uff2c\uff0e\uff4f\uff52\uff47", "evil.org"),  # full-width letters
        ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
        ("_dmarc.münchen.de", "_dmarc.xn--mnchen-3ya.de"),
        ("plain.org", "plain.org"),
    ],
)
def test_letters_become_what_browsers_send(text: str, wire: str) -> None:
    """UTS 46, non-transitional."""
    assert ascii_name(text) == wire


@pytest.mark.parametrize("text", ["\u200d" * 70 + ".org", "é" * 70 + ".org", "\ud800.org"])
def test_letters_without_an_ascii_form_are_inert(text: str) -> None:
    """Told by reason, not raised."""
    with pytest.raises(Inert):
        parse(text)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_raises_anything_but_inert(text: str) -> None:
    """And a key that is taken is ASCII and stays what it is."""
    ascii_glob(text)
    try:
        key = parse(text)
    except Inert:
        return
    if key.kind == layout.DOMAIN:
        assert key.key.isascii()
        assert parse(key.key.decode(), "own", "domain").key == key.key
