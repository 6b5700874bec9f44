cimport cython
from libc.string cimport memchr, memcpy

cdef extern from "endian.h" nogil:
    unsigned long long le64toh(unsigned long long)
    unsigned long long htole64(unsigned long long)
    unsigned int be32toh(unsigned int)

# Bounds are checked here once for a range, not for each byte of it.

cdef inline size_t find(const unsigned char[::1] data, unsigned char wanted, size_t at, size_t end) except? -1 nogil:
    cdef const unsigned char* first
    cdef const void* found
    if at >= end:
        return at
    if end > <size_t>data.shape[0]:
        raise IndexError("out of range")
    with cython.boundscheck(False):
        first = &data[0]
    found = memchr(first + at, wanted, end - at)
    return end if found is NULL else <size_t>(<const unsigned char*>found - first)

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define scan_first(marks) ((size_t)__builtin_ctzll(marks) >> 3)
    #else
    static inline size_t scan_first(unsigned long long marks) {
        size_t at = 0;
        while ((marks & 255) == 0) { marks >>= 8; at++; }
        return at;
    }
    #endif

    #if defined(__GNUC__)
    #define scan_last(marks) ((size_t)(63 - __builtin_clzll(marks)) >> 3)
    #else
    static inline size_t scan_last(unsigned long long marks) {
        size_t at = 0;
        while (marks >>= 8) at++;
        return at;
    }
    #endif

    static inline unsigned long long scan_fold(unsigned long long a, unsigned long long b) {
    #ifdef __SIZEOF_INT128__
        unsigned __int128 product = (unsigned __int128)a * b;
        return (unsigned long long)product ^ (unsigned long long)(product >> 64);
    #else
        unsigned long long a_low = a & 0xffffffff, a_high = a >> 32;
        unsigned long long b_low = b & 0xffffffff, b_high = b >> 32;
        unsigned long long low = a_low * b_low;
        unsigned long long one = a_high * b_low, other = a_low * b_high;
        unsigned long long middle = (low >> 32) + (one & 0xffffffff) + (other & 0xffffffff);
        unsigned long long high = a_high * b_high + (one >> 32) + (other >> 32) + (middle >> 32);
        return ((middle << 32) | (low & 0xffffffff)) ^ high;
    #endif
    }
    """
    size_t scan_first(unsigned long long marks) noexcept nogil
    size_t scan_last(unsigned long long marks) noexcept nogil
    unsigned long long scan_fold(unsigned long long a, unsigned long long b) noexcept nogil

cdef inline unsigned long long fold(unsigned long long a, unsigned long long b) noexcept nogil:
    return scan_fold(a, b)

cdef inline size_t first(unsigned long long marks) noexcept nogil:
    return scan_first(marks)

cdef inline size_t last(unsigned long long marks) noexcept nogil:
    return scan_last(marks)

cdef inline unsigned long long equals(unsigned long long value, unsigned long long other) noexcept nogil:
    value ^= other
    return ~(((value & 0x7f7f7f7f7f7f7f7fULL) + 0x7f7f7f7f7f7f7f7fULL) | value) & 0x8080808080808080ULL

cdef inline unsigned long long letters(unsigned long long low) noexcept nogil:
    cdef unsigned long long small = low | 0x2020202020202020ULL
    return ((small + 0x1f1f1f1f1f1f1f1fULL) ^ (small + 0x0505050505050505ULL)) & 0x8080808080808080ULL

cdef inline unsigned long long word(const unsigned char[::1] data, size_t at) except? 1 nogil:
    cdef unsigned long long value
    if at + 8 > <size_t>data.shape[0]:
        raise IndexError("out of range")
    with cython.boundscheck(False):
        memcpy(&value, &data[at], 8)
    return le64toh(value)

cdef inline unsigned long long required_word(const unsigned char[::1] data, size_t at) noexcept nogil:
    cdef unsigned long long value
    with cython.boundscheck(False):
        memcpy(&value, &data[at], 8)
    return le64toh(value)

cdef inline int require(const unsigned char[::1] data, size_t at, size_t size) except -1 nogil:
    if at + size > <size_t>data.shape[0]:
        raise IndexError("out of range")
    return 0

cdef inline unsigned int required(const unsigned char[::1] data, size_t at) noexcept nogil:
    cdef unsigned int value
    with cython.boundscheck(False):
        memcpy(&value, &data[at], 4)
    return be32toh(value)

cdef inline unsigned int number(const unsigned char[::1] data, size_t at) except? 1 nogil:
    require(data, at, 4)
    return required(data, at)

cdef inline int put(unsigned char[::1] data, size_t at, unsigned long long value) except -1 nogil:
    if at + 8 > <size_t>data.shape[0]:
        raise IndexError("out of range")
    value = htole64(value)
    with cython.boundscheck(False):
        memcpy(&data[at], &value, 8)
    return 0
