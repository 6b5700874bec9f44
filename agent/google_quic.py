"""Server names out of Google's own QUIC, versions Q0xx, which some fleets still speak.

Its first message is not encrypted: CHLO, a count, then tags with where their values end
(https://docs.google.com/document/d/1g5nIXAIkN_Y-7XJW5K45IblHd_L2f5LTaDUDwvZ5L6g).
"""

MESSAGE = b"CHLO"
SERVER_NAME = b"SNI\0"
SEARCHED = 128
"""Bytes in which the message begins: public header, hash and frame header are shorter."""
MAX_TAGS = 64
MAX_NAME = 253


def is_google(datagram: bytes) -> bool:
    """Tell whether a datagram with an eight-byte connection id names one of these versions."""
    return datagram[9:11] == b"Q0"


def server_name(datagram: bytes) -> str:
    """Return the name that a client asks for, empty where there is none."""
    at = datagram.find(MESSAGE, 0, SEARCHED)
    if at < 0:
        return ""
    count = int.from_bytes(datagram[at + 4 : at + 6], "little")
    tags = at + 8
    values = tags + 8 * count
    begin = 0
    for place in range(tags, tags + 8 * min(count, MAX_TAGS), 8):
        end = int.from_bytes(datagram[place + 4 : place + 8], "little")
        if datagram[place : place + 4] == SERVER_NAME:
            name = datagram[values + begin : values + end]
            if end - begin != len(name) or len(name) > MAX_NAME:
                return ""
            return name.decode("ascii", "backslashreplace").lower().removesuffix(".")
        begin = end
    return ""
