"""Whether media really flow: every device gives frames, and what is sent to the viewers goes on. Pure."""

from collections.abc import Iterable, Mapping

FRESH = 5.0  # seconds since the last frame of a device


class Flow:
    """Compares what is seen at one look with the look before."""

    def __init__(self) -> None:
        self._sent: Mapping[int, int] = {}  # packets, by stream

    def look(self, ages: Iterable[float], sent: Mapping[int, int]) -> bool:
        """Whether media flow, by the seconds since the last frame of each source and the packets of each stream.

        Without a source nothing flows. A stream that is new has time until the next look; if none of the others has
        sent anything, the encoder or the network is stuck.
        """
        former, self._sent = self._sent, dict(sent)
        known = [stream for stream in sent if stream in former]
        goes_on = not known or any(sent[stream] > former[stream] for stream in known)
        seconds = list(ages)
        return bool(seconds) and max(seconds) < FRESH and goes_on
