"""A real Kafka broker on loopback: its jars come from Maven, it keeps what it has in a folder."""

import base64
import contextlib
import socket
import subprocess
import time
import uuid
from pathlib import Path

from tests.java import free_port, jars, java

VERSION = "3.9.1"
WAIT = 120.0
"""Seconds for a broker on a busy machine."""

ARTIFACTS = (f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-nop:1.7.36")


class Broker:
    """One broker that is its own controller; plain text, one node."""

    def __init__(self, folder: Path) -> None:
        self._library = jars(folder, ARTIFACTS)
        self._folder = folder
        self.port, controller = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._settings = folder / "server.properties"
        self._settings.write_text(
            "process.roles=broker,controller\nnode.id=1\n"
            f"controller.quorum.voters=1@127.0.0.1:{controller}\n"
            f"listeners=PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{controller}\n"
            f"advertised.listeners=PLAINTEXT://{self.address}\n"
            "controller.listener.names=CONTROLLER\n"
            f"log.dirs={folder / 'data'}\n"
            "num.partitions=1\noffsets.topic.replication.factor=1\n"
            "transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n"
            "auto.create.topics.enable=true\n"
        )
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = self._java("kafka.tools.StorageTool", "format", "-t", cluster)
        subprocess.run([*command, "-c", str(self._settings)], check=True, capture_output=True)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        log = (self._folder / "broker.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [*self._java("kafka.Kafka"), str(self._settings)], stdout=log, stderr=log
            )
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.2)
        raise RuntimeError((self._folder / "broker.log").read_text()[-2000:])

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(WAIT)
            self._process = None

    def _java(self, *arguments: str) -> list[str]:
        return java(self._library, "512m", *arguments)
