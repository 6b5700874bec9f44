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

# What tuple.__new__ does for a type of its own, without the calls around it and a second tuple. A text
# and a number are part of no cycle, so the collector need not look at them, as at a plain tuple of both.

cdef extern from *:
    """
    static PyObject* scan_pair(PyObject* kind, PyObject* first, PyObject* second) {
        PyTypeObject* type = (PyTypeObject*)kind;
        PyObject* made = type->tp_alloc(type, 2);
        if (made != NULL) {
            Py_INCREF(first);
            PyTuple_SET_ITEM(made, 0, first);
            Py_INCREF(second);
            PyTuple_SET_ITEM(made, 1, second);
            PyObject_GC_UnTrack(made);
        }
        return made;
    }
    """
    object scan_pair(object kind, object first, object second)

cdef inline object pair(object kind, str address, object port):
    return scan_pair(kind, address, port)
