"""Which letters are on their way to one user, and which have come from there. Pure.

Every reliable letter has a number. The sender keeps it until it is known to be taken, and says it again on every new
way: another data channel, the server, the server after somebody was away. The receiver takes each number once, in
their order. So no way that breaks loses a letter, doubles one, or changes their order.
"""

from collections import deque

from peer.conversation.letter import (
    FIRST,
    LAST,
    MAX_HEAD,
    MAX_RELIABLE,
    PIECE,
    POSTED_PIECE,
    Letter,
    Taken,
    cut,
    in_piece,
    numbered,
    posted,
    written,
)

KEPT_LETTERS = 256  # to one user, until they are taken
KEPT_BYTES = 4 * 1024 * 1024
POSTED_LETTERS = 16  # through the server at a time, until they are taken


class Outgoing:
    """The letters to one user that are not known to be taken, and how far they have been said on the present way."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque()
        self._size = 0  # bytes
        self._next = 1  # the number of the next letter
        self._said = 0  # how many of the letters have been said as a whole
        self._body, self._offset = b"", 0  # of the one that is being said in pieces
        self._posted = 0  # the number of the last letter that the server was ever given
        self._handed = 0  # letters that were handed over; the server counts without them

    @property
    def next_number(self) -> int:
        """The number that the next letter must have."""
        return self._next

    @property
    def is_empty(self) -> bool:
        """Whether everything is known to be taken."""
        return not self._letters

    def has_room(self, size: int) -> bool:
        """Whether a letter of so many bytes may still be added."""
        return len(self._letters) < KEPT_LETTERS and self._size + size <= KEPT_BYTES

    def add(self, letter: Letter) -> None:
        """Keep a letter until it is taken."""
        assert letter.head.number == self._next, letter.head
        self._letters.append(letter)
        self._size += len(letter.content)
        self._next += 1

    def is_said(self, number: int) -> bool:
        """Whether that letter has been said as a whole on the present way, or is taken."""
        return number < self._next - len(self._letters) + self._said

    def piece(self) -> bytes | None:
        """Return the next piece for a data channel; None: everything is said."""
        return None if self._said == len(self._letters) else self._next_piece(PIECE)

    def _next_piece(self, size: int) -> bytes:
        if self._offset == 0:
            self._body = written(self._letters[self._said])
        piece = cut(self._body, self._offset, size)
        self._offset += size - 1
        if piece[0] & LAST:
            self._said, self._body, self._offset = self._said + 1, b"", 0
        return piece

    def hand_over(self) -> Letter | None:
        """Return the next letter, for a way on which nothing is acknowledged: it counts as taken. None: there is none.

        What the server was given may have been heard, so it is not for another way.
        """
        if not self._letters or self._letters[0].head.number <= self._posted:
            return None
        letter = self._letters.popleft()
        self._size -= len(letter.content)
        self._handed += 1
        return letter

    def envelope(self, *, in_pieces: bool = False, is_again: bool = False) -> dict[str, object] | None:
        """Return the next letter for the server, or the next piece of one that is too large, if it may go `in_pieces`.

        `is_again`: only what the server was given before. None: all are said, enough are on their way, or it is too
        large.
        """
        if self._said in (len(self._letters), POSTED_LETTERS):
            return None
        letter = self._letters[self._said]
        if is_again and letter.head.number > self._posted:
            return None
        envelope = None if self._offset else posted(self._counted(letter))
        if envelope is not None:
            self._said += 1
            self._posted = max(self._posted, letter.head.number)
        elif in_pieces:
            return in_piece(self._next_piece(POSTED_PIECE))
        return envelope

    def _counted(self, letter: Letter) -> Letter:
        """Return a letter with its number among those that go through the server."""
        return Letter(numbered(letter.head, letter.head.number - self._handed), letter.content)

    def again(self) -> None:
        """There is a new way: everything is to be said on it."""
        self._said, self._body, self._offset = 0, b"", 0

    def hear(self, taken: Taken) -> None:
        """Forget what was taken. A letter whose pieces are under way is kept until the last of them."""
        last = taken.number + self._handed
        while self._letters and self._letters[0].head.number <= last and (self._said or not self._offset):
            self._size -= len(self._letters.popleft().content)
            self._said = max(0, self._said - 1)
        if taken.missing:
            self.again()


class Incoming:
    """The letters from one user that were taken."""

    def __init__(self) -> None:
        self._last = 0
        self._is_missing = False  # a letter came too early, and nobody has been told
        self._is_told = False

    @property
    def last(self) -> int:
        """The number of the last letter that was taken; 0: none yet."""
        return self._last

    def take(self, number: int) -> bool:
        """Whether this letter is the next one: then it is taken. Others are known already, or come too early."""
        if number == self._last + 1:
            self._last, self._is_missing, self._is_told = number, False, False
            return True
        self._is_missing = self._is_missing or (number > self._last and not self._is_told)
        return False

    def taken(self) -> Taken:
        """Say what was taken, and, once, that something is missing."""
        missing, self._is_missing = self._is_missing, False
        self._is_told = self._is_told or missing
        return Taken(number=self._last, missing=missing)

    @property
    def is_known(self) -> bool:
        """Whether the sender knows all of this: nothing was taken, and nothing is missing."""
        return not self._last and not self._is_missing

    def missed(self) -> None:
        """Something may have been lost on its way, and the sender does not know."""
        self._is_missing = True

    def renewed(self) -> None:
        """There is a new way: what is missing may be told again."""
        self._is_told = False


class Pieces:
    """What has come of a letter over one data channel."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> bytes | None:
        """Take a piece; return the whole letter after its last. Without a first piece, or too large: nothing."""
        mark = piece[0] if piece else 0
        if mark & FIRST:
            self._parts, self._size = [], 0
        elif not self._parts:
            return None
        self._parts.append(piece[1:])
        self._size += len(piece) - 1
        if self._size > MAX_HEAD + MAX_RELIABLE:
            self._parts = []
        if not mark & LAST or not self._parts:
            return None
        body, self._parts = b"".join(self._parts), []
        return body
