"""Rows of the list of recordings, written here and not in a template: fifty make the page that is opened most often."""

from collections.abc import Callable, Collection, Iterable, Sequence
from html import escape

from markupsafe import Markup

from hub.catalog.recording import RecordingRow
from hub.clock import to_ms
from hub.sdk import Owner, Party
from webui import parties
from webui.facts import problem_words
from webui.language import current, gettext, length, ngettext
from webui.recording_filters import DIRECTIONS

_HIDDEN = " hidden"
_NOTHING = frozenset({"—", "<bdi>—</bdi>"})


class RowWriter:
    """Writes rows for one viewer.

    icon: a symbol by its name and further classes. device_name: what people call the device with this id.
    hidden: names of columns that the viewer does not want to see.
    """

    def __init__(
        self,
        icon: Callable[..., Markup],
        device_name: Callable[[int], str],
        *,
        hidden: Collection[str],
        may_play: bool,
    ) -> None:
        self._icon = icon
        self._device_name = device_name
        self._language = current()
        self._hidden = hidden
        self._refusal = "" if may_play else gettext("You may not listen to recordings")
        self._unplayable = gettext("This recording cannot be played in a browser")
        self._select = escape(gettext("Select"))
        self._play = gettext("Play %(who)s")
        self._play_icons = f"{icon('play', 'play')}{icon('pause', 'pause')}"
        self._arrow = str(icon("chevron-right", "arrow"))
        self._directions = {
            value: f'<span class="direction {value}" title="{escape(gettext(label))}">'
            f"{icon(parties.DIRECTION_ICONS[value])}<span>{escape(gettext(label))}</span></span>"
            for value, label in DIRECTIONS.items()
        }

    def write(self, rows: Iterable[RecordingRow]) -> Markup:
        """All of them as table rows; every value is escaped."""
        return Markup("\n".join(self._row(row) for row in rows))  # noqa: S704 - escaped where it is written

    def _row(self, row: RecordingRow) -> str:
        name, who = row.text_id, escape(parties.title_of(row.parties))
        cells = (
            f'<td class="col-select"><input type="checkbox" data-select aria-label="{self._select} {who}"></td>',
            self._play_cell(row, name, who),
            f'<td class="col-date nowrap numeric"><a href="/r/{name}">{self._time(row)}</a></td>',
            self._cell("length", "end numeric", escape(length(row.duration_s))),
            self._cell("parties", "", self._people(row)),
            self._cell("direction", "nowrap", self._directions[row.direction]),
            self._cell("agent", "clip", escape(parties.straight(row.agent)) or "—", said=True),
            self._cell("owner", "clip", self._owner(row.owner) if row.owner else "—", said=True),
            self._cell("target", "clip", f"<bdi>{escape(parties.straight(row.target)) or '—'}</bdi>", said=True),
            self._cell("skill", "clip", escape(parties.straight(row.skill)) or "—", said=True),
            self._cell("call-id", "clip mono", escape(row.call_id) or "—", said=True, title=row.call_id),
            self._cell("device", "clip", escape(self._device_name(row.device_id)), said=True),
            self._cell("flags", "", f'<span class="flags">{self._flags(row)}</span>'),
        )
        start = f'<tr id="r-{name}" data-id="{name}" data-start="{to_ms(row.started_at)}">'
        return f"{start}{''.join(cells)}</tr>"

    def _cell(self, column: str, shape: str, content: str, *, said: bool = False, title: str | None = None) -> str:
        """said: its content is what the PBX said, and nothing to translate."""
        classes = " ".join(filter(None, (f"col-{column}", shape, "void" if content in _NOTHING else "")))
        translate = ' translate="no"' if said else ""
        about = f' title="{escape(title)}"' if title is not None else ""
        hidden = _HIDDEN if column in self._hidden else ""
        return f'<td class="{classes}"{translate}{about}{hidden}>{content}</td>'

    def _play_cell(self, row: RecordingRow, name: str, who: str) -> str:
        why = self._refusal or ("" if row.playable else self._unplayable)
        disabled = f' disabled title="{escape(why)}"' if why else ""
        label = escape(self._play) % {"who": who}
        return (
            f'<td class="col-play"><button class="round-play" type="button" data-play="{name}" data-who="{who}" '
            f'aria-label="{label}"{disabled}>{self._play_icons}</button></td>'
        )

    def _time(self, row: RecordingRow) -> str:
        exact, moment = self._language.exact(row.started_at), self._language.moment(row.started_at)
        return f'<time datetime="{row.started_at.isoformat()}" title="{escape(exact)}">{escape(moment)}</time>'

    def _people(self, row: RecordingRow) -> str:
        people = parties.in_order(row.parties)
        between = self._arrow if parties.is_directed(people) else '<span class="muted"> · </span>'
        shown = between.join(_party(one) for one in people[: parties.SHOWN])
        rest = people[parties.SHOWN :]
        names = escape(", ".join(parties.name_of(one) for one in rest))
        more = f'<span class="badge more" title="{names}">+{len(rest)}</span>' if rest else ""
        content = f"{shown}{more}" if people else '<span class="faint">—</span>'
        return f'<div class="parties" translate="no">{content}</div>'

    def _owner(self, owner: Owner) -> str:
        title = f"{gettext(parties.OWNER_KINDS[owner.kind])}: {parties.owner_of(owner)}"
        return (
            f'<span class="direction" title="{escape(title)}">{self._icon(parties.OWNER_ICONS[owner.kind], "small")}'
            f'<bdi class="clip">{escape(parties.straight(owner.name or owner.id))}</bdi></span>'
        )

    def _flags(self, row: RecordingRow) -> str:
        flags = []
        if row.problem:
            flags.append(self._flag("triangle-alert", "bad", problem_words(row.problem[0])))
        if row.notice.kind == "none":
            flags.append(self._flag("megaphone", "warn", gettext("The parties were not told")))
        elif row.notice.kind != "unknown":
            flags.append(self._flag("megaphone", "good", gettext("The parties were told")))
        if row.mixed:
            flags.append(self._flag("audio-waveform", "", gettext("All parties in one channel")))
        if row.other_devices:
            devices = [self._device_name(each) for each in (row.device_id, *row.other_devices)]
            flags.append(self._flag("layers", "", recorded_by(devices)))
        elif row.origin_count > 1:
            text = ngettext(
                "Arrived %(num)s time", "Arrived under %(num)s names or from several servers", row.origin_count
            )
            flags.append(self._flag("layers", "", text % {"num": row.origin_count}))
        if row.legs > 1:
            text = ngettext("%(num)s leg of this call", "%(num)s legs of this call", row.legs)
            flags.append(self._flag("waypoints", "", text % {"num": row.legs}))
        return "".join(flags)

    def _flag(self, symbol: str, shade: str, text: str) -> str:
        shown = escape(text)
        return (
            f'<span class="{shade}" title="{shown}">{self._icon(symbol)}'
            f'<span class="visually-hidden">{shown}</span></span>'
        )


def recorded_by(devices: Sequence[str]) -> str:
    """By which devices a call was recorded, which are two or more."""
    return gettext("Recorded by {devices} and {device}").format(devices=", ".join(devices[:-1]), device=devices[-1])


def _party(one: Party) -> str:
    title = escape(parties.name_of(one))
    number, name = escape(parties.straight(one.number)), escape(parties.straight(one.name))
    if name:
        content = f'<b>{number}</b> <bdi class="muted">{name}</bdi>'
        return f'<span class="party" dir="ltr" title="{title}">{content}</span>'
    return f'<span class="party bare" dir="ltr" title="{title}">{number or "—"}</span>'
