"""Make an output from its settings: find its type, check its keys."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, cast

import msgspec

import outputs
from agent import plugins
from agent.config import ConfigError, Output, convert
from agent.deliver.admission import Admission


class _Shelved(Protocol):
    """What a module on the shelf offers."""

    Config: type[msgspec.Struct]
    Output: Callable[[msgspec.Struct], outputs.Output]


def build(settings: Output) -> outputs.Output:
    """Return the output, not yet open; raise ConfigError naming the key that is wrong."""
    key = f"outputs.{settings.name}"
    Admission(settings)  # its keys are every output's, and as wrong as any other
    try:
        module = plugins.load("outputs", settings.type)
    except plugins.UnknownPlugin as error:
        raise ConfigError(f"{key}.type: {error}") from error
    # The shared suite in the tests holds every module on the shelf to this.
    shelved = cast(_Shelved, module)
    config = convert(dict(settings.options), shelved.Config, key)
    try:
        return shelved.Output(config)
    except ValueError as error:
        raise ConfigError(f"{key}.{error}") from error


def build_sound(settings: Output) -> outputs.Output:
    """Return an output that can be used as things stand; raise ConfigError naming what is wrong.

    For a reload, which can still be refused; a start builds what may become sound later.
    """
    built = build(settings)
    for finding in built.inspect(datetime.now(UTC), connect=False):
        if finding.level == "failure":
            raise ConfigError(f"outputs.{settings.name}: {finding.text}")
    return built


def digests(paths: Iterable[Path]) -> tuple[str, ...]:
    """Return what tells the files' contents apart; the same for all that cannot be read."""
    return tuple(map(_digest, paths))


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
