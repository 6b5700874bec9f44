"""The catalogue: every entry loads, what is on is allowed to be, and sites can change entries."""

import pytest

from agent.config import ConfigError, Duration, Update, parse
from feeds import _catalog
from feeds._reader import reader_of, readers

ON = {
    "blocklist-de",
    "cert-pl",
    "et-compromised",
    "feodo",
    "maltrail-static",
    "sslbl-certificates",
    "sslbl-ja3",
    "tor-exits",
    "urlhaus",
    "viriback",
}


@pytest.mark.parametrize("name", sorted(_catalog.known()))
def test_entry_has_format_options_and_terms(name: str) -> None:
    """Each known list names a format that accepts its options, its terms, and why it is off."""
    feed = _catalog.known()[name]

    reader = reader_of(feed)

    assert reader.feed is feed
    assert feed.url.startswith("https://")
    assert feed.licence
    assert feed.terms
    assert feed.info
    assert feed.default != bool(feed.reason)


def test_defaults_are_those_of_the_contract() -> None:
    """A site that configures nothing gets the lists that need no key and restrict nobody."""
    assert {feed.name for feed in _catalog.enabled(Update())} == ON


def test_maltrail_data_is_pinned() -> None:
    """Only the commit under the MIT licence is preconfigured."""
    assert "8adace159e1e9418ca4dd1a4b07f84917c3b6155" in _catalog.known()["maltrail-static"].url


def test_site_turns_a_list_off_and_another_on() -> None:
    """`enabled: false` removes a default list; naming a known one turns it on."""
    update = _update("lists: [{name: urlhaus, enabled: false}, {name: cins}]")

    names = {feed.name for feed in _catalog.enabled(update)}

    assert names == ON - {"urlhaus"} | {"cins"}


def test_defaults_off_leaves_only_what_the_site_names() -> None:
    """`defaults: false` starts from nothing."""
    update = _update("defaults: false\n  lists: [{name: feodo, period: 6h}]")

    (feed,) = _catalog.enabled(update)

    assert feed.name == "feodo"
    assert feed.period == Duration(6 * 3600)
    assert feed.options["value"] == "dst_ip"


def test_site_adds_a_list_of_its_own() -> None:
    """An unknown name with a URL and a format is a new list, labelled with its name."""
    update = _update(
        "defaults: false\n  lists: [{name: soc, url: 'https://h.example/l', format: plain}]"
    )

    (reader,) = readers(update)

    assert reader.feed.info == "soc"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{name: nosuch}", r"update\.lists\[0\]\.name: no known list 'nosuch'"),
        ("{url: 'https://h.example/'}", r"update\.lists\[0\]\.name: is missing"),
        ("{name: x, url: 'http://h.example/', format: plain}", "plain http"),
        ("{name: x, url: 'gopher://h.example/', format: plain}", "expected https"),
        ("{name: ../x, url: 'https://h.example/', format: plain}", "name: expected a-z"),
        ("{name: x, url: 'https://h.example/', format: plain, period: 5s}", "at least 1m"),
        ("{name: x, url: 'https://h.example/', format: plain, perod: 5m}", "'period'"),
        ("{name: feodo, options: {vaule: x}}", r"feodo\.options: .*'value'"),
        ("{name: feodo, options: 3}", r"options: expected keys"),
        ("{name: feodo, enabled: 3}", r"enabled: expected true or false"),
        ("{name: x, url: 'https://h.example/', format: plan}", "did you mean 'plain'"),
    ],
)
def test_faulty_entry_is_named(entry: str, message: str) -> None:
    """One line says which entry and key is wrong, and what was expected."""
    with pytest.raises(ConfigError, match=message) as raised:
        readers(_update(f"lists: [{entry}]"))
    assert "\n" not in str(raised.value)


def _update(text: str) -> Update:
    return parse(f"update:\n  {text}", "test").update
