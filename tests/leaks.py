"""What a test may not leave behind: the testing kit's own."""

from peer.testing.leaks import Held, children as _children, held, tasks_left, wait_until_nothing_is_left

__all__ = ["Held", "_children", "held", "tasks_left", "wait_until_nothing_is_left"]
