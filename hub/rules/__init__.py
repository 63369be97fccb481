"""What is recorded: the rules, the hours and holidays they hold, and the account of calls without a recording."""
