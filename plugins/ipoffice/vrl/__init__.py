"""What Voice Recording Library files say about their calls."""
