"""Send one event through an output, outside its queue and journal, and say what happened."""

import secrets
import time
from collections.abc import Callable

import msgspec

from agent import ids
from agent.config import ConfigError, Output
from agent.deliver.build import build
from agent.deliver.runner import error_type
from agent.model import Delivery, Event
from outputs import Output as Open
from outputs import Rejected

CONFIRM_SECONDS = 5.0
"""A receiver that has not acknowledged one line by then does not keep up with any."""
POLL_SECONDS = 0.02

REMEDIES = {
    "resolve": "correct the name in `address`, or this host's resolver",
    "tls": "see what `check --connect` says; ca_file names an internal authority",
    "refused": "start the receiver there, or correct port and transport",
    "timeout": "see whether a firewall drops it, or whether the receiver reads",
    "unreachable": "see this host's routes",
    "permission": "let the user of deliver write there",
    "space": "make room",
}
"""What a person can do, by the label of agent.deliver.runner."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one event; `address` is empty where the output has no socket."""

    name: str
    type: str
    ok: bool
    text: str
    address: str = ""
    bytes: int = 0


def attempt(
    settings: Output,
    event: Event,
    now: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Trial:
    """Build the output, open it, write the event with a run of its own, see whether it arrives."""
    try:
        output = build(settings)
    except ConfigError as error:
        return Trial(name=settings.name, type=settings.type, ok=False, text=str(error))
    delivery = Delivery(event=event, run_id=secrets.token_hex(ids.BYTES), seq=1)
    address, ok = "", False
    try:
        output.open()
        output.write((delivery,))
        address = _address(output)
        ok, text = _confirmed(output, now, wait)
    except Rejected as answer:
        text = f"the event was refused: {answer.reason}"
    except Exception as error:  # noqa: BLE001 - an output may fail in any way
        said = " ".join(str(error).split()) or type(error).__name__
        remedy = REMEDIES.get(error_type(error))
        text = f"{said}; {remedy}" if remedy else said
    finally:
        output.close()
    return Trial(
        name=settings.name,
        type=settings.type,
        ok=ok,
        text=text,
        address=address,
        bytes=output.counts.bytes,
    )


def _confirmed(
    output: Open, now: Callable[[], float], wait: Callable[[float], None]
) -> tuple[bool, str]:
    """Wait until nothing is unconfirmed; return whether that came, in words too. Raise OSError."""
    until = now() + CONFIRM_SECONDS
    while (left := output.unconfirmed()) and now() < until:
        wait(POLL_SECONDS)
    if left is None:
        return True, "handed over; whether it arrived, this output cannot tell"
    if left:
        remedy = REMEDIES["timeout"]
        return False, f"not acknowledged within {CONFIRM_SECONDS:g} seconds; {remedy}"
    return True, "acknowledged by the receiver's host"


def _address(output: Open) -> str:
    """Return where the event went."""
    return ", ".join(f"{flow.remote} port {flow.remote_port}" for flow in output.flows())
