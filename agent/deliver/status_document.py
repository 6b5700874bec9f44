"""What the status page and `/status.json` tell: one document, made anew for each request.

Times are seconds since 1970, 0 for never. Texts are visible and cut; what sites want masked is.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from agent.link import Coverage

Level = Literal["good", "warning", "bad", "unknown"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One question that an operator has, and what the numbers say; `remedy` is what to do."""

    key: str
    question: str
    level: Level
    text: str
    remedy: str = ""


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """What was captured on one interface since sense started."""

    name: str
    is_open: bool = False
    packets: int = 0
    dropped_kernel: int = 0
    dropped_interface: int = 0
    shed_level: int = 0
    shed: int = 0


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """Packets now and in all; `seconds` is the stretch that the rates are of, 0 for none yet."""

    interfaces: tuple[Interface, ...] = ()
    seconds: float = 0.0
    packets: int = 0
    dropped: int = 0
    lost_events: int = 0
    lost_sightings: int = 0


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """Whether what is captured would be detected."""

    is_ready: bool = False
    reason: str = ""
    canary_ok: bool = False
    canary_last_success: float = 0.0
    set: str = ""
    built: float = 0.0
    trails: Mapping[str, int] = {}
    own_trails: int = 0
    hits: int = 0
    incidents: int = 0
    is_compiled: bool = False


class Sense(msgspec.Struct, frozen=True, kw_only=True):
    """The other process: `told` is when it last said how it is."""

    is_connected: bool = False
    version: str = ""
    told: float = 0.0


class OutputState(msgspec.Struct, frozen=True, kw_only=True):
    """One output; `lost` by reason, `journal` is `none`, `good` or what is wrong with it."""

    name: str
    type: str
    to: str = ""
    is_connected: bool = False
    last_success: float = 0.0
    last_error: str = ""
    sent: int = 0
    waiting: int = 0
    oldest: float = 0.0
    last_seq: int = 0
    lost: Mapping[str, int] = {}
    journal: str = "none"


class ListState(msgspec.Struct, frozen=True, kw_only=True):
    """One list: when it last answered well, since when it has not, and why."""

    name: str
    last_success: float = 0.0
    failing: float = 0.0
    error: str = ""
    trails: int = 0


class Updates(msgspec.Struct, frozen=True, kw_only=True):
    """The last run of update and its lists; `ended` is 0 before the first."""

    ended: float = 0.0
    last_good: float = 0.0
    status: str = ""
    reason: str = ""
    expires: float = 0.0
    lists: tuple[ListState, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One event, as far as the page shows it."""

    time: float
    severity_id: int
    class_id: str
    info: str
    trail: str = ""
    source: str = ""
    destination: str = ""
    protocol: str = ""
    direction: str = ""
    state: str = ""
    total: int = 1


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the configuration in force, without secrets."""

    key: str
    value: str
    is_default: bool


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything; `level` is the worst of the answers."""

    sensor: str
    site: str
    version: str
    time: float
    started: float
    level: Level
    answers: tuple[Answer, ...]
    troubles: tuple[Told, ...]
    sense: Sense
    traffic: Traffic
    detection: Detection
    outputs: tuple[OutputState, ...]
    updates: Updates
    coverage: Coverage
    detections: tuple[Told, ...]
    notices: tuple[Told, ...]
    settings: tuple[Setting, ...]


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What `run` shows on a terminal; `detections` counts those since the start."""

    status: Status
    detections: int
