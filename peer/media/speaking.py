"""Whether somebody speaks: by the levels that their packets carry (RFC 6464), else by those of their decoded sound."""

import asyncio
import time
from collections.abc import Callable

from peer.media.inbound.flow import Speech
from peer.media.loudness import level
from peer.media.opus_decoding import Samples


class Speaking:
    """One user's speech. `tell` is called, on the loop, when they begin and when they end.

    Levels that packets carry need no decoder. Of a sender whose packets carry none, sound that is decoded because
    somebody reads it is measured instead.
    """

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell
        self._speech = Speech()
        self._is_carried = False  # packets say how loud they are
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_speaking(self) -> bool:
        """Whether sound is loud enough for speech, and was a moment ago."""
        return self._speech.is_speaking

    def begin_anew(self) -> None:
        """Another stream comes, whose packets may carry levels or not."""
        self._is_carried = False

    def carried(self, dbov: int, now: float) -> None:
        """A packet says how loud it is, dBov, at `now`, in seconds of the monotonic clock."""
        self._is_carried = True
        self._told(self._speech.heard(dbov, now))

    def decoded(self, samples: Samples) -> None:
        """Sound was decoded."""
        if not self._is_carried:
            self._told(self._speech.heard(level(samples), time.monotonic()))

    def close(self) -> None:
        """Tell nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _told(self, is_speaking: bool | None) -> None:
        if is_speaking is not None:
            self._tell(is_speaking)
        if is_speaking:
            self._watch()

    def _watch(self) -> None:
        """See to it that they fall silent when nothing comes any more."""
        self.close()
        due = self._speech.next_deadline()
        if due is not None:
            self._timer = asyncio.get_running_loop().call_later(max(due - time.monotonic(), 0.0), self._advance)

    def _advance(self) -> None:
        self._told(self._speech.advance(time.monotonic()))
        self._watch()
