"""rsyslogd and syslog-ng over TCP and TLS: every line of a sample arrives, compared by field."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from agent.model import Delivery, Event
from outputs._fit import fit
from outputs._formats import FORMATS
from tests.deliver.waiting import until
from tests.outputs import cef_reader, maltrail_reader
from tests.outputs.authority import Authority, Certificate
from tests.outputs.expected import judge
from tests.outputs.fuzz import encoder
from tests.outputs.receivers import TcpReceiver, closed_port
from tests.outputs.samples import AGENT, EVENT, EVENTS, FULL, HOSTILE, delivery
from tests.outputs.test_shelf import make

pytestmark = pytest.mark.root

UNPACKED = Path(__file__).resolve().parents[2] / "build/syslog-ng"
"""Where tools/syslog-ng puts it: Debian's cannot be installed beside rsyslog."""

SAMPLE = (FULL, AGENT, EVENT, *HOSTILE)
MAX_BYTES = 65507

RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k" {tls})
module(load="imtcp" {driver})
template(name="all" type="string"
    string="%pri%\\t%timereported:::date-rfc3339%\\t%hostname%\\t%app-name%\\t%msgid%\\t%msg%\\n")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="test")
ruleset(name="test") {{ action(type="omfile" file="{log}" template="all") }}
"""
RSYSLOG_TLS = (
    'DefaultNetstreamDriverCAFile="{ca}" DefaultNetstreamDriverCertFile="{certificate}" '
    'DefaultNetstreamDriverKeyFile="{key}"'
)
RSYSLOG_DRIVER = (
    'StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name" '
    'PermittedPeer=["sensor1.example.org"]'
)

SYSLOG_NG = """@version: 3.35
options {{
    keep-hostname(yes); use-dns(no); frac-digits(6); time-zone("UTC"); log-msg-size(262144);
    flush-lines(1); stats-freq(0);
}};
source s {{ {source} }};
{more}
destination d {{ file("{log}" template("{template}\\n")); }};
log {{ source(s); {parse} destination(d); }};
"""
SYSLOG_NG_TLS = """tls(
    key-file("{key}") cert-file("{certificate}") ca-file("{ca}") peer-verify(required-trusted)
)"""
ALL = "${PRI}\\t${ISODATE}\\t${HOST}\\t${PROGRAM}\\t${MSGID}\\t${MSG}"
LINES = 'network(ip("127.0.0.1") port({port}) transport("{kind}") {tls} flags({flags}));'
COUNTED = 'syslog(ip("127.0.0.1") port({port}) transport("{kind}") {tls});'


@dataclass
class Running:
    """A receiver that runs, and the file that it writes."""

    port: int
    log: Path

    @property
    def rows(self) -> list[list[str]]:
        """What was written, a row a message."""
        if not self.log.exists():
            return []
        text = self.log.read_text(encoding="utf-8")
        return [line.split("\t") for line in text.split("\n")[:-1]]


@dataclass(frozen=True)
class Way:
    """A transport, as the output's settings and the receivers' say it."""

    transport: str
    framing: str

    def options(self, authority: Authority, ours: Certificate) -> dict[str, object]:
        """Return the settings of the output."""
        made: dict[str, object] = {"transport": self.transport, "framing": self.framing}
        if self.transport == "tls":
            made["ca_file"] = str(authority.file)
            made["client_certificate"] = str(ours.certificate)
            made["client_key"] = str(ours.key)
        return made


WAYS = [Way(transport, framing) for transport in ("tcp", "tls") for framing in ("lf", "octet")]
Start = Callable[[Way], Running]


@contextmanager
def running(folder: Path, command: Sequence[str], port: int, log: Path) -> Iterator[Running]:
    """Run a receiver in the foreground until the block ends."""
    with (
        (folder / "receiver.err").open("w") as errors,
        subprocess.Popen(command, stdout=errors, stderr=errors) as process,
    ):
        try:
            until(partial(_listens, port), "the receiver listens")
            yield Running(port, log)
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int) -> bool:
    """Tell whether somebody listens at this TCP port (proc(5), net/tcp)."""
    table = Path("/proc/net/tcp").read_text(encoding="ascii")
    return f"0100007F:{port:04X} 00000000:0000 0A" in table


@contextmanager
def rsyslog(folder: Path, way: Way, authority: Authority, shown: Certificate) -> Iterator[Running]:
    """Run a rsyslogd that demands our certificate where it speaks TLS."""
    port, log, config = closed_port(kind=TcpReceiver), folder / "out.log", folder / "rsyslog.conf"
    files = {"ca": authority.file, "certificate": shown.certificate, "key": shown.key}
    is_tls = way.transport == "tls"
    text = RSYSLOG.format(
        folder=folder,
        port=port,
        log=log,
        tls=RSYSLOG_TLS.format_map(files) if is_tls else "",
        driver=RSYSLOG_DRIVER if is_tls else "",
    )
    config.write_text(text, encoding="utf-8")
    command = ["/usr/sbin/rsyslogd", "-n", "-f", str(config), "-i", str(folder / "pid")]
    with running(folder, command, port, log) as receiver:
        yield receiver


@contextmanager
def syslog_ng(
    folder: Path,
    way: Way,
    authority: Authority,
    shown: Certificate,
    template: str = ALL,
    flags: str = "syslog-protocol",
    parse: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Run a syslog-ng with its `network` or `syslog` driver; `parse` holds parsers by name."""
    port, log, config = closed_port(kind=TcpReceiver), folder / "out.log", folder / "syslog-ng.conf"
    files = {"ca": authority.file, "certificate": shown.certificate, "key": shown.key}
    tls = SYSLOG_NG_TLS.format_map(files) if way.transport == "tls" else ""
    driver = LINES if way.framing == "lf" else COUNTED
    parsers = parse or {}
    text = SYSLOG_NG.format(
        source=driver.format(port=port, kind=way.transport, tls=tls, flags=flags),
        log=log,
        template=template,
        more="\n".join(f"parser {name} {{ {text} }};" for name, text in parsers.items()),
        parse="".join(f"parser({name}); " for name in parsers),
    )
    config.write_text(text, encoding="utf-8")
    with running(folder, syslog_ng_command(folder, config), port, log) as receiver:
        yield receiver


def syslog_ng_command(folder: Path, config: Path) -> list[str]:
    """Return what runs the unpacked syslog-ng in the foreground, with its state in a folder."""
    state = ["-R", f"{folder}/persist", "-p", f"{folder}/pid", "-c", f"{folder}/control"]
    libraries = UNPACKED / "usr/lib/syslog-ng"
    (modules,) = libraries.glob("[0-9]*")
    environment = ["env", f"LD_LIBRARY_PATH={libraries}"]
    binary = [f"{UNPACKED}/usr/sbin/syslog-ng", "-F", "--no-caps", f"--module-path={modules}"]
    return [*environment, *binary, "-f", str(config), *state]


def send(
    receiver: Running, kind: str, events: Sequence[Event], **options: object
) -> list[Delivery]:
    """Send events, wait until they are written, and return what was sent."""
    deliveries = [delivery(event, seq) for seq, event in enumerate(events, 1)]
    output = make(kind, address=f"127.0.0.1:{receiver.port}", **options)
    output.open()
    output.write(deliveries)
    until(lambda: not output.unconfirmed(), "the receiver's kernel has everything")
    until(lambda: len(receiver.rows) >= len(deliveries), "the receiver has written everything")
    output.close()
    return deliveries


def compare(receiver: Running, sent: Sequence[Delivery], name: str) -> None:
    """Compare header and message of every line with what was sent."""
    assert len(receiver.rows) == len(sent)
    for one, row in zip(sent, receiver.rows, strict=True):
        _, used = fit(one, encoder(name, "rfc5424"), MAX_BYTES)
        assert row[3:5] == ["maltrail-agent", one.event.class_id]
        judge(name, row[5].removeprefix(" "), used)
    assert receiver.rows[0][:3] in (
        ["130", "2023-11-14T22:13:21.000007Z", "sensor1.example.org"],
        ["130", "2023-11-14T22:13:21.000007+00:00", "sensor1.example.org"],
    )


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_rsyslog_gets_every_line(
    tmp_path: Path,
    authority: Authority,
    shown: Certificate,
    ours: Certificate,
    way: Way,
    name: str,
) -> None:
    """It tells both framings apart by itself; over TLS both sides show a certificate."""
    options = {"format": name, "max_bytes": MAX_BYTES, **way.options(authority, ours)}
    with rsyslog(tmp_path, way, authority, shown) as receiver:
        sent = send(receiver, "syslog", SAMPLE, **options)
        compare(receiver, sent, name)


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_syslog_ng_gets_every_line(
    tmp_path: Path,
    authority: Authority,
    shown: Certificate,
    ours: Certificate,
    way: Way,
    name: str,
) -> None:
    """`network` reads lines, `syslog` reads counted messages."""
    options = {"format": name, "max_bytes": MAX_BYTES, **way.options(authority, ours)}
    with syslog_ng(tmp_path, way, authority, shown) as receiver:
        sent = send(receiver, "syslog", SAMPLE, **options)
        compare(receiver, sent, name)


def test_a_rsyslog_that_does_not_know_us_is_noticed(
    tmp_path: Path, authority: Authority, shown: Certificate
) -> None:
    """It refuses after our side of the handshake is done."""
    stranger = authority.issue("stranger", "DNS:stranger.example.org")
    way = Way("tls", "lf")
    with rsyslog(tmp_path, way, authority, shown) as receiver:
        options = way.options(authority, stranger)
        output = make("syslog", address=f"127.0.0.1:{receiver.port}", **options)
        with pytest.raises(OSError, match=f"127.0.0.1:{receiver.port}: "):
            output.open()
        output.close()
        assert receiver.rows == []


def test_syslog_ng_reads_maltrails_document_as_json(
    tmp_path: Path, authority: Authority, shown: Certificate
) -> None:
    """The fields that its json-parser finds are those of the document."""
    way = Way("tcp", "lf")
    json_parser = {"p": 'json-parser(prefix(".j."));'}
    template = "$(format-json --subkeys .j.)"
    with syslog_ng(tmp_path, way, authority, shown, template, "no-parse", json_parser) as receiver:
        sent = send(receiver, "logstash", tuple(EVENTS.values()), transport="tcp")

        for one, (row,) in zip(sent, receiver.rows, strict=True):
            found = json.loads(row)
            whole = maltrail_reader.read_json(FORMATS["maltrail"](one)).items()
            scalars = {key: str(value) for key, value in whole if isinstance(value, str | int)}
            assert {key: str(found.get(key, "")) for key in scalars} == scalars
            if one.event.dns:
                assert found["dns"]["question"] == one.event.dns.question


def test_syslog_ng_reads_cef_with_its_general_parsers(
    tmp_path: Path, authority: Authority, shown: Certificate
) -> None:
    """Seven columns by csv-parser, and kv-parser for the extension.

    Values hold blanks and `, `, its default separator; a tab is in none of them.
    """
    way = Way("tcp", "octet")
    columns = "version, vendor, product, release, class, name, severity, extension"
    quoted = ", ".join(f'"h.{column}"' for column in columns.split(", "))
    parse = {
        "p": f'csv-parser(columns({quoted}) delimiters("|") flags(greedy));',
        "q": 'kv-parser(prefix("x.") pair-separator("\\t") template("${h.extension}"));',
    }
    template = "$(format-json h.* x.*)"
    with syslog_ng(tmp_path, way, authority, shown, template, parse=parse) as receiver:
        sent = send(receiver, "syslog", (FULL, AGENT), transport="tcp", framing="octet")

        for one, (row,) in zip(sent, receiver.rows, strict=True):
            found = json.loads(row)
            expected = cef_reader.read(FORMATS["cef"](one)).extension
            assert found["h"]["class"] == one.event.class_id
            assert found["h"]["severity"] == str(one.event.severity_id)
            words = {key: value for key, value in expected.items() if "=" not in value}
            assert {key: found["x"].get(key) for key in words} == words
