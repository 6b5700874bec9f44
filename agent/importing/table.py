"""The one table: option -> what becomes of it (detection.md section 9)."""

from collections.abc import Callable, Mapping

from agent.importing import capturing, detecting, ignoring, lists, sending
from agent.importing.draft import Asked, Draft, NotApplicable
from agent.importing.elsewhere import PREFIXES, REASONS

Take = Callable[[Asked, Draft], str]
"""Takes an option into the draft; returns as what. Raise NotApplicable, ValueError."""


def _not_here(asked: Asked, draft: Draft) -> str:
    """Raise NotApplicable with the reason that is on record."""
    del draft
    raise NotApplicable(REASONS[asked.option.name])


OPTIONS: Mapping[str, Take] = {
    "MONITOR_INTERFACE": capturing.interfaces,
    "CAPTURE_FILTER": capturing.capture_filter,
    "CAPTURE_BUFFER": capturing.buffer,
    "CAPTURE_BUFFER_SIZE": capturing.buffer_size,
    "CAPTURE_SNAPLEN": capturing.snaplen,
    "CAPTURE_WORKERS": capturing.workers,
    "CAPTURE_FANOUT": capturing.fanout,
    "CHECK_TLS_CERTIFICATES": detecting.certificates,
    "USE_HEURISTICS": detecting.heuristics,
    "DISABLED_HEURISTICS": detecting.disabled_heuristics,
    "SCAN_WINDOW": detecting.scan_window,
    "CHECK_MISSING_HOST": detecting.missing_host,
    "LOG_DIR": sending.log_dir,
    "SENSOR_NAME": sending.sensor_name,
    "DISABLE_LOCAL_LOG_STORAGE": sending.local_storage,
    "LOG_SERVER": sending.log_server,
    "SYSLOG_SERVER": sending.syslog_server,
    "LOGSTASH_SERVER": sending.logstash_server,
    "REMOTE_SEVERITY_REGEX": detecting.severities,
    "EVENT_THROTTLE_MODE": detecting.throttle_mode,
    "EVENT_THROTTLE_WINDOW": detecting.throttle_window,
    "EVENT_THROTTLE_MAX_KEYS": detecting.throttle_keys,
    "USER_WHITELIST": ignoring.whitelist,
    "USER_IGNORELIST": ignoring.ignore_list,
    "IGNORE_EVENTS_REGEX": ignoring.ignore_pattern,
    "TRAILS_FILE": lists.trails_file,
    "UPDATE_PERIOD": lists.update_period,
    "UPDATE_SERVER": lists.update_server,
    "USE_FEED_UPDATES": lists.feed_updates,
    "DISABLED_FEEDS": lists.disabled_feeds,
    "IP_MINIMUM_FEEDS": lists.minimum_feeds,
    "DISABLED_TRAILS_INFO_REGEX": lists.excluded,
    "CUSTOM_TRAILS_DIR": lists.custom_folder,
    "CUSTOM_TRAILS_URL": lists.custom_url,
    "DISABLE_TRAIL_UPDATES": lists.updates_off,
    "TRAIL_RELOAD_MIN_RATIO": lists.reload_ratio,
    "STATS_ADDRESS": sending.stats_address,
    "SHOW_DEBUG": sending.debug,
    "PROXY_ADDRESS": lists.proxy,
    "IP_ALIASES": sending.aliases,
    "ALERT_WEBHOOK_URL": sending.webhook,
    "ALERT_SEVERITY": sending.of_webhook,
    "ALERT_THROTTLE": sending.of_webhook,
    **dict.fromkeys(REASONS, _not_here),
}

ABSENT: Mapping[str, str] = {
    "USE_HEURISTICS": "behaviours are on here; Maltrail without this option had them off: "
    "detections: {enabled: false}",
    "USE_FEED_UPDATES": "lists are on here; Maltrail without this option asked none: "
    "update: {defaults: false}",
}
"""What is another thing here than in Maltrail where the option is absent."""

SECRET = frozenset({"USERS", "ALERT_WEBHOOK_URL", "PROXY_ADDRESS", "SSL_PEM"})
"""Options whose values are told nowhere but in the configuration."""


def take_of(name: str) -> Take | None:
    """Return what takes an option, None for one that nobody knows."""
    if name in OPTIONS:
        return OPTIONS[name]
    for prefix, reason in PREFIXES.items():
        if name.startswith(prefix):
            return _because(reason)
    return None


def _because(reason: str) -> Take:
    def take(asked: Asked, draft: Draft) -> str:
        del asked, draft
        raise NotApplicable(reason)

    return take
