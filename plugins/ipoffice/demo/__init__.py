"""Spoken calls for a demonstration, as a Voicemail Pro would leave them."""
