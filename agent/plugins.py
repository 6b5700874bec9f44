"""Find what stands on a shelf: one module of a package is one plugin, by the module's name."""

import difflib
import importlib
import pkgutil
from functools import cache
from types import ModuleType


class UnknownPlugin(LookupError):  # noqa: N818 - what users meet is the name in its text
    """No such plugin; the text names the nearest and those there are."""


@cache
def names(package: str) -> tuple[str, ...]:
    """Return the plugins of a package in order; modules with `_` in front are none."""
    shelf = importlib.import_module(package)
    found = (module.name for module in pkgutil.iter_modules(shelf.__path__) if not module.ispkg)
    return tuple(sorted(name for name in found if not name.startswith("_")))


def load(package: str, name: str) -> ModuleType:
    """Import one plugin; raise UnknownPlugin for a name that is not on the shelf."""
    known = names(package)
    # Only names that were found: a name from a configuration never becomes an import of its own.
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UnknownPlugin(f"{package}: no {name!r}; {hint}there are: {', '.join(known)}")
    return importlib.import_module(f"{package}.{name}")
