"""A day in an office, as frames: browsing, updates, mail, video, printers, backup, monitoring.

What is ordinary and looks odd is in it on purpose: names below content delivery and reputation
services, search lists, retries after a timeout, sites with all files at the root, health checks.
"""

from collections.abc import Iterator

from tests import packets
from tests.packets import START_US, Timed
from tests.scan.scanning import randomness

RESOLVER, PRINTER, BACKUP, MONITOR = "10.0.0.53", "10.0.0.9", "10.0.0.20", "10.0.0.30"
DAY_US = 9 * 3600 * 1_000_000
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
)
SITES = tuple(f"www.shop{n}.com" for n in range(40))
CDNS = ("cloudfront.net", "azureedge.net", "akamaiedge.net", "fastly.net", "googlevideo.com")


class Office:
    """So many hosts, seen where they leave for the internet and for servers of their own."""

    def __init__(self, hosts: int, seed: int = 1) -> None:
        self.hosts = [f"10.0.1.{n + 10}" for n in range(hosts)]
        self._draw = randomness(seed)
        self._port = 1024

    def day(self) -> list[Timed]:
        """Return the frames of nine hours in order."""
        frames = [
            (self._draw.randrange(DAY_US) + offset + START_US, frame)
            for host in self.hosts
            for _ in range(60)
            for offset, frame in self._errand(host)
        ]
        for minute in range(0, 9 * 60, 5):
            at = START_US + minute * 60_000_000
            frames += [(at + offset, frame) for offset, frame in self._monitoring()]
        return sorted(frames)

    def _errand(self, host: str) -> Iterator[tuple[int, bytes]]:
        errands = (self._browse, self._browse, self._update, self._mail, self._video, self._print)
        yield from self._draw.choice(errands)(host)

    def _browse(self, host: str) -> Iterator[tuple[int, bytes]]:
        site = self._draw.choice(SITES)
        agent = BROWSERS[hash_of(host) % 2]
        yield from self._resolve(host, f"{site}.corp.example.org", code=3)
        yield from self._resolve(host, site)
        yield from self._resolve(host, f"d{self._word(32)}.{self._draw.choice(CDNS)}")
        server = f"198.51.100.{SITES.index(site) + 1}"
        for n in range(15):  # all at the root
            target = f"/file{n}.js?v={self._word(6)}&q=select+size&ref=a+and+b"
            yield from self._fetch(host, server, target, site, agent, 20_000 * n)

    def _update(self, host: str) -> Iterator[tuple[int, bytes]]:
        yield from self._resolve(host, f"{self._word(40)}.avts.mcafee.com")
        agent = "Microsoft-Delivery-Optimization/10.1"
        target = f"/filestreamingservice/files/{self._word(20)}?P1=1&P2=402"
        yield from self._fetch(host, "203.0.113.5", target, "dl.delivery.mp.microsoft.com", agent)
        yield from self._fetch(
            host,
            "203.0.113.6",
            "/MFEwTzBN%2Bx%3D%3D",
            "ocsp.digicert.com",
            "Microsoft-CryptoAPI/10.0",
        )

    def _mail(self, host: str) -> Iterator[tuple[int, bytes]]:
        yield from self._resolve(host, "autodiscover.corp.example.org", code=3)
        yield from self._resolve(host, "wpad.corp.example.org", code=3)
        hello = packets.tls_hello_payload("outlook.office365.com")
        yield 1000, packets.tcp_frame(host, self._next_port(), "203.0.113.7", 443, hello)

    def _video(self, host: str) -> Iterator[tuple[int, bytes]]:
        for n in range(6):
            name = f"rr{n}---sn-{self._word(12)}.googlevideo.com"
            yield from self._resolve(host, name, offset=n * 1000)

    def _print(self, host: str) -> Iterator[tuple[int, bytes]]:
        yield from self._fetch(
            host, PRINTER, "/ipp/print", PRINTER, "CUPS/2.4.2 (Linux) IPP/2.0", method="POST"
        )
        name = f"{self._word(32)}._ipp._tcp.local"
        yield 5000, packets.udp_frame(host, 5353, "224.0.0.251", 5353, packets.dns_query(name))

    def _monitoring(self) -> Iterator[tuple[int, bytes]]:
        for n, host in enumerate(self.hosts):
            yield n, packets.icmp_frame(MONITOR, host)
            yield from self._fetch(MONITOR, host, "/metrics", f"{host}:9100", "Prometheus/2.53.0")
        yield from self._fetch(
            BACKUP, "10.0.0.21", "/api/v1/jobs?state=running", "backup", "Java/17.0.9"
        )

    def _resolve(
        self, host: str, name: str, code: int = 0, offset: int = 0
    ) -> Iterator[tuple[int, bytes]]:
        port = self._next_port()
        yield offset, packets.udp_frame(host, port, RESOLVER, 53, packets.dns_query(name))
        answers = [] if code else [(packets.A, "198.51.100.77")]
        answer = packets.dns_response(name, answers, code=code)
        yield offset + 900, packets.udp_frame(RESOLVER, 53, host, port, answer)

    def _fetch(
        self,
        host: str,
        server: str,
        target: str,
        name: str,
        agent: str,
        offset: int = 0,
        method: str = "GET",
    ) -> Iterator[tuple[int, bytes]]:
        port = self._next_port()
        request = packets.http_request(target, name, user_agent=agent, method=method)
        yield offset, packets.syn_frame(host, port, server, 80)
        yield (
            offset + 500,
            packets.tcp_frame(server, 80, host, port, flags=packets.SYN | packets.ACK),
        )
        yield offset + 900, packets.tcp_frame(host, port, server, 80, request)
        yield offset + 4000, packets.tcp_frame(server, 80, host, port, packets.http_response(b"ok"))

    def _word(self, length: int) -> str:
        return "".join(self._draw.choice("abcdef0123456789") for _ in range(length))

    def _next_port(self) -> int:
        self._port = self._port + 1 if self._port < 65_000 else 1024
        return self._port


def hash_of(text: str) -> int:
    """Return a number that is the same in every run."""
    return sum(text.encode())
