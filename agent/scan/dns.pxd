cimport cython

cdef size_t NAME_AT, ANSWER_AT, MAX_NAME, HEADER, MAX_ANSWERS
cdef unsigned int QUERY, NOTIFY, UPDATE, A, CNAME, AAAA, IN, UNICAST, MAX_POINTERS
cdef int END, ADDRESS4, ADDRESS6, ALIAS, OTHER

@cython.final
cdef class DnsReader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] text
    cdef size_t length, type_at, at, answers, value_at, alias
    cdef int response
    cdef unsigned int opcode

    @cython.locals(at=size_t, length=size_t, label=size_t, stop=size_t, c="unsigned char")
    cdef int read(self, size_t start, size_t end) except -1 nogil
    @cython.locals(kind="unsigned int")
    cdef int is_likely(self, size_t start, size_t end) except -1 nogil
    cdef int begin_answers(self, size_t start) except -1 nogil
    @cython.locals(at=size_t, kind="unsigned int", size=size_t)
    cdef int next_answer(self, size_t start, size_t end) except -1 nogil
    @cython.locals(more=size_t)
    cdef int begin_records(self, size_t start) except -1 nogil
    @cython.locals(at=size_t)
    cdef int next_owner(self, size_t start, size_t end) except -1 nogil
    cdef unsigned int word(self, size_t at) except? 1 nogil
    @cython.locals(label=size_t)
    cdef size_t _skip_name(self, size_t at, size_t end) except? 1 nogil
    @cython.locals(length=size_t, jumps="unsigned int", label=size_t, stop=size_t, c="unsigned char")
    cdef int _write_name(self, size_t start, size_t at, size_t end) except -1 nogil
