"""Janus: what a client of its WebSocket API says and hears, for peers and for our server alike."""
