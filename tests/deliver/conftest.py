"""Fixtures for the tests of deliver: those of the tests of outputs."""

from tests.outputs.conftest import authority, receiver, server, shown

__all__ = ["authority", "receiver", "server", "shown"]
