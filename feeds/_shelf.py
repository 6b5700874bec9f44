"""Find a list format by the name of its file."""

import difflib
import importlib
import pkgutil
from typing import cast

import feeds
from agent.config import ConfigError
from feeds import Format


def names() -> list[str]:
    """List the formats on the shelf, sorted."""
    modules = pkgutil.iter_modules(feeds.__path__)
    return sorted(module.name for module in modules if not module.name.startswith("_"))


def load(name: str, key: str) -> Format:
    """Import the format `name`; raise ConfigError naming `key` where there is none."""
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        raise ConfigError(f"{key}: no list format {name!r}; {hint}")
    # A module has no type of its own that mypy could compare with the protocol.
    return cast("Format", importlib.import_module(f"feeds.{name}"))
