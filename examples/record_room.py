"""Record everybody in a room until Ctrl-C: python record_room.py ws://127.0.0.1:8080/ws lobby lobby.mkv"""

import asyncio
import sys

from peer import ExeuntError, Peer, Recorder, RecordingEnded, RecordingFailed, RecordingStarted, leave_on_signals


async def main(url: str, room: str, path: str) -> None:
    me = Peer(url, room=room, user="recorder")

    @me.on_recording_started  # somebody has sent something
    def begun(event: RecordingStarted) -> None:
        print(f"recording to {event.path}", flush=True)

    @me.on_recording_ended
    def complete(event: RecordingEnded) -> None:
        print(f"{event.path}: {event.seconds:.1f} s, {event.size} bytes", flush=True)

    @me.on_recording_failed
    def failed(event: RecordingFailed) -> None:
        print(f"{event.path}: {event.text}", flush=True)

    with leave_on_signals(me):
        async with me, Recorder(me, path):
            await me.wait_exited()


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except ExeuntError as error:
        sys.exit(str(error))
