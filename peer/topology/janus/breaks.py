"""How long to wait before something that failed is tried again. Pure."""


class Breaks:
    """Breaks from `shortest` to `longest` seconds, doubling; after something that has held for `longest`, anew."""

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest, self._longest = shortest, longest
        self._next = shortest

    def after(self, held_for: float) -> float:
        """Return how long to wait after what was tried has held for so many seconds."""
        if held_for >= self._longest:
            self._next = self._shortest
        wait, self._next = self._next, min(2 * self._next, self._longest)
        return wait
