"""What a support bundle tells of deliver: settings without secrets, metrics, health, journals."""

import base64
import http.client
import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

import yaml

from agent.config import Http, Settings
from agent.deliver.credentials import CUT, cut, is_secret
from agent.deliver.http import address_of
from agent.deliver.status_settings import settings_shown, shown_url
from outputs import _http

PATIENCE = 10.0
"""Seconds that our own server may take."""

MAX_ANSWER = 8 << 20

LEAST_SECRET = 4
"""Characters from which on a text is taken out wherever it stands; shorter ones are words."""

_log = logging.getLogger("deliver.support")


def settings_text(settings: Settings) -> str:
    """Return every key with its value, secrets hidden; a `*` marks what is no default."""
    lines = (
        f"{' ' if one.is_default else '*'} {one.key} = {one.value}"
        for one in settings_shown(settings)
    )
    return "\n".join(lines)


class Scrubber:
    """Takes credentials out of lines, and of their URLs all but scheme and host.

    What the configuration holds under a name like a credential's is taken out wherever it stands:
    an error's text repeats what somebody wrote in the wrong place.
    """

    def __init__(self, file: Path | None) -> None:
        """Read a configuration file, which need not be a good one."""
        found = set(_secrets(_read(file), below=False)) if file else set()
        self._secrets = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text, line by line."""
        return "\n".join(map(self._line, text.splitlines()))

    def _line(self, line: str) -> str:
        for secret in self._secrets:
            line = line.replace(secret, CUT)
        return cut(shown_url(line))


def _read(file: Path) -> object:
    try:
        return yaml.safe_load(file.read_bytes())
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        _log.debug("%s: cannot be read: %s", file, error)
        return None


def _secrets(value: object, *, below: bool) -> Iterator[str]:
    """Yield the texts under names like those of credentials, paths of files aside."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(inner, below=below or is_secret(str(name)))
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets(inner, below=below)
    elif below and len(text := str(value)) >= LEAST_SECRET and not text.startswith("/"):
        yield text


def page(settings: Http, path: str) -> str:
    """Return what our own server answers, with its status; raise OSError, HTTPException."""
    where = address_of(settings.address)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(where.host, where.host)  # noqa: S104 - asked
    connection: http.client.HTTPConnection
    if settings.tls:
        context = _trusting(settings.tls.certificate)
        connection = http.client.HTTPSConnection(
            host, where.port, timeout=PATIENCE, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, where.port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers=_credentials(settings))
        answer = connection.getresponse()
        text = answer.read(MAX_ANSWER).decode("utf-8", "backslashreplace")
    finally:
        connection.close()
    return text if answer.status == http.client.OK else f"{answer.status} {text}"


def journals(folder: Path) -> dict[str, dict[str, int]]:
    """Return the files of every journal with their sizes; raise OSError."""
    return {path.name: dict(_sizes(path)) for path in sorted(folder.iterdir())}


def rejected(folder: Path) -> str:
    """Return what outputs would never take, as it was set aside; raise OSError."""
    files = sorted(folder.glob("*/rejected*"))
    return "".join(path.read_text(encoding="utf-8", errors="backslashreplace") for path in files)


def _sizes(folder: Path) -> Iterator[tuple[str, int]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.stat().st_size


def _trusting(certificate: str) -> ssl.SSLContext:
    """Return what speaks to whoever has the key of our own certificate, by whatever name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cafile=certificate)
    return context


def _credentials(settings: Http) -> dict[str, str]:
    if not settings.password_file:
        return {}
    password = _http.secret("password_file", settings.password_file)
    return {"Authorization": f"Basic {base64.b64encode(f'support:{password}'.encode()).decode()}"}
