"""verify: what a stream lost, doubled or turned round is found, and nothing else."""

import gzip
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commands.verify import text
from agent.model import Delivery
from agent.terminal import Terminal
from agent.verify.lines import Received, read
from agent.verify.report import Report, lines_of
from agent.verify.runs import Run, Runs
from outputs import _formats
from tests.commands import run
from tests.outputs.samples import HOSTILE

RUN = "0123456789abcdef0123456789abcdef"
FORMATS = ("cef", "leef", "maltrail", "ecs", "ocsf", "csv")


def lines(form: str, numbers: list[int], run_id: str = RUN) -> list[str]:
    """Render hostile events under these numbers."""
    make = _formats.make(form)  # type: ignore[arg-type]
    return [
        make(Delivery(event=HOSTILE[seq % len(HOSTILE)], run_id=run_id, seq=seq)) for seq in numbers
    ]


def of_one_sensor(form: str, numbers: list[int]) -> str:
    """Render one and the same event under these numbers, as a file has it."""
    make = _formats.make(form)  # type: ignore[arg-type]
    made = [make(Delivery(event=HOSTILE[0], run_id=RUN, seq=seq)) for seq in numbers]
    return "\n".join(made) + "\n"


def report(text: list[str]) -> Report:
    """Judge lines."""
    made = Report()
    made.take(text)
    return made


@pytest.mark.parametrize("form", FORMATS)
def test_every_event_is_read_whatever_it_says(form: str) -> None:
    """Texts from the wire pretend to be other fields; numbers and identifiers are ours."""
    for seq, line in enumerate(lines(form, list(range(1, len(HOSTILE) + 1))), start=1):
        (event,) = read(line)
        sent = HOSTILE[seq % len(HOSTILE)]
        assert (event.run_id, event.seq) == (RUN, seq)
        assert (event.event_id, event.class_id) == (sent.event_id, sent.class_id)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "<134>1 2026-01-01T00:00:00Z host maltrail-agent 1 trail-ip - {}",
        "Jan  1 00:00:00 host maltrail-agent: {}",
        "2026-01-01T00:00:00+00:00 host maltrail-agent[7] {}",
    ],
)
def test_what_a_receiver_puts_around_a_line_makes_no_difference(form: str, around: str) -> None:
    """RFC 5424, RFC 3164, and what rsyslog writes to its files."""
    assert report([around.format(line) for line in lines(form, [1, 2, 3])]).is_clean


@pytest.mark.parametrize("form", FORMATS)
def test_documents_inside_documents_are_read(form: str) -> None:
    """Logstash and Filebeat keep what they received as a text, and so does Splunk's export."""
    text = [json.dumps({"message": line}) for line in lines(form, [1, 2])]
    text += [json.dumps({"event": {"original": line}}) for line in lines(form, [3])]
    text += [json.dumps({"preview": False, "result": {"_raw": lines(form, [4])[0]}})]

    assert [event.seq for line in text for event in read(line)] == [1, 2, 3, 4]


@pytest.mark.parametrize("form", ["maltrail", "ecs"])
@pytest.mark.parametrize("key", ["_source", "event"])
def test_documents_of_indexes_and_collectors_are_read(form: str, key: str) -> None:
    """An export of Elasticsearch; what a HTTP event collector is sent."""
    document = json.loads(lines(form, [7])[0])

    assert [event.seq for event in read(json.dumps({"time": 1, key: document}))] == [7]


def test_nesting_without_an_end_is_no_event() -> None:
    """Each level costs a little, and there are few."""
    line = lines("maltrail", [1])[0]
    for _ in range(20):
        line = json.dumps({"message": line})

    assert [*read(line)] == []


@pytest.mark.parametrize("form", FORMATS)
def test_octet_counted_dumps_are_read(form: str) -> None:
    """RFC 6587: messages follow each other without a line's end."""
    messages = [f"<134>1 - h a - - - {line}" for line in lines(form, [1, 2, 3])]
    dump = "".join(f"{len(message)} {message}" for message in messages)

    assert [event.seq for event in read(dump)] == [1, 2, 3]


@given(st.integers(0, 2**32), st.integers(1, 300))
def test_exactly_what_was_done_to_a_stream_is_reported(seed: int, size: int) -> None:
    """Random losses, copies and swaps."""
    draw = random.Random(seed)  # noqa: S311 - a test
    kept = [seq for seq in range(1, size + 1) if draw.random() < 0.8] or [1]
    copies = [seq for seq in kept if draw.random() < 0.1]
    sent = kept + copies
    if draw.random() < 0.5:
        draw.shuffle(sent)
    runs = Runs()
    highest, late, seen = 0, 0, set()
    for seq in sent:
        runs.take(Received("s", RUN, seq, str(seq), "trail-ip"))
        late += seq not in seen and seq < highest
        highest = max(highest, seq)
        seen.add(seq)

    (made,) = runs.runs.values()
    wanted = set(range(min(kept), max(kept) + 1)) - set(kept)
    told = {seq for start, end in made.gaps for seq in range(start, end + 1)}
    assert (told, made.missing) == (wanted, len(wanted))
    assert (made.duplicates, made.reordered) == (len(copies), late)
    assert (made.first, made.last, made.received) == (min(kept), max(kept), len(sent))


def test_a_stream_without_gaps_is_one_range() -> None:
    """Memory follows what is missing, not what arrived."""
    runs = Runs()
    for seq in range(1, 20_001):
        runs.take(Received("s", RUN, seq, str(seq), "trail-ip"))

    (made,) = runs.runs.values()
    assert (made.starts, made.ends) == ([1], [20_000])


def test_two_events_of_one_number_are_told() -> None:
    """No output gives a number of a run twice, so that something else wrote these lines."""
    first = lines("cef", [1, 2])
    second = [line.replace("externalId=", "externalId=f") for line in first]

    made = report(first + second)

    assert not made.is_clean
    assert any("stand for two events each" in line for line in text(made, Terminal()))


def test_a_sensor_that_was_renamed_goes_on_in_its_run() -> None:
    """Deliver numbers what every sense tells it, whatever that calls itself."""
    runs = Runs()
    for seq, sensor in ((1, "old"), (2, "new"), (3, "new")):
        runs.take(Received(sensor, RUN, seq, str(seq), "trail-ip"))

    (made,) = runs.runs.values()
    assert (made.sensor, made.missing, made.received) == ("new", 0, 3)


def test_a_run_ended_when_its_last_number_is_a_stop() -> None:
    """A stop of sense is one of many; what deliver numbers after it is expected to arrive."""
    runs = Runs()
    for seq, class_id in ((1, "agent-start"), (2, "agent-stop"), (3, "trail-ip")):
        runs.take(Received("s", RUN, seq, str(seq), class_id))
    (made,) = runs.runs.values()
    assert not made.ended

    runs.take(Received("s", RUN, 4, "4", "agent-stop"))

    assert made.ended


def test_maltrails_columns_cannot_be_judged() -> None:
    """They have no room for a number, and that is said."""
    made = report(lines("maltrail-line", [1, 2, 3]))

    assert (made.unnumbered, made.foreign) == (3, 0)


@given(st.text(max_size=200))
def test_any_text_is_survived(text: str) -> None:
    """Lines of others are counted, with a sample that cannot harm a terminal."""
    made = report([text, "{" + text, "CEF:0|Maltrail|maltrail-agent|1|a|b|1|cn2=1 " + text])

    assert made.sample.isprintable()


def test_the_command_tells_gaps_and_its_status(tmp_path: Path) -> None:
    """0 where all arrived, 1 where something is missing, 2 where nothing can be judged."""
    whole, torn, other = tmp_path / "whole.gz", tmp_path / "torn", tmp_path / "other"
    whole.write_bytes(gzip.compress(of_one_sensor("cef", [1, 2, 3]).encode()))
    torn.write_text(of_one_sensor("ecs", [1, 2, 5, 9]), encoding="utf-8")
    other.write_text("hello\n", encoding="utf-8")

    assert len(list(lines_of(str(whole)))) == 3
    assert run("verify", whole).status == 0
    said = run("verify", torn)
    assert said.status == 1
    assert "missing 3 to 4" in said.out
    assert "missing 6 to 8" in said.out
    told = json.loads(run("verify", "--json", torn).out)
    assert told["runs"][0]["gaps"] == [[3, 4], [6, 8]]
    assert run("verify", other).status == 2
    assert run("verify", tmp_path / "absent").status == 2


def test_every_class_of_cef_is_read() -> None:
    """Behaviours are named after their files, with underscores."""
    (event,) = read(
        "CEF:0|Maltrail|maltrail-agent|1.0|behaviour-port_scan|Scan|3|externalId=a cn2=7"
        " deviceExternalId=host flexString1=b"
    )

    assert event == Received("host", "b", 7, "a", "behaviour-port_scan")


def test_a_run_has_a_picture_of_its_gaps() -> None:
    """A column for each part of the run, from its first number to its last; full where all came."""
    made = report(lines("cef", [1, 2, 3, 4, *range(9, 25)]))

    (found,) = made.runs.runs.values()

    assert found.arrived(6) == [1.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    assert found.arrived(4) == [pytest.approx(4 / 6), pytest.approx(4 / 6), 1.0, 1.0]
    assert len(found.arrived(100)) == 24
    assert "|████    ████████████████|" in "\n".join(text(made, Terminal()))


@given(st.sets(st.integers(1, 200), min_size=1), st.integers(1, 40))
def test_a_picture_counts_every_number_once(numbers: set[int], parts: int) -> None:
    """Whatever is missing: shares times sizes are what arrived."""
    found = Run()
    for number in sorted(numbers):
        found.take(Received("s", "r", number, str(number), "agent-canary"))

    shares = found.arrived(parts)
    size = (found.last - found.first + 1) / len(shares)

    assert all(0 <= share <= 1 for share in shares)
    assert abs(sum(shares) * size - len(numbers)) <= len(shares)
    assert all(share == 1 for share in shares) == (found.missing == 0)
