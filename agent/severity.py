"""Severity: Maltrail's word for an info text, and our number from 0 to 10.

Strategy: the site's own rules are tried first, then the default table of CONTRACT section 5, top
to bottom; the first row that matches decides. Info texts come from lists and repeat, so what they
say is remembered, in caches that a million different texts cannot grow.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, get_args

from agent import classes
from agent.config import ConfigError, SeverityRule
from agent.model import (
    AGENT_CANARY,
    AGENT_HEARTBEAT,
    AGENT_RELOAD,
    AGENT_START,
    AGENT_STOP,
    AGENT_SUPPRESS,
    BEHAVIOUR_PREFIX,
    SEVERITIES,
    TRAIL_IP,
    TRAIL_IP_PORT,
    TRAIL_NETWORK,
    Direction,
    Outcome,
)

Word = Literal["low", "medium", "high"]

ADDRESS_CLASSES = frozenset({TRAIL_IP, TRAIL_IP_PORT, TRAIL_NETWORK})
"""The classes whose indicator is an address rather than something said in a conversation."""

_INFO, _LOW, _MEDIUM, _HIGH, _CRITICAL = SEVERITIES.values()
_CACHED_TEXTS = 4096
_SLIGHT = frozenset({"encrypted_dns"})
"""Behaviours that break a site's rules rather than harm it."""
_COMMON_OUTSIDE = frozenset({"user_agent", "missing_host", "proxy_probe"})
"""What scanners do all day, beside behaviours with `scan` in their names."""
_QUIET_CLASSES = frozenset(
    {AGENT_CANARY, AGENT_HEARTBEAT, AGENT_START, AGENT_STOP, AGENT_RELOAD, AGENT_SUPPRESS}
)
_WEB_PORTS = frozenset({80, 443})

# Maltrail's REMOTE_SEVERITY_REGEX, byte for byte (rule E-8): case-sensitive, leftmost match.
_MALTRAIL = re.compile(
    r"(?P<high>(remote )?custom\)|malwaredomainlist|iot-malware|malware(?! (distribution|site))"
    r"|adversary|ransomware)"
    r"|(?P<medium>potential malware site|malware distribution|c2 cert)"
    r"|(?P<low>mass scanner|reputation|attacker|spammer|compromised|crawler|scanning)"
)

# Whole words: "apt" must not be found in "laptop". Underscores separate too, as in file names.
_GRAVE = re.compile(
    r"(?<![a-z0-9])(?:malware|ransomware|apt\d*|adversary|c2)(?![a-z0-9])", re.IGNORECASE
)
_NOISE = re.compile(r"attacker|scanner|reputation|spammer|crawler|compromised", re.IGNORECASE)
_IOT = re.compile(r"(?<![a-z])iot(?![a-z])", re.IGNORECASE)


@lru_cache(maxsize=_CACHED_TEXTS)
def maltrail_word(info: str) -> Word:
    """Return the severity that Maltrail itself gives to an info text."""
    found = _MALTRAIL.search(info)
    if found is None:
        return "medium"
    if found["high"] is not None:
        return "high"
    return "low" if found["low"] is not None else "medium"


class SeverityTable:
    """The rows that turn what is known of a hit into a number; immutable once built."""

    def __init__(self, rules: Sequence[SeverityRule] = ()) -> None:
        """Take the site's own rules; raise ConfigError for a word that no hit can carry."""
        self._rules = tuple(_Rule(rule, index) for index, rule in enumerate(rules))

    def judge(
        self,
        class_id: str,
        info: str,
        custom: bool,
        direction: Direction,
        outcome: Outcome,
        destination_port: int | None = None,
    ) -> int:
        """Return the severity from 0 to 10.

        `direction` is that of the conversation (who opened it), not of the single packet.
        `destination_port` is None for protocols without ports.
        """
        for rule in self._rules:
            if rule.matches(class_id, info, custom, direction, outcome):
                return rule.severity
        if class_id.startswith("agent-"):
            return _INFO if class_id in _QUIET_CLASSES else _MEDIUM
        if class_id.startswith(BEHAVIOUR_PREFIX):
            return _judge_behaviour(class_id, info, direction)
        return _judge_trail(class_id, info, custom, direction, outcome, destination_port)


class _Rule:
    """One row of the site's own, compiled."""

    def __init__(self, rule: SeverityRule, index: int) -> None:
        where = f"severity.rules[{index}]"
        _expect(rule.direction, get_args(Direction), f"{where}.direction")
        _expect(rule.outcome, get_args(Outcome), f"{where}.outcome")
        classes.check(rule.classes, f"{where}.classes")
        self.severity = rule.severity
        self._classes = rule.classes
        self._info = None if rule.info is None else re.compile(rule.info)
        self._custom = rule.custom
        self._direction = frozenset(rule.direction)
        self._outcome = frozenset(rule.outcome)

    def matches(
        self, class_id: str, info: str, custom: bool, direction: Direction, outcome: Outcome
    ) -> bool:
        """Tell whether every key that the rule gives holds.

        An event about the agent itself is matched only by a rule that names its class: a rule
        about traffic, however wide, must not mute a loss.
        """
        if self._classes:
            if not classes.is_one_of(class_id, self._classes):
                return False
        elif class_id.startswith("agent-"):
            return False
        return (
            (self._custom is None or self._custom == custom)
            and (not self._direction or direction in self._direction)
            and (not self._outcome or outcome in self._outcome)
            and (self._info is None or self._info.search(info) is not None)
        )


def _expect(words: Sequence[str], known: Sequence[str], where: str) -> None:
    for word in words:
        if word not in known:
            raise ConfigError(f"{where}: {word!r} is none of {', '.join(known)}")


def _judge_trail(
    class_id: str,
    info: str,
    custom: bool,
    direction: Direction,
    outcome: Outcome,
    port: int | None,
) -> int:
    """Apply rules 1 (second half) to 6."""
    is_address = class_id in ADDRESS_CLASSES
    came_to_us = direction == "inbound"
    answered = outcome == "answered"
    grave, noise = _says(info)
    if is_address and port is not None and _maltrail_is_silent(info, direction, port):
        return _MEDIUM if came_to_us and answered else _LOW
    if grave and direction in {"outbound", "internal"}:
        return _CRITICAL if answered else _HIGH
    if custom:
        return _HIGH
    if is_address and came_to_us:
        return _MEDIUM if answered else _LOW
    return _LOW if noise else _MEDIUM


def _maltrail_is_silent(info: str, direction: Direction, port: int) -> bool:
    """Tell whether T-10a or T-11 suppresses this; they know only protocols with ports."""
    return (
        (direction == "outbound" and "attacker" in info)
        or (direction == "inbound" and "malware" in info)
        or ("parking site" in info and port not in _WEB_PORTS)
    )


def _judge_behaviour(class_id: str, info: str, direction: Direction) -> int:
    """Apply rule 7; the class is the behaviour's file name, so its words tell the family."""
    name = class_id.removeprefix(BEHAVIOUR_PREFIX)
    if "sinkhole" in name or "sinkhole" in info or _IOT.search(name) or _IOT.search(info):
        return _HIGH
    from_outside = direction in {"inbound", "external"}
    is_common = "scan" in name or "sweep" in name or name in _COMMON_OUTSIDE
    return _LOW if name in _SLIGHT or (is_common and from_outside) else _MEDIUM


@lru_cache(maxsize=_CACHED_TEXTS)
def _says(info: str) -> tuple[bool, bool]:
    """Tell whether an info names something grave, and whether it names background noise."""
    return _GRAVE.search(info) is not None, _NOISE.search(info) is not None
