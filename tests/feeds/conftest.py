"""What tests of lists share: a certificate made once, servers, and a helper to parse a page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.feeds.list_server import ListServer, list_server, make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate for 127.0.0.1 and its key."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def server(certificate: Path) -> Iterator[ListServer]:
    """Run an HTTPS server on loopback."""
    with list_server(certificate) as running:
        yield running


@pytest.fixture
def plain_server() -> Iterator[ListServer]:
    """Run a server without TLS on loopback."""
    with list_server(None) as running:
        yield running
