"""Cameras, microphones and screens: devices that FFmpeg opens."""

import errno
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import av
from av.container import InputContainer

from peer.capture import alsa, x11
from peer.capture.clock import AUDIO_RATE, AudioClock
from peer.capture.convert import (
    SAMPLE_BYTES,
    Blocks,
    SoundConverter,
    block_frame,
)
from peer.capture.failures import open_failure
from peer.capture.format import Opened
from peer.capture.handles import Holder, holders, node_of
from peer.capture.input import Frame, Input, capture_time, closed_on_error
from peer.capture.ladder import Attempt, camera_attempts, microphone_attempts, screen_attempts
from peer.capture.names import parse_display
from peer.capture.source import Camera, Kind, Microphone, Screen
from peer.capture.unpacking import unpacker_of
from peer.capture.video_device import CodedCamera, VideoDevice, close_device
from peer.capture.waiting import AUDIO_POLL
from peer.errors import DeviceError, DeviceFailed, DeviceNotFound

logger = logging.getLogger(__name__)

PROBE_LIMIT = 2.0  # seconds an X server may take to answer
# Errors that may be the fault of what was wished, and not of the device; the last is FFmpeg's EXIT, our limit.
_NEXT_ATTEMPT = {errno.EIO, errno.EINVAL, errno.ERANGE, 1414092869}
Device = Camera | Microphone | Screen


class AudioDevice(Input):
    """A microphone that is open."""

    kinds = (Kind.AUDIO,)

    def __init__(self, container: InputContainer) -> None:
        stream = container.streams.audio[0]
        self.form = Opened(rate=stream.rate, channels=stream.channels, sound_coding=stream.codec_context.name)
        self._container = container
        self._converter = SoundConverter()
        self._blocks = Blocks()
        self._clock = AudioClock()

    def read(self) -> list[Frame]:
        """Return the blocks that are complete."""
        blocks: list[Frame] = []
        while not blocks and (samples := _samples(self._container, self._converter)) is not None:
            at = capture_time() - len(samples) / SAMPLE_BYTES / AUDIO_RATE
            blocks = stamp_blocks(self._clock, self._blocks.push(samples, at))
        return blocks

    def delay(self) -> float:
        """Ask twice per block: sound comes in pieces too small to wait for each."""
        return AUDIO_POLL

    def close(self) -> None:
        """Close the device."""
        close_device(self._container)


def stamp_blocks(clock: AudioClock, blocks: Iterable[tuple[float, bytes]]) -> list[Frame]:
    """Return blocks as frames by the capture clock, without those that run ahead of it."""
    stamped = [(clock.stamp(at), block) for at, block in blocks]
    return [block_frame(block, stamp) for stamp, block in stamped if stamp is not None]


def open_camera(camera: Camera) -> Input:
    """Open a camera. Raises `DeviceError`."""
    with closed_on_error(_open_first(camera, camera_attempts(camera, sys.platform))) as container:
        unpacker = unpacker_of(container.streams.video[0])
        return VideoDevice(camera, container) if unpacker is None else CodedCamera(camera, container, unpacker)


def open_microphone(microphone: Microphone) -> Input:
    """Open a microphone. Raises `DeviceError`."""
    if sys.platform.startswith("linux"):
        alsa.prepare()
    with closed_on_error(_open_first(microphone, microphone_attempts(microphone, sys.platform))) as container:
        return AudioDevice(container)


def open_screen(screen: Screen) -> Input:
    """Open a screen. Raises `DeviceError`."""
    with _admission(screen) if sys.platform.startswith("linux") else nullcontext():
        container = _open_first(screen, screen_attempts(screen, sys.platform))
    with closed_on_error(container):
        return VideoDevice(screen, container)


def _open_first(source: Device, attempts: Sequence[Attempt]) -> InputContainer:
    """Open a device in the first way that works; the last way's error is the one to tell."""
    code = 0
    for attempt in attempts:
        try:
            return av.open(attempt.name, format=attempt.demuxer, options=attempt.options, timeout=attempt.limit)
        except (av.FFmpegError, OSError) as error:
            code = error.errno or 0
        except ValueError as error:  # this build of FFmpeg has no such kind of device
            raise DeviceFailed(f"The {source.label} cannot be opened on this system: {error}.") from None
        logger.debug("%s does not open with %s: error %d", source.label, attempt.options, code)
        if code not in _NEXT_ATTEMPT:
            break
    raise _failure(source, code)


def _failure(source: Device, code: int) -> DeviceError:
    node = node_of(source)
    held_by: list[Holder] = holders(node) if node is not None else []
    if isinstance(source, Microphone) and node is not None and not held_by and not Path(node).exists():
        code = errno.ENOENT  # ALSA says EIO for hardware that is not there
    return open_failure(source, code, held_by)


@contextmanager
def _admission(screen: Screen) -> Iterator[None]:
    """Find out whether an X server lets us in, because FFmpeg says EIO to everything, and stay in for the block."""
    display = parse_display(screen.name)
    if display is None:
        name = screen.name or "(none: DISPLAY is not set)"
        raise DeviceNotFound(f"There is no X display {name}: name one, as in Screen(':0').")
    try:
        with x11.visit(display, PROBE_LIMIT):
            yield
    except (x11.Refusal, PermissionError):
        raise open_failure(screen, errno.EACCES) from None
    except (FileNotFoundError, ConnectionError):
        raise open_failure(screen, errno.ENOENT) from None
    except OSError as error:
        raise DeviceFailed(f"The {screen.label} does not answer ({error}): restart its X server.") from None


def _samples(container: InputContainer, converter: SoundConverter) -> bytes | None:
    """Return the samples of the next packet, None if there is none yet."""
    try:
        packet = next(container.demux(audio=0))
        return b"".join(converter.convert(frame) for frame in packet.decode())
    except BlockingIOError:
        return None
    except StopIteration:
        raise EOFError from None
