"""Certificates for tests, made by a throw-away authority with the openssl command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@dataclass(frozen=True)
class Certificate:
    """Where a certificate and its key are."""

    certificate: Path
    key: Path


class Authority:
    """Signs what it is asked for."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.file = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        self._folder = folder
        _openssl(
            *("req", "-x509", *_KEY, "-days", "90", "-subj", f"/CN=maltrail-agent test {name}"),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(self._key), "-out", str(self.file)),
        )

    def issue(self, name: str, names: str = "IP:127.0.0.1,IP:::1", days: int = 90) -> Certificate:
        """Return a certificate for `names` (subjectAltName) that runs for `days` from now."""
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request = self._folder / f"{name}.csr"
        _openssl(
            *("req", "-new", *_KEY, "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName={names}"),
            *("-keyout", str(made.key), "-out", str(request)),
        )
        _openssl(
            *("x509", "-req", "-in", str(request), "-copy_extensions", "copy"),
            *("-CA", str(self.file), "-CAkey", str(self._key), "-days", str(days)),
            *("-out", str(made.certificate)),
        )
        return made


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)
