"""Wiring only: builds the parts and hands each what it needs."""
