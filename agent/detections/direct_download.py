"""Direct download: a program or script with a short name, fetched from outside (rule H-18).

Errs on vendors that name their installers so; allowed hosts are not told, nor what a size names, as
sites do that measure speed (`100MB.bin`); URLs that trails explain are left to them (T-13.9).
"""

import posixpath
import re

from agent.detections import Finding, Seen
from agent.detections._limits import Repeating
from agent.detections._text import shown, words
from agent.scan.wanted import Wanted

EXTENSIONS = words(
    ".apk .bin .chm .class .dll .egg .exe .hta .hwp .lnk .msi .pif .ps1 .pyz .scr .sct .vsto .wbk "
    ".xpi"
)
ORDINARY = (
    *("cgi", "/scripts/", "/_vti_bin/", "/bin/", "/pub/softpaq/", "/bios/", "/pc-axis/"),
    "/rpcproxy.dll",
)
"""Parts of paths below which such files are ordinary; the last is Outlook's (MS-RPCH 2.1.1)."""

SIZE = re.compile(r"\d+[kmgt](i?b)?\.bin")
"""Names of files that only measure how fast they come."""


class Config(Repeating, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys under detections.direct_download: names of `name_length` and more are ordinary."""

    name_length: int = 10

    def __post_init__(self) -> None:
        """Refuse lengths that no or every name has."""
        if not 2 <= self.name_length <= 255:
            raise ValueError(f"name_length: expected 2 to 255, found {self.name_length}")
        super().__post_init__()


class Detection:
    """Judges requests for files with a suspicious extension."""

    looks_at = "request"
    wanted = Wanted(extensions=EXTENSIONS)

    def __init__(self, config: Config) -> None:
        self._length = config.name_length
        self.repeat = config.repeat

    def examine(self, seen: Seen) -> Finding | None:
        """Return a finding for a short name of such a file that is fetched from outside."""
        path, _, query = seen.path.partition("#")[0].partition("?")
        base, extension = posixpath.splitext(path.rpartition("/")[2])
        if extension not in EXTENSIONS or not base or len(base) >= self._length:
            return None
        if not seen.leaves_home or "=" in query or SIZE.fullmatch(base + extension):
            return None
        if any(part in path for part in ORDINARY):
            return None
        return Finding(
            type="URL",
            info=f"direct {extension} download (suspicious)",
            evidence={"extension": extension},
            trail=f"{seen.host}({shown(seen.path)})",
            indicator=seen.host + path,
            where="http.url",
            about=seen.host,
            unless_listed=True,
        )
