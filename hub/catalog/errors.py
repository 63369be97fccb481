"""What the catalog refuses."""

from hub.errors import HubError


class CatalogError(HubError):
    """Root of the refusals of this floor."""


class RevisionConflict(CatalogError):
    """Someone else changed it meanwhile; `found` is the revision that it has now."""

    def __init__(self, message: str, *, found: int, hint: str = "Look at the present values and try again.") -> None:
        super().__init__(message, hint=hint)
        self.found = found


class NoSuchMedia(CatalogError):
    """The media object was deleted meanwhile."""
