from tests.unit.webui.api.conftest import administrator, make_token, services, site

__all__ = ["administrator", "make_token", "services", "site"]
