"""TLS of outputs: 1.2 or later, always verified unless the settings say otherwise in words."""

import ssl
from pathlib import Path

import msgspec


class Keys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings about TLS that all outputs with connections share.

    `ca_file` says who may vouch for the receiver (default: whom the system trusts), `server_name`
    what its certificate must name (default: the address); `client_certificate` is what we show,
    with its chain, `client_key` its key (default: in the same file).
    """

    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    server_name: str | None = None
    accept_any_certificate: bool = False

    def check(self) -> None:
        """Raise ValueError for keys that make no sense together."""
        if self.client_key and not self.client_certificate:
            raise ValueError("client_key: expected client_certificate: FILE beside it")
        if self.accept_any_certificate and self.ca_file:
            raise ValueError("accept_any_certificate: leave it out, or ca_file; they contradict")


def context(keys: Keys) -> ssl.SSLContext:
    """Read all files and return what connects with them; raise OSError naming key and file."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if keys.accept_any_certificate:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif keys.ca_file:
        try:
            made.load_verify_locations(cafile=keys.ca_file)
        except OSError as error:
            raise OSError(f"ca_file {keys.ca_file}: {_why(error)}") from error
    else:
        made.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if keys.client_certificate:
        try:
            made.load_cert_chain(keys.client_certificate, keys.client_key, password=_no_password)
        except OSError as error:
            files = " and ".join(filter(None, (keys.client_certificate, keys.client_key)))
            raise OSError(f"client_certificate {files}: {_why(error)}") from error
    return made


def files(keys: Keys) -> tuple[Path, ...]:
    """Return the files that `context` reads."""
    named = (keys.ca_file, keys.client_certificate, keys.client_key)
    return tuple(Path(name) for name in named if name)


def explain(error: OSError) -> str:
    """Say in one line why a connection failed, and what to look at."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message.rstrip('.')}; see ca_file, server_name"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        return f"TLS failed: {reason}; does the receiver speak TLS here, and accept our side?"
    return error.strerror or str(error)


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "holds no usable PEM certificate or key, or they do not fit; a key has no password"
    return error.strerror or str(error)


def _no_password() -> str:
    """Keep OpenSSL from asking on the terminal."""
    return ""
