cimport cython

cdef extern from *:  # the .py's constants as the C compiler sees them
    const int NOTHING "0", TLS "1", CERTIFICATES "2", MORE "3", WRITTEN_TLS "4", WRITTEN_REQUEST "5"
    const int GOOGLE "6", OPENVPN "7", CONTENT "8"
    const size_t MAX_CERTIFICATES "8UL", MAX_MESSAGE "16384UL", MAX_WRITTEN "16384UL", MAX_NAME "255UL"
    const size_t MAX_PAYLOADS "24UL", MAX_HANDSHAKES "16UL", SEARCHED "600UL", DTLS_HEADER "13UL"
    const size_t MESSAGE_HEADER "12UL", IKE_HEADER "28UL"
    const unsigned int HANDSHAKE "22U", CLIENT_HELLO "1U", SERVER_HELLO "2U", IKE_1 "16U", IKE_2 "32U"
    const unsigned int IKE_1_CERTIFICATE "6U", IKE_2_CERTIFICATE "37U", X509_SIGNATURE "4U"
    const unsigned int X509_EXCHANGE "5U", OPENVPN_CONTROL "4U", MAX_ACKNOWLEDGED "8U", SEQUENCE "48U"
    const unsigned int RDP_SECURITY "3074U", WORD_MCDN "0x4d63446eU", WORD_OPEN "0x4f504e46U"
    const unsigned int WORD_ADAT "0x41444154U", WORD_PROXY "0x50524f58U", WORD_335 "0x33333520U"
    const unsigned int WORD_ZERO "0x31515456U", PROXY_2 "0xd0a0d0aU"

@cython.final
cdef class Carriers:
    cdef const unsigned char[::1] data
    cdef unsigned char[::1] written
    cdef const unsigned char[::1] readable
    cdef size_t written_end, at, end, part, count, length, number, offset, record_end, messages
    cdef unsigned int kind
    cdef unsigned long long[::1] starts
    cdef unsigned long long[::1] ends

    @cython.locals(c="unsigned char", found=int, word="unsigned int")
    cdef int segment(self, size_t start, size_t end) except -1 nogil
    cdef int _letters(self, unsigned int word, size_t start, size_t end) except -1 nogil
    @cython.locals(at=size_t)
    cdef int _proxy1(self, size_t start, size_t end) except -1 nogil
    cdef int _proxy2(self, size_t start, size_t end) except -1 nogil
    @cython.locals(stop=size_t, at=size_t, limit=size_t, size=size_t)
    cdef int _rdp(self, size_t start, size_t end) except -1 nogil
    @cython.locals(count=size_t, size=size_t)
    cdef int _rdp_chain(self, size_t at, size_t end) except -1 nogil
    @cython.locals(stop=size_t, size=size_t, at=size_t)
    cdef int _opc(self, size_t start, size_t end) except -1 nogil
    @cython.locals(size=size_t)
    cdef int _chain(self, size_t at, size_t end) except -1 nogil
    @cython.locals(size=size_t)
    cdef size_t _der_size(self, size_t at, size_t end) except? 1 nogil
    cdef int _note(self, size_t start, size_t end) except -1 nogil
    @cython.locals(at=size_t, size=size_t, bits="unsigned int", word="unsigned int", value="unsigned int")
    cdef int _base64(self, size_t start, size_t end) except -1 nogil
    cdef unsigned int _sextet(self, unsigned int c) except? 65 nogil
    @cython.locals(at=size_t, stop=size_t)
    cdef int _socks4(self, size_t start, size_t end) except -1 nogil
    @cython.locals(stop=size_t)
    cdef int _socks5(self, size_t start, size_t end) except -1 nogil
    @cython.locals(stop=size_t)
    cdef size_t _printable(self, size_t at, size_t end) except? 1 nogil
    cdef int _put(self, size_t at, size_t end) except -1 nogil
    cdef int _put_byte(self, unsigned int c) except -1 nogil
    @cython.locals(power="unsigned int")
    cdef int _put_number(self, unsigned int value) except -1 nogil
    cdef int _put_connect(self) except -1 nogil
    @cython.locals(i=size_t)
    cdef int _put_address(self, size_t at) except -1 nogil
    cdef int _put_port(self, unsigned int port) except -1 nogil
    @cython.locals(version="unsigned int", wanted="unsigned int", following="unsigned int", at=size_t, seen=size_t, size=size_t, encoding="unsigned int")
    cdef int ike(self, size_t start, size_t end) except -1 nogil
    cdef int openvpn(self, size_t start, size_t end, size_t expected) except -1 nogil
    @cython.locals(count=size_t, part=size_t)
    cdef int _openvpn_fields(self, size_t at, size_t end, size_t expected) except -1 nogil
    @cython.locals(stop=size_t)
    cdef int _openvpn_segment(self, size_t start, size_t end) except -1 nogil
    @cython.locals(kind="unsigned int")
    cdef int _is_record(self, size_t at, size_t end) except -1 nogil
    cdef int begin_dtls(self, size_t start, size_t end) except -1 nogil
    @cython.locals(at=size_t, size=size_t)
    cdef int next_message(self, size_t end) except -1 nogil
    @cython.locals(at=size_t, end=size_t, stop=size_t, size=size_t)
    cdef size_t write_hello(self) except? 1 nogil
    cdef size_t write_header(self) except? 1 nogil
    @cython.locals(size=size_t)
    cdef int _write_header(self, unsigned int kind, size_t length) except -1 nogil
    cdef size_t _two(self, size_t at) except? 65537 nogil
    cdef size_t _three(self, size_t at) except? 1 nogil
    cdef unsigned int _word(self, size_t at) except? 1 nogil
    cdef size_t _little_two(self, size_t at) except? 65537 nogil
    cdef size_t _little(self, size_t at) except? 1 nogil
