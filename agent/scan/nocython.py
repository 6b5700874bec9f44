"""What the hot files use of Cython, for machines where it is not installed."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

_Function = TypeVar("_Function", bound=Callable[..., object])

nogil = nullcontext()
compiled = False


class boundscheck(nullcontext[None]):  # noqa: N801 - the name of Cython's directive
    """Stand for the directive of the same name, decorator or context: all bounds stay checked."""

    def __call__(self, function: _Function) -> _Function:
        """Return the function as it is."""
        return function
