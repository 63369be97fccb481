"""Recording Hub: one catalog for the call recordings of every PBX a company owns."""

__version__ = "0.1.0"
