cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const size_t PREFACE_SIZE "24UL", FRAME_HEADER "9UL", MAX_BLOCKS "32UL", MAX_BLOCK "8192UL"
    const size_t MAX_WRITTEN "8192UL", MAX_FIELDS "128UL", TABLE_BYTES "4096UL", ENTRY_COST "32UL"
    const size_t MAX_ENTRIES "128UL", STATIC_SIZE "61UL", MAX_TEXT "4096UL"
    const unsigned int HEADERS "1U", CONTINUATION "9U", END_HEADERS "4U", PADDED "8U", PRIORITY "32U"
    const unsigned int END_OF_STRING "256U", LEAF "32768U"
    const int METHOD "1", AUTHORITY "2", PATH "3", OTHER "4"

@cython.final
cdef class Http2Reader:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] written
    cdef const unsigned char[::1] readable
    cdef const unsigned short[::1] tree
    cdef const unsigned char[::1] static
    cdef const unsigned long long[::1] static_at
    cdef unsigned char[::1] block
    cdef unsigned char[::1] pool
    cdef unsigned long long[::1] entry_at
    cdef unsigned long long[::1] entry_name
    cdef unsigned long long[::1] entry_size
    cdef unsigned char[::1] name
    cdef unsigned char[::1] value
    cdef unsigned char[::1] parts
    cdef unsigned char[::1] fields
    cdef size_t written_end, block_end, pool_end, first, entries, used, limit, at, name_end, value_end
    cdef size_t method_end, path_end, authority_end, fields_end, offset
    cdef int has_host, is_cut

    @cython.locals(at=size_t, found=size_t, kind="unsigned int", flags="unsigned int")
    cdef size_t count(self, size_t start, size_t end) except? 1 nogil
    cdef int begin(self, size_t start) except -1 nogil
    cdef size_t next_request(self, size_t end, int last) except? 1 nogil
    @cython.locals(at=size_t, size=size_t, kind="unsigned int", flags="unsigned int", stop=size_t, padding=size_t)
    cdef int _next_block(self, size_t end, int last) except -1 nogil
    @cython.locals(place=size_t, fields=size_t, c="unsigned int")
    cdef int _read_block(self) except -1 nogil
    cdef size_t _indexed(self, size_t place) except? 1 nogil
    @cython.locals(keeps="unsigned int")
    cdef size_t _literal(self, size_t place) except? 1 nogil
    cdef size_t _resize(self, size_t place) except? 1 nogil
    @cython.locals(most=size_t, shift="unsigned int", c=size_t)
    cdef size_t _integer(self, size_t place, unsigned int bits) except? 1 nogil
    @cython.locals(is_coded="unsigned int", stop=size_t, size=size_t)
    cdef size_t _string(self, size_t place, int is_value) except? 1 nogil
    @cython.locals(size=size_t)
    cdef size_t _copy(self, size_t place, size_t stop, int is_value) except? 1 nogil
    @cython.locals(size=size_t, node=size_t, c="unsigned int", bit="unsigned int", following="unsigned int", symbol="unsigned int")
    cdef size_t _decode(self, size_t place, size_t stop, int is_value) except? 1 nogil
    @cython.locals(at=size_t, stop=size_t, last=size_t, entry=size_t)
    cdef int _recall(self, size_t number, int with_value) except -1 nogil
    @cython.locals(size=size_t)
    cdef int _insert(self) except -1 nogil
    @cython.locals(entry=size_t, i=size_t)
    cdef int _append(self, size_t size) except -1 nogil
    cdef int _evict(self, size_t size) except -1 nogil
    @cython.locals(to=size_t, i=size_t, entry=size_t, at=size_t, stop=size_t)
    cdef int _compact(self) except -1 nogil
    @cython.locals(kind=int, i=size_t)
    cdef int _take_field(self) except -1 nogil
    cdef int _put_field(self, unsigned int c) except -1 nogil
    @cython.locals(i=size_t, c="unsigned int")
    cdef size_t _keep_part(self, size_t which) except? 1 nogil
    cdef int _kind(self) except -1 nogil
    @cython.locals(size=size_t, i=size_t)
    cdef size_t _write(self) except? 1 nogil
    cdef int _put(self, unsigned int c) except -1 nogil
    @cython.locals(i=size_t)
    cdef int _put_part(self, size_t which, size_t size) except -1 nogil
    cdef size_t _three(self, size_t at) except? 1 nogil
