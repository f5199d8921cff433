"""The switches of the kernel's test camera (vivid), and what a second exclusive user of a camera would be told."""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator


def _iowr(number: int, size: int) -> int:
    return (3 << 30) | (size << 16) | (ord("V") << 8) | number


QUERYCTRL, S_CTRL, REQBUFS = _iowr(36, 68), _iowr(28, 8), _iowr(8, 20)
NEXT = 0x80000000  # V4L2_CTRL_FLAG_NEXT_CTRL
CAPTURE, MMAP = 1, 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE, V4L2_MEMORY_MMAP


def switch(name: str, value: int, device: str = "/dev/video0") -> None:
    """Set a control: "Disconnect", "Inject Fatal Streaming Error", "Percentage of Dropped Buffers", ..."""
    handle = os.open(device, os.O_RDWR)
    try:
        control = next(number for number, known in _controls(handle) if known == name)
        fcntl.ioctl(handle, S_CTRL, bytearray(struct.pack("Ii", control, value)))
    finally:
        os.close(handle)


def second_user(device: str = "/dev/video0") -> str:
    """Ask for buffers as another program would that wants to stream: "free", or the error's name."""
    handle = os.open(device, os.O_RDWR)
    try:
        fcntl.ioctl(handle, REQBUFS, struct.pack("IIIII", 1, CAPTURE, MMAP, 0, 0))
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    else:
        return "free"
    finally:
        os.close(handle)


def _controls(handle: int) -> Iterator[tuple[int, str]]:
    number = NEXT
    while True:
        answer = bytearray(68)
        struct.pack_into("I", answer, 0, number)
        try:
            fcntl.ioctl(handle, QUERYCTRL, answer)
        except OSError:
            return
        number, _, name = struct.unpack_from("II32s", answer)
        yield number, name.split(b"\0")[0].decode()
        number |= NEXT
