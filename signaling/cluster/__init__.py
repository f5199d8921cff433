"""Many nodes as one server: each room is run by one node, sockets may be on any. See docs/scaling.md."""
