"""The status page in a real browser, served by a running deliver."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agent import config
from agent.deliver.main import SOCKET, Deliver
from agent.link import Coverage, EventFrame, Hello, Missed, Sample, Snapshot
from agent.model import Endpoint, Event, Http
from tests.deliver.chromium import Chromium
from tests.deliver.statuses import HOSTILE
from tests.deliver.test_server import Sense
from tests.deliver.waiting import DEADLINE, until
from tests.outputs.samples import EVENT

pytestmark = pytest.mark.root

WIDE, MIDDLE, NARROW = (1280, 900), (800, 1000), (360, 780)
SETTINGS = """
sensor: {name: sensor1.example.org}
http: {address: "127.0.0.1:0", status: true}
outputs: [{name: archive, type: file, path: "%s"}]
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield where a deliver serves its page; sense told it of nothing but hostile names."""
    folder = tmp_path_factory.mktemp("deliver")
    settings = config.parse(SETTINGS % (folder / "events.log"), "config.yaml")
    deliver = Deliver(settings, folder, folder / "state")
    deliver.start()
    stop = threading.Event()
    running = threading.Thread(target=deliver.run, args=(stop,))
    running.start()
    sense = Sense(folder / SOCKET)
    sense.send(Hello("run1", "<b>1.0"), snapshot())
    events = [hostile(text) for text in HOSTILE]
    sense.send(*(EventFrame(number, event) for number, event in enumerate(events, 1)))
    sense.next_ack(len(events))
    yield f"http://127.0.0.1:{deliver.http.port}/"
    stop.set()
    running.join(DEADLINE)
    deliver.close()
    sense.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Yield a browser."""
    with Chromium(tmp_path_factory.mktemp("chromium")) as made:
        yield made


def snapshot() -> Snapshot:
    """Return what sense says of itself, with a name that is markup wherever there is one."""
    bait = HOSTILE[0]
    samples = (
        Sample("capture_up", 1.0, {"interface": bait}),
        Sample("capture_packets_received_total", 5.0, {"interface": bait}),
        Sample("trails_loaded", 9.0, {"kind": bait}),
    )
    coverage = Coverage(5, 5, (Missed(bait, 1, 2, bait),))
    return Snapshot(samples, ready=False, reason=bait, set=bait, coverage=coverage)


def hostile(text: str) -> Event:
    """Return an event that says this wherever the wire or a list can say anything."""
    return msgspec.structs.replace(
        EVENT,
        trail=text,
        info=text,
        reference=text,
        indicator=text,
        observed=text,
        where="http.url",
        source=Endpoint(text, 1),
        destination=Endpoint(text, 2),
        destination_name=text,
        http=Http(method=text, url=text),
    )


def test_nothing_of_hostile_names_runs_and_nothing_is_fetched(
    browser: Chromium, address: str
) -> None:
    """They are read as they are written; there was nothing that the policy had to stop."""
    browser.look(*WIDE, "light")
    browser.open(address)

    assert browser.value("document.title").endswith(": sensor1.example.org")
    assert browser.value("document.querySelectorAll('script, img, svg, link, base, b').length") == 0
    shown = browser.value("document.body.innerText")
    for text in HOSTILE[:9]:
        assert text in shown
    asked = [told["request"]["url"] for told in browser.told("Network.requestWillBeSent")]
    assert asked == [address]
    assert browser.told("Log.entryAdded") == browser.told("Runtime.consoleAPICalled") == []


def test_the_policy_stops_what_would_run_nevertheless(browser: Chromium, address: str) -> None:
    """Even if a name were written into the page as it is."""
    browser.open(address)
    browser.value(
        "document.body.insertAdjacentHTML('beforeend', "
        "`<img src=x onerror=\"document.title='owned'\"><p id=p style='color:red'>x</p>`)"
    )

    until(lambda: browser.value("1") and browser.told("Log.entryAdded"), "a violation")
    violations = " ".join(told["entry"]["text"] for told in browser.told("Log.entryAdded"))
    assert "Content Security Policy" in violations
    assert browser.value("document.title") != "owned"
    assert browser.value("document.getElementById('p').style.color") == ""


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (WIDE, "dark"), (MIDDLE, "light"), (NARROW, "dark")]
)
def test_the_page_fits_and_follows_the_theme(
    browser: Chromium, address: str, size: tuple[int, int], scheme: str, tmp_path: Path
) -> None:
    """Nothing lies beside a window, and the ground is that of the theme."""
    browser.look(*size, scheme)
    browser.open(address)

    assert browser.value("document.documentElement.scrollWidth") <= size[0]
    ground = browser.value("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(250, 250, 248)", "dark": "rgb(20, 23, 26)"}[scheme]
    outside = (
        "[...document.querySelectorAll('body *')].filter("
        "e => e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 1"
        " && !e.closest('thead')).length"
    )
    assert browser.value(outside) == 0
    browser.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 5_000


def test_the_keyboard_goes_from_top_to_bottom_and_shows_where_it_is(
    browser: Chromium, address: str
) -> None:
    """Reload, what opens, links; each with a visible frame; Enter opens the configuration."""
    browser.look(*WIDE, "light")
    browser.open(address)
    stops = []
    for _ in range(5):
        browser.press("Tab")
        stops.append(browser.value("document.activeElement.innerText.replace(/[0-9]+/, 'n')"))
        style = "getComputedStyle(document.activeElement)"
        assert browser.value(f"{style}.outlineStyle + {style}.outlineWidth") == "solid3px"
        if stops[-1].endswith("of this host"):
            browser.press("Enter")

    assert stops == [
        *("Reload", "n settings of this host", "n settings with their default"),
        *("The same for programs", "Metrics"),
    ]
    opened = browser.value("document.querySelector('details').open")
    assert opened
    assert "http.status" in browser.value("document.body.innerText")


def test_the_page_is_reloaded_by_its_link(browser: Chromium, address: str) -> None:
    """Under the policy's sandbox too."""
    browser.open(address)
    before = browser.value("document.querySelector('time').dateTime")
    until(lambda: _date(address) > before, "another second")
    browser.heard.clear()
    browser.press("Tab")
    browser.press("Enter")
    browser.await_event("Page.loadEventFired")

    assert browser.value("document.querySelector('time').dateTime") > before


def _date(address: str) -> str:
    """Return the time that the page says now."""
    asked = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=10)
    asked.request("GET", "/")
    page = asked.getresponse().read().decode()
    asked.close()
    return page.partition('datetime="')[2].partition('"')[0]
