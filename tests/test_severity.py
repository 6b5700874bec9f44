"""Severity: Maltrail's word and our number."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import ConfigError, SeverityRule
from agent.model import Direction, Outcome
from agent.severity import SeverityTable, maltrail_word

DEFAULT = SeverityTable()


@pytest.mark.parametrize(
    ("info", "word"),
    [
        ("emotet (malware)", "high"),
        ("sinkholed by abuse.ch (malware)", "high"),
        ("sinkhole response (malware)", "high"),
        ("malware", "high"),
        ("ransomware (malware)", "high"),
        ("potential iot-malware download (suspicious)", "high"),
        ("potential port scanning", "low"),
        ("potential udp scanning", "low"),
        ("potential web scanning", "low"),
        ("known attacker", "low"),
        ("bad reputation", "low"),
        ("bad reputation (tor node)", "low"),
        ("spammer", "low"),
        ("mass scanner", "low"),
        ("crawler", "low"),
        ("compromised (suspicious)", "low"),
        ("user agent (suspicious)", "medium"),
        ("android joker (malicious)", "medium"),
        ("potential malware site", "medium"),
        ("malware distribution", "medium"),
        ("malware site", "medium"),
        ("pikabot c2 cert (suspicious)", "medium"),
        ("phishing", "medium"),
        ("tor exit node (suspicious)", "medium"),
        ("blacklisted", "medium"),
        ("MALWARE", "medium"),
        ("", "medium"),
    ],
)
def test_the_word_is_maltrails_own(info: str, word: str) -> None:
    """Every row of rule E-9 gets the severity that Maltrail was measured to give."""
    assert word == maltrail_word(info)


def test_the_leftmost_match_decides_the_word() -> None:
    """Of two words in one info the earlier one counts, as a search without anchor does."""
    assert maltrail_word("crawler of malware") == "low"
    assert maltrail_word("malware of a crawler") == "high"


@pytest.mark.parametrize(
    ("class_id", "expected"),
    [
        ("agent-canary", 1),
        ("agent-heartbeat", 1),
        ("agent-start", 1),
        ("agent-stop", 1),
        ("agent-reload", 1),
        ("agent-degraded", 6),
        ("agent-loss", 6),
        ("agent-list", 6),
        ("agent-storm", 6),
        ("agent-suppress", 1),
    ],
)
def test_the_agent_speaks_softly_unless_something_is_wrong(class_id: str, expected: int) -> None:
    """Rule 1: life-cycle is 1, trouble 6, whatever the sentence says."""
    assert expected == DEFAULT.judge(class_id, "malware", True, "external", "unknown")


@pytest.mark.parametrize(
    ("class_id", "info", "direction", "outcome", "port", "expected"),
    [
        ("trail-ip", "known attacker", "outbound", "answered", 22, 3),
        ("trail-ip", "emotet (malware)", "inbound", "answered", 443, 6),
        ("trail-ip-port", "emotet (malware)", "inbound", "refused", 443, 3),
        ("trail-network", "emotet (malware)", "inbound", "unknown", 443, 3),
        ("trail-ip", "parking site (suspicious)", "outbound", "answered", 22, 3),
        ("trail-ip", "parking site (suspicious)", "inbound", "answered", 22, 6),
        ("trail-ip", "parking site (suspicious)", "outbound", "answered", 80, 6),
        ("trail-ip", "parking site (suspicious)", "outbound", "answered", 443, 6),
        ("trail-domain", "parking site (suspicious)", "outbound", "answered", 53, 6),
    ],
)
def test_where_maltrail_is_silent_we_report_low(
    class_id: str, info: str, direction: Direction, outcome: Outcome, port: int, expected: int
) -> None:
    """Rule 1's second half: what T-10a and T-11 suppress is 3, or 6 inbound and answered."""
    assert expected == DEFAULT.judge(class_id, info, False, direction, outcome, port)


def test_where_maltrail_is_silent_comes_before_own_trails() -> None:
    """The second half of rule 1 stands above rules 2 and 3, own trails included."""
    assert DEFAULT.judge("trail-ip", "my malware", True, "inbound", "unknown", 443) == 3


@pytest.mark.parametrize(
    "info",
    [
        "emotet (malware)",
        "lockbit ransomware",
        "apt 28",
        "apt28",
        "apt_sofacy",
        "adversary",
        "x c2",
    ],
)
@pytest.mark.parametrize("direction", ["outbound", "internal"])
def test_an_answered_call_home_is_critical(info: str, direction: Direction) -> None:
    """Rule 2: our side opened it; answered is 10, everything else 8."""
    assert DEFAULT.judge("trail-domain", info, False, direction, "answered", 53) == 10
    assert DEFAULT.judge("trail-domain", info, False, direction, "unanswered", 53) == 8
    assert DEFAULT.judge("trail-domain", info, False, direction, "unknown", 53) == 8


@pytest.mark.parametrize("info", ["laptop shop", "captcha", "c20 compressor", "chapter c2b"])
def test_grave_words_are_whole_words(info: str) -> None:
    """A grave word inside another one is not that word."""
    assert DEFAULT.judge("trail-domain", info, False, "outbound", "answered", 53) == 6


def test_own_trails_are_high() -> None:
    """Rule 3: what a site lists itself is 8, even where it came to us."""
    assert DEFAULT.judge("trail-ip", "blocked by us", True, "inbound", "unknown", 22) == 8
    assert DEFAULT.judge("trail-domain", "crawler", True, "outbound", "unknown", 53) == 8


def test_an_address_that_came_to_us_counts_when_it_was_answered() -> None:
    """Rule 4: answered 6; refused, unanswered and unknown 3."""
    judge = DEFAULT.judge
    assert judge("trail-ip", "phishing", False, "inbound", "answered", 22) == 6
    assert judge("trail-ip", "phishing", False, "inbound", "refused", 22) == 3
    assert judge("trail-ip", "phishing", False, "inbound", "unanswered", 22) == 3
    assert judge("trail-network", "phishing", False, "inbound", "unknown", None) == 3


@pytest.mark.parametrize(
    "info",
    ["known attacker", "mass scanner", "bad reputation", "spammer", "crawler", "compromised"],
)
def test_background_noise_is_low(info: str) -> None:
    """Rule 5."""
    assert DEFAULT.judge("trail-domain", info, False, "outbound", "unknown", 53) == 3


@pytest.mark.parametrize("info", ["phishing", "web shell", "exploit kit", "anything", ""])
def test_every_other_trail_is_medium(info: str) -> None:
    """Rule 6."""
    assert DEFAULT.judge("trail-domain", info, False, "outbound", "answered", 53) == 6
    assert DEFAULT.judge("trail-certificate", info, False, "inbound", "unknown", 443) == 6


@pytest.mark.parametrize(
    ("class_id", "info", "direction", "expected"),
    [
        ("behaviour-port_scan", "potential port scanning", "inbound", 3),
        ("behaviour-port_scan", "potential port scanning", "external", 3),
        ("behaviour-port_scan", "potential port scanning", "internal", 6),
        ("behaviour-udp_scan", "potential udp scanning", "outbound", 6),
        ("behaviour-infection", "potential infection", "outbound", 6),
        ("behaviour-infection_scan", "potential infection", "internal", 6),
        ("behaviour-host_sweep", "potential host sweep", "inbound", 3),
        ("behaviour-host_sweep", "potential host sweep", "outbound", 6),
        ("behaviour-syn_flood", "potential syn flooding", "inbound", 6),
        ("behaviour-reflection", "potential reflection attack (dns)", "inbound", 6),
        ("behaviour-http_request", "potential web scan (suspicious)", "inbound", 6),
        ("behaviour-http_request", "user agent malware", "outbound", 6),
        ("behaviour-iot_download", "potential iot-malware download (suspicious)", "outbound", 8),
        ("behaviour-download", "potential iot-malware download (suspicious)", "outbound", 8),
        ("behaviour-sinkhole", "anything", "outbound", 8),
        ("behaviour-http_response", "sinkhole response (malware)", "inbound", 8),
        ("behaviour-riot", "a patriot", "inbound", 6),
    ],
)
def test_behaviours_follow_their_own_rule(
    class_id: str, info: str, direction: Direction, expected: int
) -> None:
    """Rule 7: no trail rule judges a behaviour, whatever its info says."""
    assert expected == DEFAULT.judge(class_id, info, False, direction, "answered", 80)


def test_the_first_rule_of_the_site_wins_over_the_table() -> None:
    """Own rules are tried in order before the default table; every given key must hold."""
    table = SeverityTable(
        [
            SeverityRule(severity=0, classes=("trail-ip",), direction=("inbound",), info="scan"),
            SeverityRule(severity=9, info="scan", outcome=("answered",)),
            SeverityRule(severity=4, custom=True),
        ]
    )

    assert table.judge("trail-ip", "mass scanner", False, "inbound", "answered", 22) == 0
    assert table.judge("trail-ip", "mass scanner", False, "outbound", "answered", 22) == 9
    assert table.judge("trail-domain", "ours", True, "outbound", "answered", 53) == 4
    assert table.judge("trail-domain", "phishing", False, "outbound", "answered", 53) == 6


def test_a_rule_names_classes_by_pattern() -> None:
    """`behaviour-*` stands for every behaviour."""
    table = SeverityTable([SeverityRule(severity=2, classes=("behaviour-*",))])

    assert table.judge("behaviour-port_scan", "x", False, "inbound", "unknown") == 2
    assert table.judge("trail-ip", "x", False, "outbound", "unknown") == 6


def test_a_wide_rule_does_not_mute_the_agent() -> None:
    """Only a rule that names an agent class judges events about the agent."""
    wide = SeverityTable([SeverityRule(severity=0)])
    named = SeverityTable([SeverityRule(severity=0, classes=("agent-loss",))])

    assert wide.judge("agent-loss", "lost", False, "external", "unknown") == 6
    assert named.judge("agent-loss", "lost", False, "external", "unknown") == 0


@pytest.mark.parametrize("key", ["direction", "outcome"])
def test_a_word_that_no_hit_carries_is_refused(key: str) -> None:
    """A misspelt direction or outcome would make a rule that never matches."""
    rule = SeverityRule(
        severity=1,
        direction=("inwards",) if key == "direction" else (),
        outcome=("maybe",) if key == "outcome" else (),
    )

    with pytest.raises(ConfigError, match=rf"severity\.rules\[0\]\.{key}: '\w+' is none of"):
        SeverityTable([rule])


@settings(deadline=None)
@given(
    st.sampled_from(["trail-ip", "trail-domain", "behaviour-x", "agent-start", "other"]),
    st.text(max_size=200),
    st.booleans(),
    st.sampled_from(["inbound", "outbound", "internal", "external"]),
    st.sampled_from(["answered", "refused", "unanswered", "unknown"]),
    st.none() | st.integers(0, 65535),
)
def test_every_verdict_is_on_the_scale(
    class_id: str,
    info: str,
    custom: bool,
    direction: Direction,
    outcome: Outcome,
    port: int | None,
) -> None:
    """Whatever a list says, the number is one of the scale and the word one of three."""
    assert DEFAULT.judge(class_id, info, custom, direction, outcome, port) in {1, 3, 6, 8, 10}
    assert maltrail_word(info) in {"low", "medium", "high"}


def test_a_class_that_does_not_exist_is_refused() -> None:
    """A rule that can never match is a typing mistake."""
    rule = SeverityRule(severity=1, classes=("trail-*", "trail_ip"))

    with pytest.raises(ConfigError, match=r"rules\[0\]\.classes: 'trail_ip' matches no class"):
        SeverityTable([rule])
