"""The two sets that look-ups ask: the site's own lists, built in memory, and the published one."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from agent.config import ConfigError, Settings
from agent.model import Trail
from agent.scan.lookup import TEXT_BYTES, Filters, Lookup
from agent.trails import files
from agent.trails.build import Builder
from agent.trails.publish import current_set
from agent.trails.set import SetError, TrailSet

REPLAY_SEED = 0
"""Of sets that are built for one replay: nobody can aim at them, and runs are the same."""


def open_sets(
    settings: Settings, state_dir: Path, trails: Sequence[Path]
) -> tuple[TrailSet, TrailSet]:
    """Return the own and the published set to replay against. Raise ConfigError, SetError.

    With `trails` these stand for the published set and there are no own trails.
    """
    if trails:
        published = build_from(trails)
        return empty_set(published.seed), published
    current = current_set(state_dir)
    published = _open(current) if current else empty_set(REPLAY_SEED)
    own = build_own(settings, published.seed)
    if not current and not own.info.keys:
        raise ConfigError(
            f"no trails: neither a set in {state_dir} nor own lists in "
            f"{', '.join(settings.trails.custom)}; name some with --trails FILE"
        )
    return own, published


def build_own(settings: Settings, seed: int, more: Iterable[Trail] = ()) -> TrailSet:
    """Build the site's own lists in memory, under the published set's seed. Raise ConfigError.

    `more` are trails beside them.
    """
    builder = Builder(seed)
    for trail in more:
        builder.add(trail)
    try:
        for path in settings.trails.custom:
            files.add_all(builder, files.find(Path(path)))
    except files.TrailFileError as error:
        raise ConfigError(f"trails.custom: {error}") from error
    return TrailSet(builder.to_bytes(), "own trails")


def build_from(paths: Sequence[Path]) -> TrailSet:
    """Open the one set file, or build a set of list files. Raise ConfigError, SetError."""
    if len(paths) == 1 and _is_set(paths[0]):
        return _open(paths[0])
    builder = Builder(REPLAY_SEED)
    for path in paths:
        found = files.find(path)
        if not found:
            raise ConfigError(f"--trails {path}: there is no such file, or no list in it")
        if any(_is_set(file) for file in found):
            raise ConfigError(f"--trails {path}: name one set, or list files, not both")
        try:
            files.add_all(builder, found)
        except files.TrailFileError as error:
            raise ConfigError(f"--trails {error}") from error
    if not builder.count:
        raise SetError(f"{paths[0]}: holds no usable trails")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "replay.set")
        builder.write(path)
        return TrailSet.open(path)


def _open(path: Path) -> TrailSet:
    """Open a set and check all of it: a command has nothing to fall back to. Raise SetError."""
    opened = TrailSet.open(path)
    opened.verify()
    return opened


def _is_set(path: Path) -> bool:
    return path.suffix == ".set"


def empty_set(seed: int) -> TrailSet:
    """Return a set without trails, which stands for the published one while there is none."""
    return TrailSet(Builder(seed).to_bytes(), "none")


def merged_filters(own: TrailSet, published: TrailSet, *, everything: bool = False) -> Filters:
    """Return the filters that all scanners of these two sets share.

    With `everything` scanners show also what cannot be listed, for explanations.
    """
    text = bytearray(TEXT_BYTES)
    return Filters(Lookup(own.buffer, text), Lookup(published.buffer, text), everything)
