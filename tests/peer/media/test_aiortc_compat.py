"""aiortc's defects that matter to us, shown mended on the real aiortc."""

import asyncio
import datetime
import threading
from fractions import Fraction

import numpy as np
import pytest
from aioice.ice import Connection as IceConnection
from aiortc import RTCCertificate, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.codecs.vpx import Vp8Encoder
from av import AudioFrame, VideoFrame
from av.video.frame import PictureType
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from peer.errors import ExeuntError
from peer.media import aiortc_compat
from peer.media.aiortc_compat import audio_level_dbov

aiortc_compat.install()


def test_a_picture_marked_as_key_frame_by_its_decoder_is_no_key_frame_of_ours() -> None:
    encoder = Vp8Encoder()
    kinds = []
    for number in range(4):
        frame = VideoFrame.from_ndarray(np.full((90, 64), number, dtype=np.uint8), format="yuv420p")
        frame.pts, frame.time_base, frame.pict_type = number * 3000, Fraction(1, 90_000), PictureType.I
        payloads, _ = encoder.encode(frame, force_keyframe=number == 2)
        kinds.append(payloads[0][4] & 1)  # after the descriptor of four bytes: 0 is a key frame (RFC 6386, 9.1)
    assert kinds == [0, 1, 0, 1]


@pytest.mark.parametrize(("value", "level"), [(0, -127), (32767, 3), (1000, -27)])
def test_the_audio_level_is_what_aiortc_computes(value: int, level: int) -> None:
    frame = AudioFrame.from_ndarray(np.full((1, 1920), value, dtype=np.int16), format="s16", layout="stereo")
    assert audio_level_dbov(frame) == min(level, 0)


async def test_stopping_a_receiver_waits_for_its_decoder_without_holding_up_the_loop() -> None:
    receiver = RTCRtpReceiver("video", _transport())
    held = threading.Event()
    thread = threading.Thread(target=held.wait, args=(10,))
    thread.start()
    setattr(receiver, aiortc_compat.DECODER_THREAD, thread)
    waiting = getattr(receiver, aiortc_compat.DECODER_QUEUE)
    waiting.put("a frame that nobody needs any more")
    getattr(receiver, aiortc_compat.STOP_DECODER)()
    assert thread.is_alive(), "the loop was not held up"
    assert waiting.get_nowait() is None
    stopping = asyncio.create_task(receiver.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    held.set()
    await stopping
    assert not thread.is_alive()


def _transport() -> object:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    return connection.addTransceiver("video").receiver.transport


async def test_a_connection_closed_while_connecting_starts_no_consent_checks() -> None:
    one, other = IceConnection(ice_controlling=True), IceConnection(ice_controlling=False)
    for left, right in ((one, other), (other, one)):
        await left.gather_candidates()
        right.remote_username, right.remote_password = left.local_username, left.local_password
    for left, right in ((one, other), (other, one)):
        for candidate in left.local_candidates:
            await right.add_remote_candidate(candidate)
        await right.add_remote_candidate(None)
    connecting = [asyncio.create_task(connection.connect()) for connection in (one, other)]
    while not one._nominated:  # noqa: ASYNC110 - aioice has no event for it
        await asyncio.sleep(0)
    await asyncio.gather(one.close(), other.close())
    await asyncio.gather(*connecting, return_exceptions=True)
    # the fixture no_task_is_left fails if consent checks run on


async def test_a_peer_with_an_rsa_certificate_can_shake_hands_with_us() -> None:
    """GStreamer 1.22 makes certificates like this one."""
    gstreamer, us = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    gstreamer._RTCPeerConnection__certificates = [_rsa_certificate()]
    channel, opened = gstreamer.createDataChannel("hello"), asyncio.Event()
    channel.on("open", opened.set)
    try:
        await gstreamer.setLocalDescription(await gstreamer.createOffer())
        await us.setRemoteDescription(gstreamer.localDescription)
        await us.setLocalDescription(await us.createAnswer())
        await gstreamer.setRemoteDescription(us.localDescription)
        async with asyncio.timeout(30):
            await opened.wait()
    finally:
        await asyncio.gather(gstreamer.close(), us.close())


def _rsa_certificate() -> RTCCertificate:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gstreamer")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return RTCCertificate(key=key, cert=certificate)


def test_an_aiortc_that_is_another_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiortc_compat, "MENDED", ((Vp8Encoder, "no_such_name", aiortc_compat._in_numpy),))
    with pytest.raises(ExeuntError, match=r"has no Vp8Encoder.no_such_name: install aiortc"):
        aiortc_compat.self_test()
