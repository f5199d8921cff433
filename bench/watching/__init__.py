"""What `bench/audience.py` runs: one publisher and its audience, in a mesh and by Janus."""
