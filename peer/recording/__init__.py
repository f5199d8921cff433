"""Recording: what the others send, written as it came, into WebM, MP4 or Matroska.

`recorder.py` hears the frames on the loop, `writer.py` is the thread that writes; what is written is decided by pure
modules: `reel.py` (one file), `timeline.py` (when), `matroska.py` and `mp4.py` (as what).
"""
