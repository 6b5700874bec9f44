"""What other analysers find in real captures: found here too, or listed with the reason why not."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.capture_files import CaptureFiles
from agent.model import PacketBatch
from agent.scan import layout, stats
from agent.trails.keys import Inert, parse
from tests.wired import Wired

pytestmark = pytest.mark.shared

WHERE: Mapping[str, frozenset[str]] = {
    "dns": frozenset(["dns.question", "dns.answer", "dns.cname"]),
    "http_host": frozenset(["http.host", "http.url", "proxy.target", "ip.dst"]),
    "url": frozenset(["http.url", "http.path", "http.body"]),
    "user_agent": frozenset(["http.user_agent"]),
    "sni": frozenset(["tls.sni"]),
    "quic_sni": frozenset(["quic.sni"]),
    "cert_sha1": frozenset(["tls.certificate"]),
    "cert_sha256": frozenset(["tls.certificate"]),
    "http_host_or_sni": frozenset(["http.host", "http.url", "tls.sni", "quic.sni"]),
}
"""Kinds of values, and where a trail of one is matched."""

FOLDERS = {"zeek": "zeek/testing/btest/Traces/", "arkime": "arkime/tests/pcap/"}
NAMES = {layout.DOMAIN, layout.IP4, layout.IP6}
ADDRESS_PLACES = frozenset(["ip.dst", "ip.src", "http.host", "proxy.target", "tls.sni"])
"""Where a literal address, tried as an address trail, is matched."""
VALUE_SIZE = 48
"""Characters of a value that the list shows."""

NOT_FOUND: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    # Arkime tells a host without its port as well; as an address this one is written wrongly.
    "port": (("arkime/http-basicauth.pcap", "http_host", "10.000.000.001"),),
    # Encrypted; the analyser was given the keys.
    "needs-keys": (
        (
            "zeek/tls/tls12-decryption.pcap",
            "user_agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:78.0) Gecko/2",
        ),
        ("zeek/tls/tls12-decryption.pcap", "http_host", "heise.de"),
    ),
    # The value stands in another capture of that name.
    "not-in-capture": (
        ("zeek/dns53.pcap", "url", "/etc/passwd1"),
        ("zeek/ssh/single-conn.pcap", "url", "/etc/passwd1"),
        ("zeek/ssh/single-conn.pcap", "url", "/etc/passwd1.1"),
        ("zeek/ssh/single-conn.pcap", "url", "/etc/passwd2"),
    ),
    # Names that never leave a site, rule T-8.4.
    "ignored-suffix": (
        ("arkime/dns-udp.pcap", "dns", "10.100.10.10.in-addr.arpa"),
        ("arkime/dns-wiresharkrepo.pcap", "dns", "1.0.0.127.in-addr.arpa"),
        ("arkime/dns-wiresharkrepo.pcap", "dns", "104.9.192.66.in-addr.arpa"),
        (
            "arkime/dns-wiresharkrepo.pcap",
            "dns",
            "_ldap._tcp.05b5292b-34b8-4fb7-85a3-8beef5fd2069.",
        ),
        ("arkime/dns-wiresharkrepo.pcap", "dns", "_ldap._tcp.dc._msdcs.utelsystems.local"),
        (
            "arkime/dns-wiresharkrepo.pcap",
            "dns",
            "_ldap._tcp.default-first-site-name._sites.dc._ms",
        ),
        ("arkime/dns-wiresharkrepo.pcap", "dns", "grimm.utelsystems.local"),
    ),
}
"""Capture, kind and value (its beginning) that this version does not find, by reason."""

LEFT_OUT = frozenset(["ignored-suffix"])
"""Reasons for which CONTRACT.md section 6 leaves values out."""
MIN_FOUND = 0.99
"""Share of the values that are in their captures: a name in another one cannot be found here."""


class Item(NamedTuple):
    """One value that a capture holds."""

    pcap: str
    kind: str
    value: str


@pytest.mark.parametrize("project", FOLDERS)
def test_what_others_find_is_found_or_listed_with_a_reason(project: str) -> None:
    """The list is exact: what is found has to leave it, and nothing else may be lost."""
    listed = {entry for entries in NOT_FOUND.values() for entry in entries}

    missing = {_entry(item, project) for item in _missing(project)}

    assert missing == {entry for entry in listed if entry[0].startswith(f"{project}/")}


def test_the_share_that_is_found_is_as_promised() -> None:
    """What is left out aside, and what is not in the capture at all."""
    aside = sum(len(NOT_FOUND[reason]) for reason in (*LEFT_OUT, "not-in-capture"))
    tried = sum(len(items) for project in FOLDERS for items in _truth(project).values()) - aside
    missed = sum(len(listed) for listed in NOT_FOUND.values()) - aside

    assert (tried - missed) / tried >= MIN_FOUND


def test_every_value_is_listed_once() -> None:
    """One reason a value: the first thing that would have to be built."""
    entries = [entry for listed in NOT_FOUND.values() for entry in listed]

    assert len(set(entries)) == len(entries)


def _entry(item: Item, project: str) -> tuple[str, str, str]:
    """Return an item as the list spells it."""
    pcap = item.pcap.replace(FOLDERS[project], f"{project}/")
    return pcap, item.kind, item.value[:VALUE_SIZE]


def _missing(name: str) -> set[Item]:
    """Return what a project expects and we do not find."""
    missing = set()
    for pcap, items in _truth(name).items():
        batches = list(CaptureFiles([str(_data() / "corpus" / pcap)]).batches())
        missing |= {item for item in items if not _is_found(item, batches)}
    return missing


def _is_found(item: Item, batches: Sequence[PacketBatch]) -> bool:
    """Tell whether a trail of the value is matched where its kind stands."""
    wired = Wired({}, own=dict.fromkeys(_keys(item), "malware"))
    found = set()
    for batch in batches:
        wired.scanner.scan(batch)
        found |= _places(wired)
    wired.scanner.finish()
    found |= _places(wired)
    assert wired.scanner.statistics()[stats.ERRORS] == 0, item
    places = WHERE[item.kind]
    if _kind(item.value) in (layout.IP4, layout.IP6):
        places |= ADDRESS_PLACES
    return not found.isdisjoint(places)


def _places(wired: Wired) -> set[str]:
    sightings = wired.scanner.drain(True, "")
    return {hit.where for sighting in sightings for hit in wired.matcher.match(sighting)}


def _keys(item: Item) -> list[str]:
    """Return the trails that would name the value; none where no trail can match."""
    keys = [item.value]
    if item.kind == "http_host":
        keys = [f"{item.value}/"] + [item.value] * (_kind(item.value) in NAMES)
    if item.kind == "user_agent":
        keys = [f"ua:{item.value}"]
    return [key for key in keys if _kind(key) is not None]


def _kind(key: str) -> int | None:
    try:
        return parse(key).kind
    except Inert:
        return None


def _truth(name: str) -> dict[str, list[Item]]:
    """Read what a project expects, as far as a trail can name it."""
    found: dict[str, list[Item]] = {}
    for line in (_data() / "truth" / f"{name}.jsonl").read_text().splitlines():
        told = json.loads(line)
        pcap = told["pcap"].removeprefix("corpus/")
        items = {Item(pcap, item["kind"], item["value"]) for item in told["items"]}
        found.setdefault(pcap, []).extend(
            item for item in sorted(items) if item.kind in WHERE and _keys(item)
        )
    return found


def _data() -> Path:
    return Path(os.environ["MALTRAIL_SHARED"], "data")
