"""Suspicious User-Agent: tools that attack, scan or infect, and agents that nobody else sends.

Rule H-14, with a list of our own (user_agents.txt). Errs on scanners of the site's own, on health
checks with a bare agent, and sees nothing of what calls itself a browser.
"""

import re
from urllib.parse import unquote

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating
from agent.detections._text import compiled, lines
from agent.scan.wanted import Wanted

ORDINARY = re.compile(
    r"AntiVir-NGUpd|TMSPS|AVGSETUP|SDDS|Sophos|Symantec|internal dummy connection|"
    r"Microsoft-CryptoAPI",
    re.IGNORECASE,
)
"""Agents that updaters send, of rule H-14."""
MAX_AGENT = 1024
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)",
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0 Version/17.0 Mobile/15E148 Safari/604.1",
)
"""Read once before any traffic: RE2 builds an automaton's states at the first texts that lead to
them, which takes a hundred times as long as to read a text like one before."""


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.user_agent: told once in `repeat` seconds for a client."""


class Detection:
    """Judges User-Agents that were not seen before."""

    looks_at = "agent"
    wanted = Wanted(agents=True)

    def __init__(self, config: Config) -> None:
        self.repeat = config.repeat
        self._pattern = compiled("|".join(f"(?:{line})" for line in lines("user_agents.txt")))
        for agent in BROWSERS:
            self._pattern.search(agent)

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for an agent that the list names."""
        agent = unquote(seen.agent)[:MAX_AGENT].strip()
        match = None if ORDINARY.search(agent) else self._pattern.search(agent)
        if match is None or not agent:
            return None
        found = match.group() or agent
        return Finding(
            type="UA",
            info="user agent (suspicious)",
            evidence={"matched": found},
            trail=_trail(agent, found),
            indicator=agent,
            where="http.user_agent",
        )


def _trail(agent: str, found: str) -> str:
    """Word rule H-14's trail: what matched stays bare."""
    before, _, behind = agent.partition(found)
    if before and behind:
        return f"{_escaped(found)} ({_escaped(agent)})"
    if before:
        return f"({_escaped(before)}){_escaped(found)}"
    return _escaped(found) + (f"({_escaped(behind)})" if behind else "")


def _escaped(text: str) -> str:
    return text.rstrip("\\").replace("(", r"\(").replace(")", r"\)")
