"""Read an API key from its file, and keep it out of every line that anybody reads."""

import stat
from pathlib import Path
from urllib.parse import quote

from feeds._catalog import KEY_PLACE, Feed
from feeds._trouble import Unfit

MAX_KEY = 1024
"""Keys are some dozens of characters; a longer file is not a key's."""

_CUT = "(key)"
_OTHERS = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP


class Key:
    """The key of one list, empty for a list without one. Its text never tells what it is."""

    def __init__(self, secret: str = "") -> None:
        self._secret = secret

    def __repr__(self) -> str:
        """Return what may be seen."""
        return _CUT

    def in_url(self, url: str) -> str:
        """Return the URL with the key in its place."""
        return url.replace(KEY_PLACE, quote(self._secret, safe="")) if self._secret else url

    def in_header(self) -> str:
        """Return the key as the value of a header."""
        return self._secret

    def cut(self, text: str) -> str:
        """Return a text without the key."""
        if not self._secret:
            return text
        for spelling in (self._secret, quote(self._secret), quote(self._secret, safe="")):
            text = text.replace(spelling, _CUT)
        return text


def key_of(feed: Feed) -> Key:
    """Read the key of a list; raise Unfit, without naming what the file holds."""
    if feed.key_file is None:
        return Key()
    path = Path(feed.key_file)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise Unfit("key", f"key_file: {path}: is no file")
        if mode & _OTHERS:
            raise Unfit("key", f"key_file: {path}: others may use it; chmod 0640, or 0600")
        with path.open("rb") as file:
            data = file.read(MAX_KEY + 1)
    except OSError as error:
        raise Unfit("key", f"key_file: {path}: cannot be read: {error.strerror}") from error
    try:
        secret = data.decode("ascii").strip()
    except UnicodeDecodeError:
        secret = ""
    if not secret or len(data) > MAX_KEY or not secret.isprintable():
        raise Unfit("key", f"key_file: {path}: expected one line of printable ASCII, the key")
    return Key(secret)
