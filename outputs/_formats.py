"""The formats of an event as one line of text, by the name that the configuration uses."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from agent.model import Delivery
from outputs import _ecs, _maltrail, _maltrail_line
from outputs._cef import Cef

Name = Literal["cef", "maltrail", "maltrail-line", "ecs"]
Render = Callable[[Delivery], str]

FORMATS: Mapping[str, Render] = MappingProxyType(
    {
        "cef": Cef(),
        "maltrail": _maltrail.render,
        "maltrail-line": _maltrail_line.render,
        "ecs": _ecs.render,
    }
)
"""For one thread, such as a replay; an output asks `make` for its own."""


def make(name: Name) -> Render:
    """Return a formatter of one's own, so that no two threads share its state."""
    return Cef() if name == "cef" else FORMATS[name]
