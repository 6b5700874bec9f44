"""The draft as text: sections in the order of config.yaml, each key below what it came from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from agent.config import Settings
from agent.importing.draft import Draft, Outcome
from agent.visible import visible

MAX_REMARK = 200
"""Characters of a remark: options and reasons are short, values are not."""

FILE_A_DAY = """\
# A file a day in Maltrail's columns, where the SIEM is not enough:
#   install -d -o maltrail-deliver -g adm -m 0750 /var/log/maltrail-agent
#   systemctl edit maltrail-agent-deliver  ->  [Service] ReadWritePaths=/var/log/maltrail-agent
# and under outputs:
#   - {name: daily, type: file, path: /var/log/maltrail-agent/%Y-%m-%d.log, format: maltrail-line}
"""


def render(draft: Draft, outcomes: Sequence[Outcome], source: str) -> str:
    """Return the configuration; what has no counterpart is told in comments at its end."""
    order = [field for field in Settings.__struct_fields__ if field in draft.settings]
    lines = [
        f"# Made by `maltrail-agent import-config` from {_remark(source)}.",
        "# What is not here has its default: see config.yaml of maltrail-agent for every key.",
    ]
    for section in order:
        lines += ["", *_key(section, draft.settings[section], (), draft)]
    others = [one for one in outcomes if one.verdict not in ("taken", "in part")]
    if others:
        lines += ["", "# Not taken:"]
        lines += [f"#   {_remark(f'{one.option}: {one.verdict}: {one.told}')}" for one in others]
    lines += ["", *FILE_A_DAY.splitlines()]
    return "\n".join(lines) + "\n"


def _key(name: str, value: Any, above: tuple[str, ...], draft: Draft) -> Iterator[str]:
    """Yield one key and everything below it."""
    path = (*above, name)
    indent = "  " * len(above)
    for remark in draft.remarks.get(path, ()):
        yield f"{indent}# {_remark(remark)}"
    if isinstance(value, Mapping) and _is_section(path, value, draft):
        yield f"{indent}{name}:"
        for key, inner in value.items():
            yield from _key(key, inner, path, draft)
    elif isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        yield f"{indent}{name}:"
        for index, entry in enumerate(value):
            yield from _entry(entry, (*path, str(index)), draft)
    else:
        yield f"{indent}{name}: {_flow(value)}"


def _is_section(path: tuple[str, ...], value: Mapping[str, Any], draft: Draft) -> bool:
    """Tell whether a mapping has keys that came from options of their own, or holds more."""
    return any(
        (*path, key) in draft.remarks or isinstance(inner, (Mapping, list))
        for key, inner in value.items()
    )


def _entry(entry: Mapping[str, Any], path: tuple[str, ...], draft: Draft) -> Iterator[str]:
    """Yield one entry of a list, a key a line."""
    indent = "  " * (len(path) - 1)
    for remark in draft.remarks.get(path, ()):
        yield f"{indent}# {_remark(remark)}"
    mark = "- "
    for key, value in entry.items():
        yield f"{indent}{mark}{_flow(key)}: {_flow(value)}"
        mark = "  "


def _flow(value: Any) -> str:
    """Return a value on one line, quoted where YAML would read something else."""
    text = _dumped(value)
    return text if "\n" not in text else _dumped(value, default_style='"')


def _dumped(value: Any, **style: Any) -> str:
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=1 << 20, **style
    )
    return text.removesuffix("...\n").strip("\n")


def _remark(text: str) -> str:
    """Return a text that stays a comment on one line."""
    shown = visible(" ".join(text.split()))
    return shown if len(shown) <= MAX_REMARK else f"{shown[:MAX_REMARK]}..."
