"""Letters are taken once, in order, whatever breaks on the way."""

from hypothesis import given, settings, strategies

from peer.conversation.letter import FIRST, LAST, MAX_HEAD, MAX_RELIABLE, PIECE, Head, Letter, Taken, from_server, read
from peer.conversation.window import KEPT_BYTES, KEPT_LETTERS, POSTED_LETTERS, Incoming, Outgoing, Pieces
from signaling.messages import MAX_CONTENT, json_size


def add(outgoing: Outgoing, content: bytes = b"1") -> int:
    number = outgoing.next_number
    outgoing.add(Letter(Head(topic="t", number=number, form="bytes"), content))
    return number


def deliver(outgoing: Outgoing, incoming: Incoming, pieces: Pieces) -> list[bytes]:
    """Say everything over one channel; return what was new."""
    new = []
    while (piece := outgoing.piece()) is not None:
        body = pieces.add(piece)
        letter = read(body) if body is not None else None
        if letter is not None and incoming.take(letter.head.number):
            new.append(letter.content)
    return new


def test_what_is_said_over_a_channel_is_taken_in_order_and_forgotten_once_that_is_known() -> None:
    outgoing, incoming = Outgoing(), Incoming()
    numbers = [add(outgoing, content) for content in (b"a", b"b" * 40_000, b"")]
    assert not outgoing.is_said(numbers[0])
    assert deliver(outgoing, incoming, Pieces()) == [b"a", b"b" * 40_000, b""]
    assert all(map(outgoing.is_said, numbers))
    assert not outgoing.is_empty
    outgoing.hear(incoming.taken())
    assert outgoing.is_empty
    assert outgoing.is_said(numbers[2])
    assert incoming.last == 3


def test_on_a_new_way_all_is_said_again_and_nothing_is_taken_twice() -> None:
    outgoing, incoming = Outgoing(), Incoming()
    for content in (b"a", b"b" * 40_000, b"c"):
        add(outgoing, content)
    first, second, broken = outgoing.piece(), outgoing.piece(), Pieces()
    assert first is not None
    assert second is not None
    body = broken.add(first)
    assert body is not None
    assert incoming.take(1)
    assert broken.add(second) is None
    outgoing.again()
    assert deliver(outgoing, incoming, Pieces()) == [b"b" * 40_000, b"c"]


def test_a_letter_whose_pieces_are_under_way_is_kept_until_its_last_piece() -> None:
    outgoing, pieces = Outgoing(), Pieces()
    add(outgoing, b"a" * 40_000)
    add(outgoing, b"b")
    first = outgoing.piece()
    assert first is not None
    pieces.add(first)
    outgoing.hear(Taken(number=1))
    assert deliver(outgoing, Incoming(), pieces) == [b"a" * 40_000, b"b"]
    outgoing.hear(Taken(number=1))
    assert not outgoing.is_empty
    assert outgoing.is_said(2)


def test_through_the_server_few_are_on_their_way_at_a_time_and_none_that_is_too_large() -> None:
    outgoing = Outgoing()
    assert outgoing.envelope() is None
    for _ in range(POSTED_LETTERS + 1):
        add(outgoing)
    add(outgoing, b"x" * 20_000)
    said = [outgoing.envelope() for _ in range(POSTED_LETTERS + 1)]
    assert None not in said[:-1]
    assert said[-1] is None
    outgoing.hear(Taken(number=POSTED_LETTERS))
    assert outgoing.envelope() is not None
    assert outgoing.envelope() is None


def test_where_there_is_no_other_way_a_large_letter_goes_through_the_server_in_pieces() -> None:
    outgoing, incoming, pieces, came = Outgoing(), Incoming(), Pieces(), []
    contents = [b"a", bytes(range(256)) * 200, b"b"]
    for content in contents:
        add(outgoing, content)
    envelopes = list(iter(lambda: outgoing.envelope(in_pieces=True), None))
    assert max(json_size(envelope) for envelope in envelopes) <= MAX_CONTENT
    for one in map(from_server, envelopes):
        body = pieces.add(one) if isinstance(one, bytes) else None
        letter = one if isinstance(one, Letter) else read(body) if body is not None else None
        if letter is not None and incoming.take(letter.head.number):
            came.append(letter.content)
    assert came == contents
    outgoing.hear(incoming.taken())
    assert outgoing.is_empty


def test_a_letter_that_the_server_lost_is_asked_for_once_until_there_is_another_way() -> None:
    incoming = Incoming()
    assert incoming.take(1)
    assert not incoming.take(3)
    assert incoming.taken() == Taken(number=1, missing=True)
    assert not incoming.take(4)
    assert incoming.taken() == Taken(number=1)
    incoming.renewed()
    assert not incoming.take(4)
    assert incoming.taken() == Taken(number=1, missing=True)
    assert incoming.take(2)
    assert not incoming.take(1)
    assert incoming.taken() == Taken(number=2)


def test_what_may_be_lost_is_asked_for_though_nothing_was_ever_taken() -> None:
    incoming = Incoming()
    assert incoming.is_known
    incoming.missed()
    assert not incoming.is_known
    assert incoming.taken() == Taken(number=0, missing=True)
    incoming.take(1)
    assert incoming.taken() == Taken(number=1)
    assert not incoming.is_known


def test_what_is_asked_for_is_said_again() -> None:
    outgoing = Outgoing()
    for _ in range(3):
        add(outgoing)
        outgoing.envelope()
    outgoing.hear(Taken(number=1, missing=True))
    again = from_server(outgoing.envelope())
    assert isinstance(again, Letter)
    assert again.head.number == 2


def test_what_is_kept_is_bounded_in_number_and_bytes() -> None:
    many, large = Outgoing(), Outgoing()
    for _ in range(KEPT_LETTERS):
        assert many.has_room(1)
        add(many)
    assert not many.has_room(0)
    add(large, bytes(MAX_RELIABLE))
    assert large.has_room(KEPT_BYTES - MAX_RELIABLE)
    assert not large.has_room(KEPT_BYTES - MAX_RELIABLE + 1)


def test_pieces_without_a_beginning_or_without_an_end_are_no_letter() -> None:
    pieces = Pieces()
    assert pieces.add(b"") is None
    assert pieces.add(bytes([LAST]) + b"late") is None
    assert pieces.add(bytes([FIRST | LAST]) + b"whole") == b"whole"
    assert pieces.add(bytes([FIRST])) is None
    for _ in range((MAX_HEAD + MAX_RELIABLE) // (PIECE - 1) + 1):
        assert pieces.add(bytes(PIECE)) is None
    assert pieces.add(bytes([LAST])) is None


@settings(max_examples=60, deadline=None)
@given(strategies.lists(strategies.sampled_from(["say", "piece", "post", "lose", "taken", "break"]), max_size=60))
def test_nothing_is_lost_doubled_or_out_of_order_whatever_breaks(steps: list[str]) -> None:
    outgoing, incoming, pieces, taken = Outgoing(), Incoming(), Pieces(), list[int]()

    def take(letter: object) -> None:
        if isinstance(letter, Letter) and incoming.take(letter.head.number):
            taken.append(letter.head.number)

    for step in steps:
        match step:
            case "say":
                add(outgoing, b"x" * 20_000 if outgoing.next_number % 3 == 0 else b"x")
            case "piece" if (piece := outgoing.piece()) is not None:
                if (body := pieces.add(piece)) is not None:
                    take(read(body))
            case "post" | "lose":
                outgoing.again()
                pieces, envelope = Pieces(), outgoing.envelope()
                if step == "post":
                    take(from_server(envelope))
            case "taken":
                outgoing.hear(incoming.taken())
            case "break":
                outgoing.again()
                pieces = Pieces()
    outgoing.again()
    for piece in iter(outgoing.piece, None):
        if (body := Pieces().add(piece) if piece[0] == FIRST | LAST else pieces.add(piece)) is not None:
            take(read(body))
    assert taken == list(range(1, outgoing.next_number))
    outgoing.hear(incoming.taken())
    assert outgoing.is_empty


def test_what_the_server_was_given_is_not_handed_over_and_the_server_counts_without_what_was() -> None:
    outgoing, incoming = Outgoing(), Incoming()
    assert outgoing.hand_over() is None
    numbers = [add(outgoing, content) for content in (b"a", b"b", b"c")]
    first = outgoing.hand_over()
    assert first is not None
    assert first.content == b"a"
    assert [outgoing.is_said(number) for number in numbers] == [True, False, False]
    assert post(outgoing, incoming) == b"b"
    outgoing.again()
    assert outgoing.hand_over() is None
    assert post(outgoing, incoming, is_again=True) is None  # known there
    assert outgoing.envelope(is_again=True) is None
    outgoing.hear(incoming.taken())
    third = outgoing.hand_over()
    assert third is not None
    assert third.content == b"c"
    add(outgoing, b"d")
    outgoing.hear(incoming.taken())  # late
    assert post(outgoing, incoming) == b"d"
    outgoing.hear(incoming.taken())
    assert outgoing.is_empty


def post(outgoing: Outgoing, incoming: Incoming, *, is_again: bool = False) -> bytes | None:
    """Say a letter through the server; return what was new."""
    letter = from_server(outgoing.envelope(is_again=is_again))
    assert isinstance(letter, Letter)
    return letter.content if incoming.take(letter.head.number) else None


@settings(max_examples=60, deadline=None)
@given(strategies.lists(strategies.sampled_from(["say", "open", "close", "post", "lose", "taken"]), max_size=60))
def test_over_a_channel_without_acknowledgements_and_the_server_nothing_is_lost_doubled_or_out_of_order(
    steps: list[str],
) -> None:
    outgoing, incoming, came, said, is_open = Outgoing(), Incoming(), list[bytes](), 0, False
    for step in [*steps, "taken", "close", *["lose", "post", "taken"] * len(steps)]:
        match step:
            case "say":
                add(outgoing, str(said := said + 1).encode())
            case "open" | "close":
                is_open = step == "open"
                outgoing.again()
            case "post" | "lose":
                outgoing.again()
                letter = from_server(outgoing.envelope(is_again=is_open))
                if step == "post" and isinstance(letter, Letter) and incoming.take(letter.head.number):
                    came.append(letter.content)
            case "taken":
                outgoing.hear(incoming.taken())
        while is_open and (handed := outgoing.hand_over()) is not None:
            came.append(handed.content)
    assert came == [str(number).encode() for number in range(1, said + 1)]
    assert outgoing.is_empty
