"""The address of the service, and the conditions for an address that other machines can reach."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft.serve.errors import ServeError
from pulumi_openai_ft.serve.loopback import is_loopback

if TYPE_CHECKING:
    from pulumi_openai_ft.serve.config import ServeConfig, Tls

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000


@dataclass(frozen=True)
class Listener:
    """Where the service listens.

    Attributes:
        host: Address or name of an interface of this machine.
        port: Port; 0 selects a free port.
        tls: Certificate and key, or None for plain HTTP.
        behind_proxy: Whether a proxy in front of the service terminates TLS. The service then accepts any Host header.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    tls: Tls | None = None
    behind_proxy: bool = False

    @property
    def is_loopback(self) -> bool:
        """Return whether only this machine can reach the service."""
        return is_loopback(self.host)

    def check(self, config: ServeConfig) -> None:
        """Reject an unprotected address, and a certificate that cannot be used.

        Raises:
            ServeError: The service would be unprotected, or has no keys, or the certificate cannot be used.
        """
        if not config.keys:
            raise ServeError(
                "the configuration has no keys: run `openai-ft serve key add --project proj_default`"
            )
        if not self.is_loopback and self.tls is None and not self.behind_proxy:
            raise ServeError(
                f"--host {self.host}: other machines can reach this address, and keys would be sent in plaintext: add "
                "--tls-cert and --tls-key, or --behind-proxy if a proxy on a trusted network terminates TLS"
            )
        if self.tls is not None:
            _check_certificate(self.tls)


def _check_certificate(tls: Tls) -> None:
    for name, path in (("certificate", tls.certificate), ("key", tls.key)):
        if not path.is_file():
            raise ServeError(f"the TLS {name} {path} does not exist")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            tls.certificate, tls.key, password=_refuse_password
        )
    except ssl.SSLError:
        reason = "they are not in PEM format, or do not belong together"
    except OSError as error:
        reason = f"{error.filename or 'a file'}: {error.strerror}"
    except ValueError as error:
        reason = str(error)
    else:
        return
    raise ServeError(f"the TLS certificate {tls.certificate} and key {tls.key} cannot be used: {reason}")


def _refuse_password() -> str:
    raise ValueError("the key is encrypted; store it without a password")
