"""What `bench/publish.py` is made of: the publishers, their viewers, and the measuring."""
