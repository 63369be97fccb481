"""The whole map of the site in one table."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from webui.assets import Assets
from webui.pages import (
    absent_calls,
    account,
    alarms,
    audit,
    events,
    gate,
    instance_forms,
    instances,
    live_calls,
    media,
    plugins,
    quarantine,
    recording,
    recordings,
    rule_forms,
    rule_test,
    rules,
    storage,
    uploads,
)

_POST = ["POST"]


def _home(request: Request) -> Response:
    del request
    return RedirectResponse("/recordings")


def routes(assets: Assets) -> list[BaseRoute]:
    """Every page."""
    return [
        Route("/", _home),
        Route("/static/{version}/{name:path}", assets.serve),
        Route("/favicon.ico", lambda _: RedirectResponse(assets.url("mark.svg"))),
        Route("/sign-in", gate.sign_in_page),
        Route("/sign-in", gate.sign_in, methods=_POST),
        Route("/sign-out", gate.sign_out, methods=_POST),
        Route("/setup", gate.setup_page),
        Route("/setup", gate.setup, methods=_POST),
        Route("/events", events.stream),
        Route("/recordings", recordings.list_page),
        Route("/recordings/fresh", recordings.fresh_rows),
        Route("/recordings/total", recordings.total),
        Route("/recordings/waiting", recordings.waiting_badge),
        Route("/live", live_calls.live_page),
        Route("/live/list", live_calls.live_list),
        Route("/live/{id}/audio", live_calls.audio),
        Route("/live/{id}/{action}", live_calls.act, methods=_POST),
        Route("/r/{id}", recording.detail_page),
        Route("/r/{id}/player", recording.player),
        Route("/media/{id}", media.play),
        Route("/media/{id}/download", media.download),
        Route("/media/{id}/original", media.original),
        Route("/media/{id}/parallel/{part:int}", media.parallel),
        Route("/media/{id}/peaks", media.peaks),
        Route("/storage/policy", storage.save_policy, methods=_POST),
        Route("/storage", storage.storage_page),
        Route("/devices", instance_forms.devices_page),
        *(route for section in instances.SECTIONS for route in instance_forms.routes(section)),
        *(route for section in instances.SECTIONS for route in instances.routes(section)),
        Route("/devices/{id:int}/files", uploads.upload, methods=_POST, max_body_size=uploads.BODY_BYTES),
        Route("/rules", rules.rules_page),
        Route("/rules/test", rule_test.test_page),
        Route("/rules/otherwise", rules.otherwise_page),
        Route("/rules/otherwise", rules.save_otherwise, methods=_POST),
        Route("/rules/{id:int}/move", rules.move, methods=_POST),
        Route("/rules/{id:int}/switch", rules.switch, methods=_POST),
        *(route for shelf in rule_forms.SHELVES for route in rule_forms.routes(shelf)),
        Route("/absent-calls", absent_calls.absent_calls_page),
        Route("/plugins", plugins.plugins_page),
        Route("/quarantine", quarantine.quarantine_page),
        Route("/quarantine/badge", quarantine.badge),
        Route("/quarantine/retry", quarantine.retry, methods=_POST),
        Route("/quarantine/{id}/{part:int}", quarantine.download),
        Route("/alarms", alarms.alarms_page),
        Route("/alarms/badge", alarms.badge),
        Route("/alarms/bell", alarms.bell),
        Route("/alarms/acknowledge", alarms.acknowledge, methods=_POST),
        Route("/audit", audit.audit_page),
        Route("/account", account.account_page),
        Route("/account", account.save_look, methods=_POST),
        Route("/account/theme", account.save_theme, methods=_POST),
        Route("/account/language", account.save_language, methods=_POST),
        Route("/account/password", account.change_password, methods=_POST),
        Route("/account/sessions/end", account.end_session, methods=_POST),
        Route("/account/tokens", account.add_token, methods=_POST),
        Route("/account/tokens/revoke", account.revoke_token, methods=_POST),
    ]
