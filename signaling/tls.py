"""A certificate and its key, read again when they were renewed: nobody who is connected notices."""

import ssl
from pathlib import Path

OLDEST = ssl.TLSVersion.TLSv1_2


class Certificate:
    """The files of a certificate (with its chain) and its key, in PEM; the key may be in the same file.

    `context` is for `SignalingServer.listen(ssl_context=...)`. Raises `ValueError` for what is no such pair of files.
    """

    def __init__(self, certificate: str | Path, key: str | Path | None = None) -> None:
        self._files = (certificate, key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = OLDEST
        self.reload()

    def reload(self) -> None:
        """Take the files as they are now, for connections from now on.

        Raises `ValueError` if they cannot be used; those that were in use then remain so.
        """
        # A key that does not fit is found out only after the certificate was taken: never try that on the one in use.
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        self._load(self.context)

    def _load(self, context: ssl.SSLContext) -> None:
        certificate, key = self._files
        try:
            # Without a password OpenSSL would ask for one at the terminal, where nobody is.
            context.load_cert_chain(certificate, key, password="")
        except ssl.SSLError as error:
            raise ValueError(f"{certificate} and its key cannot be used: {error.reason or error}") from None
        except OSError as error:
            raise ValueError(f"{certificate} or its key cannot be read: {error.strerror or error}") from None
