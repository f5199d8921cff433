"""One encoder in its thread: takes the newest frame, encodes it once, and sends it to every outlet in one pass.

    frames ──put──► mailbox (newest wins) ──► encoder ──► payloads, cut once ──► each outlet: stamp, protect, one call

Nothing here runs while nobody watches: the first outlet's arrival makes an encoding, the last one's departure ends it.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence

from av import AudioFrame, VideoFrame

from peer.capture.coded import Coded
from peer.media.burst import Burst
from peer.media.outlet import Outlet
from peer.media.route import Scratch

NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
PAUSE = 1.0  # seconds after an encoder has failed
MOST_PAYLOAD = 1170  # bytes, so that a packet with everything around it stays below 1,280 (RFC 8200, section 5)
Frame = AudioFrame | VideoFrame | Coded
log = logging.getLogger(__name__)


class Encoding(ABC):
    """An encoder, its thread, and the outlets that it feeds. `most` frames wait for it, older ones are dropped."""

    def __init__(self, name: str, most: int) -> None:
        self.frames_encoded = self.key_frames_encoded = self.frames_dropped = 0
        self.total_encode_time = 0.0  # seconds
        self.name = name
        self._changed = threading.Condition()  # of what is below
        self._frames: deque[Frame] = deque()
        self._most = most
        self._outlets: tuple[Outlet, ...] = ()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name=f"exeunt encoder {name}", daemon=True)
        self._thread.start()

    @property
    def outlets(self) -> tuple[Outlet, ...]:
        """Those that are fed."""
        return self._outlets

    @property
    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    @property
    @abstractmethod
    def implementation(self) -> str:
        """The encoder's name, as in the W3C's `encoderImplementation`."""

    def put(self, frame: Frame) -> None:
        """Offer a frame, from any thread. It is not to be changed afterwards, nor given to another encoding."""
        with self._changed:
            self._frames.append(frame)
            if len(self._frames) > self._most:
                self._frames.popleft()
                self.frames_dropped += 1
            self._changed.notify()

    def add(self, outlet: Outlet) -> None:
        """Feed one more, from its first key frame on."""
        with self._changed:
            outlet.feeder = self
            self._outlets = (*self._outlets, outlet)
            self._changed.notify()

    def remove(self, outlet: Outlet) -> None:
        """Feed one less. One that is not fed is ignored."""
        with self._changed:
            self._outlets = tuple(other for other in self._outlets if other is not outlet)

    def close(self) -> None:
        """End after the frame that is being encoded. May be called twice, and does not wait: see `is_alive`."""
        with self._changed:
            self._is_over = True
            self._outlets = ()
            self._frames.clear()
            self._changed.notify()

    @abstractmethod
    def _wait(self) -> Frame | None:
        """Wait, with the lock held, for what is to be encoded next; None: it is over."""

    @abstractmethod
    def _encode(self, frame: Frame) -> Sequence[Burst]:
        """Encode a frame; return what is to be sent, in parts if it is much."""

    @abstractmethod
    def _release(self) -> None:
        """Let the encoder go. The next frame opens another."""

    def _run(self) -> None:
        scratch = Scratch()
        while True:
            with self._changed:
                frame = self._wait()
            if frame is None:
                break
            self._serve(frame, scratch)
        self._release()

    def _serve(self, frame: Frame, scratch: Scratch) -> None:
        """Encode and send a frame; an encoder that fails costs some pictures, nothing else."""
        began = time.monotonic()
        try:
            bursts = self._encode(frame)
            self.total_encode_time += time.monotonic() - began
            self.frames_encoded += bool(bursts)
            self._send(bursts, scratch)
        except Exception:  # the thread's outermost boundary; FFmpeg's encoders may raise anything
            log.exception("the encoder of %s failed: it is opened again in %.0f s", self.name, PAUSE)
            self._release()
            self._pause(PAUSE)

    def _send(self, bursts: Sequence[Burst], scratch: Scratch) -> None:
        for burst in bursts:
            for outlet in self._outlets:
                if outlet.feeder is self:
                    outlet.send(burst, scratch)

    def _pause(self, seconds: float) -> None:
        """Wait, unless it is over before."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over, seconds)


def send_time() -> int:
    """Return now as abs-send-time: 6 bits of seconds and 18 of their fraction."""
    return int((time.time() + NTP_EPOCH) * 2**18) & 0xFFFFFF
