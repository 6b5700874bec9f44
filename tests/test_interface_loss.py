"""What an interface says it dropped, and what of it nobody saw."""

from agent.interface_loss import InterfaceLoss


def told(*steps: tuple[int, int, int], filtered: bool = False) -> list[int]:
    """Return the loss after each step of dropped, received and wire; the wire began at 100."""
    loss = InterfaceLoss(100)
    return [loss.lost(*step, filtered=filtered) for step in steps]


def test_what_was_captured_is_not_lost() -> None:
    """Of frames with two tags the host's own stack drops each."""
    assert told((50, 50, 150), (90, 90, 190), (90, 90, 190)) == [0, 0, 0]


def test_what_nobody_captured_is_lost() -> None:
    """As far as the interface says so, a step later, as counters do not move at once."""
    assert told((50, 50, 200), (50, 50, 200)) == [0, 50]
    assert told((10, 50, 200), (10, 50, 200)) == [0, 10]


def test_loss_does_not_shrink() -> None:
    """Merged packets may make up for it later."""
    assert told((50, 50, 200), (50, 50, 200), (50, 100, 200)) == [0, 50, 50]


def test_packets_left_out_on_purpose_are_not_lost() -> None:
    """While the kernel filters; what is lost afterwards is."""
    loss = InterfaceLoss(100)
    assert loss.lost(500, 20, 900, filtered=True) == 0
    assert loss.lost(500, 40, 920, filtered=False) == 0
    assert loss.lost(505, 40, 925, filtered=False) == 0
    assert loss.lost(505, 40, 925, filtered=False) == 5
