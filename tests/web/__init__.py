"""The pages of a room, in real browsers with real media."""
