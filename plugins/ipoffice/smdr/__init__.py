"""Call details of IP Office (Station Message Detail Reporting)."""
