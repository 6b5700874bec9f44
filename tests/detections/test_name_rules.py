"""Rules about names: long ones, random-looking ones, sinkholes, resolvers over TLS."""

import pytest

from agent.detections import dns_answer, encrypted_dns, long_name, random_name
from agent.detections._names import bracketed, is_quiet, registered
from tests.detections.seen import name

RANDOM = random_name.Detection(random_name.Config())
LONG = long_name.Detection(long_name.Config())


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.b.example.com", ("a.b", "example.com")),
        ("shop.example.co.uk", ("shop", "example.co.uk")),
        ("example.com", ("", "example.com")),
        ("x.com", ("", "x.com")),
    ],
)
def test_a_name_is_split_where_somebody_registered_it(text: str, parts: tuple[str, str]) -> None:
    """As in rule H-7."""
    assert registered(text) == parts


@pytest.mark.parametrize(
    ("text", "quiet"),
    [
        ("abc.cloudfront.net", True),
        ("x.y.sophosxl.net", True),
        ("k._domainkey.example.com", True),
        ("1.2.3.4.mybl.example.org", True),
        ("cloudfront.net.example.com", False),
        ("example.com", False),
    ],
)
def test_names_below_clouds_and_blocklists_are_quiet(text: str, quiet: bool) -> None:
    """With everything below them, and only that."""
    assert is_quiet(text) is quiet


def test_brackets_stand_around_what_is_in_front() -> None:
    """Rule E-4."""
    assert bracketed("a.b.c", 2) == "(a).b.c"
    assert bracketed("a.b", 2) == "(a).b"
    assert bracketed("a", 1) == "a"


@pytest.mark.parametrize(
    ("text", "entropy"), [("xkqwzlvbnmfghjd", 3.9069), ("google", 1.9183), ("facebook", 2.75)]
)
def test_entropy_is_shannons(text: str, entropy: float) -> None:
    """Vectors of appendix G."""
    assert random_name.entropy(text) == pytest.approx(entropy, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "info"),
    [
        ("xkqwzlvbnmfghjd.com", "entropy threshold"),
        ("www.q7x2kf9vz1mwb4t.co.uk", "entropy threshold"),
        ("bcdbcdbcdbcdbcd.net", "consonant threshold"),
    ],
)
def test_random_looking_names_are_told(text: str, info: str) -> None:
    """By the label that somebody would have registered."""
    finding = RANDOM.examine(name(text))

    assert finding is not None
    assert finding.info == f"{info} no such domain (suspicious)"
    assert finding.trail.endswith(f").{registered(text)[1].partition('.')[2]}")


@pytest.mark.parametrize(
    "text",
    [
        "google.com",
        "windowsphoneclub.com",
        "internationalbusiness.org",
        "stackoverflowquestions.com",
        "mybookshelfonline.net",
        "thunderbirdconfig.example.com",
        "xkqwzlvbnmfghjd.cloudfront.net",
        "xkqwz-lvbnmfghjd.com",
        "abcdefghij.com",
    ],
)
def test_names_that_people_chose_are_not_told(text: str) -> None:
    """Long words have a high entropy, too; at the threshold it is silent."""
    assert RANDOM.examine(name(text)) is None


@pytest.mark.parametrize(
    ("text", "trail"),
    [
        ("a" * 25 + ".example.com", f"({'a' * 25}).example.com"),
        ("b" * 40 + ".x.example.co.uk", f"({'b' * 40}.x).example.co.uk"),
        ("c" * 30 + ".com", f"({'c' * 30}).com"),
        ("a" * 24 + ".example.com", ""),
        ("a" * 20 + "-" + "a" * 20 + ".example.com", ""),
        ("a" * 32 + ".azureedge.net", ""),
        ("a" * 32 + "._tcp.example.com", ""),
    ],
)
def test_long_first_labels_are_told(text: str, trail: str) -> None:
    """Above the threshold, and not where they are ordinary (H-10)."""
    finding = LONG.examine(name(text))

    assert (finding.trail if finding else "") == trail


@pytest.mark.parametrize(
    ("listed", "info"),
    [
        ("sinkhole testsink (malware)", "sinkholed by testsink (malware)"),
        ("kryptos sinkhole (malware)", "sinkholed by kryptos (malware)"),
        ("sinkhole (malware)", "sinkholed by unknown (malware)"),
        ("parking site (suspicious)", "parked site (suspicious)"),
        ("emotet (malware)", ""),
    ],
)
def test_answers_that_lead_to_sinkholes_are_told(listed: str, info: str) -> None:
    """Whose it is stands beside the word (fault D-53); any listed address counts (D-33)."""
    answers = (("192.0.2.7", "known attacker"), ("192.0.2.8", listed))
    finding = dns_answer.Detection(dns_answer.Config()).examine(name("lost.example.com", answers))

    assert (finding.info if finding else "") == info


def test_each_kind_of_answer_can_be_switched_off() -> None:
    """Parking is noise to some."""
    detection = dns_answer.Detection(dns_answer.Config(parking=False))

    assert detection.examine(name("a.example", (("192.0.2.8", "parking site"),))) is None


@pytest.mark.parametrize(
    ("server", "port", "told"),
    [
        ("dns.google", 443, True),
        ("anything.example", 853, True),
        ("www.google.com", 443, False),
        ("x.dns.google", 443, False),
    ],
)
def test_resolvers_over_tls_are_told(server: str, port: int, told: bool) -> None:
    """Listed names on any port, any name on the port of DNS over TLS."""
    detection = encrypted_dns.Detection(encrypted_dns.Config())

    assert (detection.examine(name(server, port=port)) is not None) is told
