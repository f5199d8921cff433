"""The kit's own fixtures, here instead of those of the same names that other tests have."""

from tests.testing.conftest import *  # noqa: F403 - which says what they are
