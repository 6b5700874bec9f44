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
        (
            "zeek/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap",
            "url",
            "/videoplayback?upn=MTU2MDY5NzQ5OTM0NTI3NDY4NDc&s",
        ),
        (
            "zeek/tunnels/gtp/gtp2_different_udp_port.pcap",
            "url",
            "/ads/flash/728x90_nx8com.swf?clickTAG=http://www",
        ),
        (
            "zeek/tunnels/teredo_bubble_with_payload.pcap",
            "url",
            "/search?hl=en&q=Wireshark+!&btnG=Google+Search",
        ),
        ("zeek/tunnels/Teredo.pcap", "url", "/search?hl=en&q=Wireshark+!&btnG=Google+Search"),
        ("zeek/http/http-filename.pcap", "url", "/response-headers?Content-Type=application/octet"),
    ),
    # Requests without a version.
    "http-0.9": (
        ("zeek/http/http_09.pcap", "url", "/zeek.html"),
        ("zeek/http/no-version.pcap", "url", "/cgi-bin/formmail.pl?email=f2@aol.com&subject=ww"),
    ),
    # Binary framing.
    "http2": (
        ("arkime/http2-nghttp2.pcap", "user_agent", "nghttp2/1.41.0"),
        ("arkime/http2-nghttp2.pcap", "http_host", "nghttp2.org"),
    ),
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
    # Behind a proxy's handshake.
    "socks": (
        ("arkime/socks4-https.pcap", "cert_sha1", "4a8a2a0e276ff33b5dd88a362146010f2a8b6aee"),
        ("arkime/socks4-https.pcap", "cert_sha1", "d4186b6e6d826a53c9a62ef2c0cd1b45c0e7e6c4"),
        ("arkime/socks4-https.pcap", "cert_sha1", "f4a80a0cd1e6cf190b8cbc6fbc991711d482c9d0"),
    ),
    # Request lines that no server has to take.
    "syntax": (
        ("arkime/gre-erspan-vxlan.pcap", "url", "/Hello"),
        ("zeek/http/connect-with-smtp.pcap", "url", "mailin03.sul.t-online.de:25 /"),
        ("zeek/http/methods.pcap", "url", "/HTTP/1.1"),
        ("zeek/http/no-uri.pcap", "http_host", "bro.org"),
    ),
    # Behind the 2,048 bytes that are kept of a request.
    "kept": (
        (
            "zeek/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap",
            "user_agent",
            "Mozilla/5.0 (Windows NT 5.1) AppleWebKit/535.11 ",
        ),
    ),
    # TLS over datagrams.
    "dtls": (
        ("arkime/cloudshark-dtls1.pcap", "cert_sha1", "df59faee218aee0b99b425404a78e1f916209e5c"),
        ("arkime/wireshark-dtls0.pcap", "cert_sha1", "10991099fc7397adb4bf67fb199a39b1bed8974c"),
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
    # A protocol of its own over TCP, given up in 2018.
    "facebook-zero": (("arkime/fbzero-android.pcap", "quic_sni", "graph.facebook.com"),),
    # Header lines folded over several, which RFC 9112 section 5.2 forbids.
    "folding": (
        ("arkime/http-wrapped-header.pcap", "http_host", "xxxxx.xxxxxxxx.xxxxxxxxxx.xxx"),
        (
            "arkime/http-wrapped-header.pcap",
            "user_agent",
            "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/",
        ),
    ),
    # Certificates inside IKE, OPC UA, OpenVPN, RDP's own format and GSS-API.
    "other-carrier": (
        ("arkime/ike-cert_synthetic.pcap", "cert_sha1", "2478f86468c707fd9cdd625b96ac069a728daf7a"),
        ("arkime/ike-cert_synthetic.pcap", "cert_sha1", "3a6f0c34be12319db76ff50b85e67f53a9294542"),
        ("arkime/ike-cert_synthetic.pcap", "cert_sha1", "6e8b2972f89f93ba702673de63c9be3b53bcbafb"),
        ("arkime/ike-cert_synthetic.pcap", "cert_sha1", "8e84ad9c175e82cc93db92df7579245e25ab9a71"),
        ("arkime/opcua_synthetic.pcap", "cert_sha1", "9f21b754078afd1456559614d5d78168066343cf"),
        ("arkime/opcua_synthetic.pcap", "cert_sha1", "f7ce38acb0bbf1b4b14a58e55c9c16a5be4cb5ea"),
        ("arkime/openvpn_synthetic.pcap", "cert_sha1", "6c2b1a384e18845add8a5e88e52b396176b650c2"),
        ("arkime/openvpn_synthetic.pcap", "http_host_or_sni", "arkime.test"),
        (
            "zeek/globus-url-copy.pcap",
            "cert_sha256",
            "5d3015916579d36adff0d813c94ab4354cd9ed3d23646b40",
        ),
        (
            "zeek/rdp/rdp-x509.pcap",
            "cert_sha256",
            "bd97671306086c3393a1bd835340a68043557a7ae131b8ee",
        ),
        (
            "zeek/rdp/rdp-x509.pcap",
            "cert_sha256",
            "e3859c4a77098a7b84589e0cb1171662d15699fc84c19d34",
        ),
    ),
    # What Google's own QUIC says beside the name.
    "quic-tags": (
        ("arkime/quic24-wireshark.pcap", "user_agent", "canary Chrome/44.0.2375.0"),
        ("arkime/quic34.pcap", "user_agent", "canary Chrome/53.0.2782.0 Windows NT 6.1; Win64;"),
        ("arkime/quic43.pcap", "user_agent", "Chrome/72.0.3626.109 Intel Mac OS X 10_14_3"),
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
    return not found.isdisjoint(WHERE[item.kind])


def _places(wired: Wired) -> set[str]:
    sightings = wired.scanner.drain(True, "")
    return {hit.where for sighting in sightings for hit in wired.matcher.match(sighting)}


def _keys(item: Item) -> list[str]:
    """Return the trails that would name the value; none where no trail can match."""
    keys = [item.value]
    if item.kind == "http_host":
        keys = [f"{item.value}/"] + [item.value] * (_kind(item.value) == layout.DOMAIN)
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
