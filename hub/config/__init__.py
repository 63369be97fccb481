"""Where things are and how they are set: hub configuration, preferences, secrets."""
