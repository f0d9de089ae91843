"""A home: its settings are read strictly, and `doctor` finds what is not fit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import home as homes
import pipeline
from crawlers import harvest as harvests
from crawlers.harvest import Harvest, Stage, Status
from crawlers.source import Politeness, Route, feeds
from home import SETTINGS_FILE, TEMPLATE, Settings, cron_trigger, examine, is_loopback, read_settings
from pipeline import Order, Reporter, UsageError

US, BCD = "us.clustermapping", "ref.bcd"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OBSERVATORY_CONTACT", "OBSERVATORY_PUBLISH", "OBSERVATORY_FEEDS"):
        monkeypatch.delenv(name, raising=False)


def settings(folder: Path, text: str) -> Settings:
    """Write settings and read them."""
    (folder / SETTINGS_FILE).write_text(text, encoding="utf-8")
    return read_settings(folder)


def harvest(started: timedelta) -> Harvest:
    """Return a failed harvest of the US feed that started some time from now."""
    at = harvests.now() + started
    return Harvest(
        harvest_id=harvests.new_id(US, at),
        feed_id=US,
        route=Route.LIVE,
        parameters={},
        limits=Politeness(),
        stage=Stage.ENDED,
        status=Status.FAILED,
        started_at=at,
        software_version="1",
    )


def found(folder: Path) -> dict[str, tuple[bool, str]]:
    """Return what `doctor` finds: check → whether it is well, and what was found."""
    return {check.name: (check.ok, check.found) for check in examine(folder)}


# Settings -------------------------------------------------------------------------------------------------------------


def test_a_home_without_settings_has_the_defaults(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings(contact="", publish=("local",), feeds={})


def test_the_template_is_valid_as_it_is_and_with_every_line_in_use(tmp_path: Path) -> None:
    assert settings(tmp_path, TEMPLATE) == Settings()
    commented = re.compile(r"^# (?=\[|\w+ = )", re.MULTILINE)
    used = settings(tmp_path, commented.sub("", TEMPLATE).replace("every = 86400", "# every = 86400"))
    assert used.contact == "observatory@example.org"
    assert used.feeds[US].schedule == "17 3 2 * *"
    assert used.feeds[US].set == {"years": "latest", "region_types": "state,msa"}
    assert used.feeds[US].files == Path("/srv/saved/us")


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("contact = \nx = 1", "", "line 1"),
        ("contacts = 'x'", "contacts: ", "Extra inputs are not permitted, got 'x'"),
        ("publish = ['secret']", "publish.0: ", "'public' or 'local', got 'secret'"),
        ('[feeds."us.nothing"]', "feeds: ", "no feed 'us.nothing'; there are "),
        ("[feeds.us.clustermapping]", "feeds: ", "each written with its quotes"),
        ('[feeds."ref.bcd"]\nevry = 5', "feeds.ref.bcd.evry: ", "Extra inputs are not permitted, got 5"),
        ('[feeds."ref.bcd"]\nevery = 0', "feeds.ref.bcd.every: ", "greater than or equal to 1, got 0"),
        ('[feeds."ref.bcd"]\nevery = inf', "feeds.ref.bcd.every: ", "got inf"),
        ('[feeds."ref.bcd"]\nevery = nan', "feeds.ref.bcd.every: ", "got nan"),
        ('[feeds."ref.bcd"]\nevery = 5\nschedule = "1 1 1 * *"', "feeds.ref.bcd: ", "give `schedule` or `every`, not"),
        ('[feeds."ref.bcd"]\nschedule = "hourly"', "feeds.ref.bcd.schedule: ", "got 1, expected 5, got 'hourly'"),
        ('[feeds."ref.bcd"]\nschedule = "1 3 * * 0"', "feeds.ref.bcd.schedule: ", "give weekdays by name"),
        ('[feeds."ref.bcd"]\nschedule = "1 3 31 2 *"', "feeds.ref.bcd.schedule: ", "there is no such day"),
        ('[feeds."ref.bcd"]\nfiles = "saved"', "feeds.ref.bcd.files: ", "give an absolute path"),
        ('[feeds."us.clustermapping"]\nroute = "fax"', "feeds.us.clustermapping.route: ", "got 'fax'"),
        (
            '[feeds."us.clustermapping"]\nset = { colour = "red" }',
            "feeds: ",
            "us.clustermapping: no parameter 'colour'",
        ),
        ('[feeds."us.clustermapping"]\nset = { delay = "-1" }', "feeds: ", "us.clustermapping.delay: "),
        ('[feeds."us.clustermapping"]\nset = { years = 2016 }', "feeds.us.clustermapping.set.years: ", "got 2016"),
    ],
)
def test_a_wrong_setting_is_told_with_file_and_place(tmp_path: Path, text: str, place: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)) as raised:
        settings(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / SETTINGS_FILE}: {place}")
    assert "\n" not in str(raised.value)


def test_a_route_that_a_feed_does_not_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = feeds()[US].model_copy(update={"routes": (Route.WAYBACK, Route.FILES)})
    monkeypatch.setattr(homes, "feeds", lambda: {US: closed})
    assert settings(tmp_path, f'[feeds."{US}"]\nroute = "wayback"').feeds[US].route is Route.WAYBACK
    with pytest.raises(ValueError, match=r"feeds: us\.clustermapping has no route live; give `route`: wayback, files"):
        settings(tmp_path, f'[feeds."{US}"]\nevery = 60')


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(tmp_path, 'contact = "file@example.org"').contact == "file@example.org"
    monkeypatch.setenv("OBSERVATORY_CONTACT", "environment@example.org")
    monkeypatch.setenv("OBSERVATORY_HOME", "/elsewhere")  # no setting of a home
    assert read_settings(tmp_path).contact == "environment@example.org"


# Cron lines -----------------------------------------------------------------------------------------------------------


@given(st.integers(0, 59), st.integers(0, 23), st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]))
def test_a_cron_line_means_what_it_says(minute: int, hour: int, weekday: str) -> None:
    at = cron_trigger(f"{minute} {hour} * * {weekday}").get_next_fire_time(None, harvests.now())
    assert (at.minute, at.hour, f"{at:%a}".lower(), at.utcoffset()) == (minute, hour, weekday, timedelta(0))


@pytest.mark.parametrize("line", ["1 3 * * 0", "1 3 * * 1-5", "1 3 * * */2", "1 3 * * mon,3"])
def test_weekdays_by_number_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="give weekdays by name"):
        cron_trigger(line)


def test_every_feed_has_a_cadence_that_the_scheduler_takes() -> None:
    now = harvests.now()
    assert all(cron_trigger(feed.cadence).get_next_fire_time(None, now) > now for feed in feeds().values())


# Contact --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8000/data", True),
        ("http://LOCALHOST/data", True),
        ("http://[::1]:8000", True),
        ("https://clustermapping.us/data", False),
        ("http://127.0.0.1.example.org", False),
        ("http://127.0.0.1@example.org", False),
        ("http://example.org/127.0.0.1", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


@pytest.mark.parametrize("base_url", [None, "http://example.org/data"])
def test_a_live_crawl_without_a_contact_is_refused_before_anything_is_written(
    tmp_path: Path, base_url: str | None
) -> None:
    order = Order(feeds()[US], Route.LIVE, base_url=base_url)
    with pytest.raises(UsageError, match=r"us\.clustermapping: a live crawl needs a contact address"):
        pipeline.harvest(tmp_path / "home", order, Reporter())
    assert not (tmp_path / "home").exists()


def test_doctor_says_which_scheduled_feeds_lack_the_contact(tmp_path: Path) -> None:
    settings(tmp_path, f'[feeds."{US}"]\n[feeds."{BCD}"]\n')
    ok, said = found(tmp_path)["contact"]
    assert (ok, US in said, BCD in said, "OBSERVATORY_CONTACT" in said) == (False, True, False, True)
    settings(tmp_path, f'contact = "me@example.org"\n[feeds."{US}"]\n')
    assert found(tmp_path)["contact"] == (True, "me@example.org")
    settings(tmp_path, f'[feeds."{US}"]\nbase_url = "http://127.0.0.1:1/data"\n')
    assert found(tmp_path)["contact"][0] is True


# Doctor ---------------------------------------------------------------------------------------------------------------


def test_a_good_home_is_well_and_a_missing_one_is_made(tmp_path: Path) -> None:
    checks = found(tmp_path / "new")
    assert list(checks) == ["python", "duckdb", "settings", "contact", "live sites", "home", "disk", "lock", "clock"]
    assert all(ok for ok, _ in checks.values()), checks
    assert (tmp_path / "new").is_dir()


def test_wrong_settings_are_found_and_do_not_end_the_examination(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text("nonsense = 1\n", encoding="utf-8")
    checks = found(tmp_path)
    assert checks["settings"][0] is False
    assert "nonsense: Extra inputs" in checks["settings"][1]
    assert checks["clock"][0] is True


def test_a_home_that_cannot_be_written_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert found(tmp_path)["home"] == (False, f"{tmp_path}: [Errno 13] Permission denied")


def test_a_home_that_is_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    assert found(tmp_path / "home")["home"][0] is False


@pytest.mark.parametrize(("free", "ok"), [(homes.MIN_FREE + 1, True), (homes.MIN_FREE, False)])
def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, ok: bool) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert found(tmp_path)["disk"] == (ok, "2.0 GB free; at least 2 are wanted")


@contextmanager
def locked_by_another_process(path: Path) -> Iterator[int]:
    """Hold a lock in a process of its own; yields its id."""
    hold = (
        "import sys, pathlib; from warehouse.store import lock\n"
        "with lock(pathlib.Path(sys.argv[1]), 'it'): print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", hold, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid


def test_a_warehouse_that_is_in_use_is_found_with_its_holder(tmp_path: Path) -> None:
    with locked_by_another_process(tmp_path / "warehouse.lock") as holder:
        ok, said = found(tmp_path)["lock"]
    assert ok is False
    assert f"the warehouse is in use by process {holder} " in said
    assert found(tmp_path)["lock"] == (True, "the warehouse is free")


def test_a_clock_behind_the_newest_harvest_is_found(tmp_path: Path) -> None:
    harvests.write(tmp_path, harvest(timedelta(hours=-1)))
    assert found(tmp_path)["clock"][0] is True
    future = harvest(timedelta(hours=1))
    harvests.write(tmp_path, future)
    ok, said = found(tmp_path)["clock"]
    assert ok is False
    assert said.endswith(f", before {future.harvest_id}")


def test_a_record_that_cannot_be_read_is_found(tmp_path: Path) -> None:
    record = harvest(timedelta(hours=-1))
    harvests.write(tmp_path, record)
    path = harvests.folder(tmp_path, record.harvest_id) / "harvest.json"
    path.write_text("{", encoding="utf-8")
    ok, said = found(tmp_path)["archive"]
    assert ok is False
    assert said.startswith(f"{path}: ")
