"""Connections to servers of lists: always verified, TLS 1.2 or later, through the site's proxy."""

import ssl
import threading
from urllib.parse import urlsplit, urlunsplit

import urllib3

from agent.config import ConfigError


class Connections:
    """Pools of connections, one for each authority that lists name; for several threads at once."""

    def __init__(self, proxy: str | None, workers: int) -> None:
        self._proxy = proxy
        self._workers = workers
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._making = threading.Lock()

    def pool(self, name: str, ca_file: str | None) -> urllib3.PoolManager:
        """Return the pool for the list `name`; raise ConfigError for a faulty proxy or CA file."""
        with self._making:
            pool = self._pools.get(ca_file)
            if pool is None:
                pool = _new_pool(self._proxy, _context(name, ca_file), self._workers)
                self._pools[ca_file] = pool
            return pool

    def close(self) -> None:
        """Close the connections that were kept open."""
        for pool in self._pools.values():
            pool.clear()


def _context(name: str, ca_file: str | None) -> ssl.SSLContext:
    """Return what verifies servers; raise ConfigError for a CA file that cannot be used."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise ConfigError(
                f"{name}.ca_file: {ca_file}: no certificates can be read from it: {error}"
            ) from error
    return context


def _new_pool(proxy: str | None, context: ssl.SSLContext, workers: int) -> urllib3.PoolManager:
    """Return a pool that verifies certificates; raise ConfigError for a faulty proxy."""
    if proxy is None:
        return urllib3.PoolManager(maxsize=workers, ssl_context=context)
    parts = urlsplit(proxy)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("update.proxy: expected http://host:port or https://host:port")
    headers = None
    if parts.username is not None:
        secret = f"{parts.username}:{parts.password or ''}"
        headers = urllib3.make_headers(proxy_basic_auth=secret)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
    return urllib3.ProxyManager(
        bare,
        maxsize=workers,
        proxy_headers=headers,
        ssl_context=context,
        proxy_ssl_context=context,
    )
