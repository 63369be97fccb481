"""The first schema, one module per group of tables."""
