"""SFTP client that fetches recordings from a Voicemail Pro server on a schedule."""
