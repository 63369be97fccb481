"""Settings of a mirror."""

from typing import ClassVar

from pydantic import ValidationInfo, field_validator

from hub.sdk import setting
from plugins.pbx_sip.capture.errors import BadExpression, NoCompiler
from plugins.pbx_sip.capture.expressions import check_media_passes
from plugins.pbx_sip.capture.interfaces import ETHERNET
from plugins.pbx_sip.engine.settings import LiveSettings
from plugins.pbx_sip.wire_settings import WireSettings


class MirrorSettings(WireSettings, LiveSettings):
    """Where the copy of the traffic arrives, and what in it is of interest."""

    settings_version: ClassVar[int] = 1

    interface: str = setting(
        "Network interface",
        "On which interface of this machine the mirrored traffic arrives (the target of a SPAN or monitor port, or of "
        "a tunnel that ends here).",
        examples=["eth1"],
        min_length=1,
        max_length=15,
    )
    expression: str = setting(
        "Filter",
        "What of the traffic is looked at, as tcpdump has it; empty: all. It must let signalling and media pass, and "
        "fragments.",
        default="",
        examples=["net 10.20.0.0/16 and (udp or tcp)"],
        group="filter",
        max_length=2000,
    )
    workers: int = setting(
        "Capture workers",
        "How many processes share the packets; one does for about 5,000 calls.",
        default=1,
        ge=1,
        le=16,
        group="advanced",
    )

    @field_validator("expression")
    @classmethod
    def _let_media_pass(cls, text: str, info: ValidationInfo) -> str:
        """Refuse what would end a mirror that works; where nothing can be compiled, whoever captures says so."""
        try:
            check_media_passes(text, ETHERNET, info.data.get("sip_ports", ()))
        except NoCompiler:
            return text
        except BadExpression as error:
            raise ValueError(f"{error}. {error.hint}") from None
        return text
