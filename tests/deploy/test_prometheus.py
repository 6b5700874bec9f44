"""Alerts and dashboard: every query names what a real agent exposes; a real Prometheus reads it."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests import packets
from tests.deliver.waiting import until
from tests.deploy.prometheus import METRIC, Exposed, exposed
from tests.outputs.authority import Authority

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "maltrail-agent.rules.yml"
TESTS = sorted(FOLDER.glob("*.test.yml"))
GROUPED = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
LABELLED = re.compile(r"(\w+)\{([^}]*)\}")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exposed, str]:
    """Return what a full agent exposes."""
    return exposed(tmp_path_factory.mktemp("agent"))


@pytest.fixture(scope="module")
def names(page: tuple[Exposed, str]) -> Exposed:
    """Return the names and labels of all series."""
    return page[0]


def alerts() -> list[dict[str, Any]]:
    """Return all alerts."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    made: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    return made


def queries() -> list[tuple[str, str]]:
    """Return the title and text of every query of the dashboard."""
    shown = dashboard()
    found = [
        (panel["title"], target["expr"])
        for panel in shown["panels"]
        for target in panel.get("targets", ())
    ]
    return found + [(v["name"], v["definition"]) for v in shown["templating"]["list"][1:]]


def unknown(query: str, known: Exposed) -> list[str]:
    """Return what a query names and no agent exposes: names, and labels of them."""
    bare = re.sub(r"\"[^\"]*\"", '""', query)
    named = METRIC.findall(bare)
    wrong = [name for name in named if name not in known]
    labels = set().union(*(known.get(name, set()) for name in named))
    for group in GROUPED.findall(bare):
        wrong += [label for label in re.findall(r"\w+", group) if label not in labels]
    for name, inside in LABELLED.findall(bare):
        wrong += [
            f"{name}.{label}"
            for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside)
            if label not in known.get(name, set())
        ]
    return wrong


def test_every_metric_has_a_help_of_its_own(page: tuple[Exposed, str]) -> None:
    """Somebody who reads the page knows what a number is."""
    nameless = [line for line in page[1].splitlines() if line.endswith("Told by sense.")]

    assert nameless == []


def test_names_follow_the_conventions(page: tuple[Exposed, str]) -> None:
    """One prefix, counters end in _total and nothing else does, base units."""
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page[1], re.MULTILINE))
    ours = {name: kind for name, kind in kinds.items() if name.startswith("maltrail_agent_")}

    assert len(ours) > 100
    assert [n for n, kind in ours.items() if (kind == "counter") != n.endswith("_total")] == []
    assert [n for n in ours if re.search(r"_(?:ms|us|kb|mb|minutes|percent)(?:_|$)", n)] == []
    assert len(page[1].splitlines()) < 1000


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_every_alert_asks_for_what_there_is(rule: dict[str, Any], names: Exposed) -> None:
    """A name that was changed must not silence an alert; each says what to do."""
    assert unknown(rule["expr"], names) == []
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["alert"].startswith("MaltrailAgent")
    assert rule["annotations"].keys() == {"summary", "description"}


def test_every_alert_has_a_test() -> None:
    """By its name in what the tests expect."""
    expected = "".join(path.read_text(encoding="utf-8") for path in TESTS)

    assert [r["alert"] for r in alerts() if f'alertname="{r["alert"]}"' not in expected] == []


@pytest.mark.parametrize(("title", "query"), queries())
def test_every_query_of_the_dashboard_asks_for_what_there_is(
    title: str, query: str, names: Exposed
) -> None:
    """Metrics and labels."""
    assert METRIC.search(query), title
    assert unknown(query, names) == []


def test_a_query_that_asks_for_nothing_is_found(names: Exposed) -> None:
    """The check checks."""
    assert unknown("rate(maltrail_agent_nothing_total[5m])", names) == [
        "maltrail_agent_nothing_total"
    ]
    assert unknown("sum by (colour) (maltrail_agent_incidents)", names) == ["colour"]
    assert unknown('maltrail_agent_incidents{output="x"}', names) == [
        "maltrail_agent_incidents.output"
    ]


def test_the_dashboard_is_laid_out() -> None:
    """Panels have numbers of their own, fill the width and lie beside each other."""
    panels = dashboard()["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y
        assert one["x"] + one["w"] <= 24


@pytest.mark.root
def test_every_alert_fires_when_it_should_and_else_not() -> None:
    """Evaluated by promtool, over made-up series."""
    told = subprocess.run(
        ["promtool", "test", "rules", *map(str, TESTS)], capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stdout + told.stderr


NAMESPACE = "mtp-agent"
PASSWORD = "scrape me"  # noqa: S105
CLIENT, RESOLVER = "192.168.1.10", "192.168.1.1"


class Lab:
    """An agent and a Prometheus in a network namespace of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def run(self, *words: str) -> None:
        """Start a process in the namespace."""
        log = (self._folder / f"{Path(words[0]).name}-{len(self._processes)}.log").open("wb")
        command = ["ip", "netns", "exec", NAMESPACE, *words]
        with log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT))

    def ask(self, query: str) -> float | None:
        """Return the one value of a query to Prometheus, None where there is none."""
        found = self.api(f"query?query={quote(query)}")["result"] if self.is_up() else []
        return float(found[0]["value"][1]) if found else None

    def is_up(self) -> bool:
        """Tell whether Prometheus answers."""
        try:
            return bool(self.api("status/buildinfo"))
        except OSError:
            return False

    def api(self, path: str) -> Any:
        """Ask Prometheus' interface; raise OSError."""
        ask = ["curl", "-sf", f"http://127.0.0.1:9090/api/v1/{path}"]
        told = subprocess.run(
            ["ip", "netns", "exec", NAMESPACE, *ask], capture_output=True, check=False
        )
        if told.returncode:
            raise ConnectionError(told.returncode)
        return json.loads(told.stdout)["data"]

    def stop(self) -> None:
        """End all processes."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(30)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Yield an agent that captures, over TLS and behind a password, and a Prometheus."""
    made = Authority(tmp_path).issue("agent")
    (tmp_path / "own.txt").write_text("evil.org\n")
    (tmp_path / "agent-password").write_text(f"{PASSWORD}\n")
    agent = {
        "capture": {"interfaces": ["near"], "buffer_mb": 4},
        "trails": {"custom": [str(tmp_path / "own.txt")]},
        "allow_list": {"files": []},
        "outputs": [{"name": "archive", "type": "file", "path": str(tmp_path / "out.log")}],
        "http": {
            "tls": {"certificate": str(made.certificate), "key": str(made.key)},
            "password_file": str(tmp_path / "agent-password"),
        },
    }
    (tmp_path / "config.yaml").write_text(json.dumps(agent))
    scraping = (FOLDER / "prometheus.example.yml").read_text(encoding="utf-8")
    for old, new in (("30s", "1s"), ("sensor1.example.net", "127.0.0.1")):
        assert old in scraping
        scraping = scraping.replace(old, new)
    (tmp_path / "prometheus.yml").write_text(scraping)
    shutil.copy(RULES, tmp_path)
    in_namespace = ["ip", "netns", "exec", NAMESPACE, "ip"]
    for words in (
        ["ip", "netns", "add", NAMESPACE],
        [*in_namespace, "link", "set", "lo", "up"],
        [*in_namespace, "link", "add", "near", "type", "veth", "peer", "name", "far"],
        [*in_namespace, "link", "set", "near", "up"],
        [*in_namespace, "link", "set", "far", "up"],
    ):
        subprocess.run(words, check=True)
    made_lab = Lab(tmp_path)
    try:
        base = [sys.executable, "-m", "agent", "run", "-c", str(tmp_path / "config.yaml")]
        made_lab.run(
            *base, "--state-dir", str(tmp_path / "state"), "--run-dir", str(tmp_path / "run")
        )
        made_lab.run(
            "prometheus",
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            "--web.listen-address=127.0.0.1:9090",
        )
        yield made_lab
    finally:
        made_lab.stop()
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=True)


def send(tmp_path: Path, *frames: bytes) -> None:
    """Put frames on the wire."""
    packets.write_pcap(tmp_path / "sent.pcap", packets.timed(list(frames)))
    command = ["tcpreplay", "-q", "-i", "far", str(tmp_path / "sent.pcap")]
    subprocess.run(
        ["ip", "netns", "exec", NAMESPACE, *command], check=True, stdout=subprocess.DEVNULL
    )


@pytest.mark.root
def test_a_real_prometheus_scrapes_a_real_agent(lab: Lab, tmp_path: Path) -> None:
    """It is up over TLS and with the password, the alerts load, and numbers follow the traffic."""
    until(lambda: lab.ask("up") == 1, "scraped", 60)
    until(lambda: lab.ask("maltrail_agent_capture_up") == 1, "captures", 60)
    (group,) = lab.api("rules")["groups"]
    assert [rule["name"] for rule in group["rules"]] == [rule["alert"] for rule in alerts()]
    until(lambda: lab.api("rules")["groups"][0]["lastEvaluation"] > "0002", "evaluated")
    health = {rule["health"] for rule in lab.api("rules")["groups"][0]["rules"]}
    assert health == {"ok"}
    before = lab.ask("maltrail_agent_scan_dns_queries_total") or 0.0

    questions = [
        packets.udp_frame(CLIENT, 40_000 + n, RESOLVER, 53, packets.dns_query("www.evil.org"))
        for n in range(50)
    ]
    send(tmp_path, *questions)

    until(
        lambda: (lab.ask("maltrail_agent_scan_dns_queries_total") or 0.0) >= before + 50,
        "questions are counted",
    )
    until(lambda: (lab.ask("maltrail_agent_hits_total") or 0.0) >= 1, "hits are counted")
    told = 'maltrail_agent_events_total{class="trail-domain", severity="high"}'
    until(lambda: (lab.ask(told) or 0.0) >= 1, "the event is counted")
    until(lambda: (lab.ask("maltrail_agent_output_events_sent_total") or 0.0) >= 3, "and sent")
    assert lab.ask("maltrail_agent_link_samples_left_out") == 0
