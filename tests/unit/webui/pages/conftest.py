from tests.unit.webui.api.conftest import administrator, services, site

__all__ = ["administrator", "services", "site"]
