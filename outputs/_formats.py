"""The formats of an event as one line of text, by the name that the configuration uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol

from agent.model import Delivery
from outputs import _ecs, _maltrail, _maltrail_line
from outputs._cef import Cef

Name = Literal["cef", "maltrail", "maltrail-line", "ecs"]

LEAST_ECS = 2400
"""Bytes that an event needs in ECS, header included, when everything optional has gone."""


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
}

FORMATS: Mapping[str, Callable[[Delivery], str]] = MappingProxyType(
    {name: maker() for name, maker in _MAKERS.items()}
)
"""For one thread, such as a replay; an output asks `make` for its own."""


def check_size(name: Name, max_bytes: int) -> None:
    """Raise ValueError where not even the smallest event of this format fits into `max_bytes`."""
    if name == "ecs" and max_bytes < LEAST_ECS:
        raise ValueError(f"max_bytes: format ecs needs {LEAST_ECS} or more, found {max_bytes}")


def make(name: Name) -> Format:
    """Return a formatter of one's own, so that no two threads share its state."""
    return _MAKERS[name]()
