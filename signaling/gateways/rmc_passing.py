"""What two pages of RTCMultiConnection say to each other goes through our rooms as it is, as a `message`. A core.

Only the session of a page is believed to say such a thing. What it may send and receive is seen to here, as a room
sees to it in the words of our clients.
"""

from signaling.gateways import rmc_wire as wire
from signaling.grants import objection
from signaling.messages import Offer, Say

PASSED = "rtcmulticonnection"  # the topic


def passed(user: str, message: object) -> Say:
    """Return the word that takes what stands in an envelope to the page of a user."""
    return Say(topic=PASSED, data=message, to=user)


def objection_to(word: wire.Word | None, grants: frozenset[str]) -> str | None:
    """Return why a page with these grants may not say that; `None`: it may."""
    if not isinstance(word, wire.Description):
        return None
    return objection(Offer(user="", call="", sdp=word.sdp), grants)
