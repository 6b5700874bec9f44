cimport cython
from agent.scan cimport octets

cdef extern from *:  # the .py's constants as the C compiler sees them
    const size_t HOST_AT "0UL", MAX_HOST "255UL", SLASH_AT "510UL", PATH_AT "512UL", MAX_PATH "2048UL"
    const size_t BLANKED_AT "2560UL", AGENT_AT "4608UL", MAX_AGENT "2048UL", MAX_METHOD "16UL"
    const size_t MAX_LINES "64UL", MAX_CANDIDATES "8UL", CONNECT "7UL", MAX_BODY "2048UL"
    const size_t ABSENT "0xffffffffUL", GET "3UL", HEAD "4UL", HOST_SIZE "5UL", AGENT_SIZE "11UL"
    const size_t LENGTH_SIZE "15UL", WORD "8UL"
    const unsigned long long HASH_PRIME "0x9e3779b97f4a7c15ULL"
    const unsigned long long LOW32 "0xffffffffULL", HIGH_BITS "0x8080808080808080ULL"
    const unsigned long long LOW_BITS "0x7f7f7f7f7f7f7f7fULL", PRINTED "0x2121212121212121ULL"
    const unsigned long long FROM_HYPHEN "0x5353535353535353ULL", TO_9 "0x4646464646464646ULL"
    const unsigned long long FROM_UNDERSCORE "0x2121212121212121ULL", TO_UNDERSCORE "0x2020202020202020ULL"
    const unsigned long long FROM_SLASH "0x5151515151515151ULL", TO_SLASH "0x5050505050505050ULL"
    const unsigned long long SLASHES "0x2f2f2f2f2f2f2f2fULL"
    const unsigned long long AGENT_FIRST "0x6567612d72657375ULL", AGENT_FIRST_CASE "0x2020200020202020ULL"
    const unsigned long long AGENT_LAST "0x3a746e6567612d72ULL", AGENT_LAST_CASE "0x20202020200020ULL"
    const unsigned long long LENGTH_FIRST "0x2d746e65746e6f63ULL", LENGTH_FIRST_CASE "0x20202020202020ULL"
    const unsigned long long LENGTH_LAST "0x3a6874676e656c2dULL", LENGTH_LAST_CASE "0x20202020202000ULL"
    const size_t VERSION_SIZE "6UL"
    const unsigned long long GET_WORD "0x20544547ULL", VERSION_WORD "0x2f5054544820ULL"
    const unsigned long long VERSION_BYTES "0xffffffffffffULL"
cdef const unsigned char[::1] VERSION

@cython.final
cdef class HttpReader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] text
    cdef const unsigned char[::1] readable
    cdef int want_agent
    cdef size_t method_at, method_end, target_at, target_end, host_at, host_end, agent_at, agent_end
    cdef size_t host_size, name_size, path_at, path_size, line_at, body_at, body_end, count, last_start, last_end
    cdef int missing, spelling, has_blanks, is_name
    cdef size_t question
    cdef unsigned long long agent_hash, host_key, seed
    cdef long long[::1] starts
    cdef long long[::1] ends

    cdef int read(self, size_t start, size_t end) except -1 nogil
    @cython.locals(i=size_t, size=size_t)
    cpdef list candidates(self, const unsigned char[::1] path, const unsigned char[::1] body)
    @cython.locals(start=size_t, i=size_t)
    cdef int may_begin(self, size_t at, size_t end) except -1 nogil
    cdef int has_what_counts(self) except -1 nogil
    cdef int look(self) except -1 nogil
    @cython.locals(head=size_t, method=size_t, size=size_t)
    cdef size_t _find_body(self, size_t end) except? 1 nogil
    @cython.locals(size=size_t)
    cdef int is_bodiless(self) except -1 nogil
    @cython.locals(c="unsigned char")
    cdef size_t _head_end(self, size_t at, size_t end) except? 1 nogil
    @cython.locals(at=size_t, lines=size_t, following=size_t, c="unsigned char")
    cdef size_t _content_length(self, size_t head) except? 1 nogil
    @cython.locals(value=size_t)
    cdef size_t _number(self, size_t at, size_t end) except? 1 nogil
    @cython.locals(at=size_t)
    cdef int _request_line(self, size_t start, size_t end) except -1 nogil
    @cython.locals(at=size_t)
    cdef inline size_t _method(self, size_t start, size_t end) except? 1 nogil
    cdef inline int _has_version(self, size_t at, size_t end) except -1 nogil
    @cython.locals(word="unsigned long long", blanks="unsigned long long")
    cdef inline size_t _blank(self, size_t at, size_t end) except? 1 nogil
    @cython.locals(c="unsigned char")
    cdef size_t _rare_method(self, size_t at, size_t start, size_t end) except? 1 nogil
    @cython.locals(at=size_t, version=size_t, blanks=int, c="unsigned char", size=size_t)
    cdef int _odd_line(self, size_t end) except -1 nogil
    cdef int _is_version(self, size_t at) except -1 nogil
    @cython.locals(end=size_t, at=size_t, size=size_t, before="unsigned char", found=int, c="unsigned char", high="unsigned char", low="unsigned char")
    cdef int decode(self) except -1 nogil
    @cython.locals(end=size_t, at=size_t)
    cdef int cut(self) except -1 nogil
    @cython.locals(at=size_t, lines=size_t, following=size_t, c="unsigned char")
    cdef int _headers(self, size_t end) except -1 nogil
    cdef inline size_t _next_line(self, size_t at, size_t end) except? -1 nogil
    cdef inline size_t _unfold(self, size_t at, size_t end) except? -1 nogil
    cdef inline int _is_host(self, size_t at, size_t end) except -1 nogil
    @cython.locals(at=size_t, end=size_t, size=size_t, word="unsigned long long", h="unsigned long long", seed="unsigned long long")
    cdef inline int _hash_agent(self) except -1 nogil
    @cython.locals(word="unsigned long long")
    cdef unsigned long long _short_word(self, size_t at, size_t end) except? 1 nogil
    cdef inline int _is_agent(self, size_t at, size_t end) except -1 nogil
    cdef int _is_length(self, size_t at, size_t end) except -1 nogil
    cdef inline int _value(self, size_t at, size_t end, int which) except -1 nogil
    @cython.locals(at=size_t, end=size_t, authority=size_t, stop=size_t, connects=int)
    cdef int write_host(self) except -1 nogil
    @cython.locals(i=size_t)
    cdef size_t _after_scheme(self, size_t at, size_t end) except? -1 nogil
    cdef int _write_host(self, size_t at, size_t end) except -1 nogil
    @cython.locals(size=size_t, colon=Py_ssize_t, c="unsigned char")
    cdef int _write_any_host(self, size_t at, size_t end) except -1 nogil
    @cython.locals(place=size_t, last=size_t, word="unsigned long long", low="unsigned long long", letters="unsigned long long", slashes="unsigned long long", usual="unsigned long long", key="unsigned long long")
    cdef int _write_name(self, size_t at, size_t end) except -1 nogil
    cdef int _is_eighty(self, Py_ssize_t colon) except -1 nogil
    cdef int _write_path(self, size_t at, size_t end) except -1 nogil
    @cython.locals(size=size_t, c="unsigned char", before="unsigned char")
    cdef int _write_any_path(self, size_t at, size_t end) except -1 nogil
    @cython.locals(place=size_t, last=size_t, step=size_t, word="unsigned long long", low="unsigned long long", plain="unsigned long long", letters="unsigned long long", slashes="unsigned long long", usual="unsigned long long")
    cdef int _write_usual_path(self, size_t at, size_t end) except -1 nogil
    @cython.locals(c="unsigned char")
    cdef int _may_need_decoding(self, unsigned long long word) except -1 nogil
    cdef int _note_spelling(self, unsigned char c) except -1 nogil
    cdef int find_agent(self, size_t end) except -1 nogil
    @cython.locals(size=size_t, i=size_t)
    cdef size_t write_agent(self) except? 1 nogil
    cdef inline int _add(self, size_t start, size_t end) except -1 nogil
    @cython.locals(start=size_t, end=size_t, whole=size_t, question=size_t, slash=size_t, tail=size_t)
    cdef int _find_candidates(self) except -1 nogil
    @cython.locals(equals=size_t, blanked=size_t, slash=size_t)
    cdef int _add_cut(self, size_t start, size_t question, size_t end, size_t whole) except -1 nogil
    cdef inline size_t _trim(self, size_t start, size_t end) except? -1 nogil
    cdef inline size_t _find(self, unsigned char wanted, size_t start, size_t end) except? -1 nogil
    @cython.locals(marks="unsigned long long")
    cdef inline size_t _last_slash(self, size_t start, size_t end) except? -1 nogil
    @cython.locals(i=size_t)
    cdef int _same(self, size_t blanked, size_t end) except -1 nogil
    @cython.locals(size=size_t, at=size_t, c="unsigned char")
    cdef size_t _blank_values(self, size_t start, size_t end) except? -1 nogil
    @cython.locals(size=size_t, at=size_t, c="unsigned char", high="unsigned char", low="unsigned char")
    cdef size_t _append_body(self, size_t start, size_t end) except? -1 nogil
    cdef unsigned char _hex(self, unsigned char c) except? 255 nogil
    cdef int _is_word(self, unsigned char c) except -1 nogil
