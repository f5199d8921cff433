"""Publish a file to a WHIP endpoint, then leave: python whip.py https://example.org/whip/lobby film.webm [TOKEN]"""

import asyncio
import sys

from peer import ExeuntError, File, SourceEnded, WhipPublisher, leave_on_signals


async def main(url: str, path: str, token: str | None = None) -> None:
    me = WhipPublisher(url, token=token)

    @me.on_source_ended
    def over(event: SourceEnded) -> None:
        print(f"{event.device} is over" if event.text is None else event.text, flush=True)
        me.request_exit()

    with leave_on_signals(me):
        async with me:
            publication = await me.publish(File(path))
            print(f"sending {publication.source.label}, {publication.format.describe()}", flush=True)
            report = await me.wait_exited()
    print(f"out: {report.reason}, the server {report.notice} it", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:4]))
    except ExeuntError as error:
        sys.exit(str(error))
