"""What goes in and out of the API, as models that also make its documentation."""
