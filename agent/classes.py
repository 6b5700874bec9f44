"""Class ids as the configuration names them: patterns in which a star stands for anything."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from agent.config import ConfigError
from agent.model import BEHAVIOUR_PREFIX, CLASSES


def is_one_of(class_id: str, patterns: Sequence[str]) -> bool:
    """Tell whether one of the patterns matches."""
    return any(fnmatchcase(class_id, pattern) for pattern in patterns)


def check(patterns: Sequence[str], key: str) -> None:
    """Raise ConfigError for a pattern that matches no class; which behaviours there are is open."""
    for pattern in patterns:
        is_known = any(fnmatchcase(class_id, pattern) for class_id in CLASSES)
        if not is_known and not pattern.startswith(BEHAVIOUR_PREFIX):
            raise ConfigError(
                f"{key}: {pattern!r} matches no class; expected for example trail-domain, "
                "behaviour-port_scan, trail-* or agent-loss"
            )
