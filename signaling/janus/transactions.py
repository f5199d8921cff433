"""Which of our requests to Janus are answered. A core."""

from msgspec import structs

from signaling.janus.protocol import Ack, Error, Event, JanusWord, KeepAlive, Request, Success


class Transactions:
    """Our requests that are not answered yet."""

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[str, bool] = {}  # whether an ack is the answer

    def begin(self, request: Request, session: int | None, handle: int | None = None) -> Request:
        """Return a request as it is to be sent."""
        self._count += 1
        transaction = str(self._count)
        self._open[transaction] = isinstance(request, KeepAlive)
        return structs.replace(request, transaction=transaction, session_id=session, handle_id=handle)

    def answered(self, word: JanusWord) -> str | None:
        """Return the transaction that is over with this; None: it answers none of ours, or says more to come.

        The ack of what was said to a plugin may come after the answer.
        """
        transaction = word.transaction or ""
        if not isinstance(word, Success | Error | Event) and not (
            isinstance(word, Ack) and self._open.get(transaction)
        ):
            return None
        return None if self._open.pop(transaction, None) is None else transaction

    def give_up(self, transaction: str) -> None:
        """Nobody waits for that answer any more. One that was answered is ignored."""
        self._open.pop(transaction, None)
