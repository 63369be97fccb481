"""Where media rests: placement, read-through, copies."""
