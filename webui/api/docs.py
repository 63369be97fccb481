"""The page that documents the API: made here from the same document that programs get."""

from starlette.requests import Request
from starlette.responses import Response

from webui.api.outline import groups_of, models_of
from webui.api.v1.app import PREFIX, describe
from webui.reach import shows, web_of


@shows()
def docs_page(request: Request) -> Response:
    """Every operation and every model."""
    document = describe()
    web = web_of(request)
    return web.renderer.page(
        request,
        "api/docs.html",
        groups=groups_of(document, web.config.public_url + PREFIX),
        models=models_of(document),
        document_url=f"{PREFIX}/openapi.json",
        version=document["info"]["version"],
    )
