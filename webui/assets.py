"""Static files: one version for all of them stands in every address, so that browsers keep them for ever."""

import hashlib
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

FOLDER = Path(__file__).parent / "static"
STYLE_PARTS = (
    "tokens",
    "ground",
    "layout",
    "controls",
    "menus",
    "forms",
    "choices",
    "status",
    "tables",
    "filters",
    "recordings",
    "live",
    "dock",
    "wave",
    "course",
    "cards",
    "rules",
    "details",
    "gate",
)
_CACHE_FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain",
    ".json": "application/json",
    ".png": "image/png",
}


class Assets:
    """The static folder and its version: a hash over the names and bytes of all files."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder

    @cached_property
    def files(self) -> dict[str, Path]:
        """Every file by its path below the folder, written with slashes."""
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file() and path.suffix in _TYPES)
        return {path.relative_to(self.folder).as_posix(): path for path in found}

    @cached_property
    def version(self) -> str:
        """Changes with any byte of any file."""
        digest = hashlib.sha256()
        for name, path in self.files.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:16]

    @cached_property
    def style_sheet(self) -> bytes:
        """All parts of the style sheet as one file."""
        parts = (self.folder / "css" / f"{part}.css" for part in STYLE_PARTS)
        return b"\n".join(part.read_bytes() for part in parts)

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Our own scripts, for preloading: a browser then fetches them at once and not one after the other."""
        return tuple(name for name in self.files if name.startswith("js/"))

    def url(self, name: str) -> str:
        """The address of a file.

        Raises: KeyError if there is no such file: a template names one that does not exist.
        """
        if name != "app.css" and name not in self.files:
            raise KeyError(f"no static file is called {name}")
        return f"/static/{self.version}/{name}"

    def serve(self, request: Request) -> Response:
        """A file of this version; another version's address answers with today's file and is not kept."""
        name = request.path_params["name"]
        caching = _CACHE_FOR_EVER if request.path_params["version"] == self.version else "no-store"
        headers = {"Cache-Control": caching}
        if name == "app.css":
            return Response(self.style_sheet, media_type="text/css", headers=headers)
        path = self.files.get(name)
        if path is None:
            return PlainTextResponse("There is no such file.", 404)
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=headers)
