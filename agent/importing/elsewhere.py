"""Options without a counterpart, and why: said once, as data."""

_PACE = "capture polls and takes what is there, few packets when idle and many under load"
_READ = "the scanner reads everything; under pressure it sheds bulk first, says so and comes back"
_WEB = "what is found is looked at in the SIEM; http.status is a page about the agent itself"
_RULES = "the agent hands out no lists of attackers; the SIEM's own rules do"
_BUILD = "no such step here"

REASONS = {
    "CAPTURE_TIMEOUT": _PACE,
    "CAPTURE_IMMEDIATE": _PACE,
    "CAPTURE_FANOUT_MODE": "packets are always spread by flow, and what workers counted is merged",
    "CAPTURE_FANOUT_DEFRAG": "fragments are put together by the scanner",
    "CAPTURE_FANOUT_GROUP": "each process derives its own group",
    "PROCESS_COUNT": "one worker keeps up with most links; for more: capture.workers",
    "DISABLE_CPU_AFFINITY": "workers are threads that the kernel places",
    "USE_CAPTURE_AFFINITY": "the kernel spreads packets by flow",
    "USE_FAST_PREFILTER": "server names in TLS and QUIC are always read",
    "FAST_FLOW_CUTOFF": "server names in TLS and QUIC are always read",
    "FAST_ADMIT_LEVEL": _READ,
    "FAST_ADMIT_ADAPTIVE": _READ,
    "CHECK_HOST_DOMAINS": "names in Host headers are always matched, on any port",
    "EVENT_THROTTLE_BURST": "the first event of an incident is told, then one a window",
    "USE_CONDENSED_STORAGE": "nothing is stored on the host but what waits for a receiver",
    "REPAIR_TRUNCATED_TRAILS": "patterns are not cut here, so that none needs a repair",
    "ALLOW_EMPTY_TRAILS": "the agent starts without a set, says so and waits for one",
    "DOMAIN_CACHE_ENTRIES": "every name is looked up; there is no cache",
    "OFFLINE_TIMESTAMPS": "replay always uses the packets' own time",
    "METRICS_INTERVAL": "an agent-heartbeat event every 5 minutes has all counters, see heartbeat",
    "DISABLE_CHECK_SUDO": "no process runs as root; sense alone has CAP_NET_RAW",
    "HTTP_ADDRESS": _WEB,
    "HTTP_PORT": _WEB,
    "USE_SSL": _WEB,
    "SSL_PEM": _WEB,
    "USERS": _WEB,
    "ENABLE_MASK_CUSTOM": "it is about users of the interface; see mask_custom of outputs and http",
    "UDP_ADDRESS": "it is the server that collects; the agent sends, see outputs",
    "UDP_PORT": "it is the server that collects; the agent sends, see outputs",
    "USE_SERVER_UPDATE_TRAILS": "a fleet takes its set from `maltrail-agent trails publish`",
    "MAX_REQUEST_THREADS": _WEB,
    "MAX_LIVE_STREAMS": _WEB,
    "HUNT_TIME_BUDGET": "looking back is the SIEM's work",
    "HOME_LAT": _WEB,
    "HOME_LON": _WEB,
    "HEADER_LOGO": _WEB,
    "FAIL2BAN_REGEX": _RULES,
    "FAIL2BAN_ALLOWLIST": _RULES,
    "BLACKLIST_ALLOWLIST": _RULES,
    "BLACKLIST": _RULES,
    "ALERT_FORMAT": "an output of type webhook has a template; its default is what Slack takes",
    "DISABLE_RIPE_LOOKUPS": "the agent looks nothing up; the SIEM knows places and networks",
}
"""Why an option has no counterpart, by its name."""

PREFIXES = {"BLACKLIST_": _RULES}
"""The same for options whose names a site chooses."""
