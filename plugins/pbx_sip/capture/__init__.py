"""Packets of the running network: rings and sockets that take them in, filters, and what the machine allows."""
