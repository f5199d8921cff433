"""Certificates that are read by nobody are known by their bytes, and another than the described one is refused."""

import asyncio
import hashlib

import pytest
from aiortc import RTCCertificate, RTCConfiguration, RTCPeerConnection
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, SRTPProtectionProfile
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, load_certificate

from peer.media import aiortc_compat
from peer.media.aiortc_certificates import is_described

VERSION_3, VERSION_2 = bytes.fromhex("a003020102"), bytes.fromhex("a003020101")  # where the version stands in DER
LIMIT = 20.0  # seconds
BYTES = b"any bytes"
OTHER = RTCDtlsFingerprint("sha-256", "00:" * 31 + "00")

aiortc_compat.install()


def fingerprint(algorithm: str, certificate: bytes = BYTES) -> RTCDtlsFingerprint:
    digest = hashlib.new(algorithm.replace("-", ""), certificate).digest()
    return RTCDtlsFingerprint(algorithm, digest.hex(":"))


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512"])
def test_a_certificate_is_known_by_each_algorithm_in_whatever_case_it_is_written(algorithm: str) -> None:
    one = fingerprint(algorithm)
    assert is_described(BYTES, [one])
    assert is_described(BYTES, [RTCDtlsFingerprint(algorithm.upper(), one.value.upper())])
    assert not is_described(BYTES + b"!", [one])


def test_all_fingerprints_of_known_algorithms_must_be_right_and_one_must_be_there() -> None:
    unknown = RTCDtlsFingerprint("md5", "00")
    assert is_described(BYTES, [unknown, fingerprint("sha-256")])
    assert not is_described(BYTES, [fingerprint("sha-256"), OTHER])
    assert not is_described(BYTES, [unknown])
    assert not is_described(BYTES, [])


class Version2(RTCCertificate):
    """A certificate like those of libdatachannel; `described` is what the offer says of it, if not the truth."""

    def __init__(self, described: RTCDtlsFingerprint | None) -> None:
        usual = RTCCertificate.generateCertificate()
        super().__init__(usual._key, usual._cert)
        self.shown = usual._cert.public_bytes(Encoding.DER).replace(VERSION_3, VERSION_2, 1)
        self._described = described or fingerprint("sha-256", self.shown)

    def getFingerprints(self) -> list[RTCDtlsFingerprint]:
        return [self._described]

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        context = super()._create_ssl_context(srtp_profiles)
        context.use_certificate(load_certificate(FILETYPE_ASN1, self.shown))
        return context


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL X509 objects")  # cryptography has no words for this certificate
@pytest.mark.parametrize(("described", "state"), [(None, "connected"), (OTHER, "failed")])
async def test_an_end_with_a_certificate_of_version_2_connects_if_it_is_the_one_that_it_described(
    described: RTCDtlsFingerprint | None, state: str
) -> None:
    old, new = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    old._RTCPeerConnection__certificates = [Version2(described)]
    changed = asyncio.Event()
    new.on("connectionstatechange", changed.set)
    old.createDataChannel("any")
    try:
        await old.setLocalDescription(await old.createOffer())
        await new.setRemoteDescription(old.localDescription)
        await new.setLocalDescription(await new.createAnswer())
        await old.setRemoteDescription(new.localDescription)
        async with asyncio.timeout(LIMIT):
            while new.connectionState != state:
                assert new.connectionState in ("new", "connecting")
                changed.clear()
                await changed.wait()
    finally:
        await old.close()
        await new.close()
