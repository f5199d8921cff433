"""Stand-ins for hardware, for any test: a camera, a microphone and a screen without kernel drivers."""
