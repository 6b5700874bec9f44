cimport cython

cdef unsigned long long LOW32

@cython.locals(count=Py_ssize_t, other_count=Py_ssize_t, i=Py_ssize_t, j=Py_ssize_t, order=int)
cdef object _walk(const unsigned char[::1] pool, const unsigned long long[::1] rows, const unsigned char[::1] other_pool, const unsigned long long[::1] other_rows, unsigned int[::1] partner)
@cython.locals(size_one="unsigned long long", size_two="unsigned long long", start_one="unsigned long long", start_two="unsigned long long", shorter="unsigned long long", i="unsigned long long")
cdef int _compare(const unsigned char[::1] pool, unsigned long long one, const unsigned char[::1] other_pool, unsigned long long two) except -2
