"""Let events come while the receiver is down, then let it come back and take them."""

import time
from pathlib import Path

from agent.model import Delivery
from bench.delivery.processes import House, cpu_seconds, private_kb, until
from bench.delivery.sense import Sense, event
from outputs import _formats

DRAIN_SECONDS = 600.0
SAMPLE = 20_000
"""Events that the formatter alone is timed with, before and after the drain."""

Figures = dict[str, float]


def backlog(
    folder: Path, transport: str, form: _formats.Name, events: int, rate: float, kind: str = ""
) -> Figures:
    """Return how fast events came and went, what memory it took, and what is missing."""
    house = House(folder, transport, form, "sink", kind)
    sense = Sense(house.socket, events, rate)
    try:
        house.deliver.start()
        until(lambda: house.metric("queue_events") >= 0, "deliver answers")
        time.sleep(2.0)
        own = house.metric("queue_events")  # deliver's own start
        before, used = private_kb(house.deliver.pid), cpu_seconds(house.deliver.pid)
        peak = before
        sense.start()
        while not sense.is_done:
            sense.join(0.2)
            peak = max(peak, private_kb(house.deliver.pid))
        taking = cpu_seconds(house.deliver.pid) - used
        waiting = house.metric("queue_events")
        queued = waiting - own
        kept = house.metric("journal_bytes")
        alone = [_formatter_rates(form)]
        drained, draining = _drain(house, waiting)
        peak_drain = private_kb(house.deliver.pid)
        alone.append(_formatter_rates(form))
        dropped = house.metric("output_events_dropped_total")
    finally:
        house.close()
    formatter, by_cpu = (sum(rates) / len(alone) for rates in zip(*alone, strict=True))
    return {
        "events": events,
        "taken_per_second": round(events / sense.seconds),
        "taking_cpu_seconds": round(taking, 1),
        "most_waiting_in_sense": sense.most_waiting,
        "queued": queued,
        "missing": events - queued + dropped,
        "journal_mb": round(kept / 1e6),
        "memory_before_mb": round(before / 1024, 1),
        "memory_added_mb": round((peak - before) / 1024, 1),
        "memory_added_after_drain_mb": round((peak_drain - before) / 1024, 1),
        "drained_per_second": round(drained),
        "draining_cpu_seconds": round(draining, 1),
        "formatter_alone_per_second": round(formatter),
        "drained_part_of_formatter": round(drained / formatter, 3),
        "drained_part_of_formatter_by_cpu": round(queued / draining / by_cpu, 3),
    }


def _drain(house: House, waiting: float) -> tuple[float, float]:
    """Start the receiver; return events a second and deliver's processor time for all of them."""
    house.receiver.start()
    until(lambda: house.metric("output_connected") == 1, "the output connects", 120)
    sent = house.metric("output_events_sent_total")
    began, used = time.monotonic(), cpu_seconds(house.deliver.pid)
    end = began + DRAIN_SECONDS
    while (now := house.metric("output_events_sent_total")) < waiting:
        if time.monotonic() > end:
            raise TimeoutError(f"{waiting - now} events were not drained in time")
        time.sleep(0.5)
    seconds = time.monotonic() - began
    until(lambda: house.metric("queue_events") == 0, "everything is settled")
    return (waiting - sent) / seconds, cpu_seconds(house.deliver.pid) - used


def _formatter_rates(form: _formats.Name) -> tuple[float, float]:
    """Return how many lines the formatter alone makes in a second of time, and of processor time.

    The second tells more where other processes want the processor, too.
    """
    render = _formats.make(form)
    deliveries = [Delivery(event=event(n), run_id="c" * 32, seq=n) for n in range(1, SAMPLE + 1)]
    began, used = time.monotonic(), time.process_time()
    for delivery in deliveries:
        render(delivery)
    return SAMPLE / (time.monotonic() - began), SAMPLE / (time.process_time() - used)
