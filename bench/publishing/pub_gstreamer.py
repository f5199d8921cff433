"""A publisher made of GStreamer: one encoder, a tee behind it, and a webrtcbin for each viewer.

    /usr/bin/python3 -m bench.publishing.pub_gstreamer ADDRESS COUNT CODEC BITRATE VIDEO

It runs in the system's Python, where Debian's gi is. VIDEO is a y4m film without an end: a named pipe.
"""

import sys
from typing import Any

import gi  # type: ignore[import-not-found]  # the system's

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # type: ignore[import-not-found]  # noqa: E402

from bench.publishing.offers import answer_to  # noqa: E402

NO_KEY_FRAMES = 3000  # frames between key frames that nobody asked for
ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=superfast bitrate={kilobits} key-int-max={distance} ! "
    "video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency mtu=1200",
    "vp8": "vp8enc deadline=1 cpu-used=8 target-bitrate={bits} end-usage=cbr keyframe-max-dist={distance} ! "
    "rtpvp8pay picture-id-mode=15-bit mtu=1200",
}
PIPELINE = """
    filesrc location={video} blocksize=1048576 ! y4mdec ! identity sync=true ! queue max-size-buffers=3 ! {encoder} !
    application/x-rtp,media=video,encoding-name={name},payload=96,clock-rate=90000 !
    tee name=video allow-not-linked=true
    audiotestsrc is-live=true freq=440 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2 ! queue !
    opusenc bitrate=96000 ! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000 !
    tee name=audio allow-not-linked=true
"""


class Publisher:
    """The pipeline; each webrtcbin is added when the one before is connected to its viewer."""

    def __init__(self, address: str, count: int, codec: str, bitrate: int, video: str) -> None:
        encoder = ENCODERS[codec].format(kilobits=bitrate // 1000, bits=bitrate, distance=NO_KEY_FRAMES)
        self._pipeline = Gst.parse_launch(PIPELINE.format(video=video, encoder=encoder, name=codec.upper()))
        self._address = address
        self._left = count
        self.loop = GLib.MainLoop()
        bus = self._pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self._failed)

    def run(self) -> None:
        """Publish until ended."""
        self._add()
        self._pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()

    def _add(self) -> None:
        if not self._left:
            return
        self._left -= 1
        outlet = Gst.ElementFactory.make("webrtcbin")
        outlet.set_property("bundle-policy", "max-bundle")
        outlet.connect("on-negotiation-needed", self._offer)
        outlet.connect("notify::ice-gathering-state", self._gathered)
        self._pipeline.add(outlet)
        queues = {kind: Gst.ElementFactory.make("queue") for kind in ("video", "audio")}
        for queue in queues.values():
            self._pipeline.add(queue)
            queue.link_pads("src", outlet, None)
        for element in (*queues.values(), outlet):
            element.sync_state_with_parent()
        for kind, queue in queues.items():
            self._pipeline.get_by_name(kind).link_pads(None, queue, "sink")
        for number in range(2):
            transceiver = outlet.emit("get-transceiver", number)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)

    def _offer(self, outlet: Any) -> None:
        outlet.emit("create-offer", None, Gst.Promise.new_with_change_func(self._offered, outlet))

    def _offered(self, promise: Any, outlet: Any) -> None:
        promise.wait()
        reply = promise.get_reply()  # the offer lives as long as we hold this
        outlet.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def _gathered(self, outlet: Any, _: Any) -> None:
        if outlet.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self._say, outlet)

    def _say(self, outlet: Any) -> bool:
        answer = answer_to(self._address, outlet.get_property("local-description").sdp.as_text())
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        outlet.emit("set-remote-description", description, Gst.Promise.new())
        self._add()
        return False

    def _failed(self, _: Any, message: Any) -> None:
        print(message.parse_error(), file=sys.stderr)
        self.loop.quit()


if __name__ == "__main__":
    Gst.init(None)
    Publisher(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]).run()
