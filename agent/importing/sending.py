"""Options about where events go, and about who asks the sensor."""

import ipaddress
from urllib.parse import urlsplit

from agent.importing.draft import Asked, Draft, NotApplicable

NO_STORE = (
    "nothing is stored on the host; for a file a day in the same columns see the end of config.yaml"
)


def sensor_name(asked: Asked, draft: Draft) -> str:
    """Take SENSOR_NAME; the host's own name is the default."""
    name = asked.option.value
    if name in ("", asked.around.host):
        return "sensor.name: this host's name, as is the default"
    return draft.set("sensor.name", name)


def log_dir(asked: Asked, draft: Draft) -> str:
    """Judge LOG_DIR: the agent keeps no log of events, unless an output of type file says so."""
    del draft
    if asked.is_on("DISABLE_LOCAL_LOG_STORAGE"):
        raise NotApplicable("local storage was off")
    raise NotApplicable(NO_STORE)


def local_storage(asked: Asked, draft: Draft) -> str:
    """Judge DISABLE_LOCAL_LOG_STORAGE."""
    del draft
    if asked.option.is_on:
        return "no output of type file, as is the default"
    raise NotApplicable(NO_STORE)


def syslog_server(asked: Asked, draft: Draft) -> str:
    """Take SYSLOG_SERVER: every endpoint has every event, as CEF."""
    return draft.add(
        "outputs", {"name": "siem", "type": "syslog", **_to(asked, "514"), "format": "cef"}
    )


def logstash_server(asked: Asked, draft: Draft) -> str:
    """Take LOGSTASH_SERVER: every endpoint has every event, as JSON."""
    return draft.add(
        "outputs", {"name": "logstash", "type": "logstash", **_to(asked, ""), "format": "maltrail"}
    )


def log_server(asked: Asked, draft: Draft) -> str:
    """Take LOG_SERVER: an existing Maltrail server goes on showing events."""
    return draft.add(
        "outputs", {"name": "maltrail", "type": "maltrail_server", **_to(asked, "8337")}
    )


def _to(asked: Asked, port: str) -> dict[str, object]:
    """Return the keys for one receiver, or for several that all get everything."""
    found = [endpoint(word, port) for word in asked.option.words]
    if not found:
        raise ValueError("expected HOST:PORT")
    if len(found) == 1:
        return {"address": found[0], "transport": "udp"}
    return {"addresses": found, "mode": "all", "transport": "udp"}


def endpoint(text: str, port: str) -> str:
    """Return HOST:PORT, an IPv6 address in brackets; raise ValueError."""
    host, _, number = text.rpartition(":")
    if not host and port:
        host, number = text, port
    if not host or not number.isdecimal() or not 0 < int(number) < 65_536:
        raise ValueError(f"{text!r}: expected HOST:PORT")
    bare = host.strip("[]")
    try:
        is_six = ipaddress.ip_address(bare).version == 6
    except ValueError:
        is_six = False
    return f"[{bare}]:{number}" if is_six else f"{host}:{number}"


def webhook(asked: Asked, draft: Draft) -> str:
    """Take ALERT_WEBHOOK_URL, with the severity and the pause that belong to it."""
    url = asked.option.value
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("expected a URL that begins with https://")
    severity = asked.all.get("ALERT_SEVERITY")
    pause = asked.all.get("ALERT_THROTTLE")
    draft.add(
        "outputs",
        {
            "name": "alerts",
            "type": "webhook",
            "url": url,
            "min_severity": severity.value.lower() if severity else "high",
            "repeat": f"{pause.number(1, 604_800) if pause else 300}s",
        },
    )
    return "outputs: name alerts, type webhook"


def of_webhook(asked: Asked, draft: Draft) -> str:
    """Judge an option that ALERT_WEBHOOK_URL takes along."""
    del draft
    if not asked.has("ALERT_WEBHOOK_URL"):
        raise NotApplicable("there is no ALERT_WEBHOOK_URL")
    return "part of the output `alerts`"


def stats_address(asked: Asked, draft: Draft) -> str:
    """Take STATS_ADDRESS; metrics have other names."""
    return draft.set("http.address", endpoint(asked.option.value, ""))


def debug(asked: Asked, draft: Draft) -> str:
    """Take SHOW_DEBUG."""
    if asked.option.is_on:
        return draft.set("log.level", "debug")
    return "log.level: info, as is the default"


def aliases(asked: Asked, draft: Draft) -> str:
    """Take IP_ALIASES: `address:name`, or with another mark between them, an item each."""
    found: dict[str, str] = {}
    for item in (*asked.option.items, asked.option.value):
        if not item:
            continue
        alias = _alias(item)
        if alias is None:
            draft.leave(f"{item}: expected ADDRESS:NAME")
        else:
            found[alias[0]] = alias[1]
    if not found:
        raise ValueError("expected an ADDRESS:NAME a line")
    draft.set("networks.aliases", found)
    return f"networks.aliases: {len(found)}"


def _alias(item: str) -> tuple[str, str] | None:
    for mark in ("=", " ", ":"):
        # A name holds no colon, so that the last one ends an IPv6 address.
        address, found, name = item.rpartition(mark) if mark == ":" else item.partition(mark)
        try:
            if found and name.strip():
                return str(ipaddress.ip_address(address.strip().strip("[]"))), name.strip()
        except ValueError:
            continue
    return None
