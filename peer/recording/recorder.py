"""Records what the others send: every frame as it came, without decoding, into a file per room or per user.

async with Peer(url, room="lobby", user="recorder") as me, Recorder(me, "lobby.mkv"):
    await me.wait_exited()
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from peer.errors import UsageError
from peer.events import RecordingEnded, RecordingFailed, RecordingStarted
from peer.media.encoded import EncodedFrame
from peer.recording.backlog import Entry
from peer.recording.containers import container_of, refusal
from peer.recording.disk import OutputFile, create
from peer.recording.reel import TrackLength
from peer.recording.writer import Happening, Prepare, Writer

if TYPE_CHECKING:
    from peer.peer import Peer
    from peer.visit import RemoteUser

START_LIMIT = 5.0  # seconds for the disk to say whether the folder is there
FINISH_LIMIT = 1.5  # seconds for what waits to be written; less than the step of the exit may take
MAX_BACKLOG = 32 * 1024 * 1024  # bytes
PER_USER = "{user}"  # in a path: a file for each


class Recorder:
    """Records everybody in the room, or the `users` named, for the length of an `async with` block or of the visit.

    The suffix of `path` says what is written: `.webm` (VP8, Opus), `.mp4` (H.264, Opus) or `.mkv` (all). One file holds
    everybody, each as a track of picture and one of sound, whenever they come or go; with `{user}` in the path there is
    a file for each. A file that is there already is left alone: the new one is room-2.mkv. So is the next one, if
    somebody changes the codec in the middle.

    What was captured at the same time is played at the same time, as far as the senders' reports tell. The file can be
    played at every moment; what crashes loses the last second. At most `max_backlog` bytes wait for a slow disk: more,
    a full disk, or a file that is removed end the recording with `onRecordingFailed`, and the call goes on.

    `composite`: one picture of everybody, in a grid of 1280x720 at 15 a second, and one sound; this is decoded and
    encoded, at the cost of a part of a core. It becomes H.264, or VP8 in WebM, whatever the others send.

    Raises `UsageError` for a path whose suffix is no container.
    """

    _open_file: Callable[[Path], OutputFile] = staticmethod(create)

    def __init__(
        self,
        me: "Peer",
        path: str | Path,
        *,
        users: Iterable[str] | None = None,
        composite: bool = False,
        max_backlog: int = MAX_BACKLOG,
    ) -> None:
        self.path = Path(path)
        self.container = container_of(self.path)
        self._is_each = PER_USER in self.path.name
        if composite and self._is_each:
            raise UsageError(f"a composite is one file of everybody: leave {PER_USER} out of its path")
        self._is_composite = composite
        self.files: list[Path] = []  # in the order in which they were begun
        self.failures: list[RecordingFailed] = []
        self._me = me
        self._users = None if users is None else frozenset(users)
        self._untap: dict[str, list[Callable[[], None]]] = {}  # by user
        self._needs_key: set[str] = set()  # whose picture has not begun
        self._refused: set[tuple[str, str]] = set()  # users and codecs
        self._over = asyncio.Event()
        self._writer: Writer | None = None
        self._max_backlog = max_backlog

    async def __aenter__(self) -> "Recorder":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_recording(self) -> bool:
        """Whether it has been started, and has neither failed nor been closed."""
        return self._writer is not None and not self._over.is_set()

    @property
    def tracks(self) -> tuple[TrackLength, ...]:
        """What is recorded at the moment, as far as it is written."""
        return () if self._writer is None else self._writer.tracks

    async def start(self) -> None:
        """Record from now on; the exit ends it. Raises `UsageError` if the folder is not there or we are not inside."""
        if self._writer is not None:
            raise UsageError("a Recorder records once: make another for another recording")
        recordings = self._me.recordings
        await _check_folder(self.path.parent)
        recordings.add(self)
        loop = asyncio.get_running_loop()
        self._writer = Writer(
            self._path_of,
            self.container,
            most=self._max_backlog,
            tell=partial(_tell, loop, self._happened),
            open_file=self._open_file,
            prepare=_composite(self.container) if self._is_composite else None,
        )
        self._writer.start()
        for user in tuple(self._me.users.values()):
            self.joined(user)

    async def close(self) -> None:
        """Write what waits and finish the files, in bounded time. May be called twice."""
        if self._writer is None:
            return
        for user in tuple(self._untap):
            self.left(user)
        self._writer.close()
        try:
            async with asyncio.timeout(FINISH_LIMIT):
                await self._over.wait()
        except TimeoutError:
            self._give_up(f"not all was written within {FINISH_LIMIT:g} s: the end is missing")

    def joined(self, user: "RemoteUser") -> None:
        """Record somebody from now on, if they are to be recorded."""
        if not self.is_recording or (self._users is not None and user.name not in self._users):
            return
        self._needs_key.add(user.name)
        self._untap[user.name] = [media.tap(partial(self._take, user)) for media in (user.video, user.audio)]
        user.video.request_key_frame()

    def left(self, name: str) -> None:
        """Record nothing more of somebody."""
        for untap in self._untap.pop(name, ()):
            untap()

    def _take(self, user: "RemoteUser", frame: EncodedFrame) -> None:
        if self._writer is None or not self.is_recording or self._is_refused(user.name, frame.codec):
            return
        if frame.kind == "video":
            self._ask_for_key(user, frame)
        file = user.name if self._is_each else ""
        if not self._writer.put(Entry(file, user.name, frame)):
            slow = "machine" if self._is_composite else "disk"
            self._give_up(f"the {slow} is too slow: more than it can take waits to be written")

    def _ask_for_key(self, user: "RemoteUser", frame: EncodedFrame) -> None:
        """A picture begins with a key frame: ask until it is there, as often as may be asked."""
        if frame.is_key:
            self._needs_key.discard(user.name)
        elif user.name in self._needs_key:
            user.video.request_key_frame()

    def _is_refused(self, user: str, codec: str) -> bool:
        text = None if self._is_composite else refusal(self.container, codec, user)
        if text is not None and (user, codec) not in self._refused:
            self._refused.add((user, codec))
            self._fail(RecordingFailed(path=str(self.path), text=text, user=user))
        return text is not None

    def _happened(self, happening: Happening | None) -> None:
        """Take in what the writer says, on the loop."""
        if self._over.is_set():
            return
        match happening:
            case RecordingStarted(path=path):
                self._begin_anew(Path(path))
                self._me.recordings.tell(happening)
            case RecordingEnded():
                self._me.recordings.tell(happening)
            case RecordingFailed():
                self._fail(happening)
            case None:
                self._end()

    def _begin_anew(self, path: Path) -> None:
        """Another file has begun: in one of everybody, the pictures of all begin with key frames again."""
        self.files.append(path)
        if self._is_each or len(self.files) == 1:
            return
        for name in self._untap:
            if (user := self._me.users.get(name)) is not None:
                self._needs_key.add(name)
                user.video.request_key_frame()

    def _fail(self, failed: RecordingFailed) -> None:
        self.failures.append(failed)
        self._me.recordings.tell(failed)

    def _give_up(self, text: str) -> None:
        if self._writer is not None and not self._over.is_set():
            self._writer.give_up()
            self._fail(RecordingFailed(path=str(self.files[-1] if self.files else self.path), text=text))
            self._end()

    def _end(self) -> None:
        self._over.set()
        self._me.recordings.discard(self)
        for user in tuple(self._untap):
            self.left(user)

    def _path_of(self, file: str) -> Path:
        return self.path.with_name(self.path.name.replace(PER_USER, file_name(file)))


def _composite(container: str) -> Prepare:
    from peer.recording.composite import Composite  # with encoders that nobody else needs

    return Composite(container)


def file_name(text: str) -> str:
    """Return a name that a file can have, whatever a user or a room is called."""
    return re.sub(r"[^\w.-]", "_", text).lstrip(".") or "_"


async def _check_folder(folder: Path) -> None:
    try:
        async with asyncio.timeout(START_LIMIT):
            is_there = await asyncio.to_thread(folder.is_dir)
    except TimeoutError:
        raise UsageError(f"the disk of {folder} does not answer: record to another") from None
    if not is_there:
        raise UsageError(f"there is no folder {folder}: make it first")


def _tell(
    loop: asyncio.AbstractEventLoop, told: Callable[[Happening | None], None], happening: Happening | None
) -> None:
    """Say something on the loop, if there is still one."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(told, happening)
