"""What receiving costs, and how well it goes over a bad link: the programs of `bench/receive.py`."""
