"""SFTP server that takes recordings pushed by Voicemail Pro servers."""
