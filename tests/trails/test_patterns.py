"""Patterns: RE2 decides, anchors hold, and the gate lets every name pass that may match."""

import random
import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from agent.model import Source, Trail
from agent.scan import layout, stats
from agent.scan.lookup import TEXT_BYTES, Filters, Lookup
from agent.scan.scanner import Scanner
from agent.trails import patterns
from agent.trails.build import Builder
from tests import packets
from tests.scan.scanning import SEED, A, B, randomness, set_bytes

SHAPES = {
    # The shapes of rule T-7, with names that they match.
    r"dga[0-9]+\.wildcard-test\.com": ["dga1234.wildcard-test.com", "x.dga1.wildcard-test.com.org"],
    r"\b(foo|bar)[0-9]+\.evil\.(com|net)": ["aa.bar77.evil.com.zz.org", "foo1.evil.net"],
    r"[a-z]{8}\.(top|club|xyz)$": ["abcdefgh.top", "x.abcdefgh.club"],
    r"^([a-f0-9]{2}\.)+c2\.example\.org$": ["ab.c2.example.org", "ab.cd.c2.example.org"],
    r".*\.dyn(dns)?\.org": ["x.dyn.org", "x.dyndns.org"],
    r"(mail|smtp|)\.evil-host\.net": ["mail.evil-host.net", "a.evil-host.net"],
    r"evil[\w-]*\.(to|cc)\b": ["evil-x.to", "evil.cc"],
    r"(?i)EVIL[0-9]\.Example\.com": ["evil7.example.com"],
    r"\Aevil-start[0-9]": ["evil-start7.example.com"],
    r"evil-end[0-9]\z": ["www.evil-end7"],
    r"[[:alpha:]]-evil\.com": ["abc-evil.com"],
    r"\pL{3}-evil\.com": ["abc-evil.com"],
    r"\Qa.b\E[0-9]\.evil\.com": ["a.b7.evil.com"],
    r"(?P<name>evil)[0-9]": ["evil7.example.com"],
    r"(?:(?:abcd|efgh)[0-9])+\.net": ["abcd1efgh2.net"],
    r"x{3,}y{2}\.evil": ["xxxxyy.evil"],
    r"(abcde)?fghi[0-9]": ["fghi1.com", "abcdefghi1.com"],
    r"(abcd){2}": ["abcdabcd.com"],
    r"(abcd){0}[0-9]wxyz": ["7wxyz.com"],
    r"a[b]c[d]e[f]": ["abcdef.com"],
    r"abcd|efgh|[0-9]+ijkl": ["abcd.com", "xefgh.com", "7ijkl.com"],
    r"abcd|e": ["abcd.com", "e.com"],
    r"[[]|evil[0-9]": ["evil1.com"],
    "\u017f|evil[0-9]": ["evil1.com"],
    "(?i)\u017fecret[0-9]": ["secret1.com"],
    r"abcd\.?efgh[+]?": ["abcdefgh.com", "abcd.efgh.com"],
    r"\x65vil[0-9]\.com": ["evil1.com"],
    r"abcd$|^efgh": ["www.abcd", "efgh.com"],
    r"\Babcd[0-9]": ["xabcd1.com"],
}


@pytest.mark.parametrize("pattern", SHAPES)
def test_match_holds_a_required_literal(pattern: str) -> None:
    """Every name that matches has one of the literals, so the gate loses none."""
    assert patterns.problem(pattern) is None
    compiled = patterns.compile_pattern(pattern, anchored=False)
    literals = patterns.required_literals(pattern)

    for name in SHAPES[pattern]:
        assert compiled.search(name), name
        assert not literals or any(literal in name for literal in literals), (name, literals)


@pytest.mark.parametrize("pattern", SHAPES)
def test_match_is_sighted_whatever_names_are_common(pattern: str) -> None:
    """Through set, filters and scanner, also where every name of the set holds the literals."""
    names = [name.strip(".") for name in SHAPES[pattern]]
    crowd = [f"n{number}.{name}.crowd.example" for number in range(9) for name in names]

    for others in ([], crowd):
        assert _sighted([pattern], names, others) == names


@pytest.mark.parametrize(
    ("pattern", "literals"),
    [
        (r"dga[0-9]+\.wildcard-test\.com", (".wildcard-test.com",)),
        (r"x[0-9]+\.(top|club)", (".top", ".club")),
        (r"(alpha|omega)[0-9]", ("alpha", "omega")),
        (r"[a-z]+[0-9]*", ()),
        (r"abc[0-9]", ()),
        (r"(abcd|[0-9])", ()),
        (r"EVIL[0-9]", ("evil",)),
        (r"(evil)?", ()),
        (r"(evil)+", ("evil",)),
        (r"(unclosed", ()),
    ],
)
def test_most_telling_literals_are_chosen(pattern: str, literals: tuple[str, ...]) -> None:
    """The gate is as narrow as the pattern allows, and open where it has nothing to hold on to."""
    assert patterns.required_literals(pattern) == literals


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        (r"evil[0-9]", layout.GATE_DIGIT),
        (r"evil\d+", layout.GATE_DIGIT),
        (r"evil7", layout.GATE_DIGIT),
        (r"evil[3-57]", layout.GATE_DIGIT),
        (r"(evil1|evil2x)", layout.GATE_DIGIT),
        (r"(?:evil[0-9])+", layout.GATE_DIGIT),
        (r"a-evil[0-9]", layout.GATE_DIGIT),
        (r"evil-x", layout.GATE_HYPHEN),
        (r"\x2devil", layout.GATE_HYPHEN),
        (r"(a-|-b)evil", layout.GATE_HYPHEN),
        (r"(?:-x){1,3}evil", layout.GATE_HYPHEN),
        (r"evil", layout.GATE_PLAIN),
        (r"evil[0-9]?", layout.GATE_PLAIN),
        (r"evil[0-9]*", layout.GATE_PLAIN),
        (r"evil[0-9]{0,2}", layout.GATE_PLAIN),
        (r"(evil1|evil)", layout.GATE_PLAIN),
        (r"evil[0-9a]", layout.GATE_PLAIN),
        (r"evil[^0-9]", layout.GATE_PLAIN),
        (r"evil[^-]", layout.GATE_PLAIN),
        (r"evil[0-9-]", layout.GATE_PLAIN),
        (r"evil\D", layout.GATE_PLAIN),
        (r"evil\w", layout.GATE_PLAIN),
        (r"(a-|b)evil", layout.GATE_PLAIN),
        (r"(?:-x){0,3}evil", layout.GATE_PLAIN),
        (r"[[:digit:]]evil", layout.GATE_PLAIN),
        (r"(unclosed7", layout.GATE_PLAIN),
    ],
)
def test_a_digit_or_a_hyphen_is_needed_where_every_match_holds_one(
    pattern: str, needed: int
) -> None:
    """A choice, an option and a class that also holds others need neither."""
    assert patterns.required_class(pattern) == needed


def test_pattern_without_literals_opens_the_gate_and_is_counted() -> None:
    """It costs every name a match, which `trails info` has to tell."""
    assert patterns.Gate().add(r"[a-z]+[0-9]+") is False
    assert patterns.Gate().add(r"evil[0-9]+") is True
    assert _sighted([r"[a-z]+[0-9]+"], ["anything.example.net"], []) == ["anything.example.net"]


def test_gate_is_narrow() -> None:
    """Of ordinary names hardly any passes the gate of a pattern."""
    draw = randomness(7)
    names = [f"{_word(draw)}.{_word(draw)}.com" for _ in range(400)]

    assert len(_sighted([r"dga[0-9]+\.wildcard-test\.net"], names, [])) < 8


ATOMS = st.sampled_from(
    [
        r"a",
        r"b",
        r"evil",
        r"c2",
        r"\.",
        r"\.com",
        r"-",
        r"[0-9]",
        r"[a-z]",
        r".",
        r"\d",
        r"\w",
        r"[^a]",
        r"x-y-z",
        r"hosting",
        r"\b",
        r"^",
        r"$",
        r"(?:)",
        r"[ab.]",
        r"[e]",
    ]
)
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(
            inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,3}", "{0}", "+?"])
        ).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(PATTERNS, st.data())
@example(r"(?:evil|)x-y-z", None)
def test_random_patterns_have_truly_required_literals(
    pattern: str, data: st.DataObject | None
) -> None:
    """Strings that Python's engine generates for a pattern hold a literal whenever RE2 agrees."""
    assume(patterns.problem(pattern) is None)
    literals = patterns.required_literals(pattern)
    compiled = patterns.compile_pattern(pattern, anchored=False)
    if data is None:
        names = ["x-y-z", "evilx-y-z"]
    else:
        alphabet = st.characters(codec="ascii", categories=["Ll", "Nd"], include_characters=".-")
        names = [data.draw(st.from_regex(re.compile(pattern), alphabet=alphabet)) for _ in range(3)]

    for name in names:
        if compiled.search(name):
            assert not literals or any(literal in name for literal in literals), (name, literals)
            assert _has(name, patterns.required_class(pattern)), name


def _has(name: str, needed: int) -> bool:
    """Tell whether a name holds what a map of the gate asks for."""
    if needed == layout.GATE_DIGIT:
        return any(letter in "0123456789" for letter in name)
    return needed == layout.GATE_PLAIN or "-" in name


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "empty"),
        ("(", "pattern that RE2 refuses"),
        ("[", "pattern that RE2 refuses"),
        ("*x", "pattern that RE2 refuses"),
        (r"x(?=y)", "pattern that RE2 refuses"),
        (r"x(?!y)", "pattern that RE2 refuses"),
        (r"(?<=x)y", "pattern that RE2 refuses"),
        (r"(a)\1", "pattern that RE2 refuses"),
        (r"a++", "pattern that RE2 refuses"),
        (r"(?>a)", "pattern that RE2 refuses"),
        (r"(?(1)a|b)", "pattern that RE2 refuses"),
        ("((((((a{100}){100}){100}){100}){100}){100})", "pattern that RE2 refuses"),
        ("trailing\\", "pattern that RE2 refuses"),
        ("x" * 8193, "pattern is too long"),
    ],
)
def test_pattern_that_cannot_run_in_linear_time_is_refused(pattern: str, reason: str) -> None:
    """Look-around, references and explosions never reach the sensor."""
    assert patterns.problem(pattern) == reason
    if reason.endswith("refuses"):
        with pytest.raises(ValueError, match="RE2 refuses"):
            patterns.compile_pattern(pattern, anchored=True)


@settings(deadline=None)
@given(st.text("ab(|)[]*+?{1,2}\\.^$:<>P=!-", max_size=12))
def test_any_text_is_a_pattern_or_has_a_reason(text: str) -> None:
    """Lists hold anything; what is accepted compiles both ways and has literals or none."""
    if patterns.problem(text) is not None:
        return

    patterns.required_literals(text)
    for anchored in (False, True):
        patterns.compile_pattern(text, anchored)


@pytest.mark.parametrize(
    ("pattern", "name", "anchored", "matches"),
    [
        ("evil[0-9]", "evil7", True, True),
        ("evil[0-9]", "www.evil7", True, True),
        ("evil[0-9]", "notevil7", True, False),
        ("evil[0-9]", "evil7.com", True, False),
        ("evil[0-9]", "evil77", True, False),
        ("evil[0-9]|good", "evil7x", True, False),
        ("evil[0-9]|good", "x.good", True, True),
        ("evil[0-9]|good", "xgood", True, False),
        ("evil[0-9]", "notevil7.com", False, True),
        ("evil$", "evil.com", False, False),
        ("^evil", "www.evil.com", False, False),
        ("(?i)EVIL", "evil", True, True),
    ],
)
def test_anchored_pattern_stands_between_label_boundaries(
    pattern: str, name: str, anchored: bool, matches: bool
) -> None:
    """CONTRACT section 6: ours are anchored, Maltrail's search anywhere (rule T-7)."""
    assert (patterns.compile_pattern(pattern, anchored).search(name) is not None) == matches


def test_leftmost_match_wins_and_of_equal_ones_the_first_pattern() -> None:
    """Rule T-7's order of precedence."""
    found = patterns.PatternSet([("bad[0-9]", False), ("evil[0-9]", False), ("evil.", False)])

    assert found.leftmost("evil7.bad7") == (0, 5, 1)
    assert found.leftmost("x.bad7.evil7") == (2, 6, 0)
    assert found.leftmost("harmless") is None
    assert patterns.PatternSet([]).leftmost("evil7") is None


def test_many_patterns_together_find_what_each_finds() -> None:
    """One automaton of hundreds of them loses no match."""
    listed = [(rf"[a-z0-9]{{4,12}}\.(c|d)[0-9]?{n}\.(com|net|org)", n % 2 == 0) for n in range(300)]
    together = patterns.PatternSet(listed)

    for number in range(0, 300, 7):
        name = f"www.abcdef.c{number}.net"
        alone = [
            index
            for index, (text, anchored) in enumerate(listed)
            if patterns.compile_pattern(text, anchored).search(name)
        ]
        found = together.leftmost(name)
        assert found is not None
        assert number in alone
        assert found[2] in alone


def _sighted(listed: list[str], names: list[str], others: list[str]) -> list[str]:
    """Ask for names one by one; return those that a set of Maltrail's patterns sights."""
    builder = Builder(SEED)
    for pattern in listed:
        key = Trail(
            key=pattern,
            info="x",
            reference="x",
            source=Source("x"),
            kind="pattern",
            dialect="maltrail",
        )
        assert builder.add(key) is None
    for name in others:
        builder.add(Trail(key=name, info="x", reference="x", source=Source("x")))
    own, published, text = set_bytes([]), builder.to_bytes(), bytearray(TEXT_BYTES)
    scanner = Scanner(own, published, Filters(Lookup(own, text), Lookup(published, text)))
    found = []
    for name in names:
        query = packets.dns_query(name)
        scanner.scan(packets.batch([packets.udp_frame(A, 50000, B, 53, query)]))
        found += [name] * len(scanner.drain(True, ""))
    assert scanner.statistics()[stats.DNS_QUERIES] == len(names)
    return found


def _word(draw: random.Random) -> str:
    return "".join(draw.choice("abcdefghijklmnopqrstuvwxyz0123456789-") for _ in range(9))
