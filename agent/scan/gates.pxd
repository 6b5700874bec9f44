cimport cython
from agent.scan cimport octets
from agent.scan.literals cimport Literals

cdef extern from *:  # the .py's constants as the C compiler sees them
    const size_t MAX_DECODED "4096UL", MAX_RESPONSE "1024UL"
    const int MANY_AT "4", MAX_EXTENSION "6"
    const size_t WORD "8UL"
    const unsigned long long DOTS "0x2e2e2e2e2e2e2e2eULL", SLASHES "0x2f2f2f2f2f2f2f2fULL"
    const unsigned long long LONGEST_MARK "0x800000ULL"
    const unsigned long long TABLE "1024ULL", LOW32 "0xffffffffULL", PRIME "0x9e3779b1ULL"
    const unsigned long long WORD_MASK "0xffffffffffffffffULL", NAME_PRIME "0x100000001b3ULL"

@cython.final
cdef class Gates:
    cdef readonly int agents, by_address, without_host, to_proxy, files, texts, requests, responses, names, hellos
    cdef readonly unsigned int long_label, absent_label, server_port, exhausting_names, absent_names, tunnel_names, tunnel_pings
    cdef Literals words, plain_words, response_words
    cdef unsigned long long[::1] extensions
    cdef unsigned long long[::1] servers
    cdef readonly object plain_windows
    cdef unsigned char[::1] decoded
    cdef const unsigned char[::1] readable
    cdef size_t size

    @cython.locals(word="unsigned long long", marks="unsigned long long")
    cdef int has_extension(self, const unsigned char[::1] text, size_t at, size_t end) except -1 nogil
    @cython.locals(value="unsigned long long", i=size_t)
    cdef int _has_short_extension(self, const unsigned char[::1] text, size_t at, size_t end) except -1 nogil
    @cython.locals(h="unsigned long long")
    cdef int is_server(self, unsigned char[::1] text, size_t at, size_t end) except -1 nogil
    cpdef int may_matter(self, const unsigned char[::1] data, size_t at, size_t end, int spelling) except -1 nogil
    cpdef int is_wanted_response(self, const unsigned char[::1] data, size_t at, size_t end) except -1 nogil
    @cython.locals(place="unsigned long long", left="unsigned long long")
    cdef int _is_in(self, unsigned long long[::1] table, unsigned long long value) except -1 nogil
    @cython.locals(size=size_t, c="unsigned char")
    cdef int _decode(self, const unsigned char[::1] data, size_t at, size_t end) except -1 nogil
    @cython.locals(at=size_t, size=size_t, c="unsigned char", last="unsigned char", marks=int, mails=int)
    cdef int _decode_again(self, size_t end) except -1 nogil
    @cython.locals(i=size_t)
    cdef size_t _comment_end(self, size_t at, size_t end) except? 1 nogil
    cdef unsigned char _hex(self, unsigned char c) except? 255 nogil
