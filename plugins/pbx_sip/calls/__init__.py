"""The call model: what signalling says of calls, which media belongs to whom, what becomes a recording."""
