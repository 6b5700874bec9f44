"""Until when a certificate runs: the one field that `check` needs of X.509 (RFC 5280, 4.1)."""

import re
import ssl
from datetime import UTC, datetime
from pathlib import Path

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_CONTEXT_0, _UTC_TIME = 0xA0, 0x17


def ends(path: Path) -> list[datetime]:
    """Return the end of each certificate in a PEM file; raise OSError, ValueError."""
    text = path.read_text(encoding="ascii", errors="replace")
    return [end_of(ssl.PEM_cert_to_DER_cert(pem)) for pem in _PEM.findall(text)]


def end_of(certificate: bytes) -> datetime:
    """Return when a certificate (DER) expires; raise ValueError where it is none."""
    try:
        _, to_be_signed, _ = _element(_element(certificate)[1])
        tag, _, rest = _element(to_be_signed)
        if tag == _CONTEXT_0:  # the version is optional, the serial number is not
            _, _, rest = _element(rest)
        _, _, rest = _element(rest)  # the signature's algorithm
        _, _, rest = _element(rest)  # the issuer
        _, validity, _ = _element(rest)
        tag, value, _ = _element(_element(validity)[2])
        digits = value.decode("ascii")
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError("is no X.509 certificate") from error
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(digits, form).replace(tzinfo=UTC)


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Return tag, content and what follows of the first DER element; raise IndexError."""
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        size = length & 0x7F
        start += size
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise IndexError("cut short")
    return tag, data[start : start + length], data[start + length :]
