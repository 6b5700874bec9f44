"""IoT malware: a program for a processor, fetched from an address without a name (rule H-20).

Errs on devices that fetch firmware so from outside.
"""

import re

import msgspec

from agent.detections import Finding, Seen
from agent.scan.wanted import Wanted

PROGRAM = re.compile(
    r"[\w./-]*/[\w.-]*\b(?:aarch(?:64)?(?:_be)?|amd64|arm(?:v?\d\w?|eb|hf|el)?|arcle-(?:750d|hs38)|"
    r"exploit|m68k?|m[i1]ps\w{0,4}|mpsl\w?|pcc|powerp{1,2}c\w{0,3}|pp-?c|riscv\w{0,3}|root|"
    r"s390\w?|sh\d?|sparc|superh|x86(?:_64)?|x32|x64|i\d86|wtf|yarn|zte)",
    re.IGNORECASE,
)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.iot_download."""

    enabled: bool = True


class Detection:
    """Judges requests to hosts that are addresses."""

    looks_at = "request"
    wanted = Wanted(host_by_address=True)
    repeat = 0

    def __init__(self, config: Config) -> None:
        del config  # it has no thresholds

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for a program's name below an address outside."""
        if not seen.is_host_address or not seen.leaves_home or not PROGRAM.fullmatch(seen.path):
            return None
        return Finding(
            type="HTTP",
            info="potential iot-malware download (suspicious)",
            evidence={"file": seen.path.rpartition("/")[2]},
            trail=f"({seen.host}){seen.path}",
            indicator=seen.host + seen.path,
            where="http.url",
        )
