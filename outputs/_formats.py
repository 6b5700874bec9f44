"""The formats of an event as one line of text, by the name that the configuration uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol

from agent.model import Delivery
from outputs import _csv, _ecs, _leef, _maltrail, _maltrail_line, _ocsf
from outputs._cef import Cef

Name = Literal["cef", "leef", "maltrail", "maltrail-line", "ecs", "ocsf", "csv"]

LEAST: Mapping[str, int] = MappingProxyType({"ecs": 2400, "ocsf": 2400})
"""Bytes that an event needs, header included, when everything optional has gone; where more than
any output allows."""

HEADERS: Mapping[str, str] = MappingProxyType({"csv": _csv.HEADER})
"""The first line of a file in a format that has one."""


class Format(Protocol):
    """Turns a delivery into one line; `errors` counts the fields that had to be left out."""

    errors: int

    def __call__(self, delivery: Delivery) -> str:
        """Return the line, without its end."""


@dataclass(slots=True)
class _Stateless:
    """A format that is a function and takes every field."""

    render: Callable[[Delivery], str]
    errors: int = 0

    def __call__(self, delivery: Delivery) -> str:
        """Return the line."""
        return self.render(delivery)


_MAKERS: Mapping[str, Callable[[], Format]] = {
    "cef": Cef,
    "maltrail": lambda: _Stateless(_maltrail.render),
    "maltrail-line": lambda: _Stateless(_maltrail_line.render),
    "ecs": lambda: _Stateless(_ecs.render),
    "leef": lambda: _Stateless(_leef.render),
    "ocsf": lambda: _Stateless(_ocsf.render),
    "csv": lambda: _Stateless(_csv.render),
}

FORMATS: Mapping[str, Callable[[Delivery], str]] = MappingProxyType(
    {name: maker() for name, maker in _MAKERS.items()}
)
"""For one thread, such as a replay; an output asks `make` for its own."""


def check_size(name: Name, max_bytes: int) -> None:
    """Raise ValueError where not even the smallest event of this format fits into `max_bytes`."""
    least = LEAST.get(name, 0)
    if max_bytes < least:
        raise ValueError(f"max_bytes: format {name} needs {least} or more, found {max_bytes}")


def make(name: Name) -> Format:
    """Return a formatter of one's own, so that no two threads share its state."""
    return _MAKERS[name]()
