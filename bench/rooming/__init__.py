"""Servers, clients and figures of `bench/rooms.py`."""
