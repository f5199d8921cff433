"""The process that reads one device for its parent: it dies with it, and can be ended whatever the driver does.

Its main thread opens, reads and closes; another one listens to the parent all the time, and ends the process when the
parent is gone, also while a driver does not return. This module is the first of ours that the process imports: what
it needs not (the loop, the network, the rest of the peer) costs it no time.
"""

import ctypes
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import NoReturn

import av

from peer.capture.channel import (
    Begun,
    Channel,
    Ended,
    Failed,
    Filled,
    Free,
    FromParent,
    Play,
    Start,
    Stop,
    to_helper,
)
from peer.capture.coded import Coded
from peer.capture.convert import BLOCK_BYTES
from peer.capture.input import Demand, Frame, adopt_epoch
from peer.capture.memory import SharedMemory, picture_bytes
from peer.capture.reading import Ending, Reading, Ready, kind_of
from peer.capture.slots import SLOTS, WAITING, Lane
from peer.capture.source import Kind
from peer.errors import DeviceError

logger = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
BLOCKS_END = SLOTS[Kind.AUDIO] * BLOCK_BYTES  # where the slots of pictures begin


def main(connection: int, memory: int) -> NoReturn:
    """Read what the parent at the other end of the socket asks for, into the memory; end the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    _die_with_parent()
    channel = Channel(socket.socket(fileno=connection), to_helper)
    words = chain.from_iterable(iter(channel.receive, []))
    start = next(words, None)
    if isinstance(start, Start):
        _read(start, channel, SharedMemory(memory), words)
    os._exit(0)  # what the interpreter would clean up, the kernel does faster


def _read(start: Start, channel: Channel[FromParent], memory: SharedMemory, words: Iterator[FromParent]) -> None:
    adopt_epoch(start.epoch)
    reading_stops, audience = threading.Event(), Sender(channel, memory)
    listener = partial(_listen, words, audience, reading_stops)
    threading.Thread(target=listener, name="exeunt parent", daemon=True).start()
    source = start.to_source()
    try:
        ending = Reading(source, reading_stops, audience).run()
    except DeviceError as error:
        channel.send(Failed(type(error).__name__, str(error)))
        return
    except Exception as error:  # the outermost boundary: whoever waits must be told
        logger.exception("the reader of %s failed", source.label)
        ending = Ending(f"The {source.label} failed: {error!r}.")
    if ending is not None:
        channel.send(Ended(ending))


class Sender:
    """Lays frames into the memory and tells the parent. It is the audience of the reading.

    What the source gives encoded does not cross: the process is there for drivers of which nothing is known.
    """

    demand = Demand()

    def __init__(self, channel: Channel[FromParent], memory: SharedMemory) -> None:
        self._channel = channel
        self._memory = memory
        self._playing = threading.Event()
        self._lock = threading.Lock()  # of the lanes and what lies in their slots
        self._lanes: dict[Kind, Lane[Frame]] = {kind: Lane(SLOTS[kind], WAITING[kind]) for kind in Kind}

    @property
    def is_there(self) -> bool:
        """Whether the parent has a subscriber."""
        return self._playing.is_set()

    def ready(self, ready: Ready) -> None:
        """Tell that the device is open."""
        self._channel.send(Begun(Ready(ready.kinds, ready.form)))

    def take(self, frame: Frame) -> None:
        """Send a frame as soon as there is a slot for it; never wait."""
        kind = kind_of(frame)
        with self._lock:
            self._lanes[kind].put(frame, _bytes(frame))
            self._send(kind)

    def take_coded(self, coded: Coded) -> None:
        """Nobody asked for it."""
        raise AssertionError(coded)

    def play(self) -> None:
        """There is a subscriber."""
        self._playing.set()

    def free(self, kind: Kind, slot: int) -> None:
        """Have a slot back, and send what waited for it."""
        with self._lock:
            self._lanes[kind].free(slot)
            self._send(kind)

    def _send(self, kind: Kind) -> None:
        lane = self._lanes[kind]
        while (taken := lane.take()) is not None:
            slot, frame = taken
            offset = slot * lane.size + (BLOCKS_END if kind is Kind.VIDEO else 0)
            self._memory.grow(BLOCKS_END + self._lanes[Kind.VIDEO].size * SLOTS[Kind.VIDEO])
            self._channel.send(self._fill(frame, slot, offset, lane.take_dropped()))

    def _fill(self, frame: Frame, slot: int, offset: int, dropped: int) -> Filled:
        stamp = frame.pts or 0
        if isinstance(frame, av.AudioFrame):
            self._memory.write_block(offset, frame)
            return Filled(Kind.AUDIO, slot, offset, stamp, dropped)
        self._memory.write_picture(offset, frame)
        form = (frame.width, frame.height, int(frame.color_range), int(frame.colorspace))
        return Filled(Kind.VIDEO, slot, offset, stamp, dropped, *form)


def _listen(words: Iterator[FromParent], sender: Sender, reading_stops: threading.Event) -> None:
    """Do what the parent says, in a thread of its own; end the process when it is gone."""
    try:
        for word in words:
            _obey(word, sender, reading_stops)
    except Exception:  # without this thread nobody would notice that the parent is gone
        logger.exception("the process that reads a device cannot go on")
        os._exit(1)
    os._exit(0)


def _obey(word: FromParent, sender: Sender, reading_stops: threading.Event) -> None:
    match word:
        case Free(kind, slot):
            sender.free(kind, slot)
        case Play():
            sender.play()
        case Stop():
            reading_stops.set()
        case Start():
            raise AssertionError("a process reads one source")


def _die_with_parent() -> None:
    """Let the kernel end this process with the thread that started it, which lives as long (see `process.py`)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _bytes(frame: Frame) -> int:
    return picture_bytes(frame.width, frame.height) if isinstance(frame, av.VideoFrame) else BLOCK_BYTES
