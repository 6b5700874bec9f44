"""The role: what can be told without running it; tests/lab/e2e runs it on real hosts."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import yaml

from tests.lab import next_version

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = ROOT / "deploy" / "ansible"
ROLE = ANSIBLE / "roles" / "maltrail_agent"


def load(path: Path) -> Any:
    """Read a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def options() -> dict[str, Any]:
    """Return the role's variables as it describes them."""
    found: dict[str, Any] = load(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"][
        "options"
    ]
    return found


def example() -> dict[str, Any]:
    """Return the variables that the example inventory sets for all hosts."""
    found: dict[str, Any] = load(ANSIBLE / "inventory.example.yml")["all"]["vars"]
    return found


def test_defaults_are_those_that_the_argument_specs_tell() -> None:
    """Each optional variable has one default, told twice and alike."""
    told = {name: spec["default"] for name, spec in options().items() if "default" in spec}
    required = {name for name, spec in options().items() if spec.get("required")}

    assert load(ROLE / "defaults" / "main.yml") == told
    assert set(options()) - set(told) == required


def test_every_variable_is_in_the_readme() -> None:
    """A reader finds each variable of the role, and none that there is not."""
    text = (ROLE / "README.md").read_text(encoding="utf-8")

    assert set(re.findall(r"(?m)^\| `(maltrail_agent_\w+)`", text)) == set(options())


def test_every_variable_that_is_used_is_described() -> None:
    """No task reads a variable of the role that nobody may set."""
    used = set()
    for path in [*ROLE.glob("tasks/*.yml"), *ROLE.glob("templates/*"), ROLE / "vars" / "main.yml"]:
        used |= set(re.findall(r"(?<![\w/])maltrail_agent_\w+", path.read_text(encoding="utf-8")))
    tags = {f"maltrail_agent_{name}" for name in ("install", "configure", "run", "verify")}

    assert used - tags == set(options())


def test_every_unit_is_installed() -> None:
    """The role names the units that exist, and wheels bring them along."""
    units = load(ROLE / "vars" / "main.yml")["__maltrail_agent_units"]
    shipped = sorted(p.name for p in (ROOT / "deploy" / "systemd").iterdir() if p.is_file())

    assert sorted(units) == shipped


def test_the_example_names_known_variables_only() -> None:
    """A reader who copies the example gets no error from the argument specs."""
    named = {name for name in example() if name.startswith("maltrail_agent_")}

    assert named <= set(options())


def test_the_example_configuration_is_valid() -> None:
    """What the example would write is a configuration that the agent takes."""
    from agent.config import parse

    config = example()["maltrail_agent_config"]
    config["capture"]["interfaces"] = ["auto"]  # a template in the example
    settings = parse(yaml.safe_dump(config), "example")

    assert [output.type for output in settings.outputs] == ["syslog"]


def test_the_labs_next_version_is_a_wheel_of_another_version_and_format(tmp_path: Path) -> None:
    """What the fleet is upgraded to differs from what it runs in these two numbers alone."""
    from agent.scan import layout

    house = tmp_path / "house" / "cp311-x86_64"
    house.mkdir(parents=True)
    with zipfile.ZipFile(house / "maltrail_agent-0.1.0-py3-none-any.whl", "w") as wheel:
        for name in ("agent/__init__.py", "agent/scan/layout.py", "agent/names.py"):
            wheel.write(ROOT / name, name)
        wheel.writestr(
            "maltrail_agent-0.1.0.dist-info/METADATA", "Name: maltrail-agent\nVersion: 0.1.0\n"
        )
        wheel.writestr("maltrail_agent-0.1.0.dist-info/RECORD", "")
    (house / "requirements.txt").write_text("a==1 --hash=x\nmaltrail-agent==0.1.0 --hash=y\n")

    next_version.main(str(house.parent), str(tmp_path / "next"), "99.0.0")

    fresh = tmp_path / "next" / "cp311-x86_64"
    pins = (fresh / "requirements.txt").read_text()
    assert re.fullmatch(
        r"a==1 --hash=x\nmaltrail-agent==99\.0\.0 --hash=sha256:[0-9a-f]{64}\n", pins
    )
    with zipfile.ZipFile(fresh / "maltrail_agent-99.0.0-py3-none-any.whl") as wheel:
        wheel.extractall(tmp_path / "site")
    script = "import agent, agent.scan.layout as it; print(agent.__version__, it.FORMAT_VERSION)"
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path / "site",
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["99.0.0", str(layout.FORMAT_VERSION + 1)]
    assert (tmp_path / "site/maltrail_agent-99.0.0.dist-info/RECORD").is_file()
