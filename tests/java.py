"""Real servers in Java for the root tier: their jars come from Maven."""

import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version>
<dependencies>{dependencies}</dependencies></project>
"""
_DEPENDENCY = (
    "<dependency><groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version>"
    "</dependency>"
)


def jars(folder: Path, artifacts: Iterable[str]) -> Path:
    """Return the folder with the jars of `group:name:version` and all they need.

    Raise CalledProcessError, FileNotFoundError where there is no Maven.
    """
    library = folder / "lib"
    if not library.is_dir():
        dependencies = "".join(_DEPENDENCY.format(*one.split(":")) for one in artifacts)
        (folder / "pom.xml").write_text(_POM.format(dependencies=dependencies))
        maven = shutil.which("mvn") or "mvn"
        goal = "dependency:copy-dependencies"
        command = [maven, "-q", "-B", goal, f"-DoutputDirectory={library}"]
        subprocess.run(command, cwd=folder, check=True, timeout=600)
    return library


def java(library: Path, memory: str, *arguments: str) -> list[str]:
    """Return the command that runs a class, or a file of source, with these jars."""
    return [shutil.which("java") or "java", f"-Xmx{memory}", "-cp", f"{library}/*", *arguments]


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])
