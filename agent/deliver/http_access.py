"""Who may read over HTTP: TLS and a password, from files that are read at start and reload."""

import base64
import binascii
import hashlib
import hmac
import ssl

from agent.config import ConfigError, Http, HttpTls
from outputs import _http


class Access:
    """TLS and password as the settings say; raise ConfigError where a file cannot be used."""

    def __init__(self, settings: Http) -> None:
        self.context = _context(settings.tls) if settings.tls else None
        self._digest = _digest(_password(settings.password_file)) if settings.password_file else b""

    @property
    def is_guarded(self) -> bool:
        """Whether TLS or a password keeps a foreign page's requests out."""
        return self.context is not None or bool(self._digest)

    def admits(self, authorization: str | None) -> bool:
        """Tell whether a request's header shows the password (RFC 7617; any user name).

        Digests are compared, in constant time, so that neither text nor length shows.
        """
        if not self._digest:
            return True
        return hmac.compare_digest(_digest(_shown(authorization or "")), self._digest)


def _context(tls: HttpTls) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(tls.certificate, tls.key, password=lambda: "")
    except OSError as error:
        files = " and ".join(filter(None, (tls.certificate, tls.key)))
        raise ConfigError(f"http.tls: {files}: {_why(error)}") from error
    if tls.client_ca:
        try:
            made.load_verify_locations(cafile=tls.client_ca)
        except OSError as error:
            raise ConfigError(f"http.tls.client_ca: {tls.client_ca}: {_why(error)}") from error
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "holds no usable PEM certificate or key, or they do not fit; a key has no password"
    return error.strerror or str(error)


def _password(path: str) -> bytes:
    try:
        return _http.secret("password_file", path).encode("ascii")
    except OSError as error:
        raise ConfigError(f"http.{error}") from error


def _shown(authorization: str) -> bytes:
    """Return the password of a header, nothing where it is none."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(credentials.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def _digest(password: bytes) -> bytes:
    return hashlib.sha256(password).digest()
