"""What a reader's thread reads: one open source, whatever is behind it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import av
from av.container import InputContainer

from peer.capture.coded import Coded, Coding
from peer.capture.format import Opened
from peer.capture.source import Kind

Frame = av.VideoFrame | av.AudioFrame
NOTHING_CODED: Mapping[Kind, Coding] = MappingProxyType({})

_epoch = time.monotonic()  # the system's clock: the same in a program and in the processes that read for it


def capture_time() -> float:
    """Return now on the capture clock, in seconds since the program began."""
    return time.monotonic() - _epoch


def capture_epoch() -> float:
    """Return when the capture clock of this process began, by the system's clock."""
    return _epoch


def adopt_epoch(epoch: float) -> None:
    """Let the capture clock of this process be that of the one whose epoch this is."""
    global _epoch
    _epoch = epoch


@contextmanager
def closed_on_error(container: InputContainer) -> Iterator[InputContainer]:
    """Hand an open container over to the block, and close it if the block fails: an error may live on for long."""
    try:
        yield container
    except BaseException:
        container.close()
        raise


@dataclass(frozen=True, slots=True)
class Demand:
    """What somebody wants of a source: of which kinds frames, and of which what the source gives encoded."""

    frames: frozenset[Kind] = frozenset(Kind)
    coded: frozenset[Kind] = frozenset()


class Input(ABC):
    """An open source. Everything here is called by one thread, the one that opened it."""

    kinds: tuple[Kind, ...]
    form: Opened
    coded: Mapping[Kind, Coding] = NOTHING_CODED  # what it can give encoded besides
    demand = Demand()  # whoever reads keeps it up to date; frames that nobody wants need not be decoded
    is_live: bool = True  # False: it is proven to work by being open, and waits for its first subscriber

    @abstractmethod
    def read(self) -> Sequence[Frame | Coded]:
        """Return what is there, stamped and in memory of its own; nothing if nothing is yet.

        Raises `EOFError` when the source is over, `OSError` or `av.FFmpegError` when it fails.
        """

    @abstractmethod
    def delay(self) -> float:
        """Return how many seconds to wait before reading again after nothing was there."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the device."""
