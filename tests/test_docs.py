"""The documents are true: every command in them runs, or is run where it can be."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from agent import config, plugins
from agent.cli import COMMANDS
from agent.commands.import_config import accept
from agent.config import Options
from agent.detections import Finding, Seen
from agent.model import Endpoint, Source
from feeds import Origin, _catalog
from feeds._unused import Counted
from outputs import _formats
from tests import documents
from tests.commands import run
from tests.documents import DOCUMENTS, ROOT, Block

NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

BOOTED = "needs a booted host: "
PLAY = "needs hosts; tests/lab/e2e plays the role on three booted hosts"
NEWCOMER = "needs root and a network; tests/lab/newcomer does it on a bare Debian"
PACKAGE = "needs root and a booted host; tests/lab/package does it"
SELF = "is what runs this"
RECEIVER = (
    "needs a receiver of that kind; see the table of deploy/siem/README.md for what is tested"
)

ELSEWHERE = {
    "make demo": NEWCOMER,
    "make test": SELF,
    "make build": "is what `make test` begins with",
    "apt-get install -y --no-install-recommends rsyslog": NEWCOMER,
    "cp deploy/siem/rsyslog/maltrail-agent.conf /etc/rsyslog.d/": NEWCOMER,
    "rsyslogd -N1 && (systemctl restart rsyslog || rsyslogd)": NEWCOMER,
    "rsyslogd -N1 && systemctl restart rsyslog": NEWCOMER,
    ".venv/bin/maltrail-agent check -c try.yaml --state-dir .demo/state": NEWCOMER,
    ".venv/bin/maltrail-agent run -c try.yaml --state-dir .demo/state --run-dir .demo/run": (
        NEWCOMER
    ),
    "getent hosts loader-demo.invalid": NEWCOMER,
    "grep loader-demo /var/log/maltrail-agent/*.log": NEWCOMER,
    "make package": PACKAGE,
    "dpkg -i dist/maltrail-agent_*+py311_amd64.deb": PACKAGE,
    "$EDITOR /etc/maltrail-agent/config.yaml && maltrail-agent check": PACKAGE,
    "systemctl enable --now maltrail-agent": PACKAGE,
    "make wheelhouse": PLAY,
    "cp deploy/ansible/inventory.example.yml inventory.yml": PLAY,
    "$EDITOR inventory.yml": "is for a person",
    "cd deploy/ansible && ansible-playbook -i ../../inventory.yml playbook.yml": PLAY,
    "cd deploy/ansible && ansible-playbook -i ../../inventory.yml playbook.yml --check --diff": (
        PLAY
    ),
    "maltrail-agent trails keygen -o bundle.pem": PLAY,
    "systemctl start maltrail-agent": BOOTED + "tests/lab/package starts it",
    "systemctl reload maltrail-agent": BOOTED + "tests/lab/soak reloads it",
    "systemctl reload maltrail-agent-deliver": BOOTED + "tests/lab/soak reloads it",
    "journalctl -u 'maltrail-agent*'": BOOTED + "tests/lab/e2e reads it",
    "curl -s http://127.0.0.1:9338/readyz": BOOTED + "the role asks it in tests/lab/e2e",
    "maltrail-agent check": "is run as a console block in docs/operating.md",
    "maltrail-agent explain www.example.org": "is run with other names in docs/operating.md",
    "systemd-analyze security maltrail-agent maltrail-agent-deliver maltrail-agent-update": (
        "needs installed units; tests/deploy/test_systemd.py asks it about the files"
    ),
    'cp -r splunk/maltrail_agent "$SPLUNK_HOME/etc/apps/"': RECEIVER,
}
"""Commands of shell blocks: why they are not run here, and where they are."""

ELSEWHERE_BEGIN = {'curl -X PUT  "$ES/': RECEIVER, 'curl -X POST "$KIBANA/': RECEIVER}
"""The same, by how they begin."""

CONFIG = """
trails: {custom: [demo/trails.csv]}
allow_list: {files: []}
capture: {interfaces: [auto]}
http: {address: "127.0.0.1:0"}
update:
  defaults: false
  lists: [{name: soc, url: ROOM/soc.txt, format: plain, info: soc (malware), reference: soc}]
outputs: [{name: archive, type: file, path: ROOM/events.json}]
"""


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Return a folder like a checkout on a host where the agent is installed."""
    for name in ("demo", "docs", "deploy"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "config.yaml").write_text(CONFIG.replace("ROOM", str(tmp_path)))
    (tmp_path / "soc.txt").write_text("".join(f"host{n}.lab-trails.net\n" for n in range(20)))
    (tmp_path / "maltrail.conf").write_text(
        "MONITOR_INTERFACE any\nSYSLOG_SERVER 192.0.2.1:514\nUSE_HEURISTICS true\n"
        "USE_FEED_UPDATES true\nUPDATE_PERIOD 86400\nLOG_DIR /var/log/maltrail\n"
    )
    assert run("trails", "build", "-o", tmp_path / "all.set", ROOT / "demo/trails.csv")[0] == 0
    places = f"--state-dir {tmp_path}/state --run-dir {tmp_path}/run"
    for folder in ("bin", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
        command = tmp_path / folder / "maltrail-agent"
        command.write_text(
            "#!/bin/sh\ncase \" $* \" in *' -c '*) file=;; *) file='-c "
            f"{tmp_path}/config.yaml';; esac\n"
            f'PYTHONPATH={ROOT} exec {sys.executable} -m agent "$@" $file {places}\n'
        )
        command.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_what_a_console_shows_is_what_happens(name: str, room: Path) -> None:
    """Each command ends well and prints the lines below it, in one folder from top to bottom."""
    for block in documents.blocks(ROOT / name):
        for step in documents.steps(block) if block.language == "console" else ():
            done = subprocess.run(
                ["/bin/bash", "-o", "pipefail", "-c", step.command],
                cwd=room,
                env={"PATH": f"{room}/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(room)},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            where = f"{name}:{step.line}: {step.command}\n{done.stdout}{done.stderr}"
            assert done.returncode == 0, where
            assert documents.matches(step.expected, done.stdout), where


@pytest.mark.parametrize("name", NAMES)
def test_what_a_shell_block_says_is_run_somewhere(name: str) -> None:
    """Commands that need root, a network or hosts are on the list above, with where they run."""
    for block in documents.blocks(ROOT / name):
        for command in documents.commands(block) if block.language == "sh" else ():
            is_listed = command in ELSEWHERE or command.startswith(tuple(ELSEWHERE_BEGIN))
            assert is_listed, f"{name}: {command}"


def test_the_list_of_what_runs_elsewhere_is_used() -> None:
    """An entry that no document has is left over."""
    said = {
        command
        for path in DOCUMENTS
        for block in documents.blocks(path)
        if block.language == "sh"
        for command in documents.commands(block)
    }

    assert set(ELSEWHERE) <= said


@pytest.mark.parametrize("name", NAMES)
def test_each_block_says_what_it_is(name: str) -> None:
    """So that none of them is left untested."""
    found = {block.language for block in documents.blocks(ROOT / name)}

    assert found <= {"console", "sh", "yaml", "python", "text"}


@pytest.mark.parametrize("name", NAMES)
def test_each_piece_of_configuration_can_be_used(name: str) -> None:
    """Every YAML block is a configuration by itself."""
    for block in documents.blocks(ROOT / name):
        if block.language == "yaml":
            config.parse(block.text, f"{name}:{block.line}")
            accept(_document(block))


def _document(block: Block) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(block.text)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_each_command_that_is_named_exists(name: str) -> None:
    """Also those in the midst of a sentence."""
    known = {module.__name__.rpartition(".")[2].replace("_", "-") for module in COMMANDS}

    assert documents.named(ROOT / name) <= known


def test_every_command_is_listed() -> None:
    """In the part of docs/operating.md about commands."""
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    listed = re.findall(r"`([a-z-]+)[` ]", text.partition("\n## Commands\n")[2])

    assert {module.__name__.rpartition(".")[2].replace("_", "-") for module in COMMANDS} <= set(
        listed
    )


@pytest.mark.parametrize("name", NAMES)
def test_each_link_leads_somewhere(name: str) -> None:
    """To files of the checkout."""
    for link in documents.links(ROOT / name):
        assert ((ROOT / name).parent / link).exists(), f"{name}: {link}"


@pytest.mark.parametrize(
    ("shelf", "where"),
    [
        ("agent.detections", ("README.md", "docs/detection.md")),
        ("outputs", ("README.md", "docs/outputs.md")),
        ("feeds", ("docs/feeds.md",)),
    ],
)
def test_what_stands_on_a_shelf_is_in_the_documents(shelf: str, where: tuple[str, ...]) -> None:
    """Every behaviour, type of output and format of lists has a row."""
    for name in where:
        rows = [line for line in (ROOT / name).read_text().splitlines() if line.startswith("| ")]
        told = {word for row in rows for word in re.findall(r"`([a-z0-9_]+)`", row)}
        assert set(plugins.names(shelf)) <= told, name


def test_formats_and_lists_are_counted_as_they_are() -> None:
    """Every format of a line has a row in both tables; the catalogue is as large as is told."""
    for name in ("README.md", "docs/outputs.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert all(f"\n| `{form}` |" in text for form in get_args(_formats.Name)), name
    known = _catalog.known()
    on = sum(feed.default for feed in known.values())
    for name in ("README.md", "docs/feeds.md"):
        text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
        assert re.search(rf"{len(known)} (public )?lists(| are known)[:,] {on} are on", text), name


# --- recipes --------------------------------------------------------------------------------------


def test_the_list_format_that_people_are_told_to_write_works(tmp_path: Path) -> None:
    """From lines to trails; what it cannot read is counted."""
    module = documents.recipe("A list format")
    (tmp_path / "list").write_bytes(b"evil.example.org|dropper\nwhat\n")
    unused = Counted()
    origin = Origin(source=Source("ours"), info="", reference="(ours)")

    with (tmp_path / "list").open("rb") as content:
        trails = list(module.parse(content, module.Config(), origin, unused))

    assert [(trail.key, trail.info) for trail in trails] == [
        ("evil.example.org", "dropper (malware)")
    ]
    assert unused.refused == 1


def test_the_behaviour_that_people_are_told_to_write_works() -> None:
    """From its settings to a finding."""
    module = documents.recipe("A behaviour")
    settings = config.convert(Options(repeat=60), module.Config, "detections.status_page")
    detection = module.Detection(settings)
    ends = Endpoint("192.0.2.1", 1), Endpoint("198.51.100.1", 80)
    asked = Seen(
        source=ends[0], destination=ends[1], packet=b"", leaves_home=True, path="/server-status"
    )

    found = detection.examine(asked)

    assert isinstance(found, Finding)
    assert found.info == "status page (suspicious)"
    assert detection.repeat == 60


# --- documents for programs -----------------------------------------------------------------------

ASKED = {
    "check": "check",
    "feeds": "feeds",
    "explain": "explain loader-demo.invalid",
    "coverage": "coverage demo/demo.pcap",
    "verify": "verify docs/samples/events.cef",
    "trails info": "trails info all.set",
    "trails build": "trails build -o other.set demo/trails.csv",
    "trails lookup": "trails lookup all.set loader-demo.invalid",
    "trails diff": "trails diff all.set all.set",
    "update": "update",
    "test-outputs": "test-outputs",
    "import-config": "import-config maltrail.conf --dry-run",
    "support-bundle": "support-bundle -o bundle.tar.gz --seconds 0s",
}
"""A call of each command that docs/operating.md tells the document of."""


def test_documents_for_programs_have_the_keys_that_are_told(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every key of the table, wherever it stands in the document."""
    monkeypatch.chdir(room)
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    table = text[text.index("| command | document |") :].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    told = {name: cells[1] for cells in rows for name in re.findall(r"`([^`]+)`", cells[0])}

    assert set(told) == set(ASKED)
    for name, call in ASKED.items():
        said = run(*call.split(), "--json", "-c", "config.yaml", "--state-dir", "state")
        assert said.status in (0, 1), said
        found = _keys(json.loads(said.out))
        wanted = re.findall(r"`([a-z_]+)`", told[name].replace("as `explain`", told["explain"]))
        assert wanted
        assert set(wanted) <= found, name


def _keys(document: object) -> set[str]:
    """Return every key of a document, however deep."""
    if isinstance(document, list):
        return set().union(*map(_keys, document))
    if isinstance(document, dict):
        return set(document).union(*map(_keys, document.values()))
    return set()
