"""Which names a request may call us by, where neither TLS nor a password tells who asks.

A page from elsewhere can make its own name point to 127.0.0.1 and then read, in a browser on this
host or behind a forwarded port, what is served there (DNS rebinding). Its requests carry that name.
"""

import ipaddress


def is_ours(host: str | None, address: str) -> bool:
    """Tell whether a Host header (RFC 9110, section 7.2) names us; `address` is what is configured.

    An address, `localhost` and the configured name are ours; without Host it is no browser.
    """
    if host is None:
        return True
    name = _name(host)
    return name == "localhost" or name == _name(address) or _is_address(name)


def _name(host: str) -> str:
    """Return a host without its port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
