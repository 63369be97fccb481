"""From bytes of a capture to UDP datagrams and TCP streams: files, link layers, tunnels, fragments, segments."""
