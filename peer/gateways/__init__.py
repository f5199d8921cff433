"""Doors of a server for those who speak something else than our own protocol, and become users of its rooms.

`whip.py` lets WHIP publishers in (RFC 9725) and WHEP players out to: `add_whip(server)` before the server listens.
"""
