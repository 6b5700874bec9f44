"""The exports of abuse.ch, in each of their formats, with settings as a site would write them."""

from typing import Any

import pytest

from agent.config import Options, Settings, Update
from agent.model import Source
from agent.trails.publish import current_set
from agent.trails.set import TrailSet
from feeds import Origin
from feeds._update import update
from tests.feeds.parsing import parse

SHA1 = "0123456789abcdef0123456789abcdef01234567"
JA3 = "e7d705a3286e19ea42f587b344ee6865"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"

URLHAUS_TEXT = b"""\
################################################################\r
# abuse.ch URLhaus Plain-Text URL List                         #\r
################################################################\r
http://198.51.100.7:37719/bin.sh\r
https://evil.example.org/a/b.exe?x=1\r
"""

URLHAUS_CSV = b"""\
################################################################\r
# abuse.ch URLhaus Database Dump (CSV - recent URLs only)      #\r
################################################################\r
#\r
# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\r
"3400001","2026-08-01 10:00:00","http://198.51.100.7:37719/bin.sh","online","2026-08-02 10:00:00",\
"malware_download","elf,mirai","https://urlhaus.abuse.ch/url/3400001/","somebody"\r
"3400002","2026-08-01 10:00:00","http://evil.example.org/x","offline","2026-08-01 10:00:00",\
"malware_download","None","https://urlhaus.abuse.ch/url/3400002/","somebody"\r
"""
URLHAUS_OPTIONS = {
    "header": "comment",
    "value": "url",
    "kind": "url",
    "where": {"url_status": ("online",)},
    "first_seen": "dateadded",
    "last_seen": "last_online",
    "reference": "urlhaus_link",
    "drop_words": ("None",),
}

THREATFOX_CSV = (
    "################################################################\r\n"
    "# ThreatFox IOCs: recent\r\n"
    '# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","fk_malware",'
    '"malware_alias","malware_printable","last_seen_utc","confidence_level","is_compromised",'
    '"reference","tags","anonymous","reporter"\r\n'
    '"2026-07-04 22:19:04", "1", "evil.example.org", "domain", "payload_delivery", '
    '"js.clearfake", "None", "ClearFake", "", "100", "False", "None", "a,b", "1", "anonymous"\r\n'
    '"2026-07-04 22:19:04", "2", "198.51.100.7:443", "ip:port", "botnet_cc", '
    '"win.qakbot", "None", "QakBot", "2026-07-05 00:00:00", "75", "False", "None", "", "0", "x"\r\n'
    '"2026-07-04 22:19:04", "3", "http://h.example.net/x", "url", "botnet_cc", '
    '"win.qakbot", "None", "QakBot", "", "50", "False", "None", "", "0", "x"\r\n'
    '"2026-07-04 22:19:04", "4", "shop.example.com", "domain", "botnet_cc", '
    '"win.qakbot", "None", "QakBot", "", "100", "True", "None", "", "0", "x"\r\n'
    f'"2026-07-04 22:19:04", "5", "{MD5}", "md5_hash", "payload", '
    '"win.qakbot", "None", "QakBot", "", "100", "False", "None", "", "0", "x"\r\n'
    "# Number of entries: 5\r\n"
).encode()
THREATFOX_FIELDS = {
    "value": "ioc_value",
    "type": "ioc_type",
    "kinds": {"domain": "domain", "url": "url", "ip:port": "ip-port"},
    "at_least": {"confidence_level": 75},
    "unless": {"is_compromised": ("True", "true")},
    "first_seen": "first_seen_utc",
    "last_seen": "last_seen_utc",
}

THREATFOX_JSON = f"""\
{{
 "1": [{{"ioc_value": "evil.example.org", "ioc_type": "domain", "threat_type": "payload_delivery",
   "malware": "js.clearfake", "malware_alias": null, "malware_printable": "ClearFake",
   "first_seen_utc": "2026-07-04 22:19:04", "last_seen_utc": null, "confidence_level": 100,
   "is_compromised": false, "reference": null, "tags": "a,b", "anonymous": "1", "reporter": "x"}}],
 "2": [{{"ioc_value": "198.51.100.7:443", "ioc_type": "ip:port", "malware_printable": "QakBot",
   "first_seen_utc": "2026-07-04 22:19:04", "last_seen_utc": "2026-07-05 00:00:00",
   "confidence_level": 75, "is_compromised": false}}],
 "3": [{{"ioc_value": "http://h.example.net/x", "ioc_type": "url", "malware_printable": "QakBot",
   "first_seen_utc": "2026-07-04 22:19:04", "confidence_level": 50, "is_compromised": false}}],
 "4": [{{"ioc_value": "shop.example.com", "ioc_type": "domain", "malware_printable": "QakBot",
   "first_seen_utc": "2026-07-04 22:19:04", "confidence_level": 100, "is_compromised": true}}],
 "5": [{{"ioc_value": "{MD5}", "ioc_type": "md5_hash", "malware_printable": "QakBot",
   "first_seen_utc": "2026-07-04 22:19:04", "confidence_level": 100, "is_compromised": false}}]
}}
""".encode()

FEODO_CSV = b"""\
################################################################
# abuse.ch Feodo Tracker Botnet C2 IP Blocklist (recommended)  #
################################################################
#
"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"
"2025-12-30 13:56:31","198.51.100.16","443","online","2026-03-12","QakBot"
"2025-12-30 13:56:31","198.51.100.17","443","offline","2026-03-12","QakBot"
# END 2 entries
"""
FEODO_JSON = b"""\
[
 {"ip_address": "198.51.100.16", "port": 443, "status": "online", "hostname": null,
  "as_number": 64496, "as_name": "EXAMPLE", "country": "US",
  "first_seen": "2025-12-30 13:56:31", "last_online": "2026-03-12", "malware": "QakBot"},
 {"ip_address": "198.51.100.17", "port": 443, "status": "offline", "hostname": null,
  "as_number": 64496, "as_name": "EXAMPLE", "country": "US",
  "first_seen": "2025-12-30 13:56:31", "last_online": "2026-03-12", "malware": "QakBot"}
]
"""

SSLBL = (
    "################################################################\r\n"
    "# abuse.ch SSLBL SSL Certificate Blacklist (SHA1 Fingerprints) #\r\n"
    "#\r\n"
    "# Listingdate,SHA1,Listingreason\r\n"
    f"2026-04-29 12:00:00,{SHA1},AsyncRAT C&C\r\n"
    "# END (1) entries\r\n"
).encode()
SSLBL_JA3 = (
    "# abuse.ch SSLBL Suricata JA3 Fingerprint CSV\r\n"
    "#\r\n"
    "# ja3_md5,Firstseen,Lastseen,Listingreason\r\n"
    f"{JA3},2017-07-14 18:08:15,2019-07-27 20:42:54,Dridex\r\n"
).encode()

CASES: list[tuple[str, bytes, dict[str, Any], str, list[tuple[str, str]]]] = [
    (
        "plain",
        URLHAUS_TEXT,
        {},
        "malware",
        [
            ("198.51.100.7:37719/bin.sh", "malware"),
            ("evil.example.org/a/b.exe?x=1", "malware"),
        ],
    ),
    (
        "csv",
        URLHAUS_CSV,
        URLHAUS_OPTIONS,
        "{tags} (malware)",
        [("198.51.100.7:37719/bin.sh", "elf,mirai (malware)")],
    ),
    (
        "csv",
        THREATFOX_CSV,
        {"header": "comment", **THREATFOX_FIELDS},
        "{malware_printable} (malware)",
        [
            ("evil.example.org", "clearfake (malware)"),
            ("198.51.100.7:443", "qakbot (malware)"),
        ],
    ),
    (
        "json",
        THREATFOX_JSON,
        {"rows": "*[*]", **THREATFOX_FIELDS},
        "{malware_printable} (malware)",
        [
            ("evil.example.org", "clearfake (malware)"),
            ("198.51.100.7:443", "qakbot (malware)"),
        ],
    ),
    (
        "csv",
        FEODO_CSV,
        {
            "value": "dst_ip",
            "port": "dst_port",
            "where": {"c2_status": ("online",)},
            "first_seen": "first_seen_utc",
            "last_seen": "last_online",
        },
        "{malware} (malware)",
        [("198.51.100.16:443", "qakbot (malware)")],
    ),
    (
        "json",
        FEODO_JSON,
        {
            "value": "ip_address",
            "port": "port",
            "where": {"status": ("online",)},
            "first_seen": "first_seen",
            "last_seen": "last_online",
        },
        "{malware} (malware)",
        [("198.51.100.16:443", "qakbot (malware)")],
    ),
    (
        "csv",
        SSLBL,
        {
            "header": "comment",
            "value": "SHA1",
            "kind": "certificate",
            "first_seen": "Listingdate",
            "drop_words": ("C&C",),
        },
        "{Listingreason} c2 cert (suspicious)",
        [(SHA1, "asyncrat c2 cert (suspicious)")],
    ),
    (
        "csv",
        SSLBL_JA3,
        {
            "header": "comment",
            "value": "ja3_md5",
            "kind": "ja3",
            "first_seen": "Firstseen",
            "last_seen": "Lastseen",
        },
        "{Listingreason} tls client (suspicious)",
        [(JA3, "dridex tls client (suspicious)")],
    ),
]
"""An export, the settings to read it with, the list's label, and what comes of it."""

IDS = [
    *("urlhaus-text", "urlhaus-csv", "threatfox-csv", "threatfox-json", "feodo-csv", "feodo-json"),
    *("sslbl", "sslbl-ja3"),
]


@pytest.mark.parametrize(("format_", "page", "options", "info", "expected"), CASES, ids=IDS)
def test_export_becomes_trails(
    format_: str, page: bytes, options: dict[str, Any], info: str, expected: list[tuple[str, str]]
) -> None:
    """What is online, sure enough and seen on the wire, and no row is rejected."""
    trails, rejected = parse(format_, page, Origin(source=Source("x"), info=info), **options)

    assert [(trail.key, trail.info) for trail in trails] == expected
    assert not rejected


@pytest.mark.parametrize(("format_", "page", "options", "info", "expected"), CASES, ids=IDS)
def test_export_is_published_with_settings_of_a_site(
    tmp_path_factory: pytest.TempPathFactory,
    format_: str,
    page: bytes,
    options: dict[str, Any],
    info: str,
    expected: list[tuple[str, str]],
) -> None:
    """From the file to the set, as an entry of `update.lists`."""
    room = tmp_path_factory.mktemp("site")
    (room / "export").write_bytes(page)
    entry = Options(
        name="soc", url=str(room / "export"), format=format_, info=info, options=options
    )
    settings = Settings(update=Update(defaults=False, lists=(entry,)))

    result = update(settings, room / "state", 1.785e9)

    assert (result.status, result.keys) == ("published", len(expected))
    current = current_set(room / "state")
    assert current is not None
    trails = TrailSet.open(current)
    rows = [trails.row(number) for number in range(trails.info.keys)]
    assert {(row.key, row.info) for row in rows} == set(expected)


def test_days_of_an_export_are_those_of_the_rows() -> None:
    """First and last days are told where the export has them."""
    origin = Origin(source=Source("x"), info="x")
    (trail,), _ = parse("csv", URLHAUS_CSV, origin, **URLHAUS_OPTIONS)

    assert trail.source == Source("x", "2026-08-01", "2026-08-02")
    assert trail.reference == "https://urlhaus.abuse.ch/url/3400001/"
