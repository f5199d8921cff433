"""What each word of a client takes: one table of who may say what. A core."""

from signaling.messages import (
    Ack,
    Answer,
    Candidate,
    Dismiss,
    Join,
    Kick,
    Leave,
    Mute,
    NeedOffer,
    Offer,
    Say,
    UpdateExtra,
)
from signaling.sdp import flow
from signaling.tokens import Grant

MODERATORS = {Grant.MODERATE.value, Grant.ADMIN.value}  # either will do
Guarded = Join | Leave | Ack | Offer | Answer | Candidate | NeedOffer | UpdateExtra | Kick | Dismiss | Say | Mute


def objection(message: Guarded, grants: frozenset[str]) -> str | None:
    """Return a sentence that says why a client with these grants may not say that; `None`: it may."""
    match message:
        case Offer(sdp=sdp) | Answer(sdp=sdp):
            return _objection_to_media(sdp, grants)
        case Say():
            return None if Grant.MESSAGE in grants else _takes(Grant.MESSAGE)
        case Kick() | Dismiss() | Mute():
            return None if MODERATORS & grants else _takes(Grant.MODERATE)
        case Join() | Leave() | Ack() | Candidate() | NeedOffer() | UpdateExtra():  # pragma: no branch - all are named
            return None


def _objection_to_media(sdp: str, grants: frozenset[str]) -> str | None:
    asked = flow(sdp)
    if asked.sends and Grant.PUBLISH not in grants:
        return _takes(Grant.PUBLISH)
    if asked.receives and Grant.SUBSCRIBE not in grants:
        return _takes(Grant.SUBSCRIBE)
    return None


def _takes(grant: Grant) -> str:
    return f"this takes a token with the grant {grant}"
