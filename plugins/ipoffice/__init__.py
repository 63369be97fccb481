"""Recordings of Avaya IP Office from the Voicemail Pro hand-off folder."""
