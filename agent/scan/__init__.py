"""The hot package: bytes to sightings, compiled, without the interpreter lock.

Every file is ordinary Python with a .pxd beside it that gives C types; where no compiler is at
hand the same files run as they are, slower. Buffers are attributes rather than arguments: passing
a memory view by value copies some 200 bytes a call. Code that runs without the lock checks every
offset against the packet's end itself; the compiler's bounds checks are the second net.
"""

from agent.scan import hashing


def is_compiled() -> bool:
    """Tell whether the compiled scanner runs, or the plain one."""
    return not str(hashing.__file__).endswith(".py")
