"""What a page counts of a user begins anew with each connection to that user; who waits for more does not."""

from collections.abc import Iterable

from peer.testing import Page


class Counted(Page):
    """A page whose figures are these, at each look."""

    def __init__(self, figures: Iterable[float]) -> None:
        super().__init__("bo", "lobby")
        self.figures = iter(figures)

    async def decoded_frames(self, user: str) -> int:
        return int(next(self.figures))

    async def sound_energy(self, user: str) -> float:
        return next(self.figures)


async def test_so_many_more_pictures_are_so_many_more_over_all_connections() -> None:
    page = Counted([200, 200, 202, 0, 1, 3, 99])
    await page.until_frames("ana", 5)
    assert next(page.figures) == 99


async def test_a_sound_that_begins_anew_is_a_sound() -> None:
    page = Counted([0.5, 0.5, 0.0, 0.01, 99.0])
    await page.until_sound("ana")
    assert next(page.figures) == 99
