"""The hub's services for page tests: a real catalog with sample calls; audio and supervisor are stood in for."""

import io
import json
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hub import ids
from hub.access.absent_calls import AbsentCallReader
from hub.access.accounts import Accounts
from hub.access.live_reader import LiveReader
from hub.access.passwords import Passwords
from hub.access.permissions import PERMISSIONS
from hub.access.person import Person
from hub.access.reader import RecordingReader
from hub.access.repeats import Repeats
from hub.access.sessions import Sessions
from hub.access.tokens import ApiTokens
from hub.alerts.board import Board
from hub.alerts.codes.devices import DEVICE_DOWN, SMDR_LOST
from hub.alerts.codes.system import JOBS_LATE
from hub.app.services import Services
from hub.audit.actor import SYSTEM
from hub.catalog import preferences
from hub.catalog.commit import commit_recordings
from hub.catalog.prepared import MediaKind, PreparedMedia, PreparedRecording, Verified
from hub.catalog.recording import RecordingDetail
from hub.clock import to_ms, utc_now
from hub.config import HubConfig
from hub.config.secrets import SecretBox
from hub.db.database import Database
from hub.ingest.frames import frame_samples
from hub.ingest.peaks import PeakMeter
from hub.ingest.quarantine import Quarantine
from hub.ingest.spool import Spool
from hub.observe.health import Readiness
from hub.rules.rules import Rules
from hub.runtime.failure import Failure, FailureKind, PluginFailure
from hub.runtime.instance import InstanceHealth, InstanceState
from hub.runtime.instances import Instances
from hub.runtime.live.control import LiveControl
from hub.runtime.plugins import Plugins
from hub.runtime.uploads import Uploads
from hub.sdk import Alarm, Health, HealthState, Kind, MediaFile, PluginSettings, RecordingDraft, Severity
from hub.vault.peaks import HEADER_BYTES, find_level
from hub.vault.playback import PlaybackProblem
from hub.vault.stream import FileMissing, MediaStream
from tests.doubles import speechlike
from tests.doubles.recordings import sha256
from tests.doubles.sample_calls import SampleCall, sample_calls
from tests.doubles.sample_rules import add_absences, add_rules

if TYPE_CHECKING:
    from collections.abc import Callable

LOGIN, PASSWORD = "maria", "a long road to a calm lake 17"
DEVICES = ("Head office", "Branch 深圳", "Hotline")
_LONGEST_AUDIO_S = 7200


class SamplePlayback:
    """Plays made-up talk of the right length for every sample call."""

    def __init__(self) -> None:
        self.gone: set[int] = set()

    def open(self, recording: RecordingDetail, form: str) -> MediaStream:
        """Raises: FileMissing for those that the test let vanish."""
        if recording.id in self.gone:
            raise FileMissing
        content = speechlike.wav(_audio(recording.id, recording.duration_s, 1 if recording.mixed else 2))

        def reader(offset: int, length: int | None) -> BinaryIO:
            return io.BytesIO(content[offset:][:length])

        name = f"{recording.text_id}{'.orig' if form == 'original' else ''}.wav"
        return MediaStream(
            size_bytes=len(content), content_type="audio/wav", filename=name, etag=sha256(name), reader=reader
        )

    def problem(self, recording: RecordingDetail) -> PlaybackProblem | None:
        """Why it cannot be played now."""
        return PlaybackProblem(away=False, text="gone") if recording.id in self.gone else None

    def peaks(self, recording: RecordingDetail, level: int) -> bytes:
        """Peaks of the same talk."""
        lanes = max(media.channels for media in recording.media if media.kind is MediaKind.ORIGINAL)
        samples = _audio(recording.id, recording.duration_s, lanes)
        size = frame_samples(speechlike.RATE_HZ)
        whole = samples[: len(samples) // size * size]
        meter = PeakMeter(speechlike.RATE_HZ, samples.shape[1])
        frames = np.ascontiguousarray(whole.reshape(-1, size, samples.shape[1]).transpose(0, 2, 1))
        meter.add(frames.transpose(0, 2, 1))
        content = meter.encode(len(samples))
        found = find_level(content[:HEADER_BYTES], level)
        return found.wrap(content[found.offset :][: found.size_bytes])

    def close(self) -> None:
        """Nothing is open."""


@lru_cache(maxsize=8)
def _audio(recording_id: int, length_s: float, channels: int) -> Any:
    talk = speechlike.talk(min(length_s, _LONGEST_AUDIO_S), min(channels, 2), recording_id % 1000)
    more = [np.roll(talk[:, 1], 30_000 * place) for place in range(1, channels - 1)]
    return np.column_stack([talk, *more])


class SampleCommands:
    """Answers as a supervisor would: what `answer` says, and it remembers what it was told."""

    def __init__(self) -> None:
        self.answer: Callable[[PluginSettings], Health] = _folder_answer
        self.told: list[tuple[str, int]] = []

    def check(self, kind: Kind, plugin: str, settings: PluginSettings, instance_id: int | None = None) -> Health:
        """Raises: PluginFailure as `answer` does."""
        del kind, plugin, instance_id
        return self.answer(settings)

    def reload(self, instance_id: int) -> None:
        """Remembered."""
        self.told.append(("reload", instance_id))

    def restart(self, instance_id: int) -> None:
        """Remembered."""
        self.told.append(("restart", instance_id))


def _folder_answer(settings: PluginSettings) -> Health:
    folder = Path(getattr(settings, "folder", "/"))
    if not folder.is_dir():
        raise PluginFailure(
            Failure(
                kind=FailureKind.SETTINGS,
                message=f"{folder} does not exist.",
                hint="Create it or mount it, then press Test again.",
                fields={"folder": [f"{folder} does not exist."]},
            )
        )
    warnings = ("Something else takes files out of this folder; is Media Manager still running?",)
    return Health(
        HealthState.OK, "The folder can be read and emptied.", numbers={"waiting_items": 3}, warnings=warnings
    )


def build(config: HubConfig, db: Database) -> Services:
    """Services over a migrated database."""
    config.make_folders()
    secrets, plugins = SecretBox.open(config), Plugins()
    sessions, board, spool = Sessions(db), Board(db), Spool(config.spool)
    commands: Any = SampleCommands()
    return Services(
        config=config,
        db=db,
        secrets=secrets,
        permissions=PERMISSIONS,
        accounts=Accounts(db, sessions, passwords=Passwords()),
        sessions=sessions,
        tokens=ApiTokens(db),
        repeats=Repeats(db, secrets),
        reader=RecordingReader(db),
        live=(live := LiveReader(db)),
        live_control=LiveControl(db, live, commands, plugins),
        uploads=Uploads(config.uploads, db, plugins, commands),
        playback=SamplePlayback(),  # type: ignore[arg-type]
        quarantine=Quarantine(spool, db, board),
        spool=spool,
        plugins=plugins,
        instances=Instances(db, secrets, plugins),
        rules=Rules(db),
        absent_calls=AbsentCallReader(db),
        commands=commands,
        board=board,
        readiness=Readiness([]),
    )


def add_administrator(services: Services) -> Person:
    """The first administrator, as the set-up page makes them."""
    token = services.accounts.issue_setup_token()
    return services.accounts.create_first_administrator(token, LOGIN, "Maria Huber", PASSWORD, SYSTEM)


def add_samples(services: Services, now: datetime | None = None) -> list[int]:
    """Devices in several states, a store, the sample calls, alarms and something in quarantine.

    Returns: the ids of the recordings, the newest first.
    """
    now = now or utc_now()
    devices = add_devices(services, now)
    store = services.instances.create(
        Kind.CONNECTOR, "local", "Local disk", {"folder": str(services.config.storage)}, SYSTEM
    )
    services.instances.create(
        Kind.CONNECTOR, "local", "NAS in the cellar", {"folder": "/mnt/nas"}, SYSTEM, enabled=False
    )
    _record(services, store.id, InstanceHealth(state=InstanceState.OK, since_ms=_ago(now, 40)))
    with services.db.write() as session:
        before = preferences.load(session)
        preferences.save(session, before.model_copy(update={"primary_store": store.id}), SYSTEM, 0)
    made = add_calls(services, sample_calls(), devices, store.id, now)
    add_alarms(services, devices)
    add_rules(services, devices)
    add_absences(services, devices[0], now)
    _set_aside(services, devices[1])
    return made


def add_devices(services: Services, now: datetime) -> list[int]:
    """One that works, one in trouble, one that is down."""
    made = [
        services.instances.create(Kind.SOURCE, "ipoffice", name, {"folder": f"/opt/vmpro/{at}"}, SYSTEM).id
        for at, name in enumerate(DEVICES)
    ]
    healths = (
        InstanceHealth(
            state=InstanceState.OK,
            summary="Watching /opt/vmpro/MM/VRL.",
            since_ms=_ago(now, 55),
            numbers={"waiting_items": 0, "taken_today_items": 214, "lag_s": 0.4},
            last_recording_ms=_ago(now, 0.05),
        ),
        InstanceHealth(
            state=InstanceState.DEGRADED,
            summary="The call details (SMDR) of the PBX do not arrive; recordings do.",
            hint="Check in Manager under System, SMDR that the PBX sends to this machine, port 1150.",
            since_ms=_ago(now, 2),
            numbers={"waiting_items": 2},
            last_recording_ms=_ago(now, 0.4),
        ),
        InstanceHealth(
            state=InstanceState.DOWN,
            summary="/opt/vmpro/2 has vanished: no such folder.",
            hint="Mount the share again; the hub goes on by itself.",
            since_ms=_ago(now, 0.2),
        ),
    )
    for instance_id, health in zip(made, healths, strict=True):
        _record(services, instance_id, health)
    return made


def add_calls(
    services: Services, calls: list[SampleCall], devices: list[int], store_id: int, now: datetime
) -> list[int]:
    """Commit the calls; returns their ids in the same order."""
    prepared = [_prepared(call, number, devices, store_id, now) for number, call in enumerate(calls)]
    with services.db.write() as session:
        made = commit_recordings(session, prepared, timezone_of=lambda _: "UTC")
    again = [_again(call, one) for call, one in zip(calls, prepared, strict=True) if call.origins > 1]
    if again:
        with services.db.write() as session:
            commit_recordings(session, again, timezone_of=lambda _: "UTC")
    return [one.recording_id for one in made]


def _draft(call: SampleCall, name: str, number: int, started_at: datetime, now: datetime) -> RecordingDraft:
    return RecordingDraft(
        origin_id=name,
        started_at=started_at,
        media=(),
        origin_server=DEVICES[call.device],
        origin_name=name,
        call_id=call.call_id,
        direction=call.direction,
        parties=call.parties,
        owner=call.owner,
        agent=call.agent,
        target=call.target,
        skill=call.skill,
        notice=call.notice_at(now),
        merge_same_media=True,
        fields={"ucid": call.call_id} if call.call_id else {},
        provenance={"started_at": "riff:INFO.ICRD", "parties": "riff:INFO.IART", "direction": "guess", "agent": "smdr"},
        raw={"riff:SIGN": bytes(range(96)), "riff:XAVA": b"vmpro 11.1.2 build 239"} if number % 3 == 0 else {},
        events=call.events,
        problem=call.problem,
    )


def _prepared(call: SampleCall, number: int, devices: list[int], store_id: int, now: datetime) -> PreparedRecording:
    started_at, recording_id = call.started_at(now), ids.new_id(to_ms(call.started_at(now)) + number)
    device = devices[call.device]
    name = f"{started_at:%Y%m%d_%H%M%S}_{number:03}.wav"
    channels = 1 if call.mixed else 2
    stem = f"{started_at:%Y/%m/%d}/{ids.to_text(recording_id)}"

    def media(kind: MediaKind, key: str, codec: str, size_bytes: int) -> PreparedMedia:
        return PreparedMedia(
            kind=kind,
            part=0,
            store_id=store_id,
            key=key,
            size_bytes=size_bytes,
            sha256=sha256(key),
            container="ogg" if codec == "opus" else "wav",
            codec=codec,
            sample_rate_hz=speechlike.RATE_HZ,
            channels=channels if kind is MediaKind.DERIVED else max(channels, call.lanes * (not call.mixed)),
            duration_s=call.length_s,
            browser_playable=kind is MediaKind.DERIVED,
            verified_by=Verified.SHA256,
        )

    forms = [media(MediaKind.ORIGINAL, f"{stem}.orig.wav", "pcm_mulaw", int(call.length_s * 8000 * channels) + 44)]
    if not call.problem:
        forms.append(media(MediaKind.DERIVED, f"{stem}.opus", "opus", int(call.length_s * 1660 * channels)))
        forms.append(media(MediaKind.PEAKS, f"{stem}.peaks", "", 9000))
    return PreparedRecording(
        recording_id=recording_id,
        receipt_id=sha256(f"{device} {name}"),
        instance_id=device,
        draft=_draft(call, name, number, started_at, now),
        received_at=min(started_at + timedelta(seconds=call.length_s + 1), now),
        duration_s=call.length_s,
        has_speech=not call.problem,
        mixed=call.mixed,
        media=tuple(forms),
        problem=call.problem,
    )


def _again(call: SampleCall, first: PreparedRecording) -> PreparedRecording:
    """The same bytes from the secondary server."""
    del call
    draft = RecordingDraft(
        origin_id="again-" + first.draft.origin_id,
        started_at=first.draft.started_at,
        media=(),
        origin_server="Secondary 广州",
        origin_name="again-" + first.draft.origin_name,
        merge_same_media=True,
    )
    return PreparedRecording(
        recording_id=ids.new_id(),
        receipt_id=sha256(draft.origin_id),
        instance_id=first.instance_id,
        draft=draft,
        received_at=first.received_at,
        duration_s=first.duration_s,
        has_speech=True,
        mixed=first.mixed,
        media=first.media,
    )


def add_alarms(services: Services, devices: list[int]) -> None:
    """Open ones of several severities, and one that is over."""
    board = services.board
    board.raise_alarm(
        f"instance:{devices[2]}",
        DEVICE_DOWN.alarm("runtime.state", device=DEVICES[2], reason="/opt/vmpro/2 has vanished: no such folder."),
    )
    board.raise_alarm(
        f"instance:{devices[1]}", SMDR_LOST.alarm("smdr", device=DEVICES[1], reason="connection refused.")
    )
    board.raise_alarm("hub", Alarm(key="note", code="SYSTEM_RESTART", severity=Severity.INFORMATION, text="Started."))
    board.raise_alarm("hub", JOBS_LATE.alarm("late", jobs=12, minutes=10))
    board.clear("hub", "late")


def _set_aside(services: Services, device: int) -> None:
    source = services.config.data / "broken.wav"
    source.write_bytes(b"RIFF\xff\xff\xff\xff nothing that makes sense" * 40)
    draft = RecordingDraft(
        origin_id="broken", started_at=utc_now(), media=(MediaFile(path=source),), origin_name="20261121_091500_014.wav"
    )
    receipt = services.spool.submit(device, draft)
    claim = services.spool.claim(receipt.id)
    assert claim is not None
    target = services.spool.quarantine / receipt.id
    claim.folder.rename(target)
    services.spool.release(claim)
    why = {
        "code": "STORE_REFUSED",
        "text": "The store refused it: the name is too long.",
        "hint": "Shorten the folder of the store, then try again.",
        "room": "vault",
        "since_ms": to_ms(utc_now()),
    }
    (target / "reason.json").write_text(json.dumps(why))


def _record(services: Services, instance_id: int, health: InstanceHealth) -> None:
    services.instances.record_health({instance_id: health})


def _ago(now: datetime, hours: float) -> int:
    return to_ms(now - timedelta(hours=hours))
