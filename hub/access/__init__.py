"""Who may: people, sessions, tokens and the scope through which every read goes."""
