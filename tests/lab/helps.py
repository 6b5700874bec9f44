"""What helps an administrator, on a booted host with an installed agent.

    python -m tests.lab.helps --host PIDNS

`check` knows this version's units, users and folders and sees changes of them, `support-bundle`
holds logs and counters and no secret, the log's level changes at run time. Needs root. The status
is 1 where something of that is not so.
"""

import argparse
import json
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.lab.faults import DELIVER, SENSE, BrokenPromiseError, Host, systemd_of, until

COMMAND = "/opt/maltrail-agent/current/bin/maltrail-agent"
BUNDLE = "/root/lab-support.tar.gz"
SECRET = "the-lab-password"  # noqa: S105
ABOUT = ("units", "users", "folders")
_HANG_UP = """
import socket, struct
asked = socket.create_connection(("127.0.0.1", 9338))
asked.sendall(b"GET /")
asked.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
asked.close()
"""
"""A connection that breaks off, which deliver notes at the level debug only."""


def found(host: Host, about: tuple[str, ...], *levels: str) -> list[str]:
    """Return what `check` finds about some things, of some levels."""
    told = json.loads(host.run(COMMAND, "check", "--json", check=False))
    return [one["text"] for one in told if one["text"].startswith(about) and one["level"] in levels]


def installed(host: Host) -> str:
    """Nothing is wrong with what is installed; a changed unit and a changed folder are."""
    wrong = found(host, ABOUT, "warning", "failure")
    fine = found(host, ABOUT, "ok")
    if wrong or len(fine) < 5:
        raise BrokenPromiseError(f"{wrong or fine}")
    unit = host.root / "etc/systemd/system" / SENSE
    before = unit.read_bytes()
    unit.write_bytes(before.replace(b"UMask=0027", b"UMask=0077"))
    host.run("chmod", "0755", "/var/lib/maltrail-agent/journal")
    try:
        wrong = found(host, ABOUT, "warning", "failure")
    finally:
        unit.write_bytes(before)
        host.run("systemctl", "daemon-reload")
        host.run("systemd-tmpfiles", "--create")
    said = " ".join(wrong)
    if "UMask=0077" not in said or "has the mode 0755, not 0700" not in said:
        raise BrokenPromiseError(f"a change was not seen: {said}")
    if found(host, ABOUT, "warning", "failure"):
        raise BrokenPromiseError("the remedy of `check` did not help")
    return f"{len(fine)} as shipped, two changes seen"


def bundle(host: Host) -> str:
    """Every part is made, from behind a password, and the password is in none."""
    secret = host.root / "etc/maltrail-agent/secrets/lab-password"
    secret.write_text(f"{SECRET}\n", encoding="ascii")
    host.run("chown", "root:maltrail-deliver", "/etc/maltrail-agent/secrets/lab-password")
    secret.chmod(0o640)
    with host.configured(_with_password):
        host.run("systemctl", "reload", DELIVER)
        until(lambda: "401" in host.run(*_ask("/metrics"), check=False), "a password is asked for")
        words = ("support-bundle", "-o", BUNDLE, "--seconds", "2s", "--json")
        told = json.loads(host.run(COMMAND, *words))
    host.run("systemctl", "reload", DELIVER)
    failed = [f"{part['name']}: {part['error']}" for part in told["parts"] if part["error"]]
    held = _content(host.root / BUNDLE.lstrip("/"))
    (host.root / BUNDLE.lstrip("/")).unlink()
    secret.unlink()
    for name, word in (
        ("logs.txt", "maltrail-agent["),
        ("metrics.txt", "maltrail_agent_capture_up"),
        ("units.txt", "ActiveState=active"),
        ("coverage.json", '"packets"'),
        ("config.txt", "http.password_file"),
    ):
        if word not in held.get(name, ""):
            failed.append(f"{name} has no {word}")
    failed += [f"{name} has the password" for name, text in held.items() if SECRET in text]
    if failed:
        raise BrokenPromiseError("; ".join(failed))
    return f"{len(held)} parts"


def log_level(host: Host) -> str:
    """Debug lines come with a reload and go with the next."""
    with host.configured(lambda document: document.update(log={"level": "debug"})):
        host.run("systemctl", "reload", SENSE, DELIVER)
        until(lambda: _debug_lines(host) > 0, "a line of the level debug")
    host.run("systemctl", "reload", SENSE, DELIVER)
    until(lambda: _debug_lines(host) == 0, "no line of the level debug")
    return "there and back"


def _debug_lines(host: Host) -> int:
    """Break a connection off; return how many lines deliver said of it at the level debug."""
    mark = host.run("journalctl", "-q", "-n", "0", "--show-cursor").partition("cursor: ")[2]
    host.run("python3", "-c", _HANG_UP)
    time.sleep(0.3)
    return host.run("journalctl", "-q", "-o", "cat", "-u", DELIVER, f"--after-cursor={mark}").count(
        "DEBUG deliver.http"
    )


def _ask(path: str) -> tuple[str, ...]:
    url = f"http://127.0.0.1:9338{path}"
    return "python3", "-c", f"import urllib.request; urllib.request.urlopen('{url}')"


def _with_password(document: dict[str, Any]) -> None:
    path = "/etc/maltrail-agent/secrets/lab-password"
    document["http"] = {**document.get("http", {}), "password_file": path}


def _content(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            entry.name.partition("/")[2]: file.read().decode()
            for entry in archive.getmembers()
            if (file := archive.extractfile(entry))
        }


CHECKS: tuple[tuple[str, Callable[[Host], str]], ...] = (
    ("check", installed),
    ("support-bundle", bundle),
    ("log level", log_level),
)


def main() -> int:
    """Check all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--host", required=True, metavar="PIDNS", help="pid:[NUMBER]")
    host = Host(systemd_of(parser.parse_args().host))
    failed = 0
    for title, check in CHECKS:
        begin = time.monotonic()
        try:
            mark, said = "ok   ", check(host)
        except (BrokenPromiseError, OSError) as error:
            mark, said = "FAIL ", str(error)
            failed += 1
        sys.stdout.write(f"{mark} {title} ({time.monotonic() - begin:.1f} s): {said}\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
