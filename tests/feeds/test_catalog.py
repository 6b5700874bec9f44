"""The catalogue: every entry loads, what is on is allowed to be, and sites can change entries."""

import re
from pathlib import Path
from urllib.parse import urlsplit

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
    "tor-relays",
    "urlhaus",
    "viriback",
    "spamhaus-drop-v4",
    "spamhaus-drop-v6",
}


SHA1 = "0123456789abcdef0123456789abcdef01234567"
JA3 = "e7d705a3286e19ea42f587b344ee6865"
CLASS = re.compile(
    r"malware|malicious|suspicious|phishing|reputation|attacker|spammer|crawler|compromised"
)
"""What a label must say, so that severities and people can tell what kind of thing it is."""

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
        "tor-relays",
        '{"relays":[{"or_addresses":["198.51.100.7:9001"]},{"or_addresses":[]}]}',
        "198.51.100.7:9001",
        "bad reputation (tor node)",
    ),
    (
        "spamhaus-drop-v4",
        '{"cidr":"198.51.100.0/24","sblid":"SBL1","rir":"apnic"}\n{"type":"metadata","size":1}\n',
        "198.51.100.0/24",
        "spamhaus drop (malicious)",
    ),
    (
        "threatfox",
        (
            '# ThreatFox\n# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type",'
            '"fk_malware","malware_alias","malware_printable","last_seen_utc","confidence_level",'
            '"is_compromised"\n'
            '"2026-07-04 22:19:04", "1", "198.51.100.7:443", "ip:port", "botnet_cc", "win.x", '
            '"None", "QakBot", "", "100", "False"\n'
            '"2026-07-04 22:19:04", "2", "shop.example.org", "domain", "botnet_cc", "win.x", '
            '"None", "QakBot", "", "100", "True"\n'
            '"2026-07-04 22:19:04", "3", "vague.example.org", "domain", "botnet_cc", "win.x", '
            '"None", "QakBot", "", "50", "False"\n'
            f'"2026-07-04 22:19:04", "4", "{JA3}", "md5_hash", "payload", "win.x", '
            '"None", "QakBot", "", "100", "False"\n'
            "# Number of entries: 4\n"
        ),
        "198.51.100.7:443",
        "qakbot (malware)",
    ),
    (
        "urlhaus-recent",
        (
            "#\n# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\n"
            '"1","2026-08-01 10:00:00","http://198.51.100.7:37719/bin.sh","online","2026-08-01",'
            '"malware_download","elf,mirai","https://urlhaus.abuse.ch/url/1/","x"\n'
        ),
        "198.51.100.7:37719/bin.sh",
        "malware",
    ),
    (
        "abuseipdb",
        '{"meta":{},"data":[{"ipAddress":"198.51.100.7","abuseConfidenceScore":100}]}',
        "198.51.100.7",
        "known attacker",
    ),
    (
        "abuseipdb-mirror",
        "# AbuseIPDB\n198.51.100.7   # CN  AS4134 x\n",
        "198.51.100.7",
        "known attacker",
    ),
    (
        "c2intelfeeds-addresses",
        "#ip,ioc\n198.51.100.7,Possible Cobaltstrike C2 IP\n",
        "198.51.100.7",
        "c2 server (malware)",
    ),
    (
        "c2intelfeeds-ports",
        "#ip,port,ioc\n198.51.100.7,8443,Possible Cobaltstrike C2 IP\n",
        "198.51.100.7:8443",
        "c2 server (malware)",
    ),
    (
        "dataplane-sshclient",
        "# Dataplane.org\n4134 |  CHINANET  |  198.51.100.7  |  2026-08-01 10:00:00  |  ssh\n",
        "198.51.100.7",
        "known attacker",
    ),
    ("myip", "# ADDRESSES DATABASE\ndeny from 198.51.100.7\n", "198.51.100.7", "crawler"),
    (
        "blackbook",
        "Domain,Malware,Date added,Source\nevil.example.org,keitaro,2024-09-01,ViriBack\n",
        "evil.example.org",
        "keitaro (malware)",
    ),
    (
        "phishtank",
        (
            "phish_id,url,phish_detail_url,submission_time,verified,verification_time,online,target\n"
            "1,https://evil.example.org/x,http://p.example/1,2026-08-01T10:00:00+00:00,yes,"
            "2026-08-01T10:00:00+00:00,yes,Other\n"
        ),
        "evil.example.org/x",
        "phishing",
    ),
    (
        "firehol-level2",
        "#\n# firehol_level2\n# Maintainer: x\n198.51.100.0/24\n",
        "198.51.100.0/24",
        "bad reputation",
    ),
    (
        "misp-fastly",
        '{"list":["198.51.100.0/24"],"type":"cidr","version":1}',
        "198.51.100.0/24",
        "content delivery network",
    ),
    ("urlhaus-hosts", "# URLhaus\n127.0.0.1\tevil.example.org\n", "evil.example.org", "malware"),
    (
        "et-malware",
        (
            'alert dns $HOME_NET any -> any any (msg:"ET MALWARE X CnC Domain in DNS Lookup"; '
            'dns.query; content:"evil.example.org"; nocase; bsize:16; classtype:trojan-activity; '
            "sid:1; rev:1;)\n"
        ),
        "evil.example.org",
        "malware",
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
    assert feed.reference
    assert feed.default != bool(feed.reason)
    # The static lists' labels are their files', and what protects alerts on nothing.
    is_classed = (
        CLASS.search(feed.origin.info) or feed.format == "maltrail" or feed.use == "protect"
    )
    assert is_classed, f"{feed.origin.info} says no class"
    assert feed.takes_key == bool(feed.key)
    assert feed.key_file is None
    assert 3600 <= feed.period <= 30 * 86400, "polite, and never forgotten"
    assert not feed.insecure_http
    assert not feed.trusted


def test_lists_of_one_site_are_one_voice() -> None:
    """Agreement of a publisher with itself is none: vague lists of one server share a voice."""
    voices: dict[str, set[str]] = {}
    for feed in _catalog.known().values():
        if feed.standing == "vague" and "raw.githubusercontent" not in feed.url:
            voices.setdefault(urlsplit(feed.url).netloc, set()).add(feed.voice)
    shared = {host for host, names in voices.items() if len(names) > 1}

    assert shared == {"iplists.firehol.org"}, "a mirror of others' lists"


def test_no_list_is_there_twice() -> None:
    """One address, one row."""
    urls = [feed.url for feed in _catalog.known().values()]

    assert len(urls) == len(set(urls)) > 80


def test_what_is_dead_or_not_allowed_is_not_there() -> None:
    """What the catalogue's end says is true."""
    text = "\n".join(feed.url for feed in _catalog.known().values())

    for gone in (
        *("stamparm/trails", "stamparm/aux", "badips.com", "malwaredomains", "minerchk"),
        *("sslipblacklist", "policeman", "malware_configs", "dshield_top", "maxmind"),
        *("reputation.alienvault", "cybercrime-tracker", "digitalside", "firehol/blocklist-ipsets"),
    ):
        assert gone not in text


@pytest.mark.parametrize(("name", "page", "key", "info"), SAMPLES)
def test_sample_of_a_list_becomes_its_trail(
    tmp_path: Path, name: str, page: str, key: str, info: str
) -> None:
    """The catalogue's options fit what the publisher sends, as far as a sample can tell."""
    path = tmp_path / "page"
    path.write_text(page, newline="")
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


def test_class_ends_every_label() -> None:
    """A bare family name says nothing of how bad it is; a site may change the word, or drop it."""
    entries = [
        ("soc, info: soc, class: malicious", "soc (malicious)"),
        ("feodo", "{malware} (malware)"),
    ]
    entries.append(("feodo, class: null, info: '{malware} (ours)'", "{malware} (ours)"))
    for entry, info in entries:
        own = "" if entry.startswith("feodo") else ", url: 'https://h.example/l', format: plain"
        update = _update(f"defaults: false\n  lists: [{{name: {entry}{own}}}]")

        (feed,) = _catalog.enabled(update)

        assert feed.origin.info == info


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
        ("{name: feodo, class: bad}", r"class"),
        ("{name: feodo, info: 'feodo (malware)'}", r"info: class adds \(malware\)"),
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
