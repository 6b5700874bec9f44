cimport cython
from agent.scan cimport octets

cdef extern from *:  # the .py's constants as the C compiler sees them
    const size_t NAME_AT "0UL", ANSWER_AT "6000UL", MAX_NAME "253UL", HEADER "12UL", MAX_ANSWERS "32UL"
    const unsigned long long HIGH_BITS "0x8080808080808080ULL", LOW_BITS "0x7f7f7f7f7f7f7f7fULL"
    const unsigned long long FROM_0 "0x5050505050505050ULL"
    const unsigned long long TO_9 "0x4646464646464646ULL", FROM_HYPHEN "0x5353535353535353ULL"
    const unsigned long long TO_HYPHEN "0x5252525252525252ULL", UNDERSCORES "0x5f5f5f5f5f5f5f5fULL"
    const unsigned long long PRIME "0x9e3779b97f4a7c15ULL"
    const size_t WORD "8UL"
    const unsigned int QUERY "0U", NOTIFY "4U", UPDATE "5U", A "1U", CNAME "5U", AAAA "28U", IN "1U"
    const unsigned int UNICAST "32767U", MAX_POINTERS "8U"
    const int END "0", ADDRESS4 "1", ADDRESS6 "2", ALIAS "3", OTHER "4"

@cython.final
cdef class DnsReader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] text
    cdef size_t length, type_at, at, answers, value_at, alias
    cdef int response
    cdef unsigned int opcode
    cdef unsigned long long seed, key

    @cython.locals(at=size_t, length=size_t, label=size_t)
    cdef int read(self, size_t start, size_t end) except -1 nogil
    cdef int is_nameless(self, size_t start, size_t end) except -1 nogil
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
    @cython.locals(length=size_t, jumps="unsigned int", label=size_t)
    cdef int _write_name(self, size_t start, size_t at, size_t end) except -1 nogil
    @cython.locals(stop=size_t, word="unsigned long long", low="unsigned long long", usual="unsigned long long", letters="unsigned long long", odd="unsigned long long", key="unsigned long long")
    cdef inline int _write_label(self, size_t place, size_t at, size_t size) except -1 nogil
