"""What comes in, from RTP packets to whole frames: put in order, asked for again, put together. Cores, all of it.

    packets ──► ordering.py ──► assembling.py ──► EncodedFrame
                    │ missing       │ lost
                    ▼               ▼
                   NACK            PLI

`reception.py` ties one stream's parts together; `aiortc_receiver.py` beside this package carries out what it decides.
"""

from peer.media.inbound.counts import InboundCounts
from peer.media.inbound.flow import Freeze
from peer.media.inbound.packet import RtpPart
from peer.media.inbound.reception import Ledger, Reception, Step
from peer.media.inbound.sender_clock import SenderClock

__all__ = ["Freeze", "InboundCounts", "Ledger", "Reception", "RtpPart", "SenderClock", "Step"]
