"""A real Kafka broker on loopback: its jars come from Maven, it keeps what it has in a folder."""

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

VERSION = "3.9.1"
WAIT = 120.0
"""Seconds for a broker on a busy machine."""

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId>
<version>1.7.36</version></dependency>
</dependencies></project>
"""


def jars(folder: Path) -> Path:
    """Return the folder with the broker's jars; raise CalledProcessError, FileNotFoundError."""
    library = folder / "lib"
    if not library.is_dir():
        (folder / "pom.xml").write_text(_POM)
        maven = shutil.which("mvn") or "mvn"
        command = [
            maven,
            "-q",
            "-B",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={library}",
        ]
        subprocess.run(command, cwd=folder, check=True, timeout=600)
    return library


class Broker:
    """One broker that is its own controller; plain text, one node."""

    def __init__(self, folder: Path) -> None:
        self._library = jars(folder)
        self._folder = folder
        self.port, controller = _free_port(), _free_port()
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
        java = shutil.which("java") or "java"
        return [java, "-Xmx512m", "-cp", f"{self._library}{os.sep}*", *arguments]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])
