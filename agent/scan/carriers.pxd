cimport cython

cdef int NOTHING, TLS, CERTIFICATES, MORE, WRITTEN_TLS, WRITTEN_REQUEST, GOOGLE, OPENVPN, CONTENT
cdef size_t MAX_CERTIFICATES, MAX_MESSAGE, MAX_WRITTEN, MAX_NAME, MAX_PAYLOADS, MAX_HANDSHAKES, SEARCHED
cdef size_t DTLS_HEADER, MESSAGE_HEADER, IKE_HEADER
cdef unsigned int HANDSHAKE, CLIENT_HELLO, SERVER_HELLO, IKE_1, IKE_2, IKE_1_CERTIFICATE, IKE_2_CERTIFICATE
cdef unsigned int X509_SIGNATURE, X509_EXCHANGE, OPENVPN_CONTROL, MAX_ACKNOWLEDGED, SEQUENCE, RDP_SECURITY
cdef unsigned int WORD_MCDN, WORD_OPEN, WORD_ADAT, WORD_PROXY, WORD_335, WORD_ZERO, PROXY_2

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
