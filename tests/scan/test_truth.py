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
from tests.scan.scanning import count, make

pytestmark = pytest.mark.shared

SIGHTED: Mapping[str, frozenset[str]] = {
    "dns": frozenset(["question", "answer"]),
    "http_host": frozenset(["http"]),
    "url": frozenset(["http"]),
    "sni": frozenset(["tls"]),
}
"""What this version looks for, and what kinds of sightings show it."""

FOLDERS = {"zeek": "zeek/testing/btest/Traces/", "arkime": "arkime/tests/pcap/"}
VALUE_SIZE = 48
"""Characters of a value that the list shows."""

NOT_FOUND: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    # An address as server name is no name; the packets' own addresses are looked up.
    "address": (
        ("zeek/ftp/ftp-auth-tls.pcap", "sni", "127.0.0.1"),
        ("zeek/rdp/rdp-to-ssl.pcap", "sni", "192.168.1.150"),
        ("zeek/tls/tls-fragmented-handshake.pcap", "sni", "104.236.167.107"),
    ),
    # Zeek decodes percent signs, a key is compared with what was sent.
    "encoding": (
        ("zeek/http/http-filename.pcap", "url", "/response-headers?Content-Type=application/octet"),
    ),
    # Requests without a version.
    "http-0.9": (
        ("zeek/http/http_09.pcap", "url", "/zeek.html"),
        ("zeek/http/no-version.pcap", "url", "/cgi-bin/formmail.pl?email=f2@aol.com&subject=ww"),
    ),
    # Binary framing.
    "http2": (("arkime/http2-nghttp2.pcap", "http_host", "nghttp2.org"),),
    # Netfilter logs, 802.11 and SNAP frames.
    "link-type": (
        ("arkime/80211http.pcap", "http_host", "qq.com"),
        ("arkime/80211http.pcap", "url", "qq.com/"),
        ("arkime/80211http.pcap", "url", "qq.com/favicon.ico"),
        ("arkime/80211http.pcap", "url", "qq.com/post.php"),
        ("arkime/80211http.pcap", "url", "qq.com/static/css/base.css"),
        ("arkime/80211http.pcap", "url", "qq.com/static/css/index.css"),
        ("arkime/80211http.pcap", "url", "qq.com/static/images/banner.jpg"),
        ("arkime/nflog.pcap", "http_host", "www.aol.com"),
        ("arkime/nflog.pcap", "url", "www.aol.com/"),
        ("zeek/nflog-http.pcap", "http_host", "www.example.net"),
        ("zeek/snap-tcp.pcap", "http_host", "example.com"),
    ),
    # Encrypted; the analyser was given the keys.
    "needs-keys": (("zeek/tls/tls12-decryption.pcap", "http_host", "heise.de"),),
    # The value stands in another capture of that name.
    "not-in-capture": (
        ("zeek/dns53.pcap", "url", "/etc/passwd1"),
        ("zeek/ssh/single-conn.pcap", "url", "/etc/passwd1"),
        ("zeek/ssh/single-conn.pcap", "url", "/etc/passwd1.1"),
        ("zeek/ssh/single-conn.pcap", "url", "/etc/passwd2"),
    ),
    # Notify and update messages ask no question.
    "operation": (
        ("arkime/dns-notify.pcap", "dns", "bortzmeyer.42"),
        ("arkime/dns-update.pcap", "dns", "xxxxxxxxx.com"),
        ("zeek/dns/dns_notify2.pcap", "dns", "dhcp.lbnl.us"),
        ("zeek/dns/dynamic-update.pcap", "dns", "nwin1.stratolab.org"),
        ("zeek/dns/dynamic-update.pcap", "dns", "nwin2.stratolab.org"),
    ),
    # Arkime tells a host without its port as well.
    "port": (
        ("arkime/CVE-2018-6794.pcap", "http_host", "192.168.235.136"),
        ("arkime/http-basicauth.pcap", "http_host", "10.000.000.001"),
        ("arkime/http-post-upload.pcap", "http_host", "192.168.57.14"),
        ("arkime/websocket.pcap", "http_host", "192.168.43.135"),
    ),
    # Split over segments.
    "reassembly": (
        ("arkime/http-wrapped-header.pcap", "http_host", "xxxxx.xxxxxxxx.xxxxxxxxxx.xxx"),
        ("arkime/tls-split-client-hello.pcap", "sni", "clients2.google.com"),
        ("zeek/http/http-11-request-then-cruft.pcap", "http_host", "zeek.org"),
        ("zeek/http/interleaved-http-entity.pcap", "http_host", "interleave.me"),
    ),
    # Another transport protocol.
    "sctp": (
        ("arkime/sctp-www.pcap", "http_host", "203.255.252.194"),
        ("arkime/sctp-www.pcap", "url", "203.255.252.194/"),
        ("arkime/sctp-www.pcap", "url", "203.255.252.194/images/CPL@KOREN_logo_menu.gif"),
        ("arkime/sctp-www.pcap", "url", "203.255.252.194/images/protocols_small.gif"),
    ),
    # Behind a proxy's handshake, split over fragments.
    "socks": (
        ("arkime/socks5-http-302-frag.pcap", "http_host", "www.google.com"),
        ("arkime/socks5-http-302-frag.pcap", "url", "www.google.com/"),
    ),
    # Request lines that no server has to take.
    "syntax": (
        ("zeek/http/connect-with-smtp.pcap", "url", "mailin03.sul.t-online.de:25 /"),
        ("zeek/http/methods.pcap", "url", "/HTTP/1.1"),
        ("zeek/http/no-uri.pcap", "http_host", "bro.org"),
    ),
    # DNS over TCP.
    "tcp-dns": (
        ("arkime/arkime_synthetic.pcap", "dns", "tcptest.example.org"),
        ("arkime/dns-tcp.pcap", "dns", "aol.com"),
        ("arkime/dns-tcp.pcap", "dns", "google.com"),
        ("zeek/dns/tkey.pcap", "dns", "1068-ms-7.309-2c6e448.7a9463b8-b109-11ed-26a3-08"),
    ),
    # Inside GRE, GTP, Teredo, AYIYA or VXLAN.
    "tunnel": (
        (
            "arkime/6-4-gre-ppp-udp-4-dns.pcap",
            "dns",
            "xqt-detect-mode2-97712e88-167a-45b9-93ee-913140e",
        ),
        ("arkime/gre-erspan-vxlan.pcap", "url", "/Hello"),
        ("arkime/gre-sample.pcap", "dns", "www.gleeble.org"),
        ("arkime/gtp-iphone.pcap", "dns", "sentitlement.mobile.att.net"),
        ("arkime/ipv6-gtp6.pcap", "dns", "xxxxxx5.xxxxxxx6.com"),
        ("zeek/tunnels/Teredo.pcap", "http_host", "ipv6.google.com"),
        ("zeek/tunnels/Teredo.pcap", "url", "/search?hl=en&q=Wireshark+!&btnG=Google+Search"),
        ("zeek/tunnels/ayiya3.pcap", "http_host", "ipv6.google.com"),
        ("zeek/tunnels/ayiya3.pcap", "url", "/csi?v=3&s=webhp&action=&tran=undefined&e=17259,"),
        ("zeek/tunnels/ayiya3.pcap", "url", "/gen_204?atyp=i&ct=fade&cad=1254&ei=BUz2Su7PMJTg"),
        ("zeek/tunnels/gre-over-udp-4754.pcap", "dns", "zeek.org"),
        ("zeek/tunnels/gre-over-udp-4754.pcap", "http_host", "zeek.org"),
        ("zeek/tunnels/gre-pptp.pcap", "dns", "xqt-detect-mode2-97712e88-167a-45b9-93ee-913140e"),
        ("zeek/tunnels/gre-sample.pcap", "dns", "www.gleeble.org"),
        (
            "zeek/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap",
            "http_host",
            "o-o.preferred.telekomrs-beg1.v2.lscache8.c.youtu",
        ),
        (
            "zeek/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap",
            "url",
            "/videoplayback?upn=MTU2MDY5NzQ5OTM0NTI3NDY4NDc&s",
        ),
        ("zeek/tunnels/gtp/gtp2_different_udp_port.pcap", "http_host", "cdn.epicgameads.com"),
        (
            "zeek/tunnels/gtp/gtp2_different_udp_port.pcap",
            "url",
            "/ads/flash/728x90_nx8com.swf?clickTAG=http://www",
        ),
        ("zeek/tunnels/teredo_bubble_with_payload.pcap", "http_host", "ipv6.google.com"),
        (
            "zeek/tunnels/teredo_bubble_with_payload.pcap",
            "url",
            "/search?hl=en&q=Wireshark+!&btnG=Google+Search",
        ),
        ("zeek/tunnels/vxlan-encapsulated-http.pcap", "http_host", "eu.httpbin.org"),
        ("zeek/tunnels/vxlan-encapsulated-http.pcap", "url", "/image/svg"),
    ),
}
"""Capture, kind and value (its beginning) that this version does not find, by reason."""


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


def test_every_value_is_listed_once() -> None:
    """One reason a value: the first thing that would have to be built."""
    entries = [entry for listed in NOT_FOUND.values() for entry in listed]

    assert len(set(entries)) == len(entries)


def _entry(item: Item, project: str) -> tuple[str, str, str]:
    """Return an item as the list spells it."""
    pcap = item.pcap.replace(FOLDERS[project], f"{project}/")
    return pcap, item.kind, item.value[:VALUE_SIZE]


def _missing(name: str) -> set[Item]:
    """Return what a project expects and we do not sight."""
    missing = set()
    for pcap, items in _truth(name).items():
        batches = list(CaptureFiles([str(_data() / "corpus" / pcap)]).batches())
        missing |= {item for item in items if not _is_sighted(item, batches)}
    return missing


def _is_sighted(item: Item, batches: Sequence[PacketBatch]) -> bool:
    """Tell whether a trail of the value yields a sighting of its kind."""
    scanner = make(*_keys(item))
    found = set()
    for batch in batches:
        scanner.scan(batch)
        found |= {sighting.what for sighting in scanner.drain(True, "")}
    assert count(scanner, stats.ERRORS) == 0, item
    return not found.isdisjoint(SIGHTED[item.kind])


def _keys(item: Item) -> list[str]:
    """Return the trails that would name the value; none where no trail can match."""
    keys = [item.value]
    if item.kind == "http_host":
        keys = [f"{item.value}/"] + [item.value] * (_kind(item.value) == layout.DOMAIN)
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
            item for item in sorted(items) if item.kind in SIGHTED and _keys(item)
        )
    return found


def _data() -> Path:
    return Path(os.environ["MALTRAIL_SHARED"], "data")
