"""The endpoint: captures, publishes, watches, and always leaves properly."""
