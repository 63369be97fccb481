"""Putting one object into one store, and being sure that it is there."""
