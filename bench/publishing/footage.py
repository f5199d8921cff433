"""The picture and the tone that every publisher sends: a raw film of our test pattern behind moving noise, and a sine.

Flat bars alone are too easy for an encoder: a texture that wanders, with grain that is new in every picture, asks of it
what a camera does.
"""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from peer.capture.picture import Pattern, Plane

WIDTH, HEIGHT, FPS = 1280, 720, 30
SECONDS = 3
RATE, TONE = 48_000, 440  # Hz
TEXTURE, GRAIN = 14.0, 1.5  # luma: how strong the texture is, and what a sensor adds
BLOCK = 4  # pixels of a texture's grain
SWAY = 60  # pixels: the texture goes around a circle of this radius once in the film, so that no cut is seen
SEED = 20


@dataclass(frozen=True)
class Footage:
    """Two files to be played in a loop."""

    video: Path
    audio: Path


def write(folder: Path, *, frames: int = SECONDS * FPS, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Footage:
    """Write both files into a folder."""
    footage = Footage(folder / "picture.y4m", folder / "tone.wav")
    with footage.video.open("wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (*size, FPS))
        for planes in pictures(*size, frames):
            file.write(b"FRAME\n")
            file.writelines(np.ascontiguousarray(plane).tobytes() for plane in planes)
    with wave.open(str(footage.audio), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(tone(SECONDS).tobytes())
    return footage


def pictures(width: int, height: int, count: int) -> Iterator[tuple[Plane, Plane, Plane]]:
    """Yield so many pictures (Y, U, V) whose texture goes around once."""
    random = np.random.default_rng(SEED)
    pattern = Pattern(width, height)
    texture = _texture(random, width, height)
    for number in range(count):
        luma = np.empty((height, width), np.uint8)
        chroma = np.empty((height // 2, width // 2), np.uint8), np.empty((height // 2, width // 2), np.uint8)
        milliseconds = number * 1000 // FPS
        pattern.draw((luma, *chroma), milliseconds, f"00:00:{milliseconds / 1000:06.3f}")
        yield _covered(luma, _moved(texture, number / count), random), *chroma


def tone(length: int) -> NDArray[np.int16]:
    """Return a sine of so many seconds, the same on both channels."""
    moments = np.arange(length * RATE)
    sound: NDArray[np.int16] = (8000 * np.sin(moments * (2 * np.pi * TONE / RATE))).astype(np.int16).repeat(2)
    return sound


def _texture(random: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """Return a noise of several sizes, as surfaces have."""
    texture = np.zeros((height, width), np.float32)
    for octave in (BLOCK, BLOCK * 4, BLOCK * 16):
        coarse = random.standard_normal((-(-height // octave), -(-width // octave)), np.float32)
        texture += coarse.repeat(octave, 0).repeat(octave, 1)[:height, :width]
    return texture * np.float32(TEXTURE / 3**0.5)


def _moved(texture: NDArray[np.float32], round_part: float) -> NDArray[np.float32]:
    angle = 2 * np.pi * round_part
    return np.roll(texture, (round(SWAY * np.sin(angle)), round(SWAY * np.cos(angle))), (0, 1))


def _covered(luma: Plane, texture: NDArray[np.float32], random: np.random.Generator) -> Plane:
    grain = random.standard_normal(luma.shape, np.float32) * np.float32(GRAIN)
    covered: Plane = np.clip(luma + texture + grain, 16, 235).astype(np.uint8)
    return covered
