"""Settings: YAML to typed, frozen values; an unknown key is an error that names its path.

The sections and defaults are those of CONTRACT section 3. Shelves (outputs, detections, list
formats) own the keys of their plugins: this file keeps such a plugin's mapping as it stands and
`convert` turns it into the plugin's own `Config`.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from agent import config_errors, config_yaml

DEFAULT_PATH = Path("/etc/maltrail-agent/config.yaml")
DEFAULT_STATE_DIR = Path("/var/lib/maltrail-agent")
DEFAULT_RUN_DIR = Path("/run/maltrail-agent")

_NO_WORD = re.compile(r"[^A-Za-z0-9.]+")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")

MAX_BUFFER_MB = 2047
"""libpcap takes the size of its buffer, in bytes, as a C int."""
MAX_SUPPRESSIONS = 100
"""Each is a metric of its own."""

MAX_ALLOWED = 1000
"""Entries of the allow-list in the configuration; those with several keys are weighed for every
hit, half a microsecond each."""

T = TypeVar("T")


class ConfigError(Exception):
    """A configuration that cannot be used; the text is the one line a user reads."""


class Duration(float):
    """Seconds, written `90s`, `5m`, `1h` or `7d`."""


class Network(str):
    """An address or network in CIDR form, checked."""

    __slots__ = ()


class Options(dict[str, Any]):
    """A plugin's own keys, not yet converted."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every section has in common: frozen, keyword-only, no unknown keys."""


def _in_range(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{key}: expected {low} to {high}, found {value}")


def _pattern(key: str, value: str) -> None:
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{key}: is not a regular expression: {error}") from error


class Sensor(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who reports: `name` defaults to the host's fully qualified name."""

    name: str | None = None
    site: str | None = None
    tags: tuple[str, ...] = ()


class Networks(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which networks are ours; they decide direction. `aliases` name addresses in events."""

    home: tuple[Network, ...] = (
        Network("10.0.0.0/8"),
        Network("172.16.0.0/12"),
        Network("192.168.0.0/16"),
        Network("169.254.0.0/16"),
        Network("127.0.0.0/8"),
        Network("fc00::/7"),
        Network("fe80::/10"),
        Network("::1/128"),
    )
    aliases: dict[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse what is no address, and a name that would say nothing."""
        for text, name in self.aliases.items():
            try:
                ipaddress.ip_address(text)
            except ValueError as error:
                raise ValueError(f"aliases: expected an address, found {text!r}") from error
            if not name.strip():
                raise ValueError(f"aliases: expected a name for {text}")


class Capture(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where packets come from. `auto` is every interface that is up and not loopback.

    A bridge or bond stands for its ports, and a VLAN's parent for the VLAN.
    """

    interfaces: tuple[str, ...] = ("auto",)
    filter: str = ""
    snaplen: int = 2048
    buffer_mb: int = 64
    workers: int = 1
    promiscuous: bool = True

    def __post_init__(self) -> None:
        """Refuse what the kernel would refuse later with a worse message."""
        _in_range("snaplen", self.snaplen, 68, 262144)
        _in_range("buffer_mb", self.buffer_mb, 1, MAX_BUFFER_MB)
        _in_range("workers", self.workers, 1, 64)
        if not self.interfaces:
            raise ValueError("interfaces: expected at least one, for example [auto]")


class MaxAge(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how long a key counts after a list last named it, by kind; null is for ever.

    Addresses change hands within months, names within years; a fingerprint stays what it is.
    """

    ip: Duration | None = Duration(90 * 86400)
    network: Duration | None = Duration(90 * 86400)
    ip_port: Duration | None = Duration(180 * 86400)
    url: Duration | None = Duration(180 * 86400)
    domain: Duration | None = Duration(730 * 86400)

    def __post_init__(self) -> None:
        """Refuse an age under which a list that is down for a weekend would be forgotten."""
        for key in self.__struct_fields__:
            age = getattr(self, key)
            if age is not None and age < 86400:
                raise ValueError(f"{key}: expected at least 1d, or null for ever")


class Trails(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which indicators count. `custom` are files or folders of the site's own lists.

    `protect` are names and networks that public lists must not name, beside the built-in ones.
    `max_age` says for how long a key of a kind counts after a list last named it.
    """

    custom: tuple[str, ...] = ("/etc/maltrail-agent/trails",)
    min_feeds: int = 3
    exclude_info: str | None = None
    protect: tuple[str, ...] = ()
    max_age: MaxAge = MaxAge()


class Allowed(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One allow-list entry: every key that is given must hold; why, and until when.

    `domain` and `network` are what a trail was found on: the name with all below it, the listed
    address. `trail` and `reference` may hold stars, `info` is a pattern searched in the info text,
    `list` is the only list that names the trail, `class` a class id, stars allowed. `source` opened
    the conversation, `destination` was to answer, on `port`.
    """

    domain: str | None = None
    network: Network | None = None
    trail: str | None = None
    info: str | None = None
    reference: str | None = None
    list_name: str | None = msgspec.field(default=None, name="list")
    class_id: str | None = msgspec.field(default=None, name="class")
    source: Network | None = None
    destination: Network | None = None
    port: int | None = None
    direction: Literal["inbound", "outbound", "internal", "external"] | None = None
    reason: str = ""
    until: date | None = None

    def __post_init__(self) -> None:
        """Refuse an entry that hides everything, and one that nothing can match."""
        if self.domain is not None and self.network is not None:
            raise ValueError("expected domain or network, not both; a trail is found on one value")
        fields = msgspec.structs.fields(self)
        about = [f.encode_name for f in fields if f.name not in ("direction", "reason", "until")]
        if all(getattr(self, f.name) is None for f in fields if f.encode_name in about):
            raise ValueError(f"expected at least one of {', '.join(about)}")
        if self.info is not None:
            _pattern("info", self.info)
        if self.port is not None:
            _in_range("port", self.port, 0, 65535)
        for key in ("trail", "info", "reference", "list_name", "class_id"):
            text = getattr(self, key)
            if text is not None and not text.strip():
                raise ValueError(f"{key.partition('_')[0]}: expected some text")


class AllowList(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is never reported. `files` are text files, one domain, address or network a line."""

    builtin: bool = True
    files: tuple[str, ...] = ("/etc/maltrail-agent/allow",)
    entries: tuple[Allowed, ...] = ()

    def __post_init__(self) -> None:
        """Refuse more entries than can be weighed for every hit."""
        if len(self.entries) > MAX_ALLOWED:
            raise ValueError(
                f"entries: expected at most {MAX_ALLOWED}; names and networks may stand in files"
            )


class SeverityRule(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the severity table: every key that is given must match; the first match wins."""

    severity: int
    classes: tuple[str, ...] = ()
    info: str | None = None
    custom: bool | None = None
    direction: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a severity off the scale and an `info` that is no pattern."""
        _in_range("severity", self.severity, 0, 10)
        if self.info is not None:
            _pattern("info", self.info)


class Severity(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules that are tried before the default table."""

    rules: tuple[SeverityRule, ...] = ()


class Condense(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How repeats are folded: one update of an incident every `window`."""

    window: Duration = Duration(60)
    max_incidents: int = 50_000

    def __post_init__(self) -> None:
        """Refuse a window that would make every packet an event."""
        _in_range("window", self.window, 1, 86400)
        _in_range("max_incidents", self.max_incidents, 100, 10_000_000)


class Suppression(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is counted but not told: every key that is given must match; in a list, one of it.

    `network` is either side of the packet. `trails` are indicators, a star stands for anything;
    `info` is a pattern searched in the info text, `text` one searched in the whole of it: trail,
    value seen, info and reference.
    """

    name: str
    reason: str
    until: date | None = None
    classes: tuple[str, ...] = ()
    trails: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    info: str | None = None
    text: str | None = None
    network: tuple[Network, ...] = ()
    source: tuple[Network, ...] = ()
    destination: tuple[Network, ...] = ()
    source_port: tuple[int, ...] = ()
    destination_port: tuple[int, ...] = ()
    direction: tuple[Literal["inbound", "outbound", "internal", "external"], ...] = ()
    outcome: tuple[Literal["answered", "refused", "unanswered", "unknown"], ...] = ()

    def __post_init__(self) -> None:
        """Refuse an entry that nobody could account for, or that would hold back everything."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: expected letters, digits, '_.-', at most 40: {self.name!r}")
        if not self.reason.strip():
            raise ValueError("reason: expected a few words, for those who find it later")
        about = {"name", "reason", "until"}
        scope = [key for key in self.__struct_fields__ if key not in about and getattr(self, key)]
        if not scope:
            raise ValueError("expected at least one of classes, trails, lists, info, network, ...")
        for key in ("info", "text"):
            _pattern(key, getattr(self, key) or "")
        for port in (*self.source_port, *self.destination_port):
            _in_range("port", port, 0, 65535)


class Limits(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of memory (MB for all tables fed by packets) and of events (the storm breaker).

    `events_per_minute` is 0 where the storm breaker is off; YAML reads `off` as false.
    """

    tables_mb: int = 64
    events_per_minute: int | bool = 6000

    def __post_init__(self) -> None:
        """Refuse bounds under which nothing could be detected."""
        _in_range("tables_mb", self.tables_mb, 4, 65536)
        if self.events_per_minute is True:
            raise ValueError("events_per_minute: expected a number, 0 or off")
        _in_range("events_per_minute", self.events_per_minute, 0, 10_000_000)


class Output(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys every output has; `options` are those of its type, checked by it."""

    name: str
    type: str
    min_severity: Literal["info", "low", "medium", "high", "critical"] = "low"
    classes: tuple[str, ...] = ()
    exclude_classes: tuple[str, ...] = ()
    agent_events: bool = True
    mask_custom: bool = False
    cut_credentials: bool = True
    journal: bool | Literal["auto"] = "auto"
    options: Options = Options()


class Journal(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept on disk for each output: at most so many MB, and for so long."""

    max_mb: int = 512
    max_age: Duration = Duration(7 * 86400)

    def __post_init__(self) -> None:
        """Refuse bounds under which a short outage would already lose events."""
        _in_range("max_mb", self.max_mb, 1, 1_048_576)
        _in_range("max_age", self.max_age, 60, 10 * 365 * 86400)


class Origin(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a finished set comes from instead of lists.

    `format: bundle` is what `trails publish` writes, signed with one of `keys`; `maltrail` is the
    `/trails` of a Maltrail server, which is not signed. `ca_file` adds an internal authority.
    """

    url: str
    keys: tuple[str, ...] = ()
    format: Literal["bundle", "maltrail"] = "bundle"
    ca_file: str | None = None
    insecure_http: bool = False
    max_mb: int = 512
    timeout: Duration = Duration(900)

    def __post_init__(self) -> None:
        """Refuse a bundle nobody could verify, and keys where nothing is signed."""
        if self.format == "bundle" and not self.keys:
            raise ValueError("keys: expected at least one public key, as `trails keygen` prints it")
        if self.format == "maltrail" and self.keys:
            raise ValueError("keys: a Maltrail server signs nothing; leave them out")
        _in_range("max_mb", self.max_mb, 1, 65536)
        _in_range("timeout", self.timeout, 1, 86400)


class Gate(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a new set may be from the current one, in percent of its keys."""

    max_shrink: int = 50
    max_growth: int = 100

    def __post_init__(self) -> None:
        """Refuse limits that mean nothing."""
        _in_range("max_shrink", self.max_shrink, 1, 100)
        _in_range("max_growth", self.max_growth, 1, 1_000_000)


class Update(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lists are fetched, and through which proxy; or, under `from`, which finished set.

    With `mirror`, a folder, all lists are read from the files in it that have their names.
    """

    lists: tuple[Options, ...] = ()
    defaults: bool = True
    mirror: str | None = None
    origin: Origin | None = msgspec.field(default=None, name="from")
    proxy: str | None = None
    gate: Gate = Gate()

    def __post_init__(self) -> None:
        """Refuse a mirror that is no folder of this host."""
        if self.mirror is not None and not self.mirror.startswith(("/", "file:///")):
            raise ValueError("mirror: expected the absolute path of a folder")


class Heartbeat(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the agent tells that it is alive."""

    every: Duration = Duration(300)

    def __post_init__(self) -> None:
        """Refuse a flood of heartbeats, and a silence that nobody would notice."""
        _in_range("every", self.every, 10, 86400)


class HttpTls(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PEM files: the server's certificate with its chain, its key (default: in the same file).

    With `client_ca` a client must show a certificate that one of these authorities signed.
    """

    certificate: str
    key: str | None = None
    client_ca: str | None = None


class Http(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address that serves metrics, health and the status page; whom it serves.

    `mask_custom` hides on that page what own trails look for.
    """

    address: str = "127.0.0.1:9338"
    metrics: bool = True
    status: bool = False
    mask_custom: bool = True
    tls: HttpTls | None = None
    password_file: str | None = None


class Log(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is told on standard error."""

    level: Literal["error", "warning", "info", "debug"] = "info"


class Settings(_Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration."""

    sensor: Sensor = Sensor()
    networks: Networks = Networks()
    capture: Capture = Capture()
    trails: Trails = Trails()
    allow_list: AllowList = AllowList()
    suppress: tuple[Suppression, ...] = ()
    detections: Options = Options()
    severity: Severity = Severity()
    condense: Condense = Condense()
    limits: Limits = Limits()
    outputs: tuple[Output, ...] = ()
    journal: Journal = Journal()
    update: Update = Update()
    heartbeat: Heartbeat = Heartbeat()
    http: Http = Http()
    log: Log = Log()

    def __post_init__(self) -> None:
        """Refuse more suppressions than can be told apart, and two of one name."""
        if len(self.suppress) > MAX_SUPPRESSIONS:
            raise ValueError(f"suppress: expected at most {MAX_SUPPRESSIONS} entries")
        names = [entry.name for entry in self.suppress]
        for name in sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"suppress: the name {name!r} is given twice; names must differ")


def load(path: Path) -> Settings:
    """Read `path`; raise ConfigError with the line to print where it cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; name one with -c") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Settings:
    """Turn YAML into settings; `name` is what errors call it. Raise ConfigError."""
    try:
        raw = config_yaml.read(text)
    except config_yaml.NotYaml as error:
        raise ConfigError(f"{name}: {error}") from error
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise ConfigError(f"{name}: expected sections (key: value), found {type(raw).__name__}")
    return convert(_split_outputs(raw, name), Settings, name)


def convert(raw: object, kind: type[T], name: str) -> T:
    """Turn plain values into `kind`; raise ConfigError naming the key below `name`."""
    try:
        return msgspec.convert(raw, kind, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {config_errors.explain(str(error), kind)}") from error


def _split_outputs(raw: dict[str, Any], name: str) -> dict[str, Any]:
    """Move an output's own keys under `options`, so that its type can check them."""
    outputs = raw.get("outputs")
    if outputs is None:
        return raw
    if not isinstance(outputs, list):
        raise ConfigError(
            f"{name}: outputs: expected a list, for example [{{name: a, type: syslog}}]"
        )
    common = set(Output.__struct_fields__) - {"options"}
    split = []
    for index, output in enumerate(outputs):
        if not isinstance(output, dict):
            raise ConfigError(f"{name}: outputs[{index}]: expected keys and values")
        own = {key: value for key, value in output.items() if key not in common}
        shared = {key: value for key, value in output.items() if key in common}
        split += _one_each({**shared, "options": own})
    names = [output.get("name") for output in split]
    for twice in {str(n) for n in names if names.count(n) > 1}:
        raise ConfigError(f"{name}: outputs: the name {twice!r} is given twice; names must differ")
    return {**raw, "outputs": split}


def _one_each(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Make of `mode: all` an output for each address, with a queue and numbers of its own.

    Each has the address in its name, so that its journal stays its own when others come or go.
    """
    name, options = output.get("name"), output["options"]
    addresses = options.get("addresses")
    is_sound = isinstance(addresses, list) and all(isinstance(one, str) for one in addresses)
    if options.get("mode") != "all" or not is_sound or not isinstance(name, str):
        return [output]
    others = {key: value for key, value in options.items() if key not in ("mode", "addresses")}
    return [
        {
            **output,
            "name": f"{name}-{_NO_WORD.sub('-', address).strip('-')}",
            "options": {**others, "address": address},
        }
        for address in addresses
    ]


def _decode(kind: type, value: object) -> object:
    """Decode the types of ours that msgspec does not know. Raise ValueError."""
    if kind is Duration:
        return Duration(duration(value))
    if kind is Network:
        return Network(ipaddress.ip_network(str(value)))
    if kind is Options and isinstance(value, dict):
        return Options(value)
    raise ValueError(f"expected {kind.__name__.lower()}, found {value!r}")


def duration(value: object) -> float:
    """Read `90s`, `5m`, `1h`, `7d` as seconds; raise ValueError."""
    match = _DURATION.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f"expected a duration such as 90s, 5m, 1h or 7d, found {value!r}")
    return float(match[1]) * _UNITS[match[2]]


def is_expired(until: date | None, now_us: int) -> bool:
    """Tell whether an entry's last day lies before the day of `now_us`."""
    return until is not None and datetime.fromtimestamp(now_us / 1e6, UTC).date() > until


def public(settings: Settings) -> Mapping[str, Any]:
    """Return the settings as plain values, for comparison and display."""
    built: Mapping[str, Any] = msgspec.to_builtins(settings, enc_hook=_encode)
    return built


def _encode(value: object) -> object:
    if isinstance(value, float):
        return float(value)
    return str(value)
