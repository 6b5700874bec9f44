"""Who opened a conversation over UDP, and whether it was answered."""

from agent.scan.conversations import Conversations
from tests.scan.scanning import randomness, sized

OPENED, WAITS, ANSWER, KNOWN = 1, 2, 3, 0
IDLE_SECONDS = 120
START = 1_700_000_000
HASH = 0x1234_5678_9ABC_DEF0
FORWARD, BACK = 1, 0


def test_the_first_to_speak_opened_it() -> None:
    """In either direction; the other end answers once, then both are known."""
    for opener, other in ((FORWARD, BACK), (BACK, FORWARD)):
        table = Conversations()

        said = [table.see(HASH, START, side) for side in (opener, opener, other, opener, other)]

        assert said == [OPENED, WAITS, ANSWER, KNOWN, KNOWN]


def test_a_conversation_is_forgotten_after_its_silence() -> None:
    """Whoever speaks next opened another one."""
    table = Conversations()
    table.see(HASH, START, FORWARD)

    assert table.see(HASH, START + IDLE_SECONDS, BACK) == ANSWER
    assert table.see(HASH, START + 2 * IDLE_SECONDS, FORWARD) == KNOWN
    assert table.see(HASH, START + 3 * IDLE_SECONDS + 1, BACK) == OPENED


def test_a_flood_of_new_ones_takes_the_place_of_the_silent_ones_first() -> None:
    """The table does not grow, and what goes on stays known."""
    table = Conversations()
    draw = randomness(4)
    table.see(HASH, START, FORWARD)
    table.see(HASH, START, BACK)

    for second in range(50):
        for _ in range(sized(1000, 200)):
            table.see(draw.getrandbits(64), START + second, FORWARD)
        assert table.see(HASH, START + second, FORWARD) == KNOWN
