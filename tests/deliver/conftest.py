"""Fixtures for the tests of deliver."""

from collections.abc import Iterator

import pytest

from tests.outputs.receivers import UdpReceiver


@pytest.fixture
def receiver() -> Iterator[UdpReceiver]:
    """Yield a UDP receiver on loopback."""
    made = UdpReceiver()
    yield made
    made.close()
