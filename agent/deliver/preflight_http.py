"""What `check` finds of our own HTTP server: who can reach it, how long its files are good."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from agent.config import ConfigError, Http
from agent.deliver.http import address_of
from agent.deliver.http_access import Access
from agent.deliver.preflight import USER, may_read
from outputs import Finding, _certificate, _http, _inspect


def check_http(settings: Http, now: datetime | None = None) -> Iterator[Finding]:
    """Yield what is right and wrong with the settings of HTTP."""
    yield from _reach(settings)
    try:
        Access(settings)
    except ConfigError as error:
        yield Finding("failure", str(error))
        return
    tls = settings.tls
    for key, name in (
        ("http.tls.certificate", tls.certificate if tls else None),
        ("http.tls.key", tls.key if tls else None),
        ("http.tls.client_ca", tls.client_ca if tls else None),
        ("http.password_file", settings.password_file),
    ):
        if name:
            yield from _of_file(key, name, now or datetime.now(UTC))


def _reach(settings: Http) -> Iterator[Finding]:
    """Yield whether others than this host may read, and what keeps them from it."""
    try:
        host = address_of(settings.address).host
    except ValueError as error:
        yield Finding("failure", f"http.{error}")
        return
    guards = [
        word
        for word, is_there in (
            ("TLS", settings.tls),
            ("client certificates", settings.tls and settings.tls.client_ca),
            ("a password", settings.password_file),
        )
        if is_there
    ]
    what = f"http: {settings.address}, with {', '.join(guards) or 'neither TLS nor a password'}"
    if _is_loopback(host):
        yield Finding("ok", what)
    elif not settings.tls:
        yield Finding("warning", f"{what}, is open to the network; set http.tls, or 127.0.0.1")
    elif len(guards) == 1:
        remedy = "set http.password_file or http.tls.client_ca"
        yield Finding("warning", f"{what}, is open to anybody in reach; {remedy}")
    else:
        yield Finding("ok", what)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _of_file(key: str, name: str, now: datetime) -> Iterator[Finding]:
    """Yield whether deliver can read a file, whether others can, and until when it is good."""
    path = Path(name)
    if not may_read(path):
        remedy = f"chgrp {USER} and chmod 0640 the file, its folders 0711"
        yield Finding("failure", f"{key} {name}: {USER} cannot read it; {remedy}")
    if key in ("http.tls.key", "http.password_file"):
        yield from _http.mode_findings(key, name)
        return
    try:
        ends = _certificate.ends(path)
    except (OSError, ValueError) as error:
        yield Finding("warning", f"{key} {name}: until when it runs cannot be told; {error}")
        return
    if ends:
        yield _inspect.validity(f"{key} {name}", min(ends), now)
