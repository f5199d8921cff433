"""Cameras, microphones, screens, files and a test pattern: opened once, shared, and always let go.

    capture = await acquire(Camera())
    print(capture.format.describe())
    unsubscribe = capture.subscribe(Kind.VIDEO, lambda frame: ...)
    ...
    release = await capture.release()

Frames are `av.VideoFrame` (yuv420p, even dimensions, time base 1/90000) and `av.AudioFrame` (s16, stereo, 48 kHz, 960
samples, time base 1/48000), all stamped by one capture clock.
"""

from peer.capture.capture import OPEN_TIMEOUT, RELEASE_TIMEOUT, Capture, acquire, release_all
from peer.capture.devices import Device, enumerate_devices
from peer.capture.format import Opened
from peer.capture.mailbox import Deliver, Ended, Frame
from peer.capture.source import Camera, File, Kind, Microphone, Screen, Source, TestPattern

__all__ = [
    "OPEN_TIMEOUT",
    "RELEASE_TIMEOUT",
    "Camera",
    "Capture",
    "Deliver",
    "Device",
    "Ended",
    "File",
    "Frame",
    "Kind",
    "Microphone",
    "Opened",
    "Screen",
    "Source",
    "TestPattern",
    "acquire",
    "enumerate_devices",
    "release_all",
]
