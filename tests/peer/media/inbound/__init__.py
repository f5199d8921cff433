"""What comes in: the cores of receiving."""
