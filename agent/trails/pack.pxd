cimport cython
from agent.scan.hashing cimport Keyed

cdef unsigned long long PRIME, MASK, LOW32, LOW56, ONE, DOMAIN, FIRST_TEXT

cdef class Packer:
    cdef Keyed keyed
    cdef readonly unsigned long long count
    cdef unsigned long long pool_used
    cdef unsigned char[::1] pool
    cdef unsigned long long[::1] rows
    cdef unsigned long long[::1] slots
    cdef unsigned int[::1] order
    cdef unsigned int[::1] spare

    @cython.locals(size="unsigned long long", row="unsigned long long", start="unsigned long long", i="unsigned long long")
    cpdef object append(self, unsigned long long kind, const unsigned char[::1] key, unsigned long long flags, unsigned long long label, unsigned long long provenance)
    cpdef long long find(self, unsigned long long kind, const unsigned char[::1] key) except? -2
    @cython.locals(word="unsigned long long")
    cpdef object replace(self, unsigned long long row, unsigned long long flags, unsigned long long label, unsigned long long provenance)
    @cython.locals(bit_mask="unsigned long long", slot_mask="unsigned long long", row="unsigned long long", h="unsigned long long", index="unsigned long long", one="unsigned long long")
    cdef object _fill(self, unsigned long long kind, unsigned long long first, unsigned long long last, unsigned long long[::1] bits, unsigned long long[::1] slots)
    @cython.locals(start="unsigned long long", size="unsigned long long", h="unsigned long long", i="unsigned long long")
    cdef unsigned long long _row_hash(self, unsigned long long kind, unsigned long long row) except? 0
    @cython.locals(number="unsigned long long")
    cdef unsigned long long _number(self, unsigned long long start, unsigned long long end) except? 0
    @cython.locals(h="unsigned long long", i=Py_ssize_t, size=Py_ssize_t)
    cdef unsigned long long _hash(self, unsigned long long kind, const unsigned char[::1] key) except? 0
    @cython.locals(mask="unsigned long long", index="unsigned long long", tag="unsigned long long", size=Py_ssize_t, row="unsigned long long", word="unsigned long long", start="unsigned long long", i=Py_ssize_t)
    cdef long long _search(self, unsigned long long kind, const unsigned char[::1] key, unsigned long long h) except? -2
    @cython.locals(mask="unsigned long long", index="unsigned long long")
    cdef object _place(self, unsigned long long h, unsigned long long row)
    @cython.locals(i="unsigned long long")
    cdef object _copy(self, unsigned char[::1] pool)
    @cython.locals(have=Py_ssize_t, i=Py_ssize_t, rows="unsigned long long[::1]")
    cdef object _grow_rows(self)
    @cython.locals(row="unsigned long long")
    cdef object _grow_slots(self)
    @cython.locals(word="unsigned long long", start="unsigned long long", size="unsigned long long", h="unsigned long long", i="unsigned long long")
    cdef unsigned long long _forward_hash(self, unsigned long long row) except? 0
    @cython.locals(one="unsigned long long", two="unsigned long long", size_one="unsigned long long", size_two="unsigned long long", start_one="unsigned long long", start_two="unsigned long long", shorter="unsigned long long", i="unsigned long long")
    cdef int _before(self, unsigned long long a, unsigned long long b) except -1
    @cython.locals(i="unsigned long long", width="unsigned long long", left="unsigned long long", middle="unsigned long long", right="unsigned long long")
    cdef object _merge_sort(self)
    @cython.locals(a="unsigned long long", b="unsigned long long", out="unsigned long long")
    cdef object _merge(self, unsigned long long left, unsigned long long middle, unsigned long long right)
    @cython.locals(at="unsigned long long", i="unsigned long long", old="unsigned long long", word="unsigned long long", start="unsigned long long", size="unsigned long long", k="unsigned long long")
    cdef object _rearrange(self, unsigned char[::1] pool, unsigned long long[::1] rows)
    @cython.locals(next_label="unsigned long long", next_provenance="unsigned long long", i="unsigned long long", word="unsigned long long", label="unsigned long long", provenance="unsigned long long", new_label="unsigned long long", new_provenance="unsigned long long")
    cdef object _renumber(self, unsigned int[::1] labels, unsigned int[::1] provenances)
    @cython.locals(i="unsigned long long", word="unsigned long long", span="unsigned long long")
    cdef object _point(self, unsigned int[::1] spans)
    @cython.locals(at="unsigned long long", word="unsigned long long", known="unsigned long long")
    cdef object _digest_chunk(self, unsigned long long row, unsigned long long end, unsigned int[::1] classes, unsigned long long[::1] chunk)
    @cython.locals(i="unsigned long long", word="unsigned long long", other="unsigned long long", both="unsigned long long", number="unsigned long long")
    cdef object _carry(self, unsigned int[::1] partner, const unsigned long long[::1] rows, object join)
