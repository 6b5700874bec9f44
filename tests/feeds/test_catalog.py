"""The catalogue: every entry loads, what is on is allowed to be, and sites can change entries."""

from pathlib import Path

import pytest

from agent.config import ConfigError, Duration, Update, parse
from agent.trails.build import Builder
from feeds import _catalog
from feeds._reader import reader_of, readers
from feeds._unused import Counted

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
    "spamhaus-drop-v4",
    "spamhaus-drop-v6",
}


SHA1 = "0123456789abcdef0123456789abcdef01234567"
JA3 = "e7d705a3286e19ea42f587b344ee6865"
SAMPLES = [
    ("blocklist-de", "198.51.100.7\n", "198.51.100.7", "known attacker"),
    ("cert-pl", "evil.example.org\n", "evil.example.org", "phishing"),
    ("et-compromised", "198.51.100.7\n", "198.51.100.7", "compromised (suspicious)"),
    (
        "feodo",
        (
            '# banner\n"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"\n'
            '"2025-12-30 13:56:31","198.51.100.7","443","online","2026-03-12","QakBot"\n'
        ),
        "198.51.100.7:443",
        "qakbot (malware)",
    ),
    (
        "sslbl-certificates",
        f"# abuse.ch\n# Listingdate,SHA1,Listingreason\n2026-04-29 12:00:00,{SHA1},AsyncRAT C&C\n",
        SHA1,
        "asyncrat c2 cert (suspicious)",
    ),
    (
        "sslbl-ja3",
        (
            "# ja3_md5,Firstseen,Lastseen,Listingreason\n"
            f"{JA3},2017-07-14 18:08:15,2019-07-27 20:42:54,Dridex\n"
        ),
        JA3,
        "dridex tls client (suspicious)",
    ),
    ("tor-exits", "198.51.100.7\n", "198.51.100.7", "tor exit node (suspicious)"),
    (
        "urlhaus",
        "# URLhaus\r\nhttp://198.51.100.7:37719/bin.sh\r\n",
        "198.51.100.7:37719/bin.sh",
        "malware",
    ),
    (
        "viriback",
        "Family,URL,IP,FirstSeen\nAmadey,http://198.51.100.7/x/login.php,198.51.100.7,01-08-2026\n",
        "198.51.100.7/x/login.php",
        "amadey (malware)",
    ),
    (
        "bruteforceblocker",
        "# IP\n198.51.100.7\t\t# 2016-11-10\t56\t1\n",
        "198.51.100.7",
        "known attacker",
    ),
    (
        "turris",
        '# terms\nAddress,Tags\n198.51.100.7,"ftp,http"\n',
        "198.51.100.7",
        "bad reputation",
    ),
]
"""A row of a list as its publisher sends it, and the trail it is to become."""


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


@pytest.mark.parametrize(("name", "page", "key", "info"), SAMPLES)
def test_sample_of_a_list_becomes_its_trail(
    tmp_path: Path, name: str, page: str, key: str, info: str
) -> None:
    """The catalogue's options fit what the publisher sends, as far as a sample can tell."""
    path = tmp_path / "page"
    path.write_text(page)
    counted = Counted()

    trails = list(reader_of(_catalog.known()[name]).trails(path, counted))

    assert [(trail.key, trail.info) for trail in trails] == [(key, info)]
    assert not counted.rejected
    builder = Builder()
    assert [builder.add(trail) for trail in trails] == [None]


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


def test_mirror_takes_the_place_of_every_server(tmp_path: Path) -> None:
    """Lists of the catalogue and the site's own are read from one folder, without their keys."""
    own = "{name: own, url: 'https://h.example/{key}', format: plain, key_file: /k}"
    here = f"{{name: here, url: {tmp_path}/x.txt, format: plain}}"

    feeds = _catalog.enabled(_update(f"mirror: {tmp_path}\n  lists: [{own}, {here}]"))

    urls = {feed.name: feed.url for feed in feeds}
    assert urls.pop("here") == f"{tmp_path}/x.txt"
    assert set(urls) == ON | {"own"}
    assert set(urls.values()) == {str(tmp_path)}
    assert not [feed.name for feed in feeds if feed.takes_key]


def test_mirror_that_is_no_folder_of_this_host_is_named() -> None:
    """A URL or a relative path is a misunderstanding."""
    for mirror in ("https://h.example/", "lists"):
        with pytest.raises(ConfigError, match="mirror: expected the absolute path of a folder"):
            _update(f"mirror: {mirror}")


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
