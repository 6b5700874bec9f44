"""Options about what is never told: whitelist, ignore rules, ignore pattern."""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from agent.allow import checked_name
from agent.config import MAX_ALLOWED, MAX_SUPPRESSIONS
from agent.importing.detecting import branches
from agent.importing.draft import Asked, Draft, NotApplicable
from agent.importing.lists import resolved
from agent.visible import visible

MAX_FILE = 16 << 20
"""Bytes of a whitelist or list of ignore rules; the distributed whitelist has 70 kB."""
MAX_LEFT = 50
"""Lines told one by one that were not taken."""

WHITELIST = "allow/maltrail-whitelist.txt"

NOT_DNS = [
    *("trail-ip", "trail-ip-port", "trail-network", "trail-url", "trail-path"),
    *("trail-user-agent", "trail-certificate", "trail-ja3", "trail-ja4", "behaviour-*"),
]
"""What a whitelisted address silences: all but names (W-1)."""

_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_QUAD_PATTERN = re.compile(r"\d{1,3}(?:\\?\.\d{1,3}){3}")
_QUAD_BEGIN = re.compile(r"(\d{1,3}(?:\\?\.\d{1,3}){0,2})\\\.")
_WORDS = frozenset({"TCP", "UDP", "ICMP", "IP", "DNS", "URL", "HTTP", "PATH", "PORT", "UA"})


def whitelist(asked: Asked, draft: Draft) -> str:
    """Take USER_WHITELIST: names and addresses into a file of ours, the rest into entries.

    An address silences all events but those of names, whichever side it is on, so that it becomes
    a suppression as well.
    """
    file = _file(asked)
    names, addresses, keys = _sorted(asked, draft, file)
    lines = [f"# USER_WHITELIST {visible(asked.option.value)}", *names, *addresses]
    if names or addresses:
        draft.files[WHITELIST] = "\n".join(lines) + "\n"
    for key in keys[:MAX_ALLOWED]:
        draft.add("allow_list.entries", {"trail": _escaped(key), "reason": "USER_WHITELIST"})
    if len(keys) > MAX_ALLOWED:
        draft.leave(f"{len(keys) - MAX_ALLOWED} keys of trails: more than {MAX_ALLOWED} entries")
    if addresses:
        draft.add(
            "suppress",
            {
                "name": "maltrail-whitelist",
                "reason": "USER_WHITELIST: addresses on either side, all but names",
                "classes": NOT_DNS,
                "network": addresses,
            },
        )
    return (
        f"{WHITELIST}: {len(names)} names, {len(addresses)} addresses and networks; "
        f"allow_list.entries: {len(keys[:MAX_ALLOWED])}; a more exact trail still reports"
    )


def _sorted(asked: Asked, draft: Draft, file: Path) -> tuple[list[str], list[str], list[str]]:
    """Return names, addresses and keys of trails of a whitelist, each once, in its order."""
    names: dict[str, None] = {}
    addresses: dict[str, None] = {}
    keys: dict[str, None] = {}
    left = _Left(draft)
    for number, line in _lines(file):
        try:
            address = _network(line)
            if address:
                addresses[address] = None
            elif re.search(r"[:/]", line):
                keys[line] = None
            else:
                names[checked_name(line.lower())] = None
        except ValueError as error:
            left.say(f"{asked.option.value}:{number}: {line[:60]}: {error}")
    left.end()
    return list(names), list(addresses), list(keys)


def _network(text: str) -> str:
    """Return an address or network in its normal spelling, empty for neither; raise ValueError."""
    head = text.partition("/")[0]
    if not _QUAD.fullmatch(head) and head.count(":") < 2:
        return ""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return ""
    if not network.prefixlen:
        raise ValueError("covers every address")
    is_one = network.prefixlen == network.max_prefixlen
    return str(network.network_address if is_one else network)


def ignore_list(asked: Asked, draft: Draft) -> str:
    """Take USER_IGNORELIST: `source;port;destination;port` rules become suppressions.

    Rules that differ in one address only become one entry with a list of addresses.
    """
    grouped: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    lines: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    left = _Left(draft)
    for number, line in _lines(_file(asked)):
        fields = "".join(line.split()).split(";")
        try:
            key, address = _rule(fields)
        except ValueError as error:
            left.say(f"{asked.option.value}:{number}: {line[:60]}: {error}")
            continue
        grouped[key].append(address)
        lines[key].append(number)
    room = MAX_SUPPRESSIONS - len(draft.settings.get("suppress", ())) - 1
    taken = 0
    for count, (key, found) in enumerate(grouped.items(), 1):
        if count > room:
            left.say(f"line {lines[key][0]}: more than {MAX_SUPPRESSIONS} suppressions")
            continue
        draft.add("suppress", _suppression(key, found, lines[key], count))
        taken += len(found)
    left.end()
    if not taken:
        raise NotApplicable("holds no rule that can be taken")
    return f"suppress: {taken} rules"


def _rule(fields: list[str]) -> tuple[tuple[str, str, str, str], str]:
    """Return what a rule is grouped by, and the address that is its own; raise ValueError."""
    if len(fields) != 4:
        raise ValueError("expected source;port;destination;port")
    source, source_port, destination, port = fields
    for address in (source, destination):
        if address != "*":
            ipaddress.ip_address(address)
    for number in (source_port, port):
        if number == "-":
            raise ValueError("`-` (no port) has no counterpart; name the classes in suppress")
        if number != "*" and not (number.isdecimal() and int(number) <= 65_535):
            raise ValueError("expected a port or *")
    if fields == ["*"] * 4:
        raise ValueError("would silence everything")
    # What two rules share is all but one address: that is the list of their common entry.
    if source != "*":
        return ("source", source_port, destination, port), source
    return ("destination", source_port, "*", port), destination


def _suppression(
    key: tuple[str, str, str, str], found: list[str], lines: list[int], count: int
) -> dict[str, object]:
    """Return the entry for rules that share all but one address."""
    side, source_port, destination, port = key
    shown = ", ".join(map(str, lines[:5])) + (" ..." if len(lines) > 5 else "")
    entry: dict[str, object] = {
        "name": f"maltrail-ignore-{count}",
        "reason": f"USER_IGNORELIST, line {shown}",
    }
    addresses = list(dict.fromkeys(found))
    if addresses != ["*"]:
        entry[side] = [address for address in addresses if address != "*"]
    if source_port != "*":
        entry["source_port"] = [int(source_port)]
    if destination != "*":
        entry["destination"] = [destination]
    if port != "*":
        entry["destination_port"] = [int(port)]
    return entry


def ignore_pattern(asked: Asked, draft: Draft) -> str:
    """Take IGNORE_EVENTS_REGEX, branch by branch: addresses as networks, the rest as texts.

    Maltrail searched the printed event, which also holds times, addresses and ports between
    quotes; here trail, value seen, info and reference are searched, each by itself.
    """
    text = asked.option.value
    if not text:
        raise NotApplicable("is empty")
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(
            f"is not a regular expression, and Maltrail ignores it: {error}"
        ) from error
    networks, texts = [], []
    for branch in _branches(text):
        network = _address_of(branch)
        if network:
            networks.append(network)
            continue
        why, pattern = _text_of(branch)
        if why:
            draft.leave(f"{branch[:60]}: {why}")
        else:
            texts.append(pattern)
    reason = "IGNORE_EVENTS_REGEX"
    if networks:
        entry = {"name": "maltrail-regex-addresses", "reason": reason, "network": networks}
        draft.add("suppress", entry)
    if texts:
        entry = {"name": "maltrail-regex", "reason": reason, "text": "|".join(texts)}
        draft.add("suppress", entry)
    if not networks and not texts:
        raise NotApplicable("no part of it is about a trail, a text or an address alone")
    return f"suppress: {len(networks)} addresses, {len(texts)} patterns of texts"


def _branches(text: str) -> list[str]:
    """Return the alternatives of a pattern; one group around all of them is opened."""
    found = list(branches(text))
    if len(found) == 1:
        group = re.fullmatch(r"\((?:\?:)?([^?].*)\)", text, re.DOTALL)
        if group is not None and list(branches(group[1], inside=True)):
            return list(branches(group[1]))
    return found


def _address_of(branch: str) -> str:
    """Return the address or network that an alternative spells, empty for none."""
    text = branch.strip("'").removeprefix("\\b").removesuffix("\\b")
    if _QUAD_PATTERN.fullmatch(text):
        return _network_or_nothing(text.replace("\\", ""))
    begin = _QUAD_BEGIN.fullmatch(text)
    if begin:
        quads = begin[1].replace("\\", "").split(".")
        spelled = ".".join([*quads, *["0"] * (4 - len(quads))])
        return _network_or_nothing(f"{spelled}/{8 * len(quads)}")
    return ""


def _network_or_nothing(text: str) -> str:
    try:
        return _network(text)
    except ValueError:
        return ""


def _text_of(branch: str) -> tuple[str, str]:
    """Return why an alternative cannot be taken, or nothing, and the pattern of texts."""
    if not branch:
        return "would silence everything", ""
    if re.search(branch, "") is not None:
        return "would silence everything", ""
    if branch in _WORDS or branch.strip("'") in _WORDS:
        return "a protocol or type; name the classes in suppress", ""
    if re.fullmatch(r"[\d\s.,\\]+", branch):
        return "numbers may be times or ports; name ports in suppress", ""
    inner = branch[1:-1] if branch[:1] == branch[-1:] == "'" and len(branch) > 2 else branch
    if "'" in inner or re.search(r",(?: |\\ |\\s|$)", inner):
        return "reaches over several columns of the event; use the keys of suppress", ""
    return "", f"^(?:{inner})$" if inner != branch else branch


class _Left:
    """Tells lines that were not taken, the first ones only."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._more = 0
        self._told = 0

    def say(self, text: str) -> None:
        if self._told < MAX_LEFT:
            self._told += 1
            self._draft.leave(text)
        else:
            self._more += 1

    def end(self) -> None:
        if self._more:
            self._draft.leave(f"and {self._more} lines more")


def _file(asked: Asked) -> Path:
    """Return the file that an option names; raise ValueError."""
    path = resolved(asked, asked.option.value)
    if not path.is_file():
        raise ValueError(f"{path} is no file; name Maltrail's folder with --root")
    if path.stat().st_size > MAX_FILE:
        raise ValueError(f"{path} has more than {MAX_FILE >> 20} MB")
    return path


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of lines that are neither empty nor a comment."""
    text = path.read_bytes().decode("utf-8", "backslashreplace")
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _escaped(key: str) -> str:
    """Return a key as a pattern with stars that means only itself."""
    return re.sub(r"([*?\[])", r"[\1]", key)
