"""What we know: recordings, parties, numbers, placements; commit and search."""
