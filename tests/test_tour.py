"""What `run` and `replay` show a person on a terminal."""

import fcntl
import io
import os
import pty
import re
import signal
import socket
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.deliver.status_document import Answer, Frame, Sense, Told
from agent.terminal import Terminal, width
from agent.tour import event_line, farewell, log_line, news, steps, view
from agent.tour_screen import Screen, can_show
from tests import packets
from tests.commands import run
from tests.deliver.statuses import HOSTILE, STATUS, TOLD, filled
from tests.outputs.samples import BAITS
from tests.teletype import Display, Tty

PLAIN = Terminal(columns=80)
COLOUR = Terminal(columns=80, colour=True)

ABSENT = "mts-none"
"""An interface that no host has."""

CONFIG = """
sensor: {{name: s1}}
capture: {{interfaces: [{1}]}}
trails: {{custom: [{0}/own.txt, {0}/own.csv]}}
allow_list: {{files: []}}
http: {{address: "127.0.0.1:0"}}
outputs: [{{name: archive, type: file, path: "{0}/events.log"}}]
"""


def frame(count: int = 0, **changes: object) -> Frame:
    """Return a frame that has counted so many detections, with some changes to its status."""
    return Frame(status=msgspec.structs.replace(STATUS, **changes), detections=count)


# Lines


def test_an_event_is_one_line_in_the_colour_of_its_severity() -> None:
    """When, how bad, what, between whom, which trail, why, how often."""
    assert event_line(TOLD, PLAIN) == (
        "07:59:00 critical trail-domain 10.0.0.5:40000 -> [2001:db8::1]:53 "
        "(www).evil.biz asyncrat (malware) x17"
    )
    assert "\x1b[1;31m(www).evil.biz\x1b[0m" in event_line(TOLD, COLOUR)
    low = msgspec.structs.replace(TOLD, severity_id=3)
    assert "\x1b[36mlow     \x1b[0m" in event_line(low, COLOUR)


def test_the_view_is_six_answers_and_what_to_do_next() -> None:
    """Marks differ in shape, as colour may be missing."""
    lines = view(frame(), PLAIN)

    assert lines[1] == "maltrail-agent 1.0 on sensor1.example.org, 1 hour Ctrl-C ends it"
    assert lines[2] == "● traffic    412 packets/s"
    assert [line[0] for line in lines[2:6]] == ["●", "■", "▲", "○"]
    assert lines[6] == "  next       delivery: look at it"
    ascii_only = view(frame(), Terminal(columns=80, unicode=False))
    assert [line[0] for line in ascii_only[2:6]] == ["+", "x", "!", "?"]


def test_what_to_do_is_the_most_urgent_first_and_little() -> None:
    """Faults before what needs a look, then what does not work; three at most."""

    def answer(key: str, level: str, remedy: str) -> Answer:
        return msgspec.convert(
            {"key": key, "question": "?", "level": level, "text": "x", "remedy": remedy}, Answer
        )

    answers = (answer("a", "warning", "mend a"), answer("b", "bad", "mend b"))
    troubles = tuple(
        Told(time=0, severity_id=6, class_id="agent-degraded", info=f"fault {n}") for n in (1, 2)
    )

    assert steps(frame(answers=answers, troubles=troubles)) == ["b: mend b", "a: mend a", "fault 1"]
    known = (msgspec.structs.replace(troubles[0], info="it is so; mend a"),)
    assert steps(frame(answers=answers, troubles=known)) == ["b: mend b", "a: mend a"]
    (well,) = steps(frame(answers=(answer("a", "good", ""),)))
    assert "what is detected appears above" in well


def test_before_sense_has_spoken_the_view_says_that_it_starts() -> None:
    """For some seconds; then its silence is a fault."""
    silent = Sense()
    assert "starting" in view(None, PLAIN)[1]
    assert "starting" in view(frame(sense=silent, started=STATUS.time - 3), PLAIN)[1]
    assert "starting" not in view(frame(sense=silent), PLAIN)[1]


def test_each_detection_is_told_once_the_oldest_first() -> None:
    """A flood is told by its number."""
    told = tuple(msgspec.structs.replace(TOLD, info=str(n)) for n in (3, 2, 1))
    before = frame(4)

    lines = list(news(before, frame(6, detections=told), PLAIN))
    assert [line.split()[-2] for line in lines] == ["2", "3"]
    assert list(news(before, frame(4, detections=told), PLAIN)) == []
    flood = list(news(before, frame(1007, detections=told), PLAIN))
    assert flood[0] == "1,000 more events, sent to the outputs and not shown here"
    assert len(flood) == 4


def test_the_end_tells_what_there_was() -> None:
    """Packets, drops, events, and what became of them."""
    assert farewell(frame(7), PLAIN) == [
        "ran for 1 hour: 9,000,123 packets, 210 dropped, 7 events told of the traffic",
        "output siem: 1,234 sent, 0 waiting, 0 lost",
        "output hec: 1,234 sent, 0 waiting, 0 lost",
    ]


@settings(deadline=None, max_examples=50)
@given(st.sampled_from((*HOSTILE, *BAITS)) | st.text(), st.integers(30, 100), st.booleans())
def test_no_text_steers_the_terminal(text: str, columns: int, colour: bool) -> None:
    """Nor makes the view wider than it is."""
    terminal = Terminal(columns, colour=colour)
    told = Frame(status=filled(text), detections=1)
    lines = [*view(told, terminal), *news(None, told, terminal), *farewell(told, terminal)]
    shown = Display()

    shown.write("".join(f"{line}\r\n" for line in [*lines, log_line(text, terminal)]))

    for line in view(told, terminal):
        assert width(re.sub("\x1b[^m]*m", "", line)) <= columns
    assert colour or not shown.colours


# Screen


@pytest.mark.parametrize(
    ("size", "term", "usable"),
    [
        *(((100, 40), "xterm", True), ((29, 40), "xterm", False), ((100, 11), "xterm", False)),
        ((100, 40), "dumb", False),
    ],
)
def test_only_a_usable_terminal_gets_a_live_view(
    size: tuple[int, int], term: str, usable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wide and high enough, and one whose cursor moves."""
    with opened(size) as stream:
        monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())
        assert can_show((stream, stream), {"TERM": term}) is usable


def test_what_is_not_in_front_of_a_terminal_gets_no_view() -> None:
    """A job in the background may not change the terminal, and a pipe is none."""
    with opened((100, 40)) as stream:
        assert not can_show((stream, stream), {"TERM": "xterm"})  # it is not that of this session
    assert not can_show((io.StringIO(),), {"TERM": "xterm"})


def test_a_crash_of_the_view_leaves_the_terminal_as_it_was() -> None:
    """Whatever goes wrong in between."""
    with opened((100, 40)) as stream:
        screen = Screen(stream)
        os.write(screen.add_frames(), b"no frame\n")

        def show() -> None:
            with screen:
                assert not termios.tcgetattr(stream)[3] & termios.ECHO
                screen.step(1.0)

        with pytest.raises(msgspec.DecodeError):
            show()
        assert termios.tcgetattr(stream)[3] & termios.ECHO


def test_a_frame_that_ended_with_its_writer_is_left_out() -> None:
    """And the last line of a log that did is shown."""
    with opened((100, 40)) as stream, Screen(stream) as screen:
        frames, log = screen.add_frames(), screen.add_log()
        os.write(frames, msgspec.json.encode(frame())[:-9])
        os.write(log, b"ERROR killed")
        os.close(frames)
        os.close(log)
        shown = io.StringIO()
        screen._stream = shown
        screen.step(1.0)
        screen.step(1.0)
        screen._stream = stream

    assert "ERROR killed" in shown.getvalue()


@contextmanager
def opened(size: tuple[int, int]) -> Iterator[TextIO]:
    """Open a terminal of this size and read away what is written to it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    with os.fdopen(theirs, "w", encoding="utf-8") as stream:
        yield stream
    os.close(ours)


# A real terminal


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Return a folder with a configuration that touches nothing of this host."""
    (tmp_path / "own.txt").write_text("evil.org\n")
    (tmp_path / "config.yaml").write_text(CONFIG.format(tmp_path, ABSENT))
    return tmp_path


QUESTION = packets.udp_frame(
    "192.168.1.10", 4000, "192.0.2.53", 53, packets.dns_query("www.evil.org")
)

Start = Callable[..., Tty]


@pytest.fixture
def start(room: Path) -> Iterator[Start]:
    """Yield what starts the agent on a terminal."""
    started: list[Tty] = []

    def make(*more: str, **keys: object) -> Tty:
        arguments = ["run", "-c", str(room / "config.yaml"), "--state-dir", str(room)]
        arguments += ["--run-dir", str(room / "run"), *more]
        environment = keys.get("environment")
        size = keys.get("size", (100, 40))
        started.append(Tty(arguments, environment, size))  # type: ignore[arg-type]
        return started[-1]

    yield make
    for one in started:
        one.close()


@pytest.mark.root
def test_run_shows_a_live_view_with_what_is_detected_above(start: Start, room: Path) -> None:
    """Captured, matched, delivered, printed; Ctrl-C leaves what there was, and the terminal."""
    (room / "config.yaml").write_text(CONFIG.format(room, "lo"))
    (room / "own.txt").unlink()
    (room / "own.csv").write_text('evil.org,"\x1b]0;owned\x07\x1b[2Jc2 (malware)",x\n')
    tty = start()
    tty.await_text("capturing on lo with")
    assert not tty.echoes
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        query = packets.dns_query("www.evil.org"), ("127.0.0.1", 53)
        tty.await_text("-> 127.0.0.1:53 (www).evil.org", lambda: client.sendto(*query))
    tty.await_text("no trail set is in use")

    assert tty.text.count("Ctrl-C ends it") == 1
    assert "run maltrail-agent update" in tty.text
    assert "c2 (malware)" in tty.text
    assert tty.display.colours
    assert tty.end(signal.SIGINT) == 0  # the display refuses sequences that are not ours
    assert b"owned\x07" not in tty.raw
    assert "Ctrl-C ends it" not in tty.text
    assert "output archive: " in tty.text.splitlines()[-1]
    assert tty.echoes


@pytest.mark.root
def test_colour_is_left_out_where_it_is_not_wanted(start: Start) -> None:
    """The view stays, on a narrow terminal too: no line is wider."""
    tty = start(environment={"NO_COLOR": "1"}, size=(40, 20))
    tty.await_text("run maltrail-agent")

    shown = tty.text.splitlines()
    at = next(n for n, line in enumerate(shown) if line.startswith("───"))
    assert max(map(len, shown[at:])) <= 40
    tty.end(signal.SIGTERM)
    assert not tty.display.colours
    assert tty.echoes


@pytest.mark.root
def test_a_terminal_that_goes_away_ends_the_agent(start: Start) -> None:
    """In order: nobody could end it any more."""
    tty = start()
    tty.await_text("no trail set is in use")

    tty.hang_up()

    assert tty.process.wait(60) == 0


def test_replay_prints_lines_for_people_on_a_terminal_and_formats_elsewhere(room: Path) -> None:
    """Unless a format is asked for."""
    capture = packets.write_pcap(room / "x.pcap", packets.timed([QUESTION]))
    plain = ["replay", "--trails", str(room / "own.txt"), str(capture)]

    shown, asked = Tty(plain), Tty([*plain, "--format", "cef"])
    piped = run(*plain)

    assert (shown.wait(), asked.wait()) == (0, 0)
    assert "medium   trail-domain 192.168.1.10:4000 -> 192.0.2.53:53 (www).evil.org" in shown.text
    assert shown.display.colours
    assert asked.text.startswith("CEF:0|")
    assert piped.events[0]["class"] == "trail-domain"
    shown.close()
    asked.close()
