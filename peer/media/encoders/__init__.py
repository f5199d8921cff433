"""Encoders of pictures and sound, behind "encode once": frames in, bitstream out, all in the thread that calls.

They know nothing of threads, loops, RTP or who is watching. Each is used by one thread at a time and closed by it.
"""

from peer.media.encoders.choice import codecs_of, open_video_encoder
from peer.media.encoders.encoded import Encoded, VideoEncoder
from peer.media.encoders.opus import OpusEncoder

__all__ = ["Encoded", "OpusEncoder", "VideoEncoder", "codecs_of", "open_video_encoder"]
