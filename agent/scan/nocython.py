"""What the hot files use of Cython, for machines where it is not installed."""

from contextlib import AbstractContextManager, nullcontext

nogil = nullcontext()
compiled = False


def boundscheck(_: bool) -> AbstractContextManager[None]:
    """Stand for the directive of the same name."""
    return nullcontext()
