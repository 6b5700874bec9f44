"""The content for SIEMs fits what the agent sends: names, types, patterns, and the real daemons."""

import configparser
import ipaddress
import json
import re
import xml.etree.ElementTree as ET  # of our own files
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
import yaml

from agent import __version__
from agent.model import Delivery
from outputs._formats import FORMATS
from tests import samples
from tests.deliver.waiting import until
from tests.outputs import cef_reader, fuzz
from tests.outputs.receivers import TcpReceiver, closed_port
from tests.outputs.samples import FULL, delivery
from tests.outputs.test_real_receivers import running, syslog_ng_command
from tests.outputs.test_shelf import make

SIEM = Path(__file__).resolve().parents[2] / "deploy" / "siem"
SPLUNK = SIEM / "splunk" / "maltrail_agent" / "default"
SENTINEL = {
    "ApplicationProtocol": "app",
    "CommunicationDirection": "deviceDirection",
    "DestinationHostName": "dhost",
    "DestinationIP": "dst",
    "DestinationPort": "dpt",
    "DeviceCustomIPv6Address2": "c6a2",
    "DeviceCustomIPv6Address3": "c6a3",
    "DeviceCustomNumber1": "cn1",
    "DeviceCustomNumber2": "cn2",
    **{f"DeviceCustomString{number}": f"cs{number}" for number in range(1, 7)},
    "DeviceEventCategory": "cat",
    "DeviceExternalID": "deviceExternalId",
    "DeviceName": "dvchost",
    "EndTime": "end",
    "EventCount": "cnt",
    "ExternalID": "externalId",
    "FileHash": "fileHash",
    "FlexString1": "flexString1",
    "FlexString2": "flexString2",
    "Message": "msg",
    "Protocol": "proto",
    "RequestClientApplication": "requestClientApplication",
    "RequestMethod": "requestMethod",
    "RequestURL": "request",
    "SourceIP": "src",
    "SourcePort": "spt",
    "StartTime": "start",
}
"""Columns of CommonSecurityLog and the keys of CEF that fill them (learn.microsoft.com,
"CEF and CommonSecurityLog field mapping")."""
SENTINEL_HEADER = {
    "DeviceVendor",
    "DeviceProduct",
    "DeviceEventClassID",
    "LogSeverity",
    "Activity",
    "TimeGenerated",
}


def ecs() -> list[dict[str, object]]:
    """Return the samples in ECS."""
    return [json.loads(line) for line in samples.page("ecs").splitlines()]


def maltrail() -> list[dict[str, object]]:
    """Return the samples in format maltrail."""
    return [json.loads(line) for line in samples.page("maltrail").splitlines()]


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield path and value of each field of a document."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, path)
    else:
        yield path, value


def mapped(folder: str) -> dict[str, str]:
    """Return the type of each field of an index template; objects that are kept whole count."""

    def walk(node: dict[str, dict[str, object]], path: str) -> Iterator[tuple[str, str]]:
        for key, inner in node.items():
            here = f"{path}.{key}" if path else key
            if "type" in inner and isinstance(inner["type"], str):
                yield here, inner["type"]
            else:
                below = inner["properties"]
                assert isinstance(below, dict)
                yield from walk(below, here)

    text = (SIEM / folder / "index-template.json").read_text(encoding="utf-8")
    return dict(walk(json.loads(text)["template"]["mappings"]["properties"], ""))


@pytest.mark.parametrize("folder", ["elasticsearch", "opensearch"])
def test_every_field_is_mapped_by_its_type(folder: str) -> None:
    """Of the samples, and of events with everything that an event may have."""
    types = mapped(folder)
    made = fuzz.Maker(5)
    named = msgspec.structs.replace(FULL, source_name="a.lan", destination_name="b.lan")
    more = [named, *(made.event() for _ in range(500))]
    for document in [*ecs(), *(json.loads(FORMATS["ecs"](delivery(event))) for event in more)]:
        for path, value in leaves(document):
            whole = [one for one in types if path == one or path.startswith(one + ".")]
            assert whole, f"{path} is not mapped"
            kind = types[max(whole, key=len)]
            if kind == "date":
                datetime.fromisoformat(str(value))
            elif kind == "ip":
                ipaddress.ip_address(str(value))
            elif kind == "long":
                assert isinstance(value, int), path
            elif kind not in ("flattened", "flat_object"):
                assert isinstance(value, str), path


def test_both_templates_say_the_same() -> None:
    """In the spelling of each."""
    spelling = {"flattened": "flat_object", "match_only_text": "text"}
    elastic = {path: spelling.get(kind, kind) for path, kind in mapped("elasticsearch").items()}

    assert elastic == mapped("opensearch")


def test_the_dashboard_names_fields_that_exist() -> None:
    """In its aggregations and its queries."""
    fields = {path for document in ecs() for path, _ in leaves(document)}
    lines = (SIEM / "elasticsearch" / "dashboard.ndjson").read_text(encoding="utf-8").splitlines()
    objects = [json.loads(line) for line in lines]
    known = {(one["type"], one["id"]) for one in objects}
    for one in objects:
        assert {(ref["type"], ref["id"]) for ref in one["references"]} <= known
        text = one["attributes"].get("visState", "")
        named = set(re.findall(r'"field": "([^"]+)"', text))
        assert named <= fields, named - fields


def conf(name: str) -> configparser.ConfigParser:
    """Return one of Splunk's files."""
    parser = configparser.ConfigParser(
        interpolation=None, delimiters=("=",), comment_prefixes=("#",), strict=True
    )
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string((SPLUNK / name).read_text(encoding="utf-8"))
    return parser


def test_splunks_aliases_name_fields_that_exist() -> None:
    """Of the JSON, and of CEF's keys."""
    fields = {path for document in maltrail() for path, _ in leaves(document)}
    cef = {key for line in samples.page("cef").splitlines() for key in cef_reader.read(line)[1]}
    props = conf("props.conf")
    for section, known in (("maltrail:alert", fields), ("maltrail:cef", cef)):
        for key, value in props[section].items():
            if key.startswith("FIELDALIAS-"):
                assert value.partition(" AS ")[0] in known, value


def test_splunks_patterns_read_cef() -> None:
    """Header and extension of every sample, as our strict reader has them."""
    transforms = conf("transforms.conf")
    header = re.compile(transforms["maltrail_cef_header"]["REGEX"])
    pair = re.compile(transforms["maltrail_cef_extension"]["REGEX"])
    for line in samples.page("cef").splitlines():
        found = header.search(line)
        assert found is not None
        read, fields = cef_reader.read(line)
        assert (found[1], found[2], found[3]) == (read[4], read[5], read[6])
        told = {key: re.sub(r"\\(.)", r"\1", value) for key, value in pair.findall(line)}
        for key in ("src", "dst", "externalId", "cs1", "cs2", "cn2", "flexString1"):
            assert told.get(key) == fields.get(key), key


def test_splunks_events_are_dated_by_their_own_time() -> None:
    """TIME_PREFIX stands where it says, in every sample."""
    props = conf("props.conf")["maltrail:alert"]
    for line in samples.page("maltrail").splitlines():
        found = re.search(props["TIME_PREFIX"] + r"(\S{27})\"", line)
        assert found is not None
        datetime.strptime(found[1].replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S.%f%z")


def test_splunks_dashboard_is_xml_and_asks_for_fields_that_exist() -> None:
    """Simple XML."""
    fields = {path for document in maltrail() for path, _ in leaves(document)}
    root = ET.parse(SPLUNK / "data" / "ui" / "views" / "maltrail_agent.xml").getroot()  # noqa: S314
    queries = [query.text or "" for query in root.iter("query")]
    assert len(queries) == 6
    for query in queries:
        for named in re.findall(r"(?:dc|values|latest|max|sum)\((\w+)\)", query):
            assert named in fields | {"_time"}, named


def test_wazuhs_rules_each_have_a_sample() -> None:
    """With their parents' conditions; levels rise with severity."""
    text = (SIEM / "wazuh" / "maltrail_agent_rules.xml").read_text(encoding="utf-8")
    rules = {rule.attrib["id"]: rule for rule in ET.fromstring(text).iter("rule")}  # noqa: S314
    documents = maltrail()
    for rule in rules.values():
        assert any(_fits(rule, rules, document) for document in documents), rule.attrib["id"]
        described = rule.findtext("description") or ""
        for named in re.findall(r"\$\((\w+)\)", described):
            assert named in documents[0]


def _fits(rule: ET.Element, rules: dict[str, ET.Element], document: dict[str, object]) -> bool:
    parent = rule.findtext("if_sid")
    if parent and not _fits(rules[parent], rules, document):
        return False
    return all(
        bool(re.search(field.text or "", str(document.get(field.attrib["name"], ""))))
        is (field.get("negate") != "yes")
        for field in rule.iter("field")
    )


def test_wazuhs_decoder_finds_the_document() -> None:
    """The line begins as the decoder wants it."""
    text = (SIEM / "wazuh" / "maltrail_agent_decoders.xml").read_text(encoding="utf-8")
    decoders = ET.fromstring(f"<decoders>{text}</decoders>")  # noqa: S314
    prematch = [one.text or "" for one in decoders.iter("prematch")]
    for line in samples.page("maltrail").splitlines():
        assert line.startswith(prematch[0].removeprefix("^"))


def test_sentinels_columns_are_filled_by_keys_that_we_send() -> None:
    """Those that the parser names, and no invented ones."""
    cef = {key for line in samples.page("cef").splitlines() for key in cef_reader.read(line)[1]}
    text = (SIEM / "sentinel" / "MaltrailAgent.kql").read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
    defined = set(re.findall(r"(\w+) = ", code))
    words = set(re.findall(r"\b[A-Z]\w+", re.sub(r'"[^"]*"', "", code)))
    columns = words - defined - {"CommonSecurityLog"} - SENTINEL_HEADER

    assert columns <= SENTINEL.keys(), columns - SENTINEL.keys()
    sent = cef | cef_reader.LENGTHS.keys() | cef_reader.NUMBERS.keys() | {"src", "dst"}
    assert {SENTINEL[column] for column in columns} <= sent | cef_reader.LABELLED.keys()


@pytest.mark.parametrize("path", sorted((SIEM / "sigma").glob("*.yml")), ids=lambda path: path.stem)
def test_sigma_rules_are_whole_and_have_a_sample(path: Path) -> None:
    """Required keys, fields that exist, and an event that each selection finds."""
    documents = [dict(leaves(document)) for document in ecs()]
    rules = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    names = {rule.get("name") for rule in rules}
    for rule in rules:
        assert {"title", "id", "status", "level"} <= rule.keys()
        if "correlation" in rule:
            assert set(rule["correlation"]["rules"]) <= names
            continue
        assert rule["logsource"]["product"] == "maltrail-agent"
        parts = {key: part for key, part in rule["detection"].items() if key != "condition"}
        mended = parts.pop("mended", None)
        wanted = "selection and not mended" if mended else "selection"
        assert rule["detection"]["condition"] == wanted
        assert parts.keys() == {"selection"}
        matching = [one for one in documents if _selects(parts["selection"], one)]
        assert [one for one in matching if not mended or not _selects(mended, one)]
        assert not mended or [one for one in matching if _selects(mended, one)]


def _selects(selection: dict[str, object], fields: dict[str, object]) -> bool:
    for key, wanted in selection.items():
        name, _, how = key.partition("|")
        value = fields.get(name)
        options = wanted if isinstance(wanted, list) else [wanted]
        if how == "startswith":
            found = any(str(value).startswith(str(option)) for option in options)
        elif how == "contains":
            found = any(str(option) in str(value) for option in options)
        elif how == "gte":
            found = isinstance(value, int) and any(value >= int(str(one)) for one in options)
        else:
            assert how == ""
            found = value in options
        if not found:
            return False
    return True


def _adapted(text: str, port: int, folder: Path) -> str:
    """Return a configuration with our port, on loopback, and our folder."""
    text = re.sub(r'port="514"', f'port="{port}" address="127.0.0.1"', text)
    text = re.sub(r"port\(5514\)", f'ip("127.0.0.1") port({port})', text)
    return text.replace("/var/log/maltrail-agent", str(folder))


def _sent_to(folder: Path, command: list[str], port: int) -> str:
    """Run a receiver, send it the samples as CEF, and return what it has written."""
    log = folder / "sensor1.example.org.log"
    events = list(samples.events())
    with running(folder, command, port, log):
        output = make("syslog", address=f"127.0.0.1:{port}", transport="tcp", format="cef")
        output.open()
        output.write(
            [
                Delivery(event=event, run_id=samples.RUN_ID, seq=seq)
                for seq, event in enumerate(events, 1)
            ]
        )
        until(lambda: log.exists() and log.read_text().count("\n") == len(events), "all is written")
        output.close()
    return log.read_text(encoding="utf-8").replace(__version__, "VERSION")


@pytest.mark.root
def test_rsyslog_keeps_what_was_sent(tmp_path: Path) -> None:
    """With the file as it is, but for port and folder."""
    port, config = closed_port(kind=TcpReceiver), tmp_path / "rsyslog.conf"
    shipped = (SIEM / "rsyslog" / "maltrail-agent.conf").read_text(encoding="utf-8")
    begin = f'global(workDirectory="{tmp_path}" maxMessageSize="64k")\n'
    config.write_text(begin + _adapted(shipped, port, tmp_path), encoding="utf-8")
    command = ["/usr/sbin/rsyslogd", "-n", "-f", str(config), "-i", str(tmp_path / "pid")]

    assert _sent_to(tmp_path, command, port) == samples.page("cef")


@pytest.mark.root
def test_syslog_ng_keeps_what_was_sent(tmp_path: Path) -> None:
    """With the file as it is, but for port and folder."""
    port, config = closed_port(kind=TcpReceiver), tmp_path / "syslog-ng.conf"
    shipped = (SIEM / "syslog-ng" / "maltrail-agent.conf").read_text(encoding="utf-8")
    config.write_text("@version: 3.38\n" + _adapted(shipped, port, tmp_path), encoding="utf-8")

    assert _sent_to(tmp_path, syslog_ng_command(tmp_path, config), port) == samples.page("cef")


def test_the_readme_tells_of_every_folder() -> None:
    """And of no other."""
    text = (SIEM / "README.md").read_text(encoding="utf-8")
    for folder in (path.name for path in SIEM.iterdir() if path.is_dir()):
        assert f"`{folder}/" in text, folder
