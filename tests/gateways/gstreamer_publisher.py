"""A WHIP publisher made of GStreamer's webrtcbin, for the system's Python: Debian's GStreamer has no WHIP elements.

/usr/bin/python3 gstreamer_publisher.py URL vp8|h264     says "connected", then "frames"; SIGTERM: DELETE, and ends
/usr/bin/python3 gstreamer_publisher.py                  says whether everything is installed
"""

import http.client
import signal
import sys
from typing import Any
from urllib.parse import urljoin, urlsplit

import gi  # type: ignore[import-not-found]  # the system's

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # type: ignore[import-not-found]  # noqa: E402

LIMIT = 20.0  # seconds for an answer
ELEMENTS = ("webrtcbin", "nicesrc", "x264enc", "vp8enc", "opusenc")
ENCODERS = {
    "vp8": "vp8enc deadline=1 cpu-used=8 ! rtpvp8pay picture-id-mode=15-bit",
    "h264": "x264enc tune=zerolatency speed-preset=superfast ! video/x-h264,profile=constrained-baseline ! "
    "rtph264pay config-interval=-1 aggregate-mode=zero-latency",
}
PIPELINE = """
    webrtcbin name=out bundle-policy=max-bundle
    videotestsrc is-live=true pattern=red ! video/x-raw,width=320,height=180,framerate=15/1 ! {encoder} !
    application/x-rtp,media=video,encoding-name={name},payload=96,clock-rate=90000 ! queue ! out.
    audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! queue ! opusenc ! rtpopuspay !
    application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000 ! queue ! out.
"""


class Publisher:
    """The pipeline and its session."""

    def __init__(self, url: str, codec: str) -> None:
        self._url, self._session = url, ""
        self.loop = GLib.MainLoop()
        self._pipeline = Gst.parse_launch(PIPELINE.format(encoder=ENCODERS[codec], name=codec.upper()))
        self._out = self._pipeline.get_by_name("out")
        self._out.connect("on-negotiation-needed", self._offer)
        self._out.connect("notify::ice-gathering-state", self._gathered)
        self._out.connect("notify::connection-state", self._changed)
        for number in range(2):
            transceiver = self._out.emit("get-transceiver", number)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)

    def run(self) -> None:
        self._pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        print("deleted", self._ask("DELETE", self._session)[0], flush=True)
        self._pipeline.set_state(Gst.State.NULL)

    def _offer(self, out: Any) -> None:
        out.emit("create-offer", None, Gst.Promise.new_with_change_func(self._offered, None))

    def _offered(self, promise: Any, _: Any) -> None:
        promise.wait()
        reply = promise.get_reply()  # the offer lives as long as we hold this
        self._out.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def _gathered(self, out: Any, _: Any) -> None:
        if out.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self._post)

    def _post(self) -> bool:
        offer = self._out.get_property("local-description").sdp.as_text()
        status, headers, answer = self._ask("POST", self._url, offer)
        if status != http.client.CREATED:
            sys.exit(f"{status}: {answer}")
        self._session = urljoin(self._url, headers["Location"])
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self._out.emit("set-remote-description", description, Gst.Promise.new())
        return False

    def _changed(self, out: Any, _: Any) -> None:
        print(out.get_property("connection-state").value_nick, flush=True)

    def _ask(self, method: str, url: str, body: str = "") -> tuple[int, Any, str]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=LIMIT)
        path = f"{parts.path}?{parts.query}"
        connection.request(method, path, body.encode(), {"Content-Type": "application/sdp"})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, response.headers, text


if __name__ == "__main__":
    Gst.init(None)
    if len(sys.argv) == 1:
        sys.exit(0 if all(map(Gst.ElementFactory.find, ELEMENTS)) else "an element is missing")
    publisher = Publisher(sys.argv[1], sys.argv[2])
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, publisher.loop.quit)
    publisher.run()
