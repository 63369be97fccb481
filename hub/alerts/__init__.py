"""What is wrong: conditions raised and cleared on one board."""
