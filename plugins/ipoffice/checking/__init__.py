"""Tries the settings of a device once, and changes nothing."""
