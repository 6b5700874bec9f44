"""Options about what is detected, how severe it is and how often it is told."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from agent.importing.draft import Asked, Draft, NotApplicable

SHIPPED_SEVERITIES = (
    r"(?P<high>(remote )?custom\)|malwaredomainlist|iot-malware|malware(?! (distribution|site))|"
    r"adversary|ransomware)|(?P<medium>potential malware site|malware distribution|c2 cert)|"
    r"(?P<low>mass scanner|reputation|attacker|spammer|compromised|crawler|scanning)"
)
"""The pattern of the distributed file (E-8)."""

HEURISTICS = {
    "port_scanning": "port_scan",
    "udp_scanning": "udp_scan",
    "infection": "infection_scan",
    "web_scanning": "web_scan",
    "dns_exhaustion": "dns_exhaustion",
    "long_domain": "long_name",
}
"""The six names of DISABLED_HEURISTICS, and our behaviours."""

WINDOWED = ("port_scan", "udp_scan", "infection_scan", "web_scan")
"""Behaviours with the window of SCAN_WINDOW."""

_SEVERITIES = {"low": 3, "medium": 6, "high": 8}
_MODES = ("summarize", "smart", "legacy", "python", "compat", "off", "none", "false", "disabled")


def heuristics(asked: Asked, draft: Draft) -> str:
    """Take USE_HEURISTICS."""
    if asked.option.is_on:
        return "detections: on, as is the default"
    return draft.set("detections.enabled", False)


def disabled_heuristics(asked: Asked, draft: Draft) -> str:
    """Take DISABLED_HEURISTICS, name by name."""
    taken = []
    for name in asked.option.words:
        behaviour = HEURISTICS.get(name.lower())
        if behaviour is None:
            draft.leave(f"{name}: no heuristic of this name; there are: {', '.join(HEURISTICS)}")
        else:
            taken.append(draft.set(f"detections.{behaviour}.enabled", False))
    if not taken:
        raise NotApplicable("names no heuristic")
    return "; ".join(taken)


def scan_window(asked: Asked, draft: Draft) -> str:
    """Take SCAN_WINDOW for each behaviour that had it."""
    seconds = asked.option.number(1, 3600)
    for name in WINDOWED:
        draft.set(f"detections.{name}.window", seconds)
    return f"detections.{{{','.join(WINDOWED)}}}.window: {seconds}"


def missing_host(asked: Asked, draft: Draft) -> str:
    """Take CHECK_MISSING_HOST."""
    if asked.option.is_on:
        return "detections.missing_host: on, as is the default"
    return draft.set("detections.missing_host.enabled", False)


def certificates(asked: Asked, draft: Draft) -> str:
    """Take CHECK_TLS_CERTIFICATES: listed certificates are always looked for, or allowed."""
    if asked.option.is_on:
        return "listed certificates are looked for, as is the default"
    entry = {"class": "trail-certificate", "reason": "CHECK_TLS_CERTIFICATES was off"}
    return draft.add("allow_list.entries", entry)


def throttle_mode(asked: Asked, draft: Draft) -> str:
    """Judge EVENT_THROTTLE_MODE: repeats are always folded here."""
    del draft
    word = asked.option.value.lower() or "summarize"
    if word not in _MODES:
        raise ValueError("expected summarize, legacy or off")
    raise NotApplicable(
        "the first event of an incident is told at once, repeats once a window with their count; "
        "nothing is dropped, so there is no other mode"
    )


def throttle_window(asked: Asked, draft: Draft) -> str:
    """Take EVENT_THROTTLE_WINDOW."""
    return draft.set("condense.window", f"{asked.option.number(1, 86_400)}s")


def throttle_keys(asked: Asked, draft: Draft) -> str:
    """Take EVENT_THROTTLE_MAX_KEYS."""
    return draft.set("condense.max_incidents", asked.option.number(100, 10_000_000))


class _Branch(NamedTuple):
    """One named group of a severity pattern."""

    name: str
    pattern: str


def severities(asked: Asked, draft: Draft) -> str:
    """Take REMOTE_SEVERITY_REGEX: each named group becomes a rule; ours goes on below them."""
    text = asked.option.value
    if text == SHIPPED_SEVERITIES:
        raise NotApplicable(
            "the distributed pattern: `severity` of format maltrail follows it, severity_id "
            "follows the table of config.yaml, which knows direction and outcome, too"
        )
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    taken = []
    for branch in branches(text):
        group = re.fullmatch(r"\(\?P<(low|medium|high)>(.*)\)", branch, re.DOTALL)
        if group is None or len(list(branches(group[2], inside=True))) != 1:
            draft.leave(f"{branch[:60]}: expected one of the groups low, medium and high")
            continue
        rule = {
            "severity": _SEVERITIES[group[1]],
            "classes": ["trail-*", "behaviour-*"],
            "info": group[2],
        }
        taken.append(draft.add("severity.rules", rule))
    if not taken:
        raise ValueError(
            "expected (?P<high>...)|(?P<medium>...)|(?P<low>...); write severity.rules"
        )
    return f"severity.rules: {len(taken)}, tried in the order of the groups"


def branches(pattern: str, *, inside: bool = False) -> Iterator[str]:
    """Split a pattern at the bars that stand in no group, class or escape.

    With `inside` the pattern is the inside of a group: yield it as it is where its brackets are
    balanced, else nothing.
    """
    depth, start, at = 0, 0, 0
    in_class, first = False, 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            at += 2
            continue
        if in_class:
            # A bracket that comes first in a class is one of its members.
            in_class = char != "]" or at == first
        elif char == "[":
            in_class, first = True, at + (2 if pattern.startswith("^", at + 1) else 1)
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth < 0:
                return
        elif char == "|" and not depth and not inside:
            yield pattern[start:at]
            start = at + 1
        at += 1
    if not depth and not in_class:
        yield pattern[start:]
