"""The status page as a running deliver serves it: off unless asked for, alive, reloadable."""

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent import config
from agent.deliver import http as http_module
from agent.deliver import main
from agent.deliver import server as server_module
from agent.deliver.main import Deliver
from agent.link import EventFrame, Hello, Snapshot
from tests.deliver.test_server import Sense
from tests.deliver.waiting import DEADLINE, until
from tests.outputs.samples import EVENT

BASE = 'sensor: {name: s1}\nhttp: {address: "127.0.0.1:0", '


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ends come soon, and tell no systemd."""
    monkeypatch.setattr(http_module, "POLL", 0.01)
    monkeypatch.setattr(main, "TICK", 0.01)
    monkeypatch.setattr(server_module, "MEET_SECONDS", 0.0)
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)


@contextmanager
def running(folder: Path, keys: str) -> Iterator[Deliver]:
    """Run a deliver with these keys of http."""
    made = Deliver(config.parse(BASE + keys, "x"), folder, folder / "state")
    made.start()
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join(DEADLINE)
        made.close()


def ask(deliver: Deliver, path: str, password: str = "") -> tuple[int, str, str]:
    """Return status, type and body of a page."""
    asked = http.client.HTTPConnection("127.0.0.1", deliver.http.port, timeout=10)
    shown = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()
    asked.request("GET", path, headers={"Authorization": shown} if password else {})
    answer = asked.getresponse()
    body = answer.read().decode()
    asked.close()
    return answer.status, answer.headers.get_content_type(), body


@pytest.mark.parametrize("path", ["/", "/status.json"])
def test_there_is_no_page_unless_it_is_asked_for(tmp_path: Path, path: str) -> None:
    """It tells what a sensor saw."""
    with running(tmp_path, "}") as deliver:
        assert ask(deliver, path)[0] == 404


def test_the_page_and_its_document_follow_what_happens(tmp_path: Path) -> None:
    """Events, the state of sense, and settings that were read anew."""
    with running(tmp_path, "status: true}") as deliver:
        status, kind, body = ask(deliver, "/")
        assert (status, kind) == (200, "text/html")
        assert "sense is not connected" in body
        assert ask(deliver, "/status.json")[:2] == (200, "application/json")

        sense = Sense(tmp_path / main.SOCKET)
        sense.send(Hello("run1", "1.2.3"), Snapshot((), ready=True), EventFrame(1, EVENT))
        sense.next_ack(1)
        deliver.reload(config.parse(BASE + "status: true}\nheartbeat: {every: 77s}", "x"))

        told = json.loads(ask(deliver, "/status.json")[2])
        assert told["sense"]["version"] == "1.2.3"
        assert [one["trail"] for one in told["detections"]] == ["(www).evil.biz"]
        assert [one["class_id"] for one in told["notices"]] == ["agent-reload", "agent-start"]
        changed = {one["key"]: one["value"] for one in told["settings"] if not one["is_default"]}
        assert changed["heartbeat.every"] == "77"
        sense.close()
        until(lambda: "sense is not connected" in ask(deliver, "/")[2], "sense is away")


def test_a_password_guards_the_page(tmp_path: Path) -> None:
    """As it guards the metrics."""
    secret = tmp_path / "password"
    secret.write_text("swordfish")
    with running(tmp_path, f'status: true, password_file: "{secret}"}}') as deliver:
        assert ask(deliver, "/")[::2] == (401, "unauthorized\n")
        assert ask(deliver, "/", "swordfish")[0] == 200
