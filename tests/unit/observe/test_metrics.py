"""Metrics: one page for all processes, gauges read when asked for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import Counter, Histogram

from hub.observe import metrics
from hub.observe.metrics import OPEN_ALARMS, SPOOL_ITEMS, Gauge, Reading


def test_gauges_are_read_at_the_moment_of_asking():
    values = iter([3.0, 4.0])
    assert b"recording_hub_spool_items 3.0" in metrics.exposition(lambda: [Reading(SPOOL_ITEMS, next(values))])
    assert b"recording_hub_spool_items 4.0" in metrics.exposition(lambda: [Reading(SPOOL_ITEMS, next(values))])


def test_one_gauge_may_have_a_value_for_each_label():
    text = metrics.exposition(
        lambda: [Reading(OPEN_ALARMS, 1, {"severity": "major"}), Reading(OPEN_ALARMS, 2, {"severity": "minor"})]
    ).decode()
    assert 'recording_hub_open_alarms{severity="major"} 1.0' in text
    assert 'recording_hub_open_alarms{severity="minor"} 2.0' in text
    assert text.count("# TYPE recording_hub_open_alarms gauge") == 1


def test_counts_of_several_processes_are_added_up(tmp_path):
    environ = os.environ | metrics.shared_folder(tmp_path / "metrics", tmp_path)
    count = "from hub.observe.metrics import RECORDINGS; RECORDINGS.labels('Head office', 'new').inc(2)"
    for _ in range(2):
        subprocess.run([sys.executable, "-P", "-c", count], env=environ, check=True)
    show = "import sys; from hub.observe.metrics import exposition; sys.stdout.buffer.write(exposition())"
    page = subprocess.run([sys.executable, "-P", "-c", show], env=environ, check=True, capture_output=True, text=True)
    assert 'recording_hub_recordings_total{instance="Head office",outcome="new"} 4.0' in page.stdout


@pytest.mark.parametrize("is_memory", [True, False])
def test_a_new_start_of_the_hub_counts_from_zero_and_leaves_nothing_behind(tmp_path, is_memory):
    memory, folder = tmp_path / "memory", tmp_path / "run" / "metrics"
    if is_memory:
        memory.mkdir()
    for _ in range(2):
        shared = metrics.shared_folder(folder, memory)
        [place] = map(Path, shared.values())
        assert list(place.iterdir()) == list(folder.iterdir()) == []
        assert place.parent == (memory if is_memory else folder.parent)
        (place / "counter_1.db").write_bytes(b"old")
    assert len(list(place.parent.iterdir())) == 1
    metrics.stop_sharing(folder, shared)
    assert not folder.is_symlink()
    assert place.exists() is not is_memory


def test_a_run_that_ends_late_leaves_the_counts_of_the_next_one_alone(tmp_path):
    memory, folder = tmp_path / "memory", tmp_path / "run" / "metrics"
    memory.mkdir()
    earlier = metrics.shared_folder(folder, memory)
    later = metrics.shared_folder(folder, memory)
    metrics.stop_sharing(folder, earlier)
    assert [Path(place) for place in later.values()] == [folder.readlink()] == list(memory.iterdir())


def test_a_process_counts_though_the_place_to_count_in_is_gone(tmp_path):
    environ = os.environ | metrics.shared_folder(tmp_path / "metrics", tmp_path)
    (tmp_path / "metrics").resolve().rmdir()
    count = "from hub.observe.metrics import RECORDINGS; RECORDINGS.labels('Head office', 'new').inc(2)"
    subprocess.run([sys.executable, "-P", "-c", count], env=environ, check=True)
    assert list((tmp_path / "metrics").glob("counter_*.db"))


def test_a_way_that_leads_elsewhere_is_not_followed(tmp_path):
    other, memory = tmp_path / "other", tmp_path / "memory"
    other.mkdir()
    memory.mkdir()
    (other / "kept").touch()
    (tmp_path / "metrics").symlink_to(other)
    metrics.shared_folder(tmp_path / "metrics", memory)
    assert (other / "kept").exists()


def test_every_metric_carries_the_hubs_name_and_explains_itself():
    catalogue = metrics.catalogue()
    assert {"recording_hub_recordings_total", "recording_hub_instance_up"} <= {name for name, *_ in catalogue}
    for name, kind, text, _labels in catalogue:
        assert re.fullmatch(r"recording_hub_[a-z_]+", name)
        assert kind in {"counter", "histogram", "gauge"}
        assert text.endswith(".")


def test_every_metric_is_measured_somewhere():
    root = Path(metrics.__file__).parents[2]
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("hub", "webui")
        for path in (root / folder).rglob("*.py")
        if path != Path(metrics.__file__)
    )
    names = [name for name, item in vars(metrics).items() if isinstance(item, Counter | Histogram | Gauge)]
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []
