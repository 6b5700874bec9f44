cimport cython

cdef Py_ssize_t HOST_AT, MAX_HOST, SLASH_AT, PATH_AT, MAX_PATH, BLANKED_AT, AGENT_AT, MAX_AGENT, MAX_METHOD, MAX_LINES, MAX_CANDIDATES, CONNECT
cdef const unsigned char[::1] HOST_NAME
cdef const unsigned char[::1] AGENT_NAME

cdef class HttpReader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] text
    cdef Py_ssize_t method_at, method_end, target_at, target_end, host_at, host_end, agent_at, agent_end
    cdef Py_ssize_t host_size, name_size, path_size, agent_size, count
    cdef long long[::1] starts
    cdef long long[::1] ends

    cdef int read(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(i=Py_ssize_t, size=Py_ssize_t)
    cpdef list candidates(self, const unsigned char[::1] path)
    @cython.locals(at=Py_ssize_t)
    cdef int _request_line(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(at=Py_ssize_t, lines=Py_ssize_t, following=Py_ssize_t, c="unsigned char")
    cdef int _headers(self, Py_ssize_t end) except -1 nogil
    @cython.locals(data="const unsigned char[::1]")
    cdef Py_ssize_t _next_line(self, Py_ssize_t at, Py_ssize_t end) except? -1 nogil
    @cython.locals(size=Py_ssize_t, i=Py_ssize_t, c="unsigned char", wanted="unsigned char")
    cdef int _is_name(self, Py_ssize_t at, Py_ssize_t end, int which) except -1 nogil
    cdef int _value(self, Py_ssize_t at, Py_ssize_t end, int which) except -1 nogil
    @cython.locals(at=Py_ssize_t, end=Py_ssize_t, authority=Py_ssize_t, stop=Py_ssize_t)
    cdef int _write_target(self) except -1 nogil
    @cython.locals(i=Py_ssize_t)
    cdef Py_ssize_t _after_scheme(self, Py_ssize_t at, Py_ssize_t end) except? -1 nogil
    @cython.locals(size=Py_ssize_t, colon=Py_ssize_t, c="unsigned char")
    cdef int _write_host(self, Py_ssize_t at, Py_ssize_t end) except -1 nogil
    cdef int _is_eighty(self, Py_ssize_t colon) except -1 nogil
    @cython.locals(size=Py_ssize_t, c="unsigned char")
    cdef int _write_path(self, Py_ssize_t at, Py_ssize_t end) except -1 nogil
    @cython.locals(size=Py_ssize_t, i=Py_ssize_t)
    cdef int write_agent(self) except -1 nogil
    cdef int _add(self, Py_ssize_t start, Py_ssize_t end) except -1 nogil
    @cython.locals(start=Py_ssize_t, end=Py_ssize_t, whole=Py_ssize_t, question=Py_ssize_t, equals=Py_ssize_t, blanked=Py_ssize_t)
    cdef int _find_candidates(self) except -1 nogil
    @cython.locals(last_start=Py_ssize_t, last_end=Py_ssize_t, tail=Py_ssize_t)
    cdef int _add_parents(self, Py_ssize_t start, Py_ssize_t whole) except -1 nogil
    cdef Py_ssize_t _trim(self, Py_ssize_t start, Py_ssize_t end) except? -1 nogil
    cdef Py_ssize_t _find(self, unsigned char wanted, Py_ssize_t start, Py_ssize_t end) except? -1 nogil
    @cython.locals(count=Py_ssize_t)
    cdef Py_ssize_t _slashes(self, Py_ssize_t start, Py_ssize_t end) except? -1 nogil
    @cython.locals(i=Py_ssize_t)
    cdef Py_ssize_t _last_slash(self, Py_ssize_t start, Py_ssize_t end) except? -1 nogil
    @cython.locals(i=Py_ssize_t)
    cdef int _same(self, Py_ssize_t blanked, Py_ssize_t end) except -1 nogil
    @cython.locals(size=Py_ssize_t, at=Py_ssize_t, c="unsigned char")
    cdef Py_ssize_t _blank_values(self, Py_ssize_t start, Py_ssize_t end) except? -1 nogil
    cdef int _is_word(self, unsigned char c) except -1 nogil
