"""The configuration: the sample is the truth, and a mistake is one line that helps."""

import re
from datetime import date
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent import config
from agent.config import ConfigError, Settings, load, parse

SAMPLE = Path(__file__).resolve().parent.parent / "config.yaml"
COMMENT = re.compile(r"^(?P<indent>\s*)# (?P<text>(?:- |  )[a-z_]+: .*)$")


def keys_of(kind: type[msgspec.Struct], path: str = "") -> dict[str, str]:
    """Return every key below a section as its path, with the key itself."""
    keys = {}
    for field in msgspec.structs.fields(kind):
        if (kind, field.name) == (config.Output, "options"):
            continue  # no key that anybody writes: it holds the keys of the output's type
        here = f"{path}.{field.encode_name}" if path else field.encode_name
        keys[here] = field.encode_name
        for inner in (field.type, *getattr(field.type, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                keys |= keys_of(inner, here)
    return keys


def with_examples(text: str) -> str:
    """Return the sample with its commented examples put in force."""
    lines = []
    for line in text.splitlines():
        found = COMMENT.match(line)
        if found:
            lines.append(f"{found['indent']}{found['text']}")
        else:
            emptied = r"^(\s*(?:entries|rules|suppress|outputs|lists|from|tls):) (?:\[\]|null)"
            lines.append(re.sub(emptied, r"\1", line))
    return "\n".join(lines)


def error_of(text: str) -> str:
    """Return the line that a configuration is refused with."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "config.yaml")
    message = str(caught.value)
    assert "\n" not in message
    return message


def is_settings_or_one_line(text: str) -> bool:
    """Tell whether a configuration is read, or refused with one line that names it."""
    try:
        parse(text, "random")
    except ConfigError as error:
        return re.fullmatch(r"random: ?.+", str(error)) is not None
    return True


def test_the_sample_is_the_defaults() -> None:
    """Who installs the sample unchanged runs what who installs nothing runs."""
    assert load(SAMPLE) == Settings() == parse("", "empty")


def test_the_sample_gives_every_key_of_every_section() -> None:
    """A key that the sample does not show is a key that nobody finds."""
    raw = yaml.safe_load(SAMPLE.read_text())
    assert list(raw) == list(Settings.__struct_fields__)

    for section in Settings.__struct_fields__:
        known = getattr(getattr(Settings(), section), "__struct_encode_fields__", None)
        if known is not None:
            assert list(raw[section]) == list(known)


def test_the_sample_mentions_every_nested_key_as_an_example() -> None:
    """Keys of lists stand in commented examples, as the lists are empty by default."""
    raw = yaml.safe_load(with_examples(SAMPLE.read_text()))
    shown: set[str] = set()
    pending = [("", raw)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                here = f"{path}.{key}" if path else key
                shown.add(here)
                pending.append((here, inner))
        elif isinstance(value, list):
            pending += [(path, inner) for inner in value]

    assert set(keys_of(Settings)) - shown == set()


def test_the_examples_of_the_sample_are_valid() -> None:
    """Who takes the comment marks away gets a configuration that works."""
    settings = parse(with_examples(SAMPLE.read_text()), "examples")

    assert [entry.until for entry in settings.allow_list.entries] == [
        date(2027, 12, 31),
        None,
        None,
        None,
    ]
    assert [rule.severity for rule in settings.severity.rules] == [3]
    assert [entry.name for entry in settings.suppress] == ["pentest"]
    assert [output.type for output in settings.outputs] == [
        *("syslog", "logstash", "splunk_hec", "kafka", "webhook", "maltrail_server", "file")
    ]
    assert "address" in settings.outputs[0].options


def test_every_key_of_the_sample_says_why() -> None:
    """Each key that stands in force has a comment on its line."""
    lines = SAMPLE.read_text().splitlines()
    keys = [
        line for line in lines if re.match(r"  [a-z_]+: |(?:detections|suppress|outputs): ", line)
    ]

    bare = [line for line in keys if "#" not in line]
    assert keys
    assert bare == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("captur: {}", "config.yaml: captur: unknown key; did you mean 'capture'?"),
        (
            "capture: {bufer_mb: 3}",
            "config.yaml: capture.bufer_mb: unknown key; did you mean 'buffer_mb'?",
        ),
        (
            "allow_list: {entries: [{domain: a.example, untill: 2027-01-01}]}",
            "config.yaml: allow_list.entries[...].untill: unknown key; did you mean 'until'?",
        ),
        ("zzz: 1", "config.yaml: zzz: unknown key; see config.yaml for the known keys"),
        (
            "capture: {workers: many}",
            "config.yaml: capture.workers: expected a whole number, got a text",
        ),
        ("capture: [1]", "config.yaml: capture: expected keys with values, got a list"),
        ("sensor: {site: [1]}", "config.yaml: sensor.site: expected a text or nothing, got a list"),
        (
            "capture: {snaplen: 10}",
            "config.yaml: capture: snaplen: expected 68 to 262144, found 10",
        ),
        (
            "condense: {window: 1 hour}",
            "config.yaml: condense.window: expected a duration such as 90s, 5m, 1h or 7d, found '1",
        ),
        (
            "networks: {aliases: {resolver: 10.0.0.1}}",
            "config.yaml: networks: aliases: expected an address, found 'resolver'",
        ),
        (
            "networks: {aliases: {10.0.0.1: ' '}}",
            "config.yaml: networks: aliases: expected a name for 10.0.0.1",
        ),
        (
            "networks: {home: [10.0.0.1/8]}",
            "config.yaml: networks.home[...]: 10.0.0.1/8 has host bits set",
        ),
        ("log: {level: loud}", "config.yaml: log.level: invalid enum value 'loud'"),
        ("log: {level: info}\nlog: {}", "config.yaml: line 2: is not valid YAML: key 'log' is"),
        ("a: [", "config.yaml: line 1: is not valid YAML: "),
        ("- 1", "config.yaml: expected sections (key: value), found list"),
        ("outputs: {}", "config.yaml: outputs: expected a list, for example"),
        ("outputs: [x]", "config.yaml: outputs[0]: expected keys and values"),
        ("outputs: [{name: a}]", "config.yaml: outputs[0]: object missing required field `type`"),
        (
            "outputs: [{name: a, type: x}, {name: a, type: y}]",
            "config.yaml: outputs: the name 'a' is given twice; names must differ",
        ),
        (
            "allow_list: {entries: [{domain: a.example, network: 10.0.0.0/8}]}",
            "config.yaml: allow_list.entries[...]: expected domain or network, not both",
        ),
        ("severity: {rules: [{severity: 11}]}", "config.yaml: severity.rules[...]: severity: exp"),
        (
            "severity: {rules: [{severity: 1, info: '('}]}",
            "config.yaml: severity.rules[...]: info: is not a regular expression: ",
        ),
        (
            "suppress: [{name: a, reason: b}]",
            "config.yaml: suppress[...]: expected at least one of classes, trails, lists, ",
        ),
        (
            "suppress: [{name: a, reason: ' ', info: x}]",
            "config.yaml: suppress[...]: reason: expected a few words",
        ),
        (
            "suppress: [{name: a, classes: [trail-ip]}]",
            "config.yaml: suppress[...]: object missing required field `reason`",
        ),
        (
            "suppress: [{name: 'a b', reason: x, info: x}]",
            "config.yaml: suppress[...]: name: expected letters, digits, '_.-', at most 40: 'a b'",
        ),
        (
            "suppress: [{name: a, reason: x, info: '('}]",
            "config.yaml: suppress[...]: info: is not a regular expression: ",
        ),
        (
            "suppress: [{name: a, reason: x, destination_port: [70000]}]",
            "config.yaml: suppress[...]: port: expected 0 to 65535, found 70000",
        ),
        (
            "suppress: [{name: a, reason: x, info: x}, {name: a, reason: x, info: y}]",
            "config.yaml: suppress: the name 'a' is given twice; names must differ",
        ),
        (
            "limits: {events_per_minute: on}",
            "config.yaml: limits: events_per_minute: expected a number, 0 or off",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_path(text: str, expected: str) -> None:
    """The line names the file, the path of the key, what is wrong and what was expected."""
    message = error_of(text)

    assert message.replace("[0]", "[...]").startswith(expected.replace("[0]", "[...]"))


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [
        ("capture: {snaplen: %s}", 68, 262144),
        ("capture: {buffer_mb: %s}", 1, 2047),
        ("capture: {workers: %s}", 1, 64),
        ("condense: {window: %ss}", 1, 86400),
        ("condense: {max_incidents: %s}", 100, 10_000_000),
        ("limits: {tables_mb: %s}", 4, 65536),
        ("limits: {events_per_minute: %s}", 0, 10_000_000),
        ("severity: {rules: [{severity: %s}]}", 0, 10),
    ],
)
def test_ranges_hold_at_their_borders(key: str, low: int, high: int) -> None:
    """The borders are allowed, what lies one beyond is not."""
    parse(key % low, "low")
    parse(key % high, "high")

    assert f"expected {low} to {high}" in error_of(key % (high + 1))
    if low:
        assert f"expected {low} to {high}" in error_of(key % (low - 1))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h", 3600), ("7d", 604800), ("1.5s", 1.5), ("250ms", 0.25)],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    """Days, hours, minutes, seconds, and parts of them."""
    assert config.duration(text) == seconds


@pytest.mark.parametrize("value", ["", "60", 60, "1 h 5 m", "-5s", "1y", None, "1e3s"])
def test_a_duration_without_a_unit_is_refused(value: object) -> None:
    """A bare number would be guessed as seconds by one reader, minutes by the next."""
    with pytest.raises(ValueError, match="expected a duration such as"):
        config.duration(value)


def test_an_output_keeps_its_own_keys_apart() -> None:
    """What the shelf does not know is the type's to check."""
    settings = parse(
        "outputs: [{name: a, type: syslog, min_severity: high, address: x, port: 1}]", "test"
    )

    (output,) = settings.outputs
    assert (output.name, output.type, output.min_severity) == ("a", "syslog", "high")
    assert output.options == {"address": "x", "port": 1}


def test_settings_can_be_shown_and_compared() -> None:
    """`public` gives plain values that YAML can hold and that are the same settings again."""
    chosen = parse("condense: {window: 5m}\nlog: {level: debug}", "test")

    shown = config.public(chosen)

    assert shown["condense"]["window"] == 300.0
    assert shown["log"] == {"level": "debug"}
    assert shown["networks"]["home"][0] == "10.0.0.0/8"
    assert yaml.safe_load(yaml.safe_dump(shown))["condense"] == shown["condense"]


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    """The first mistake of all."""
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file.*-c"):
        load(tmp_path / "none.yaml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """An archive given by mistake is no traceback."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"sensor: \xff\xfe")

    with pytest.raises(ConfigError, match=r"is not UTF-8 text \(byte 8\)"):
        load(path)


_KEYS = sorted({*keys_of(Settings).values(), "zzz", "?", "<<", "1", "null", "~"})
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.dates()
    | st.datetimes()
    | st.sampled_from(["5m", "10.0.0.0/8", "::/0", "info", "(", "a.example", "2027-01-01"])
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


# Drawing nested values is slow on a busy machine, which says nothing about the parser.
_patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_patient
@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=4))
def test_no_values_raise_anything_but_a_config_error(raw: dict[str, object]) -> None:
    """Known keys with values of every type: settings, or one clear line."""
    text = yaml.safe_dump(raw, allow_unicode=True)

    assert is_settings_or_one_line(text)


_PIECES = st.sampled_from(
    [
        *("sensor", "capture", "outputs", "x", "é", "1:60", "0x", "2001-99-99", "=", "~", "&a"),
        *("!!int", "!!float", "!!bool", "!!set", "!!omap", "!!pairs", "!!binary", "!!timestamp"),
        *("!!python/object:os.system", "%YAML", "---", "...", "<<: *a", "*a", "#", "@", "|", ">"),
        *("{", "}", "[", "]", ",", ":", ": ", "-", "- ", "? ", "'", '"', "\\", " ", "  ", "\n"),
        *("\t", "\x00", "\ud800"),
    ]
)


@_patient
@given(st.lists(_PIECES, max_size=25).map("".join))
@example("? [a]\n: 1")
@example("? {a: 1}\n: 1")
@example("!!int x")
@example("!!set x")
@example("!!float")
@example("sensor: {site: 2027-02-30}")
@example("capture: {workers: 0x" + "f" * 400 + "}")
@example("severity: {rules: [{severity: 1, info: '" + "(" * 5000 + "'}]}")
@example("!!timestamp x")
@example("2001-99-99")
@example("&a [*a]")
@example("sensor: &a {site: *a}")
@example("{1: 2, a: 3}")
@example("[" * 2000)
@example("a: " + "9" * 5000)
def test_no_text_raises_anything_but_a_config_error(text: str) -> None:
    """YAML-ish rubbish, tags, anchors and depths: settings, or one clear line."""
    assert is_settings_or_one_line(text)
