"""Numbers that the scanner and the readers of carriers share; a compiled module hides its own."""

# What a segment or a datagram turned out to be.
NOTHING = 0
TLS = 1  # records begin at `at`
CERTIFICATES = 2  # `count` of them, data[starts[i]:ends[i]]
MORE = 3  # a message that goes on in the next segment
WRITTEN_TLS = 4  # written[:written_end] holds records
WRITTEN_REQUEST = 5  # written[:written_end] asks a proxy for a connection
GOOGLE = 6  # tags as in Google's QUIC, over TCP
OPENVPN = 7  # a control packet up to `end`
CONTENT = 8  # what a proxy was handed goes on at `at`

FIRST_BYTES = sum(1 << c for c in (0, 1, 2, 3, 4, 5, 13, 18, 49, 51))
"""What a segment that carries something begins with, letters aside: most bulk is turned away."""
OPEN = 0x4F504E46  # "OPNF" of OPC UA
ADAT = 0x41444154  # of FTP
PROXY = 0x50524F58  # "PROX" of the PROXY protocol

MAX_CERTIFICATES = 8
"""Of one message; chains have two to five."""
MAX_MESSAGE = 16384
"""Bytes of a message that may be spread over segments."""
MAX_BLOCKS = 32
"""Header blocks of one HTTP/2 connection that are read; a browser's first burst has a dozen."""
