"""The metrics page: what Prometheus reads back, and nothing that hostile bytes could put there."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from agent import __version__, config
from agent.deliver import metrics
from agent.deliver.journal import Bounds
from agent.deliver.lane import Lane, Place
from agent.deliver.metrics_events import MAX_CLASSES, OTHER, EventCounts
from agent.deliver.metrics_sense import MAX_SAMPLES
from agent.deliver.queue import encode
from agent.deliver.server import Server
from agent.link import Sample, Snapshot
from agent.reloads import Reloads
from tests.outputs.samples import EVENT, RUN_ID

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Yield a server that was not started."""
    made = Server(tmp_path / "events.sock", frozenset(), lambda _: None)
    yield made
    made.stop()


@pytest.fixture
def lane(tmp_path: Path) -> Lane:
    """Return an output with two events waiting."""
    options = config.Options(path=str(tmp_path / "x.log"))
    output = config.Output(name="archive", type="file", options=options)
    place = Place(tmp_path / "journal", Bounds(1 << 20, 60.0), 1_000_000)
    made = Lane(output, place, RUN_ID, lambda: None)
    made.put([(EVENT, encode(EVENT))], 1000.0)
    made.put([(EVENT, encode(EVENT))], 2000.0)
    return made


def read(page: bytes) -> Values:
    """Parse a page as Prometheus does."""
    return {
        (sample.name.removeprefix("maltrail_agent_"), tuple(sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def show(server: Server, *lanes: Lane) -> Values:
    """Return what is shown."""
    return read(metrics.page(server, lambda: lanes)())


def tell(server: Server, *samples: Sample) -> None:
    """Let sense have told these samples just now."""
    server.sense.snapshot = Snapshot(samples, ready=True)
    server.sense.snapshot_at = time.monotonic()


def test_the_state_of_an_output_is_shown(server: Server, lane: Lane) -> None:
    """Every counter is there from the start, with zero."""
    values = show(server, lane)

    label = (("output", "archive"),)
    assert values["output_events_sent_total", label] == 0
    assert values["output_last_seq", label] == 2
    assert values["queue_events", label] == 2
    assert values["queue_bytes", label] == 0
    assert values["journal_bytes", label] > 0
    assert values["journal_segments", label] == 1
    assert values["journal_enabled", label] == 1
    assert values["journal_degraded", label] == 0
    assert values["queue_capacity_bytes", label] == 1_000_000
    assert values["queue_oldest_event_timestamp_seconds", label] == 1000.0
    for reason in ("queue-full", "stopped", "journal-full", "journal-torn", "too-big", "rejected"):
        assert values["output_events_dropped_total", (*label, ("reason", reason))] == 0
    assert values["output_errors_total", (("error_type", "refused"), *label)] == 0


def test_what_an_output_is_set_not_to_take_is_counted(server: Server, lane: Lane) -> None:
    """Who wonders where events are finds that they were not wanted there."""
    quiet = msgspec.structs.replace(EVENT, severity_id=1)

    lane.put([(quiet, encode(quiet)), (EVENT, encode(EVENT))], 3000.0)

    values = show(server, lane)
    assert values["output_events_unwanted_total", (("output", "archive"),)] == 1
    assert values["output_last_seq", (("output", "archive"),)] == 3


def test_build_link_and_process_are_shown(server: Server) -> None:
    """What runs, whether sense is there, what the process needs."""
    page = metrics.page(server, tuple, lambda: metrics.about_http(3))().decode()

    assert 'maltrail_agent_build_info{python="3.' in page
    assert f'version="{__version__}"' in page
    assert "maltrail_agent_link_connected 0.0" in page
    assert 'maltrail_agent_link_refused_total{reason="uid"} 0.0' in page
    assert "maltrail_agent_http_refused_total 3.0" in page
    assert "process_resident_memory_bytes" in page
    assert "_created" not in page


def test_the_samples_of_sense_are_shown(server: Server) -> None:
    """A name that ends in _total is a counter; the prefix is ours to give."""
    tell(
        server,
        Sample("capture_packets_received_total", 5.0, {"interface": "eth0"}),
        Sample("capture_packets_received_total", 7.0, {"interface": "br-lan.10@if2"}),
        Sample("maltrail_agent_trails_loaded", 9.0),
    )
    page = metrics.page(server, tuple)()

    values = read(page)
    assert values["capture_packets_received_total", (("interface", "eth0"),)] == 5
    assert values["capture_packets_received_total", (("interface", "br-lan.10@if2"),)] == 7
    assert values["trails_loaded", ()] == 9
    assert b"# TYPE maltrail_agent_capture_packets_received_total counter" in page
    assert b"# TYPE maltrail_agent_trails_loaded gauge" in page
    assert values["link_samples_left_out", ()] == 0


@pytest.mark.parametrize(
    "sample",
    [
        Sample("bad name", 1.0),
        Sample('x{a="b"} 1\ny', 1.0),
        Sample("x", 1.0, {"a b": "c"}),
        Sample("x", 1.0, {"label": 'evil"} 1\nother 2'}),
        Sample("x", 1.0, {"label": "x" * 65}),
        Sample("x", 1.0, {"label": "\udcff"}),
        Sample("link_connected", 1.0),
        Sample("output_events_sent_total", 1.0),
        Sample("", 1.0),
    ],
    ids=repr,
)
def test_a_sample_that_is_no_metric_is_left_out_and_counted(
    server: Server, lane: Lane, sample: Sample
) -> None:
    """Sense reads hostile bytes: what it says is checked again."""
    before = show(server, lane)
    tell(server, sample, Sample("good", 1.0))

    values = show(server, lane)

    assert values.pop(("link_samples_left_out", ())) == 1
    assert values.pop(("good", ())) == 1
    assert values.keys() == before.keys()


def test_a_metric_has_one_set_of_labels_and_each_series_once(server: Server) -> None:
    """Prometheus would refuse the whole page."""
    tell(
        server,
        Sample("x", 1.0, {"a": "1"}),
        Sample("x", 2.0, {"a": "1"}),
        Sample("x", 3.0, {"b": "1"}),
        Sample("x_total", 4.0),
    )

    values = show(server)

    assert values["x", (("a", "1"),)] == 1.0
    assert values["link_samples_left_out", ()] >= 2


def test_only_so_many_samples_are_shown(server: Server) -> None:
    """A page costs time with everything else held up."""
    tell(server, *(Sample("x", 1.0, {"a": str(n)}) for n in range(MAX_SAMPLES + 50)))

    assert show(server)["link_samples_left_out", ()] == 50


def test_what_sense_said_long_ago_is_not_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old numbers look like a quiet network."""
    tell(server, Sample("x", 1.0))
    monkeypatch.setattr(metrics, "SNAPSHOT_LIFE", 0.0)

    assert ("x", ()) not in show(server)


def counted(counts: EventCounts) -> dict[tuple[str, str], float]:
    """Return the counts by class and severity."""
    return {
        (sample.labels["class"], sample.labels["severity"]): sample.value
        for metric in counts.metrics()
        for sample in metric.samples
    }


def test_events_are_counted_by_class_and_severity() -> None:
    """In the five words of the settings."""
    counts = EventCounts()
    scales = (0, 1, 2, 3, 5, 6, 8, 10)
    counts.add([msgspec.structs.replace(EVENT, severity_id=number) for number in scales])

    assert counted(counts) == {
        (EVENT.class_id, "info"): 3,
        (EVENT.class_id, "low"): 2,
        (EVENT.class_id, "medium"): 1,
        (EVENT.class_id, "high"): 1,
        (EVENT.class_id, "critical"): 1,
    }


def test_classes_of_a_sense_gone_wild_are_one() -> None:
    """It parses hostile bytes; labels are for ever."""
    counts = EventCounts()
    made = [f"trail-x{number}" for number in range(MAX_CLASSES)]
    wild = ["trail-one-too-many", 'evil"} 1', "trail-", "trail-" + "x" * 100, "X"]
    counts.add([msgspec.structs.replace(EVENT, class_id=name) for name in (*made, *wild)])

    found = counted(counts)

    assert len(found) == MAX_CLASSES + 1
    assert found[OTHER, "critical"] == len(wild)


def test_reloads_are_shown(server: Server) -> None:
    """Whether what runs is what the file says."""
    reloads = Reloads()
    page = metrics.page(server, tuple, lambda: metrics.about_reloads(reloads))
    assert read(page())["deliver_config_last_reload_successful", ()] == 1

    reloads.failed()

    values = read(page())
    assert values["deliver_config_last_reload_successful", ()] == 0
    assert values["deliver_config_last_reload_success_timestamp_seconds", ()] == reloads.last_good


names = st.sampled_from(["x", "x_total", "y", "link_connected"]) | st.text(max_size=5)
samples = st.builds(
    Sample,
    names,
    st.floats(),
    st.dictionaries(st.sampled_from(["a", "b"]) | st.text(max_size=3), st.text(max_size=8)),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(samples, max_size=20))
def test_no_snapshot_breaks_the_page(told: list[Sample]) -> None:
    """The page always parses, each series once."""
    server = Server(Path("/nonexistent/events.sock"), frozenset(), lambda _: None)
    tell(server, *told)
    page = metrics.page(server, tuple)()
    server.stop()

    read(page)
    series = [line.rsplit(b" ", 1)[0] for line in page.splitlines() if not line.startswith(b"#")]
    assert len(series) == len(set(series))
    kinds = [line for line in page.splitlines() if line.startswith(b"# TYPE")]
    assert len(kinds) == len(set(kinds))
