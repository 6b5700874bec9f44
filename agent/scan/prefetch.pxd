cimport cython

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define scan_prefetch(place) __builtin_prefetch(place)
    #else
    #define scan_prefetch(place) ((void)(place))
    #endif
    """
    void scan_prefetch(const void*) noexcept nogil

cdef inline int word(unsigned long long[::1] words, size_t at) except -1 nogil:
    with cython.boundscheck(False):
        scan_prefetch(&words[at])
    return 0

cdef inline int byte(const unsigned char[::1] data, size_t at) except -1 nogil:
    with cython.boundscheck(False):
        scan_prefetch(&data[at])
    return 0
