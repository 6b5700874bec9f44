"""What `check` says of lists, before anything is asked."""

from pathlib import Path

import pytest

from agent.config import parse
from feeds._preflight import check
from tests.feeds.test_catalog import ON


@pytest.mark.parametrize(
    ("update", "level", "said"),
    [
        ("{}", "ok", f"update: {len(ON)} lists"),
        ("defaults: false", "warning", "update: 0 lists; only own trails match"),
        ("lists: [{name: nosuch}]", "failure", "no known list 'nosuch'"),
        (
            "lists: [{name: cins}]",
            "ok",
            "update: cins: on by your word; its licence: not verified (https://",
        ),
        ("proxy: 'socks5://h:1'", "failure", "update.proxy: expected http://"),
        (
            "lists: [{name: x, url: 'http://h.example/', format: plain, insecure_http: true}]",
            "warning",
            "update: x: comes over plain http",
        ),
        (
            "lists: [{name: x, url: 'https://h.example/', format: plain, ca_file: /missing}]",
            "failure",
            "x.ca_file: /missing: no certificates can be read",
        ),
        (
            "lists: [{name: x, url: 'https://h.example/{key}', format: plain, key_file: /missing}]",
            "failure",
            "key_file: /missing: cannot be read",
        ),
        ("from: {url: 'https://h.example/', keys: [nonsense]}", "failure", "is no public key"),
        ("from: {url: 'https://h.example/', format: maltrail}", "warning", "not signed"),
    ],
)
def test_finding_names_what_is_wrong_with_lists(update: str, level: str, said: str) -> None:
    """One line each, with the key or the list."""
    text = f"update: {update}" if update.startswith("{") else f"update:\n  {update}"

    found = [(finding.level, finding.text) for finding in check(parse(text, "test"))]

    assert [text for at, text in found if at == level and said in text], found


def test_key_file_in_order_is_no_finding(tmp_path: Path) -> None:
    """And is told to nobody."""
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    secret.chmod(0o640)
    entry = f"{{name: x, url: 'https://h.example/{{key}}', format: plain, key_file: {secret}}}"

    found = list(check(parse(f"update:\n  defaults: false\n  lists: [{entry}]", "test")))

    assert [finding.level for finding in found] == ["ok"]
    assert "s3cret" not in str(found)
