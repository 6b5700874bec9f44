"""The role: what can be told without running it; tests/lab/e2e runs it on a real host."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = ROOT / "deploy" / "ansible"
ROLE = ANSIBLE / "roles" / "maltrail_agent"


def load(path: Path) -> Any:
    """Read a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_defaults_are_those_that_the_argument_specs_tell() -> None:
    """Each optional variable has one default, told twice and alike."""
    options = load(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    told = {name: spec["default"] for name, spec in options.items() if "default" in spec}
    required = {name for name, spec in options.items() if spec.get("required")}

    assert load(ROLE / "defaults" / "main.yml") == told
    assert set(options) - set(told) == required


def test_every_unit_is_installed() -> None:
    """The role names the units that exist, and finds them beside itself."""
    units = load(ROLE / "vars" / "main.yml")["__maltrail_agent_units"]
    shipped = sorted(p.name for p in (ROOT / "deploy" / "systemd").iterdir() if p.is_file())

    assert sorted(units) == shipped
    assert all((ROLE / "files" / "systemd" / unit).is_file() for unit in units)


def test_the_example_playbook_names_known_variables_only() -> None:
    """A reader who copies the example gets no error from the argument specs."""
    options = load(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    for play in load(ANSIBLE / "playbook.yml"):
        assert set(play["vars"]) <= set(options)


def test_the_example_configuration_is_valid() -> None:
    """What the example playbook would write is a configuration that the agent takes."""
    from agent.config import parse

    for play in load(ANSIBLE / "playbook.yml"):
        config = play["vars"]["maltrail_agent_config"]
        config["capture"]["interfaces"] = ["auto"]  # a template in the example
        settings = parse(yaml.safe_dump(config), "example")
        assert [output.type for output in settings.outputs] == ["syslog"]
