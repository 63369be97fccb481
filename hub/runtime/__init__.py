"""How plug-ins live, fail and come back."""
