"""Rooms: who is in, who is told, and who may."""
