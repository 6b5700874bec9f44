"""Explain: which trail explains a value and what was weighed, or why nothing would be told."""

from collections.abc import Collection, Iterable

import pytest

from agent import config
from agent.allow import AllowList
from agent.commands.explain import lines
from agent.explain import Explainer, Explanation, split_port
from agent.model import Source, Trail
from agent.terminal import Terminal
from agent.trails.build import Builder
from agent.trails.find import Trails
from agent.trails.set import TrailSet
from tests.wired import NOTHING, Rows, allow_list, trail_set, trails

JA3, SHA1 = "a" * 32, "b" * 40


def explain(value: str, published: Rows, own: Rows = NOTHING, allowed: str = "") -> Explanation:
    """Explain a value against these trails."""
    return Explainer(trails(published, own), allow_list(*allowed.split())).explain(value)


def text(told: Explanation) -> str:
    """Return what a person reads."""
    return "\n".join(lines(told, Terminal()))


def test_a_found_name_is_told_with_key_rule_list_and_brackets() -> None:
    """Everything that an analyst asks next."""
    told = explain("www.evil.org", {"evil.org": "evil (malware)"})

    assert (told.verdict, told.key, told.rule) == ("matches", "evil.org", "T-5.6")
    assert (told.trails, told.class_id) == ("published", "trail-domain")
    assert told.trail == "(www).evil.org"
    assert [source.name for source in told.sources] == ["test"]
    shown = text(told)
    assert "www.evil.org: matches" in shown
    assert "matches    evil.org of the published trails, rule T-5.6" in shown
    assert "list       test" in shown


def test_each_parent_that_was_weighed_is_told() -> None:
    """So that a missing entry is seen as missing."""
    told = explain("a.good.org", {"evil.org": "x"})

    weighed = {(w.rule, w.key, w.trails, w.result) for w in told.weighed}
    for suffix in ("a.good.org", "good.org", "org"):
        for whose in ("own", "published"):
            assert ("T-5.6", suffix, whose, "not listed") in weighed
    assert (told.verdict, told.why) == ("not listed", "no list names it, nor what was weighed")


def test_a_spared_name_is_told_with_the_rule() -> None:
    """An exception is not the same as not listed."""
    told = explain("ns1.evil.org", {"evil.org": "domain (suspicious)"})

    assert told.verdict == "spared"
    assert "kept quiet by the exceptions of rule T-5.6" in told.why


def test_a_key_for_names_below_it_does_not_match_itself() -> None:
    """And that is said."""
    told = explain("evil.org", NOTHING, {".evil.org": "x"})

    assert told.verdict == "spared"
    assert "only for names below it" in told.why


def test_a_name_that_questions_ignore_is_told() -> None:
    """Found, but not in DNS."""
    told = explain("evil.local", {"evil.local": "malware"})

    assert told.verdict == "matches"
    assert any("T-8.4" in note and "section 6" in note for note in told.notes)


def test_an_allowed_value_says_by_which_entry() -> None:
    """Entry, where it stands and why."""
    name = explain("www.good.org", {"good.org": "x"}, allowed="good.org")
    address = explain("198.51.100.7", {"198.51.100.7": "x"}, allowed="198.51.100.0/24")

    for told, entry in ((name, "good.org"), (address, "198.51.100.0/24")):
        assert told.verdict == "allowed"
        assert told.allowed_by is not None
        assert (told.allowed_by.text, told.allowed_by.origin) == (entry, "allow_list.entries[0]")
        assert f"allow-list entry {entry} (allow_list.entries[0])" in text(told)


def test_an_entry_that_depends_on_the_packet_is_noted() -> None:
    """It keeps some of it quiet, so that the value alone does not decide."""
    scope = "{trail: evil.org, source: 10.0.0.9, reason: our honeypot}"
    settings = config.parse(f"allow_list: {{files: [], entries: [{scope}]}}", "test")
    allow = AllowList.load(settings.allow_list, 0)

    told = Explainer(trails({"evil.org": "x"}), allow).explain("evil.org")

    assert told.verdict == "matches"
    assert "trail evil.org, source 10.0.0.9/32" in told.notes[0]
    assert "our honeypot" in told.notes[0]


def test_an_entry_of_suppress_is_noted() -> None:
    """It may hold it back, by what is said of the trail; the packet decides the rest."""
    held = (
        config.Suppression(name="pentest", reason="red team", trails=("evil.*",), source_port=(1,)),
        config.Suppression(name="other", reason="x", trails=("good.org",)),
        config.Suppression(name="ips", reason="x", classes=("trail-ip",)),
    )

    told = Explainer(trails({"evil.org": "x"}), allow_list(), suppress=held).explain("evil.org")

    assert told.notes == ["suppress entry pentest may hold it back: red team"]


def test_a_more_specific_trail_is_found_in_spite_of_the_allow_list() -> None:
    """As it would be told."""
    assert explain("bad.good.org", {"bad.good.org": "x"}, allowed="good.org").is_told


@pytest.mark.parametrize(
    ("value", "key", "rule"),
    [
        ("198.51.100.7", "198.51.100.7", "T-10"),
        ("198.51.100.7:443", "198.51.100.7:443", "T-10"),
        ("198.51.100.7:80", "198.51.100.7", "T-10"),
        ("198.51.100.9", "198.51.100.0/24", "T-4"),
        ("198.51.100.0/24", "198.51.100.0/24", "T-4"),
        ("2001:db8::1", "2001:db8::1", "T-10"),
        ("[2001:db8::1]", "2001:db8::1", "T-10"),
        ("[2001:DB8::1]:443", "[2001:db8::1]:443", "T-10"),
        ("EVIL.org.", "evil.org", "T-5.6"),
        ("http://good.org/bad.php?x=1", "/bad.php", "T-13.9"),
        ("good.org/bad.php", "/bad.php", "T-13.9"),
        ("good.org//bad.php", "/bad.php", "T-13.9"),
        ("/bad.php", "/bad.php", "T-13.9"),
        ("host.net/any", "host.net/", "T-13.10"),
        ("evil.org/page", "evil.org", "T-5.6"),
        ("http://user@Evil.org:80/page", "evil.org", "T-5.6"),
        ("198.51.100.7/page", "198.51.100.7", "T-10"),
        ("  evil.org ", "evil.org", "T-5.6"),
        ("www.evil.org:443", "evil.org", "T-5.6"),
        ("evil.org.ip-adress.com", "evil.org", "T-5.5"),
        ("abc.onion.to", "abc.onion", "T-5.9"),
        ("ua:Evil/1.0", "Evil/1.0", "T-13.5"),
        (JA3, JA3, "T-16"),
        (SHA1.upper(), SHA1, "T-16"),
        ("www.bücher。example.net", "xn--bcher-kva.example.net", "T-5.6"),
        ("x42.net", "x[0-9]+[.]net", "T-7"),
        ("re:x[0-9]+[.]net", "x[0-9]+[.]net", "T-7"),
    ],
)
def test_values_of_all_kinds_are_explained(value: str, key: str, rule: str) -> None:
    """In whatever spelling a person pastes."""
    rows = [
        *("198.51.100.7", "198.51.100.7:443", "198.51.100.0/24", "2001:db8::1"),
        *("[2001:db8::1]:443", "evil.org", "/bad.php", "host.net/", "abc.onion", "ua:Evil/1.0"),
        *(JA3, SHA1, "bücher.example.net", "re:x[0-9]+[.]net"),
    ]

    told = explain(value, NOTHING, dict.fromkeys(rows, "x"))

    assert (told.verdict, told.key, told.rule) == ("matches", key, rule)
    assert told.weighed


def test_an_address_that_is_not_listed_says_what_was_tried() -> None:
    """With its port, bare, networks."""
    told = explain("203.0.113.1:80", {"198.51.100.0/24": "x"})

    assert told.kind == "address and port"
    assert [(w.rule, w.key) for w in told.weighed if w.trails == "published"] == [
        ("T-10", "203.0.113.1:80"),
        ("T-10", "203.0.113.1"),
        ("T-4", "networks around it"),
    ]


def test_an_address_that_is_listed_with_other_ports_says_which() -> None:
    """It is not listed bare, but a person will want to know."""
    rows = {f"198.51.100.7:{port}": "x" for port in (80, 443)} | {"198.51.100.8:25": "x"}

    for value in ("198.51.100.7", "198.51.100.7:8080"):
        told = explain(value, rows)
        assert told.notes == ["the published trails list it with port 80, 443 only"]
        assert not told.is_told
    assert explain("198.51.100.7:80", rows).notes == []
    assert explain("198.51.100.9", rows).notes == []
    many = {f"[2001:db8::1]:{port}": "x" for port in range(1, 30)}
    assert explain("2001:db8::1", many).notes[0].endswith("9, 10, ... only")


def test_the_candidates_of_a_url_are_told() -> None:
    """Rule T-13.8 is not to be guessed."""
    told = explain("a.org/b/c.php?id=1", {"evil.org": "x"})

    keys = [w.key for w in told.weighed if w.trails == "published"]
    assert keys[:4] == ["/b/c.php?id=1", "a.org/b/c.php?id=1", "/b/c.php", "a.org/b/c.php"]
    assert keys[-3:] == ["a.org/", "a.org", "org"]


def test_own_trails_are_named_as_such() -> None:
    """They win, and it is said."""
    told = explain("evil.org", {"evil.org": "published"}, {"evil.org": "ours"})

    assert (told.trails, told.info) == ("own", "ours")


def test_a_quarantined_key_says_why_and_of_which_list() -> None:
    """It is listed, and kept out all the same."""
    builder = Builder(0)
    builder.add(Trail(key="x.org", info="x", reference="x", source=Source("test")))
    builder.quarantine("google.com", "a popular name\thasty")
    published = TrailSet(builder.to_bytes(), "test")

    told = Explainer(Trails(trail_set({}), published), allow_list()).explain("www.google.com")

    assert (told.verdict, told.why) == ("quarantined", "google.com: a popular name, list hasty")


def test_a_row_that_can_never_match_says_why() -> None:
    """As far as the set keeps samples."""
    builder = Builder(0)
    builder.add(Trail(key="re:(", info="x", reference="x", source=Source("test")))
    own = TrailSet(builder.to_bytes(), "own")

    told = Explainer(Trails(own, trail_set({"x.org": "x"})), allow_list()).explain("re:(")

    assert (told.verdict, told.why) == (
        "inert",
        "a row that can never match: pattern that RE2 refuses",
    )


def test_what_lists_name_but_no_set_holds_is_told() -> None:
    """Asked with every key that was weighed, and only where nothing was found."""
    asked: list[set[str]] = []

    def left_out(wanted: Collection[str]) -> Iterable[tuple[str, str]]:
        asked.append(set(wanted))
        return [("noisy", "held back")]

    explainer = Explainer(trails({"evil.org": "x"}), allow_list(), left_out)

    told = explainer.explain("192.0.2.1:80")

    assert (told.verdict, told.why) == ("left out", "noisy: held back")
    assert {"192.0.2.1", "192.0.2.1:80"} <= asked[0]
    assert explainer.explain("evil.org").is_told
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("192.0.2.1", ("192.0.2.1", None)),
        ("192.0.2.1:80", ("192.0.2.1", 80)),
        ("[::1]:80", ("::1", 80)),
        ("::1", ("::1", None)),
        ("evil.org:80", ("", None)),
        ("192.0.2.1:http", ("", None)),
        ("192.0.2.1:70000", ("", None)),
        ("192.0.2.1:-1", ("", None)),
        ("192.0.2.1:" + "9" * 5000, ("", None)),
        ("", ("", None)),
    ],
)
def test_addresses_are_split_from_their_ports(text: str, parts: tuple[str, int | None]) -> None:
    """What is none of these is no address."""
    assert split_port(text) == parts


@pytest.mark.parametrize(
    "value",
    [
        *("198.51.100.7:70000", "198.51.100.7:-1", "evil.org:443", "a" * 5000, "", "/", "//", "."),
        *("[::1", "ua:", "re:", "\ud800.org", "a..b", "\x00", "é" * 100, "http://", "1.2.3.4/"),
    ],
)
def test_odd_values_are_not_found_rather_than_raised(value: str) -> None:
    """Whatever is pasted, the answer is a line."""
    told = explain(value, {"198.51.100.7": "x", "evil.net": "x"})

    assert not told.is_told
    assert text(told)
