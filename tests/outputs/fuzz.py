"""Fuzz all formats: `python -m tests.outputs.fuzz SECONDS [SEED]`.

Random events of hostile parts are formatted, cut to random limits, given headers, and read back by
the strict readers. The first line that reads differently ends the run with its seed and event.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable

from agent.model import Delivery, Endpoint, Event
from outputs._fit import TooBig, fit
from outputs._formats import FORMATS, LEAST
from outputs._header import Style, header
from tests.outputs import syslog_reader
from tests.outputs.expected import judge
from tests.outputs.samples import BAITS, OTHER_ADDRESSES, RUN_ID, filled

_CLASSES = (
    *("trail-domain", "trail-ip", "trail-ip-port", "trail-network", "trail-url", "trail-path"),
    *("trail-user-agent", "trail-certificate", "trail-ja3", "behaviour-port_scan"),
)
_WHERE = (
    *("dns.question", "dns.answer", "http.host", "http.url", "http.path", "http.user_agent"),
    *("tls.sni", "tls.certificate", "quic.sni", "ip.src", "ip.dst", "proxy.target", "behaviour"),
)
_PARTS = ("=", "|", "\\", '"', "'", ",", " ", "\n", "\r", "\t", "\x00", "\x7f", "\u2028", "CEF:0|")
_LIMITS = (1200, 1400, 2400, 8192, 65507)


def encoder(name: str, style: Style = "bare") -> Callable[[Delivery], bytes]:
    """Return what makes the bytes of a format behind a header."""

    def encode(delivery: Delivery) -> bytes:
        return (header(delivery.event, style, "local0") + FORMATS[name](delivery)).encode()

    return encode


class Maker:
    """Makes random events; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - not for secrets

    def event(self) -> Event:
        """Return an event of hostile parts."""
        pick, chance = self._random.choice, self._random.random
        kinds: tuple[Callable[[], str], ...] = (self._text, self._text, self._word, lambda: "")
        base = filled(pick(kinds))
        changes: dict[str, object] = {
            "class_id": pick(_CLASSES),
            "where": pick(_WHERE),
            "type": pick(("DNS", "IP", "PORT", "URL", "IPORT")),
            "protocol": pick(("TCP", "UDP", "ICMP", "ICMPV6", "GRE", "")),
            "severity": pick(("low", "medium", "high")),
            "severity_id": self._random.randint(0, 10),
            "direction": pick(("inbound", "outbound", "internal", "external")),
            "outcome": pick(("answered", "refused", "unanswered", "unknown")),
            "state": pick(("open", "update", "closed", "single")),
            "source": self._endpoint(),
            "destination": self._endpoint(),
            "count": pick((0, 1, 2, 2**31, 2**63, 2**70)),
            "total": pick((0, 1, 7, 2**31, 2**63, 2**70)),
            "time_us": self._time(),
            "first_us": self._time(),
            "last_us": self._time(),
            "vlans": tuple(range(self._random.randint(0, 3))),
        }
        for name in ("dns", "http", "tls"):
            if chance() < 0.5:
                changes[name] = None
        for name in ("trail", "indicator", "info", "reference", "sensor"):
            if chance() < 0.3:
                changes[name] = self._text()
        if chance() < 0.3:
            changes["indicator"] = pick(("1.2.3.4:80", "[::1]:443", "1.2.3.4:99999", "1.2.3.0/24"))
        if chance() < 0.5:
            changes["evidence"] = {"ports": self._random.randint(0, 9), "a.b": 0.5, "a": "x"}
        fields = {name: getattr(base, name) for name in base.__struct_fields__}
        return Event(**{**fields, **changes})

    def _time(self) -> int:
        return self._random.randint(0, 4_294_967_295_999_999)

    def _endpoint(self) -> Endpoint:
        bits = self._random.getrandbits
        address = self._random.choice(
            (
                ".".join(str(bits(8)) for _ in range(4)),
                ":".join(f"{bits(16):x}" for _ in range(8)),
                "",
                self._random.choice(OTHER_ADDRESSES),
            )
        )
        return Endpoint(address, self._random.choice((None, 0, 53, 65535)))

    def _word(self) -> str:
        return "".join(
            self._random.choices("abcdefghij.-0123456789", k=self._random.randint(1, 30))
        )

    def _text(self) -> str:
        kind = self._random.random()
        if kind < 0.3:
            return self._random.choice(BAITS)
        if kind < 0.6:
            parts = self._random.choices(
                (*_PARTS, "src", "cs1", "a", "é"), k=self._random.randint(0, 20)
            )
            return "".join(parts)
        if kind < 0.8:
            count = self._random.randint(0, 30)
            return "".join(chr(self._random.randrange(0x110000)) for _ in range(count))
        if kind < 0.9:
            wire = self._random.randbytes(self._random.randint(0, 60))
            return wire.decode(
                "utf-8", self._random.choice(("surrogateescape", "backslashreplace"))
            )
        return self._word()


def run(seconds: float, seed: int) -> Counter[str]:
    """Fuzz for so long; return what was done. Raise at the first line that reads differently."""
    counts: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        seed += 1
        event = Maker(seed).event()
        try:
            _check(Delivery(event=event, run_id=RUN_ID, seq=seed), seed, counts)
        except Exception:
            sys.stderr.write(f"seed {seed}: {event!r}\n")
            raise
    return counts


def _check(sent: Delivery, seed: int, counts: Counter[str]) -> None:
    limit = _LIMITS[seed % len(_LIMITS)]
    counts["events"] += 1
    for name, render in FORMATS.items():
        line = render(sent)
        judge(name, line, sent)
        counts["lines"] += 1
        counts["bytes"] += len(line)
        framed = (header(sent.event, "rfc5424", "local0") + line).encode()
        assert syslog_reader.read_rfc5424(framed).text == line
        old = (header(sent.event, "rfc3164", "local0") + line).encode()
        assert syslog_reader.read_rfc3164(old).text == line
        try:
            data, used = fit(sent, encoder(name), limit)
        except TooBig:
            assert name == "ecs"
            assert limit < LEAST.get(name, 0)
            counts[f"{name} too big for {limit}"] += 1
            continue
        assert len(data) <= limit
        if used is not sent:
            judge(name, data.decode(), used)
            counts["lines cut to fit"] += 1


if __name__ == "__main__":
    done = run(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    sys.stdout.write(f"{dict(done)}\n")
