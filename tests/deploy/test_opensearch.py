"""The template, the pipeline and the dashboard's questions in a real OpenSearch node."""

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.model import Delivery
from outputs._formats import FORMATS
from tests import samples
from tests.java import free_port, jars, java
from tests.outputs import fuzz
from tests.outputs.samples import delivery

pytestmark = pytest.mark.root

VERSION = "2.19.1"
PLUGINS = ("transport-netty4-client", "lang-mustache-client", "ingest-common")
ARTIFACTS = (
    f"org.opensearch:opensearch:{VERSION}",
    *(f"org.opensearch.plugin:{name}:{VERSION}" for name in PLUGINS),
    "org.apache.logging.log4j:log4j-core:2.21.0",
)
SIEM = Path(__file__).resolve().parents[2] / "deploy" / "siem"
INDEX = "/logs-maltrail_agent.alert-default"
DOCUMENTS = 10_000
BULK = 1_000
WAIT = 180.0


class Node:
    """A node on loopback."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, body: bytes = b"") -> dict[str, object]:
        """Return the answer; raise HTTPError, URLError."""
        request = urllib.request.Request(self._url + path, body or None, method=method)  # noqa: S310
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            found: dict[str, object] = json.load(answer)
        return found


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Yield a node that has our template and pipeline."""
    folder, port = tmp_path_factory.mktemp("opensearch"), free_port()
    for name in ("config", "modules", "plugins"):
        (folder / "home" / name).mkdir(parents=True)
    source = Path(__file__).with_name("OpenSearchNode.java")
    library = jars(folder, ARTIFACTS)
    command = java(library, "1g", str(source), str(folder / "home"), str(port))
    made = Node(port)
    with (
        (folder / "node.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            until = time.monotonic() + WAIT
            while not _answers(made):
                assert process.poll() is None, (folder / "node.log").read_text()[-2000:]
                assert time.monotonic() < until
                time.sleep(0.5)
            opensearch = SIEM / "opensearch"
            pipeline = (opensearch / "ingest-pipeline.json").read_bytes()
            template = (opensearch / "index-template.json").read_bytes()
            made.ask("PUT", "/_ingest/pipeline/maltrail-agent", pipeline)
            made.ask("PUT", "/_index_template/maltrail-agent", template)
            yield made
        finally:
            process.kill()
            process.wait()


def _answers(node: Node) -> bool:
    with contextlib.suppress(OSError, urllib.error.URLError):
        return "version" in node.ask("GET", "/")
    return False


def test_no_document_is_rejected_and_the_dashboard_finds_them(node: Node) -> None:
    """The samples, then events with all that a hostile wire can put into them."""
    made = fuzz.Maker(3)
    lines = [
        FORMATS["ecs"](Delivery(event=event, run_id=samples.RUN_ID, seq=seq))
        for seq, event in enumerate(samples.events(), 1)
    ]
    more = range(len(lines) + 1, DOCUMENTS + 1)
    lines += [FORMATS["ecs"](delivery(made.event(), seq)) for seq in more]
    for start in range(0, DOCUMENTS, BULK):
        body = "".join(f'{{"create":{{}}}}\n{line}\n' for line in lines[start : start + BULK])
        answer = node.ask("POST", f"{INDEX}/_bulk", body.encode())
        assert answer["errors"] is False, json.dumps(answer)[:2000]
    node.ask("POST", f"{INDEX}/_refresh")
    counted = node.ask("GET", f"{INDEX}/_count")

    assert counted["count"] == DOCUMENTS
    for title, fields in _questions():
        for field in fields:
            question = {"size": 0, "aggs": {"found": {"terms": {"field": field}}}}
            answer = node.ask("POST", f"{INDEX}/_search", json.dumps(question).encode())
            found = answer["aggregations"]
            assert isinstance(found, dict)
            assert found["found"]["buckets"], f"{title}: {field}"


def _questions() -> Iterator[tuple[str, list[str]]]:
    """Yield title and fields of each picture of the dashboard."""
    text = (SIEM / "elasticsearch" / "dashboard.ndjson").read_text(encoding="utf-8")
    for line in text.splitlines():
        one = json.loads(line)
        if one["type"] == "visualization":
            state = json.loads(one["attributes"]["visState"])
            terms = [part["params"]["field"] for part in state["aggs"] if part["type"] == "terms"]
            yield state["title"], terms
