"""An m-line that another stream takes over: what aiortc remembers of the former. Private names of aiortc.

Media servers reuse m-lines that have become inactive, with other SSRCs. aiortc takes the description, and goes on to
expect what was described first: packets of the other stream go nowhere, if more than one m-line takes their codec.
"""

import functools
from typing import Any

import aiortc
from aiortc import RTCPeerConnection, RTCRtpReceiver
from aiortc.rtcdtlstransport import RtpRouter

from peer.errors import ExeuntError

REMOTE_RTP = "_RTCPeerConnection__remoteRtp"
NAMES = {name: f"_RTCRtpReceiver__{name}" for name in ("started", "rtx_ssrc", "remote_streams", "transport")}


@functools.cache
def self_test() -> None:
    """Raise `ExeuntError` if this aiortc is not one that we know; later calls do nothing."""
    known = set(RTCRtpReceiver.__init__.__code__.co_names)
    missing = [name for name in NAMES.values() if name not in known]
    missing += [] if hasattr(RTCPeerConnection, REMOTE_RTP) else [REMOTE_RTP]
    missing += [] if "ssrc_table" in RtpRouter.__init__.__code__.co_names else ["ssrc_table"]
    if missing:
        raise ExeuntError(f"aiortc {aiortc.__version__} has no {', '.join(missing)}: install aiortc>=1.16,<1.17")


def follow(connection: RTCPeerConnection) -> None:
    """Have every receiver that is at work expect what the other side's newest description says."""
    self_test()
    for transceiver in connection.getTransceivers():
        receiver: Any = transceiver.receiver
        if getattr(receiver, NAMES["started"]) and transceiver.currentDirection in ("recvonly", "sendrecv"):
            _expect(receiver, getattr(connection, REMOTE_RTP)(transceiver))


def _expect(receiver: Any, parameters: Any) -> None:
    router: RtpRouter = getattr(receiver, NAMES["transport"])._rtp_router
    expected = {encoding.ssrc for encoding in parameters.encodings}
    former = {ssrc for ssrc, owner in router.ssrc_table.items() if owner is receiver}
    if not expected or expected <= former:
        return
    for ssrc in former:
        del router.ssrc_table[ssrc]
    router.ssrc_table.update(dict.fromkeys(expected, receiver))
    repeats = {encoding.rtx.ssrc: encoding.ssrc for encoding in parameters.encodings if encoding.rtx}
    setattr(receiver, NAMES["rtx_ssrc"], repeats)
    getattr(receiver, NAMES["remote_streams"]).clear()  # or it would report of them for good
