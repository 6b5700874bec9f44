"""Open and verify newly published sets in a thread of its own: one of millions takes seconds."""

import threading
from pathlib import Path

from agent.trails.publish import current_set
from agent.trails.set import SetError, TrailSet


class SetLoader:
    """Follows the published set of a state directory; all but the loading is one thread's.

    A set that cannot be used is refused once, until another file takes its name or `forgive`.
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._current: Path | None = None
        self._refused: tuple[Path, int] | None = None
        self._thread: threading.Thread | None = None
        self._loaded: tuple[Path, TrailSet] | None = None
        self._error = ""

    def look(self) -> None:
        """Begin to load where another set is published than the one taken last."""
        path = current_set(self._state_dir)
        path = path.resolve() if path else None
        if path is None or path == self._current or _file(path) == self._refused or self._thread:
            return
        self._thread = threading.Thread(target=self._load, args=(path,), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until nothing is being loaded."""
        if self._thread:
            self._thread.join()

    def take(self) -> TrailSet | None:
        """Return a set that was loaded, once."""
        if self._thread and not self._thread.is_alive():
            self._thread = None
        if self._loaded is None:
            return None
        (self._current, opened), self._loaded = self._loaded, None
        return opened

    def take_error(self) -> str:
        """Return why a set is refused, once, or nothing."""
        error, self._error = self._error, ""
        return error

    def forgive(self) -> None:
        """Try a set that was refused again."""
        self._refused = None

    def _load(self, path: Path) -> None:
        try:
            opened = TrailSet.open(path)
            opened.verify()
        except SetError as error:
            self._refused = _file(path)
            self._error = str(error)
        else:
            self._loaded = (path, opened)


def _file(path: Path) -> tuple[Path, int]:
    """Return what tells the file at `path` from another one that took its name."""
    try:
        return path, path.stat().st_ino
    except OSError:
        return path, 0
