"""One camera in a room, which says on request how much it has sent.

    python -m bench.watching.publisher URL ROOM USER BITRATE VIDEO AUDIO

Each line on stdin is answered by one with the bytes of RTP that have left, to all together. The end of stdin is the
end.
"""

import asyncio
import json
import os
import sys

from peer import File, OutboundRtpStats, Peer

RTP_HEADER = 12  # bytes


async def main(url: str, room: str, user: str, bitrate: str, video: str, audio: str) -> None:
    """Publish until the end of stdin."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with Peer(url, room=room, user=user) as me:
        await me.publish(File(video, loop=True), codec="h264", bitrate=int(bitrate))
        await me.publish(File(audio, loop=True))
        while await lines.readline():
            os.write(1, f"{json.dumps({'sent': _sent(me)})}\n".encode())


def _sent(me: Peer) -> int:
    """Return the bytes that have left up to now, repetitions included."""
    streams = [one for one in me.stats() if isinstance(one, OutboundRtpStats)]
    return sum(
        one.bytes_sent + one.retransmitted_bytes_sent + RTP_HEADER * (one.packets_sent + one.retransmitted_packets_sent)
        for one in streams
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
