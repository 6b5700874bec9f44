"""What the hot files use of Cython, for machines where it is not installed."""

from contextlib import nullcontext

nogil = nullcontext()
compiled = False
