"""What a support bundle tells of deliver: no secret of any key; pages, whatever guards them."""

import importlib
import json
from pathlib import Path

import msgspec
import pytest

from agent import config
from agent.config import Http, HttpTls
from agent.deliver import http as http_module
from agent.deliver.credentials import is_secret
from agent.deliver.http import HttpServer
from agent.deliver.http_pages import pages
from agent.deliver.support import Scrubber, page, settings_text
from feeds._catalog import Feed
from tests.outputs.authority import Authority

SECRET = "hunter2"  # noqa: S105
ROOT = Path(__file__).resolve().parents[2]
TYPES = sorted(p.stem for p in (ROOT / "outputs").glob("*.py") if not p.stem.startswith("_"))


def secret_keys() -> list[tuple[str, str]]:
    """Return every key of outputs and lists that is named like a secret, and where it stands."""
    kinds = {f"outputs.{name}": importlib.import_module(f"outputs.{name}").Config for name in TYPES}
    return [
        (place, field.encode_name)
        for place, kind in {**kinds, "update.lists": Feed}.items()
        for field in msgspec.structs.fields(kind)
        if is_secret(field.encode_name)
    ]


def shown(place: str, key: str, value: object) -> str:
    """Return the settings as told where this key has this value."""
    section, _, kind = place.partition(".")
    if section == "outputs":
        given: object = [{"name": "x", "type": kind, key: value}]
        text = {"outputs": given}
    else:
        text = {"update": {"lists": [{"name": "x", key: value}]}}
    return settings_text(config.parse(json.dumps(text), "config.yaml"))


@pytest.mark.parametrize(("place", "key"), secret_keys())
def test_no_key_that_is_named_like_a_secret_is_told(place: str, key: str) -> None:
    """Alone, in a list, in a mapping, below another; a file's name may be told."""
    for value in (SECRET, [SECRET], {"value": SECRET}, [{"a": {"b": SECRET}}]):
        assert SECRET not in shown(place, key, value)
    assert key in shown(place, key, SECRET)


@pytest.mark.parametrize(
    "key",
    [
        *("password", "passwd", "passphrase", "pwd", "pw", "pin", "otp", "secret", "client_secret"),
        *("token", "access_token", "auth", "authorization", "api_key", "apikey", "x-api-key"),
        *("private_key", "access_key", "credential", "credentials", "session", "session_id", "sid"),
        *("cookie", "jwt", "signature", "sig", "sas", "ticket", "key", "bearer_token", "Password"),
    ],
)
def test_nor_is_a_key_that_nobody_knows(key: str) -> None:
    """An output refuses it; the bundle comes before."""
    assert SECRET not in shown("outputs.syslog", key, SECRET)
    assert SECRET not in shown("update.lists", key, {"of": [SECRET]})


def test_a_password_in_place_of_its_file_is_not_told() -> None:
    """A path is."""
    assert SECRET not in shown("outputs.kafka", "password_file", SECRET)
    assert "/etc/x/password" in shown("outputs.kafka", "password_file", "/etc/x/password")


@pytest.mark.parametrize(
    "line",
    [
        f"output siem: https://me:{SECRET}@h.example:8088/x refused",
        f"GET https://h.example/hooks/{SECRET} failed",
        f"password={SECRET}",
        f"Authorization: Splunk {SECRET}",
        f'{{"token": "{SECRET}"}}',
        f"X-Auth-Key: {SECRET}",
        f"x Bearer {SECRET} y",
    ],
)
def test_lines_of_a_log_are_scrubbed(line: str) -> None:
    """Where a library put a credential into its words."""
    said = Scrubber(None)(f"one\n{line}\nthree\n")

    assert SECRET not in said
    assert said.startswith("one\n")
    assert said.endswith("\nthree")


def test_what_the_configuration_holds_is_taken_out_wherever_it_stands(tmp_path: Path) -> None:
    """An error's text repeats it; a file that is no good is read as far as it can be."""
    file = tmp_path / "config.yaml"
    file.write_text(
        f"outputs: [{{token: {SECRET}, password_file: {SECRET}2, key: /etc/x, pin: 1}}]\n"
        "nothing: here\n"
    )
    scrub = Scrubber(file)

    assert scrub(f"{SECRET}2: no such file, {SECRET}, /etc/x, 1, here") == (
        "(cut): no such file, (cut), /etc/x, 1, here"
    )
    file.write_text("{")
    assert Scrubber(file)("x") == "x"


def test_our_own_pages_are_asked_for_with_what_guards_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS by our own certificate, whatever its names; the password; also a state that is bad."""
    monkeypatch.setattr(http_module, "POLL", 0.01)
    made = Authority(tmp_path).issue("agent", "DNS:elsewhere.example")
    (tmp_path / "password").write_text(f"{SECRET}\n")
    tls = HttpTls(certificate=str(made.certificate), key=str(made.key))
    settings = Http(address="127.0.0.1:0", tls=tls, password_file=str(tmp_path / "password"))
    server = HttpServer(settings, pages(lambda: b"metric 1\n", str, lambda: "no trail set"))
    server.start()
    try:
        asked = msgspec.structs.replace(settings, address=f"0.0.0.0:{server.port}")
        assert page(asked, "/metrics") == "metric 1\n"
        assert page(asked, "/readyz") == "503 no trail set\n"
    finally:
        server.stop()


def test_a_stranger_at_our_address_gets_no_password(tmp_path: Path) -> None:
    """Who has not the key of our certificate is not spoken to."""
    authority = Authority(tmp_path)
    ours, theirs = authority.issue("ours"), authority.issue("theirs")
    stranger = HttpTls(certificate=str(theirs.certificate), key=str(theirs.key))
    server = HttpServer(Http(address="127.0.0.1:0", tls=stranger), {})
    server.start()
    (tmp_path / "password").write_text(SECRET)
    tls = HttpTls(certificate=str(ours.certificate), key=str(ours.key))
    try:
        with pytest.raises(OSError, match="certificate verify failed"):
            page(
                Http(
                    address=f"127.0.0.1:{server.port}",
                    tls=tls,
                    password_file=str(tmp_path / "password"),
                ),
                "/metrics",
            )
    finally:
        server.stop()
