"""Whether the other end of a connection showed the certificate that it described: mends `RTCDtlsTransport` of aiortc.

aiortc 1.16 has `cryptography` read the certificate, only to compute its fingerprint. That takes X.509 of the versions 1
and 3, and libdatachannel before 0.23 writes version 2: OBS Studio 30 could not connect. A fingerprint is one of bytes
(RFC 8122, section 5), whatever they say.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from aiortc.rtcdtlstransport import X509_DIGEST_ALGORITHMS, RTCDtlsFingerprint, RTCDtlsParameters, State
from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate


def is_described(certificate: bytes, fingerprints: Iterable[RTCDtlsFingerprint]) -> bool:
    """Whether a certificate (DER) has all of these fingerprints that are by an algorithm that we know; one must be."""
    known = [one for one in fingerprints if one.algorithm.lower() in X509_DIGEST_ALGORITHMS]
    return bool(known) and all(one.value.upper() == _fingerprint(certificate, one.algorithm) for one in known)


def by_its_bytes(validate: Callable[..., None]) -> Callable[..., None]:
    """Have `_validate_peer_identity` fail the handshake for another certificate, and for nothing else."""

    @functools.wraps(validate)
    def wrapped(self: Any, described: RTCDtlsParameters) -> None:
        shown = self._ssl.get_peer_certificate()
        if shown is None or not is_described(dump_certificate(FILETYPE_ASN1, shown), described.fingerprints):
            self._set_state(State.FAILED)

    return wrapped


def _fingerprint(certificate: bytes, algorithm: str) -> str:
    return hashlib.new(algorithm.lower().replace("-", ""), certificate).digest().hex(":").upper()
