"""Everything that touches aiortc's private names, and nothing else: its defects that matter to us, mended.

`install` is called before the first connection. It first checks that every name is there, so that another aiortc fails
at once and says so, instead of somewhere in the middle of a call.

- `Vp8Encoder.encode` never resets `pict_type`: what a camera delivers (decoded MJPEG, raw video) is marked as key
  frame, and every VP8 frame becomes one, at twice the bitrate.
- The audio level of each Opus frame is computed sample by sample in Python on the event loop: 0.5 ms for every 20 ms
  and connection. numpy needs 0.02 ms for the same number.
- Stopping a receiver joins its decoder thread on the event loop, after the whole backlog is decoded: up to seconds in
  which nothing else runs, the exit included. Here the backlog is dropped, and the thread is waited for elsewhere.
- A connection that is closed while ICE is connecting starts its consent checks after that, and goes on with them for
  good: a task for every such connection, for as long as the process lives.
- The task that connects goes on when the connection is closed meanwhile: it starts senders and receivers that nobody
  ends, or fails with a traceback that nobody asked for.
- Closing waits for a TURN server to delete the allocation: 64 s for one that is dead. Here a quarter of a second; the
  server then forgets the allocation by itself (RFC 8656, section 6).
- Gathering candidates waits 5 s for STUN and TURN servers that do not answer, and cannot be given up. Here it can: the
  event in `gathering_ends` ends it.
- Nobody is told how long STUN takes, which it does for as long as a connection lives: here it is noted.
- Datagrams of strangers fill the log with tracebacks, or end the connection (`aiortc_datagrams`).
- SRTP prefers AES with 256 bits; 128 are as good for media and cost a sixth less.
- The DTLS cipher list has no RSA suites, so that peers with an RSA certificate (GStreamer) share none with us.
- A certificate of X.509 version 2 (OBS Studio 30) ends the connection with a traceback (`aiortc_certificates`).
"""

import asyncio
import functools
import math
import queue
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import aiortc
import numpy as np
from aioice import ice, stun
from aioice.ice import Connection as IceConnection
from aioice.turn import TurnClientMixin
from aiortc import RTCPeerConnection, rtcdtlstransport, rtp
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.exceptions import InvalidStateError
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from av import AudioFrame, VideoFrame
from av.video.frame import PictureType

from peer.errors import ExeuntError
from peer.media.aiortc_certificates import by_its_bytes
from peer.media.aiortc_datagrams import of_a_size, only_of_stun, unless_malformed
from peer.media.aiortc_pair import timed

STOP_DECODER = "_RTCRtpReceiver__stop_decoder"
DECODER_THREAD = "_RTCRtpReceiver__decoder_thread"
DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
DECODER_POLL = 0.002  # seconds
DECODER_LIMIT = 1.5  # seconds for the frame that is being decoded when a receiver stops
TURN_LIMIT = 0.25  # seconds for a TURN server to answer that it has deleted an allocation
gathering_ends: ContextVar[asyncio.Event | None] = ContextVar("gathering_ends", default=None)
CIPHERS = b":".join(
    b"ECDHE-%s-%s" % (key, suite)
    for suite in (b"AES128-GCM-SHA256", b"CHACHA20-POLY1305", b"AES128-SHA", b"AES256-SHA")
    for key in (b"ECDSA", b"RSA")
)


def audio_level_dbov(frame: AudioFrame) -> int:
    """Return the level of an s16 frame in dBov, -127 (silence) to 0 (RFC 6465, appendix A)."""
    samples = np.frombuffer(memoryview(frame.planes[0]), dtype=np.int16).astype(np.float64)
    power = float(samples @ samples) / (frame.samples * 32767.0**2)
    return round(min(max(10 * math.log10(power), -127), 0)) if power > 0 else -127


def _without_picture_type(encode: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(encode)
    def wrapped(self: Vp8Encoder, frame: VideoFrame, force_keyframe: bool = False) -> Any:
        frame.pict_type = PictureType.NONE
        return encode(self, frame, force_keyframe)

    return wrapped


def _stop_decoder(self: Any) -> None:
    """Let the decoder thread end by itself, after the frame it is at; nobody needs the rest."""
    thread: threading.Thread | None = getattr(self, DECODER_THREAD)
    if thread is None:
        return
    waiting: queue.Queue[Any] = getattr(self, DECODER_QUEUE)
    while not waiting.empty():
        waiting.get_nowait()
    waiting.put(None)
    setattr(self, DECODER_THREAD, None)
    self._exeunt_decoder = thread


def _then_wait_for_decoder(stop: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stop)
    async def wrapped(self: Any) -> None:
        await stop(self)
        thread: threading.Thread | None = getattr(self, "_exeunt_decoder", None)
        deadline = time.monotonic() + DECODER_LIMIT
        # It must not outlive the loop, to which it gives its last word. Looked at, not joined: joining takes a thread
        # of the loop's pool, and those may all be busy.
        while thread is not None and thread.is_alive() and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(DECODER_POLL)

    return wrapped


def _in_numpy(_: Callable[..., Any]) -> Callable[..., Any]:
    return audio_level_dbov


def _without_join(_: Callable[..., Any]) -> Callable[..., Any]:
    return _stop_decoder


def _not_after_close(connect: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(connect)
    async def wrapped(self: Any) -> None:
        await connect(self)
        if self._closing:
            self._query_consent_task.cancel()
            raise ConnectionError("closed while connecting")

    return wrapped


def _unless_closed(connect: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(connect)
    async def wrapped(self: Any) -> None:
        try:
            await connect(self)
        except (ConnectionError, InvalidStateError):
            if self.connectionState != "closed":
                raise
        finally:
            if self.connectionState == "closed":
                for transceiver in self.getTransceivers():
                    await transceiver.stop()

    return wrapped


def _within_limit(delete: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(delete)
    async def wrapped(self: Any) -> None:
        try:
            async with asyncio.timeout(TURN_LIMIT):
                await delete(self)
        except TimeoutError:
            self.transport.abort()  # over TCP a mere close would wait until all has been sent

    return wrapped


def _until_given_up(ask: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(ask)
    async def wrapped(*args: Any, **options: Any) -> Any:
        ended = gathering_ends.get()
        if ended is None:
            return await ask(*args, **options)
        asking, giving_up = asyncio.create_task(ask(*args, **options)), asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({asking, giving_up}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            giving_up.cancel()
            asking.cancel()  # nothing, if it is done
        if not asking.done():
            await asyncio.wait({asking}, timeout=TURN_LIMIT)
            raise ConnectionError("closed while gathering")
        return asking.result()

    return wrapped


def _with_rsa(create: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create)
    def wrapped(self: RTCCertificate, *args: Any, **options: Any) -> Any:
        context = create(self, *args, **options)
        context.set_cipher_list(CIPHERS)
        return context

    return wrapped


Mend = Callable[[Callable[..., Any]], Callable[..., Any]]
MENDED: tuple[tuple[Any, str, Mend], ...] = (
    (Vp8Encoder, "encode", _without_picture_type),
    (rtp, "compute_audio_level_dbov", _in_numpy),
    (RTCRtpReceiver, STOP_DECODER, _without_join),
    (RTCRtpReceiver, "stop", _then_wait_for_decoder),
    (IceConnection, "connect", _not_after_close),
    (RTCPeerConnection, "_RTCPeerConnection__connect", _unless_closed),
    (ice.StunProtocol, "request", timed),
    (stun, "parse_message", only_of_stun),
    (ice.StunProtocol, "datagram_received", unless_malformed),
    (ice.StunProtocol, "datagram_received", of_a_size),
    (TurnClientMixin, "datagram_received", unless_malformed),
    (TurnClientMixin, "delete", _within_limit),
    (ice, "server_reflexive_candidate", _until_given_up),
    (ice, "relayed_candidate", _until_given_up),
    (RTCCertificate, "_create_ssl_context", _with_rsa),
    (RTCDtlsTransport, "_validate_peer_identity", by_its_bytes),
)


def self_test() -> None:
    """Raise `ExeuntError` if this aiortc is not one that we know."""
    missing = [f"{owner.__name__}.{name}" for owner, name, _ in MENDED if not hasattr(owner, name)]
    missing += [name for name in ("SRTP_PROFILES", "SRTP_AEAD_AES_128_GCM") if not hasattr(rtcdtlstransport, name)]
    if missing:
        raise ExeuntError(f"aiortc {aiortc.__version__} has no {', '.join(missing)}: install aiortc>=1.16,<1.17")


@functools.cache
def install() -> None:
    """Check aiortc and mend it; later calls do nothing."""
    self_test()
    for owner, name, mend in MENDED:
        setattr(owner, name, mend(getattr(owner, name)))
    rtcdtlstransport.SRTP_PROFILES.sort(key=lambda profile: profile is not rtcdtlstransport.SRTP_AEAD_AES_128_GCM)
