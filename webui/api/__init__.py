"""The REST API, mounted beside the pages, and the page that documents it."""
