"""Responses that tell of trouble: sinkholes, seized domains, script content types (rule H-12).

Errs on pages that write about sinkholes in their first lines, and on servers that really hand out
shell scripts by that type.
"""

import re

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating
from agent.detections._text import words
from agent.scan.wanted import Wanted

MAX_HEAD = 2000
SINKHOLE = re.compile(
    rb"^(X-Sinkhole|Server): (malware-?)?sinkhole|\bSinkholed? by |"
    rb"^(X-Sinkholed?(-Domain)?|X-Zinkhole|X-Sinkhole):| a malware sinkhole|"
    rb"\bSinkhole( Project)?</title>|This is a sinkhole|bots party hard|"
    rb"computers connecting to this sinkhole|^Set-Cookie: snkz=|"
    rb"^Server: Apache [0-9.]+/SinkSoft|^Location:[^\n]+\.sinkdns\.org:80",
    re.IGNORECASE | re.MULTILINE,
)
TITLE = re.compile(rb"<title[^>]{0,100}>(.{1,300}?)</title>", re.IGNORECASE | re.DOTALL)
SEIZED = re.compile(rb"domain name has been seized by|Domain Seized|Domain Seizure", re.IGNORECASE)
CONTENT_TYPE = re.compile(rb"^Content-Type:[ \t]*([^;\s]+)", re.IGNORECASE | re.MULTILINE)
TYPES = words(
    "application/vnd.ms-htmlhelp application/x-bsh application/x-chm application/x-ms-shortcut "
    "application/x-sh application/x-shellscript application/hta text/x-scriptlet text/x-sh "
    "text/x-shellscript application/x-ms-vsto"
)
LITERALS = ("sinkhole", "zinkhole", "snkz=", "/sinksoft", "sinkdns.org", "bots party hard")


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.http_response: told once in `repeat` seconds for a client."""


class Detection:
    """Judges the beginnings of responses."""

    looks_at = "response"
    wanted = Wanted(responses=(*LITERALS, "been seized", "domain seiz", *TYPES))

    def __init__(self, config: Config) -> None:
        self.repeat = config.repeat

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for a sinkhole's mark, a seizure's title, or a script's type."""
        start = seen.packet[:MAX_HEAD]
        sinkhole = SINKHOLE.search(start)
        if sinkhole:
            return _finding("sinkhole response (malware)", sinkhole.group().strip(), seen)
        title = TITLE.search(start)
        if title and SEIZED.search(title[1]):
            return _finding("seized domain (suspicious)", title[1].strip(), seen)
        kind = CONTENT_TYPE.search(start.partition(b"\r\n\r\n")[0])
        if kind and kind[1].decode("ascii", "replace").lower() in TYPES:
            return _finding("content type (suspicious)", kind[1].lower(), seen)
        return None


def _finding(info: str, matched: bytes, seen: Seen) -> Finding:
    text = matched.decode("utf-8", "backslashreplace")
    return Finding(
        type="HTTP",
        info=info,
        evidence={"matched": text[:200]},
        trail=text,
        indicator=seen.source.address,
        observed=text,
    )
