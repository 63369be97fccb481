"""From payloads to sound: codings, lanes on one time line, the file that the hub is given."""
