"""What a process that reads a device and its parent say to each other, and the socket they say it over.

    parent  Start   Play   Free …                Stop
    helper             Begun   Filled, Filled …        Failed | Ended

Frames themselves cross in shared memory; `Filled` says where one lies and `Free` gives its slot back. As many messages
are under way as there are slots, far fewer than the socket holds: sending never waits for the other side. The end of
the file is the last word of both: the other side has died.
"""

import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from peer import errors
from peer.capture.reading import Ending, Ready
from peer.capture.source import Camera, File, Kind, Microphone, Screen, Source
from peer.errors import DeviceError, DeviceFailed

_HEAD = struct.Struct("!I")  # bytes of the message that follows
_READ = 65536  # bytes
_SOURCES: dict[str, Callable[..., Source]] = {kind.__name__: kind for kind in (Camera, File, Microphone, Screen)}
T = TypeVar("T")


class Word(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Anything that is said."""


class Start(Word, frozen=True):
    """What is to be read, and when the capture clock began."""

    source: str
    fields: dict[str, str | int | float | bool | None]
    epoch: float

    @classmethod
    def of(cls, source: Source, epoch: float) -> "Start":
        """Put a source into a message. Raises `DeviceFailed` if it is of somebody else's making."""
        if type(source) not in _SOURCES.values():
            raise DeviceFailed(f"The {source.label} cannot be read in a process of its own: use isolation='thread'.")
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in vars(source).items()}
        return cls(type(source).__name__, plain, epoch)

    def to_source(self) -> Source:
        """Return the source that was put in."""
        return _SOURCES[self.source](**self.fields)


class Play(Word, frozen=True):
    """Somebody listens: a file may begin."""


class Free(Word, frozen=True):
    """A slot has been copied out."""

    kind: Kind
    slot: int


class Stop(Word, frozen=True):
    """Close the device and end."""


class Begun(Word, frozen=True):
    """The device is open and gives frames."""

    ready: Ready


class Filled(Word, frozen=True):
    """A frame lies in a slot, at an offset in the memory; so many older ones were dropped before it."""

    kind: Kind
    slot: int
    offset: int
    stamp: int
    dropped: int = 0
    width: int = 0
    height: int = 0
    color_range: int = 0
    colorspace: int = 0


class Failed(Word, frozen=True):
    """The device could not be opened, or never gave a frame."""

    error: str  # the name of a class in peer.errors
    text: str

    def to_error(self) -> DeviceError:
        """Return the error that was meant."""
        kind = getattr(errors, self.error, DeviceFailed)
        return kind(self.text) if issubclass(kind, DeviceError) else DeviceFailed(self.text)


class Ended(Word, frozen=True):
    """The source has ended by itself."""

    ending: Ending


FromParent = Start | Play | Free | Stop
FromHelper = Begun | Filled | Failed | Ended
to_helper = msgspec.msgpack.Decoder(FromParent)
to_parent = msgspec.msgpack.Decoder(FromHelper)


class Channel(Generic[T]):
    """One end of the socket between the two. It owns it; `T` is what it hears."""

    def __init__(self, connection: socket.socket, decoder: "msgspec.msgpack.Decoder[T]") -> None:
        self._connection = connection
        self._decoder = decoder
        self._received = bytearray()
        self._lock = threading.Lock()  # of whole messages

    def send(self, word: Word) -> None:
        """Say something, from any thread. To an end that is gone it is said in vain."""
        body = msgspec.msgpack.encode(word)
        try:
            with self._lock:
                self._connection.sendall(_HEAD.pack(len(body)) + body)
        except OSError:  # it has ended: `receive()` says so
            return

    def receive(self) -> list[T]:
        """Wait for the next words and return all that have come; an empty list once the other end is gone."""
        words: list[T] = []
        while not words:
            try:
                more = self._connection.recv(_READ)
            except OSError:  # reset, because it left before it had heard all
                return []
            if not more:
                return []
            self._received += more
            words = self._parse()
        return words

    def close(self) -> None:
        """Let go of the socket."""
        with self._lock:  # its number may soon be another file's
            self._connection.close()

    def _parse(self) -> list[T]:
        words, at = [], 0
        while len(self._received) >= at + _HEAD.size:
            (length,) = _HEAD.unpack_from(self._received, at)
            end = at + _HEAD.size + length
            if len(self._received) < end:
                break
            words.append(self._decoder.decode(self._received[at + _HEAD.size : end]))
            at = end
        del self._received[:at]
        return words
