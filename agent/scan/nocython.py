"""What the hot files use of Cython, for machines where it is not installed."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

_Function = TypeVar("_Function", bound=Callable[..., object])

nogil = nullcontext()
compiled = False


def boundscheck(_: bool) -> Callable[[_Function], _Function]:
    """Stand for the decorator of the same name: here all bounds stay checked."""
    return lambda function: function
