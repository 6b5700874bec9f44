"""Damaged hellos, requests, messages and certificates, cut and shuffled: nothing falls over.

`python -m tests.test_names_fuzz SECONDS [SEED]` goes on for as long as it is told to.
"""

import random
import sys
import time

import pytest

from agent.scan import stats
from tests import packets, quic_packets
from tests.scan.scanning import randomness, sized
from tests.wired import Wired

CLIENT, SERVER = "192.168.1.10", "203.0.113.80"
NAME = "evil.org"
HELLO = packets.client_hello(NAME, padding=700)
DER = packets.noise(1500, b"certificate")

STREAMS = (
    packets.tls_record(HELLO),
    b"".join(packets.tls_record(HELLO[at : at + 97]) for at in range(0, len(HELLO), 97)),
    packets.tls_record(packets.server_hello()) + packets.tls_record(packets.certificate(DER, DER)),
    packets.tls_record(packets.server_hello() + packets.certificate(DER)),
    packets.http_request("/submit/a?b=c", NAME, method="POST", body=b"q=%31&x=2"),
    b"".join(packets.http_request(f"/{n}", NAME, user_agent="Evil/1") for n in range(3)),
    b"".join(packets.dns_over_tcp(packets.dns_query(name)) for name in (NAME, f"x.{NAME}")),
)
DATAGRAMS = (
    packets.dns_response(
        "www.good.org", [(packets.CNAME, f"cdn.{NAME}"), (packets.A, "198.51.100.9")]
    ),
    packets.dns_query(NAME, edns=True),
    quic_packets.initial([quic_packets.crypto(0, HELLO)]),
    quic_packets.initial([quic_packets.crypto(0, HELLO)], version=quic_packets.V2),
)


def damaged(draw: random.Random, data: bytes) -> bytes:
    """Change, drop and insert bytes; sometimes none."""
    made = bytearray(data)
    for _ in range(draw.choice((0, 1, 1, 2, 5, 30))):
        at = draw.randrange(len(made)) if made else 0
        kind = draw.randrange(4)
        if kind == 0:
            made[at : at + 1] = bytes([draw.choice((0, 1, 10, 13, 22, 32, 127, 192, 255))])
        elif kind == 1:
            made[at : at + 1] = draw.randbytes(1)
        elif kind == 2:
            del made[at : at + draw.randrange(1, 20)]
        else:
            made[at:at] = draw.randbytes(draw.randrange(1, 20))
    return bytes(made)


def frames(draw: random.Random) -> list[bytes]:
    """Return a connection's segments in some order, or a datagram."""
    port = draw.choice((53, 80, 443, 5353))
    client = draw.randrange(1024, 1100)
    if draw.random() < 0.4:
        return [
            packets.udp_frame(CLIENT, client, SERVER, port, damaged(draw, draw.choice(DATAGRAMS)))
        ]
    payload = damaged(draw, draw.choice(STREAMS))
    cuts = sorted(draw.randrange(len(payload) + 1) for _ in range(draw.choice((0, 0, 1, 3, 9))))
    first = draw.randrange(2**32)
    made = [
        packets.tcp_frame(
            CLIENT,
            client,
            SERVER,
            port,
            payload[start:end],
            sequence=(first + start) % 2**32,
            flags=draw.choice((0x10, 0x18, 0x18, 0x18, 0x12, 0x14, 0x02)),
        )
        for start, end in zip([0, *cuts], [*cuts, len(payload)], strict=True)
    ]
    if draw.random() < 0.3:
        draw.shuffle(made)
    return made if draw.random() < 0.9 else [damaged(draw, frame) for frame in made]


def one_round(draw: random.Random, wired: Wired, number: int) -> None:
    """Scan and match one batch of them."""
    sent = [frame for _ in range(20) for frame in frames(draw)]
    wired.scanner.scan(packets.batch(sent, start_us=packets.START_US + number * 100_000))
    if draw.random() < 0.02:
        wired.scanner.finish()
    for sighting in wired.scanner.drain(True, ""):
        wired.matcher.match(sighting)
    for token in wired.matcher.take_harmless():
        wired.scanner.learn(token)
    assert wired.scanner.statistics()[stats.ERRORS] == 0, f"round {number}"


def wire() -> Wired:
    """Return a scanner and matcher that want something of everything."""
    own = {"a" * 32: "ja3", "b" * 40: "certificate", "ua:Evil/1": "agent", "re:[a-z]+[0-9]x": "x"}
    return Wired({NAME: "malware", "198.51.100.9": "malware", "/submit/a": "malware"}, own=own)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_streams_are_survived_and_hide_nothing(seed: int) -> None:
    """No parser falls over, and what is whole afterwards is found as ever."""
    draw, wired = randomness(seed), wire()
    rounds = sized(150, 12)

    for number in range(rounds):
        one_round(draw, wired, number)
    hello = packets.tcp_frame("10.9.9.9", 1, SERVER, 443, packets.tls_hello_payload(NAME))

    wired.scanner.finish()
    wired.scanner.drain(True, "")
    assert wired.told(hello) == [("tls.sni", "DNS", NAME)]


def main() -> None:
    """Go on for SECONDS."""
    end = time.monotonic() + float(sys.argv[1])
    draw, wired = randomness(int(sys.argv[2]) if sys.argv[2:] else 0), wire()
    number = 0
    while time.monotonic() < end:
        one_round(draw, wired, number)
        number += 1
    counted = wired.scanner.statistics()
    sys.stdout.write(
        f"{counted[stats.PACKETS]} packets, {counted[stats.STREAMS]} heads, no error\n"
    )


if __name__ == "__main__":
    main()
