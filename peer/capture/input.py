"""What a reader's thread reads: one open source, whatever is behind it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from av.container import InputContainer

from peer.capture.format import Opened
from peer.capture.mailbox import Frame
from peer.capture.source import Kind

_EPOCH = time.monotonic()


def capture_time() -> float:
    """Return now on the capture clock, in seconds since the program began."""
    return time.monotonic() - _EPOCH


@contextmanager
def closed_on_error(container: InputContainer) -> Iterator[InputContainer]:
    """Hand an open container over to the block, and close it if the block fails: an error may live on for long."""
    try:
        yield container
    except BaseException:
        container.close()
        raise


class Input(ABC):
    """An open source. Everything here is called by one thread, the one that opened it."""

    kinds: tuple[Kind, ...]
    form: Opened
    is_live: bool = True  # False: it is proven to work by being open, and waits for its first subscriber

    @abstractmethod
    def read(self) -> list[Frame]:
        """Return what is there, stamped and in memory of its own; an empty list if nothing is yet.

        Raises `EOFError` when the source is over, `OSError` or `av.FFmpegError` when it fails.
        """

    @abstractmethod
    def delay(self) -> float:
        """Return how many seconds to wait before reading again after nothing was there."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the device."""
