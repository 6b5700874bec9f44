"""A whole agent without a wire: what its page of metrics has, for those who check queries."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from agent import config, health
from agent.deliver.main import Deliver
from agent.health import ListHealth, UpdateHealth
from agent.sense import Sense
from agent.trails.publish import publish
from tests.deliver.waiting import until
from tests.outputs.authority import Authority
from tests.wired import write_set

ABSENT = "mtp-none"
"""An interface that no host has: such a sense does all but capture, and needs no privileges."""

METRIC = re.compile(r"\b(?:maltrail_agent|process)_[a-z0-9_]+|\bup\b")
"""A metric's name in a query."""

OF_PROMETHEUS = {"up": {"job", "instance"}}

Exposed = dict[str, set[str]]
"""Names of series, each with its labels."""


def exposed(folder: Path) -> tuple[Exposed, str]:
    """Return the names and labels that a full agent exposes, and its page."""
    (folder / "run").mkdir()
    publish(write_set(folder / "a.set", {"evil.org": "x"}), folder / "state")
    _write_health(folder / "state")
    settings = _settings(folder)
    deliver = Deliver(settings, folder / "run", folder / "state")
    deliver.start()
    try:
        with _sensing(Sense(settings, folder / "state", folder / "run")):
            until(lambda: deliver.server.sense.snapshot is not None, "a snapshot")
            deliver.tell_lists(time.time_ns() // 1000)
            page = deliver.http.pages["/metrics"].render().body.decode()
    finally:
        deliver.close()
    names: Exposed = {**OF_PROMETHEUS}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            names[sample.name] = {"job", "instance", *sample.labels}
    return names, page


@contextmanager
def _sensing(sense: Sense) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=sense.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _settings(folder: Path) -> config.Settings:
    """Return settings under which every metric has a series."""
    made = Authority(folder).issue("own")
    tls = {"certificate": str(made.certificate), "key": str(made.key)}
    client = {"client_certificate": tls["certificate"], "client_key": tls["key"]}
    output = {"name": "siem", "type": "syslog", "address": "127.0.0.1:1", "transport": "tls"}
    text = {
        "capture": {"interfaces": [ABSENT]},
        "trails": {"custom": []},
        "allow_list": {"files": [], "entries": [{"domain": "fine.org"}]},
        "suppress": [{"name": "pentest", "reason": "x", "info": "x"}],
        "outputs": [{**output, **client}],
        "http": {"address": "127.0.0.1:0", "tls": tls},
    }
    return config.parse(json.dumps(text), "config.yaml")


def _write_health(state: Path) -> None:
    bad = ListHealth(name="urlhaus", failing=1.0, limit=1.0, why="timeout")
    update = UpdateHealth(
        time=2.0,
        seconds=1.0,
        last_good=1.0,
        status="failed",
        why="timeout",
        reason="x",
        expires=9.0,
        lists=(bad,),
    )
    path = state / health.FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(update))
