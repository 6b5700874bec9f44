"""What one set has and another has not: both are sorted alike, so one walk over both tells."""

from collections.abc import Iterator

from agent.scan import layout
from agent.trails.set import TrailSet


def diff(old: TrailSet, new: TrailSet) -> Iterator[str]:
    """Yield `+ kind key` and `- kind key` lines in the order of the sets."""
    for kind in range(layout.KINDS):
        name = layout.KIND_NAMES[kind]
        before, after = old.rows(kind), new.rows(kind)
        one, two = next(before, None), next(after, None)
        while one is not None or two is not None:
            left = old.row(one) if one is not None else None
            right = new.row(two) if two is not None else None
            if right is None or (left is not None and left.raw < right.raw):
                yield f"- {name} {left.key if left else ''}"
                one = next(before, None)
            elif left is None or right.raw < left.raw:
                yield f"+ {name} {right.key}"
                two = next(after, None)
            else:
                one, two = next(before, None), next(after, None)
