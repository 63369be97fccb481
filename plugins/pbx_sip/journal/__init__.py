"""Datagrams and messages on their way to the disk while calls go on, so that a crash costs next to nothing."""
