"""What a replay's values came to: bounded, merged, shown."""

from agent.commands._seen import MAX_SHOWN, table
from agent.explain import Explainer
from agent.match import Look
from agent.terminal import Terminal
from agent.watching import MAX_VALUES, Watch
from tests.wired import allow_list, trails


def test_values_are_counted_once_and_bounded() -> None:
    """A hostile capture has more than anybody reads."""
    watch = Watch()
    for number in range(MAX_VALUES + 5):
        watch.take(Look("dns.question", f"n{number}.org", 1, "not listed"))
    watch.take(Look("dns.question", "n0.org", 3, "not listed"))

    seen = list(watch.explained(Explainer(trails({"evil.org": "x"}), allow_list())))

    assert (len(seen), watch.overflow) == (MAX_VALUES, 5)
    assert (seen[0].value, seen[0].seen) == ("n0.org", 4)


def test_a_long_value_does_not_widen_the_table() -> None:
    """It is cut with a mark; JSON has all of it."""
    watch = Watch()
    watch.take(Look("http.url", "a.org/" + "x" * 500, 1, "not listed"))

    rows = list(watch.explained(Explainer(trails({"evil.org": "x"}), allow_list())))

    assert len(rows[0].value) == 506
    assert max(map(len, list(table(rows, Terminal()))[:2])) < MAX_SHOWN + 200
