"""A publisher as aiortc's own examples have it: MediaPlayer, and MediaRelay where there are several viewers.

    python -m bench.publishing.pub_aiortc ADDRESS COUNT CODEC VIDEO AUDIO

VIDEO is a film without an end, a named pipe: with `loop=True` MediaPlayer plays pictures as fast as it can from the
second round on, since their time stamps begin again and its clock does not. Sound has stamps that go on.
"""

import asyncio
import sys

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRelay

from bench.publishing.offers import answer_to


async def connect(address: str, codec: str, tracks: list[MediaStreamTrack]) -> RTCPeerConnection:
    """Send these tracks to the next viewer."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for track in tracks:
        pc.addTrack(track)
    for transceiver in pc.getTransceivers():
        if transceiver.kind == "video":
            known = RTCRtpSender.getCapabilities("video").codecs
            transceiver.setCodecPreferences(
                [one for one in known if codec in one.mimeType.lower() or "rtx" in one.mimeType]
            )
    await pc.setLocalDescription(await pc.createOffer())
    sdp = await asyncio.to_thread(answer_to, address, pc.localDescription.sdp)
    await pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
    return pc


async def main(address: str, count: int, codec: str, video: str, audio: str) -> None:
    """Publish until ended."""
    players = MediaPlayer(video).video, MediaPlayer(audio, loop=True).audio
    tracks = [track for track in players if track is not None]
    relay = MediaRelay()
    connections = []
    for _ in range(count):
        own = tracks if count == 1 else [relay.subscribe(track) for track in tracks]
        connections.append(await connect(address, codec, own))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
