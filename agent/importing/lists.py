"""Options about lists, the site's own trails and updates."""

import csv
import io
import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from agent.importing.draft import Asked, Draft, NotApplicable
from feeds import _catalog

MAX_TRAILS_BYTES = 64 << 20
"""Of all own lists together; the largest public one has 50 MB."""
MAX_TRAILS_FILES = 500

RENAMED = {
    "abuseipdb": "abuseipdb-mirror",
    "blackholemonster": "blackhole-monster",
    "blocklist": "blocklist-de",
    "ciarmy": "cins",
    "emergingthreatsbot": "et-botcc",
    "emergingthreatscip": "et-compromised",
    "emergingthreatsdns": "et-malware",
    "feodotrackerip": "feodo",
    "sslblcert": "sslbl-certificates",
    "sslblja3": "sslbl-ja3",
    "torproject": "tor-exits",
    "torprojectnodes": "tor-relays",
    "bitcoinnodes": "firehol-bitcoin-nodes",
    "botscout": "firehol-botscout",
    "cleantalk": "firehol-cleantalk",
    "gpfcomics": "firehol-gpf-comics",
    "socksproxy": "firehol-socks-proxies",
    "sslproxies": "firehol-ssl-proxies",
}
"""Feed modules of Maltrail, and the lists of feeds/catalog.yaml that have other names."""


def feed_updates(asked: Asked, draft: Draft) -> str:
    """Take USE_FEED_UPDATES; without feeds Maltrail had its static lists alone."""
    _no_server(asked)
    if asked.option.is_on:
        return "update.defaults: true, as is the default; for others: maltrail-agent feeds"
    draft.add("update.lists", {"name": "maltrail-static"})
    return f"{draft.set('update.defaults', False)}; update.lists: maltrail-static"


def disabled_feeds(asked: Asked, draft: Draft) -> str:
    """Take DISABLED_FEEDS: what is on by default here is turned off."""
    _no_server(asked)
    if "USE_FEED_UPDATES" in asked.all and not asked.is_on("USE_FEED_UPDATES"):
        raise NotApplicable("USE_FEED_UPDATES is off")
    known = _catalog.known()
    told, unknown = [], []
    for word in asked.option.words:
        name = RENAMED.get(word.lower(), word.lower())
        if name not in known:
            unknown.append(word)
        elif known[name].default:
            told.append(draft.add("update.lists", {"name": name, "enabled": False}))
        else:
            told.append(f"{name}: off, as is the default")
    if unknown:
        told.append(f"not in the catalogue: {', '.join(unknown)}")
    if not told:
        raise NotApplicable("names no feed")
    return "; ".join(told)


def minimum_feeds(asked: Asked, draft: Draft) -> str:
    """Take IP_MINIMUM_FEEDS."""
    return draft.set("trails.min_feeds", asked.option.number(1, 100))


def excluded(asked: Asked, draft: Draft) -> str:
    """Take DISABLED_TRAILS_INFO_REGEX."""
    try:
        re.compile(asked.option.value)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    if not asked.option.value:
        raise NotApplicable("is empty")
    return draft.set("trails.exclude_info", asked.option.value)


def update_server(asked: Asked, draft: Draft) -> str:
    """Take UPDATE_SERVER: the finished set of a Maltrail server."""
    url = asked.option.value
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("expected a URL such as https://maltrail.example.com:8338/trails")
    origin: dict[str, object] = {"url": url, "format": "maltrail"}
    if url.startswith("http://"):
        origin["insecure_http"] = True
    draft.set("update.from", origin)
    return f"update.from: {url}, format maltrail"


def custom_url(asked: Asked, draft: Draft) -> str:
    """Take CUSTOM_TRAILS_URL: each address becomes an own list."""
    _no_server(asked)
    period = asked.all.get("UPDATE_PERIOD")
    taken = []
    for number, url in enumerate(asked.option.words, 1):
        if urlsplit(url).scheme not in ("http", "https"):
            draft.leave(f"{url}: expected a URL that begins with https://")
            continue
        entry: dict[str, object] = {
            "name": f"maltrail-custom-{number}",
            "url": url,
            "format": "plain",
            "info": "blacklisted",
            "reference": "(remote custom)",
            "period": f"{period.number(60, 31_536_000) if period else 86_400}s",
        }
        if url.startswith("http://"):
            entry["insecure_http"] = True
        taken.append(draft.add("update.lists", entry))
    if not taken:
        raise ValueError("expected URLs")
    return f"update.lists: {len(taken)}"


def update_period(asked: Asked, draft: Draft) -> str:
    """Judge UPDATE_PERIOD."""
    del draft
    asked.option.number(1, 31_536_000)
    if asked.has("CUSTOM_TRAILS_URL") and not asked.has("UPDATE_SERVER"):
        return "the period of the lists of CUSTOM_TRAILS_URL; known lists have their own"
    raise NotApplicable("each list has its own period; a timer asks every 15 minutes which is due")


def trails_file(asked: Asked, draft: Draft) -> str:
    """Take TRAILS_FILE where somebody else keeps it; what Maltrail built itself is built anew."""
    if not asked.is_on("DISABLE_TRAIL_UPDATES") or asked.has("UPDATE_SERVER"):
        raise NotApplicable("sets are built anew, in /var/lib/maltrail-agent")
    path = str(resolved(asked, asked.option.value))
    draft.set("update.defaults", False)
    return draft.add(
        "update.lists",
        {
            "name": "maltrail-trails",
            "url": path,
            "format": "maltrail",
            "options": {"form": "csv"},
            "info": "maltrail",
            "reference": "(static)",
            "standing": "curated",
            "period": "15m",
        },
    )


def updates_off(asked: Asked, draft: Draft) -> str:
    """Take DISABLE_TRAIL_UPDATES: nothing is fetched; TRAILS_FILE is a list."""
    if not asked.option.is_on:
        return "updates are on, as is the default"
    _no_server(asked)
    return draft.set("update.defaults", False)


def reload_ratio(asked: Asked, draft: Draft) -> str:
    """Take TRAIL_RELOAD_MIN_RATIO: how much of a set may go."""
    if not re.fullmatch(r"\d{1,3}(\.\d{1,6})?", asked.option.value):
        raise ValueError("expected a number from 0 to 1")
    share = float(asked.option.value)
    if not 0 <= share <= 1:
        raise ValueError("expected a number from 0 to 1")
    return draft.set("update.gate.max_shrink", max(1, round((1 - share) * 100)))


def proxy(asked: Asked, draft: Draft) -> str:
    """Take PROXY_ADDRESS."""
    text = asked.option.value
    url = text if "://" in text else f"http://{text}"
    if urlsplit(url).scheme != "http" or not urlsplit(url).hostname:
        raise ValueError("expected a proxy such as http://proxy.example.com:3128")
    draft.set("update.proxy", url)
    return "update.proxy: as it is"


def custom_folder(asked: Asked, draft: Draft) -> str:
    """Take CUSTOM_TRAILS_DIR: every list in it becomes a file of own trails, in Maltrail's form."""
    folder = resolved(asked, asked.option.value)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; name Maltrail's own with --root")
    count = files = size = 0
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        size += path.stat().st_size
        if path.suffix not in (".txt", ".csv"):
            draft.leave(f"{path}: expected a name that ends in .txt or .csv")
        elif files >= MAX_TRAILS_FILES or size > MAX_TRAILS_BYTES:
            draft.leave(f"{path}: too many own lists; name it in trails.custom yourself")
        else:
            rows = _read(path, draft)
            files += bool(rows)
            count += len(rows)
            if rows:
                draft.files[_target(path, draft)] = _csv(rows)
    return f"trails/*.csv: {count} trails in {files} files"


def _read(path: Path, draft: Draft) -> list[tuple[str, str, str]]:
    """Return the rows of one own list; none where it is no table, which is told."""
    try:
        return list(_rows(path))
    except csv.Error as error:
        draft.leave(f"{path}: {error}")
        return []


def _target(path: Path, draft: Draft) -> str:
    """Return where the rows of an own list go: `a.csv` and `a.txt` are two."""
    name = f"trails/{path.stem}.csv"
    return f"trails/{path.name}.csv" if name in draft.files else name


def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield key, info and reference of one own list, as Maltrail reads it (Appendix E.2)."""
    label = path.stem.replace("_", " ")
    text = path.read_bytes().decode("utf-8", "backslashreplace")
    if path.suffix == ".csv":
        for row in csv.reader(line[:65_536] for line in text.splitlines()):
            if row and row[0].strip() and not row[0].startswith("#"):
                yield row[0].strip(), (row[1].strip() if len(row) > 1 else "") or label, "(custom)"
        return
    for line in text.splitlines():
        key = _key(line[:65_536])
        if key:
            yield key, label, "(custom)"


def _key(line: str) -> str:
    """Return the key of one line of an own list, empty for none."""
    key = line.partition("#")[0].strip()
    if not key:
        return ""
    key = key.partition("://")[2] or key
    if "/" in key:
        return key.rstrip("/") if not _is_network(key) else key
    return key.strip(".") if not re.fullmatch(r"[\d.]+", key) else key


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _csv(rows: list[tuple[str, str, str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def resolved(asked: Asked, value: str) -> Path:
    """Return the path that a value names, below Maltrail's folder where it is relative."""
    if not value or "\0" in value:
        raise ValueError("expected a path")
    return (asked.around.root / Path(value).expanduser()).absolute()


def _no_server(asked: Asked) -> None:
    """Raise NotApplicable where the whole set comes from a server."""
    if asked.has("UPDATE_SERVER"):
        raise NotApplicable("UPDATE_SERVER names a finished set, lists are not asked")
