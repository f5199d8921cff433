"""Joining the rooms of a real RTCMultiConnection-Server, whose pages know nothing of us."""
