"""Programs that `bench/exit.py` runs in processes of their own."""
