cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize

# A slice of a typed memoryview becomes an object before its bytes do, which takes several times as long.

cdef inline bytes copied(const unsigned char[::1] data, size_t at, size_t size):
    if at + size > <size_t>data.shape[0]:
        raise IndexError("out of range")
    if size == 0:
        return b""
    with cython.boundscheck(False):
        return PyBytes_FromStringAndSize(<const char*>&data[at], size)
