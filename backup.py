"""A home into a folder of backups, and back: each file once, under its SHA-256, each backup a list of files.

A backup holds what cannot be made again, and what would cost time: archive, settings, scheduler, warehouse, releases.
Nothing that stands in the folder is ever written again, so an interrupted backup leaves those before it whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import duckdb
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from crawlers import harvest as harvests
from exports.release import newest, sha256, switch, sync
from exports.verify import verify
from home import SETTINGS_FILE, Check, examine
from pipeline import Reporter, UsageError
from warehouse import store
from warehouse.schema import SCHEMA_VERSION

KEEP = 10
"""Backups that stay in a folder, unless another number is given."""

LOCK_WAIT = 600.0
"""Seconds to wait for a load or a release that is under way."""

SCHEDULER = "scheduler.sqlite"

_RECORD = "harvest.json"
_STATUS = "published/status.json"
# A file of DuckDB that was not closed in order has its last changes beside it.
_SINGLE = (SETTINGS_FILE, _STATUS, store.FILE, f"{store.FILE}.wal")
_PATH = re.compile(rf"{'|'.join(map(re.escape, (*_SINGLE, SCHEDULER)))}|(?:archive|published)(?:/(?!\.)[^/\0]+)+")
_RELEASE = re.compile(r"[0-9]+(\.[0-9]+){3}")
_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{3}Z")
_UNFINISHED = ".restore"
_OF_A_DISK = {_UNFINISHED, "lost+found"}
"""What may stand in an empty home: what a restore that was interrupted left, and what a new disk has."""

_PIECE = 2**20
_SHOWN = 3

README = """\
Backups of a Cluster Observatory, made by `observatory backup`. `observatory restore` brings a home back.

backups/<time>.json   one backup: path, bytes and SHA-256 of each of its files
objects/<aa>/<sha256> the files, each under its SHA-256

Without this software, this brings a home back, with Python alone:

    import json, pathlib, shutil
    backup = sorted(pathlib.Path("backups").glob("*.json"))[-1]
    for path, file in json.loads(backup.read_text())["files"].items():
        target = pathlib.Path("home", path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pathlib.Path("objects", file["sha256"][:2], file["sha256"]), target)
"""


class BackupError(Exception):
    """A backup cannot be made or used; the home, and the backups that are there, stand as they were."""


class File(BaseModel):
    """One file of a backup: its size, and the SHA-256 under which it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _safe(files: dict[str, File]) -> dict[str, File]:
    """Refuse paths that a home does not have: a list from elsewhere must not write anywhere else."""
    for path in files:
        if not _PATH.fullmatch(path):
            raise ValueError(f"{path!r} is no path of a file of a home")
        folders = ("/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1))
        if both := next((folder for folder in folders if folder in files), None):
            raise ValueError(f"{both!r} is a file, and the folder of {path!r}")
    return files


class Manifest(BaseModel):
    """What one backup holds.

    Attributes:
        format: of the folder.
        made_at: when its list was closed (UTC).
        software_version: version of this software.
        duckdb_version: version of DuckDB, whose files an older one may not read.
        schema_version: version of the common schema.
        files: path in the home → the file.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["cluster-observatory backup 1"] = "cluster-observatory backup 1"
    made_at: AwareDatetime
    software_version: str
    duckdb_version: str
    schema_version: str
    files: Annotated[dict[str, File], AfterValidator(_safe)]

    @property
    def harvests(self) -> set[str]:
        """Ids of the harvests that it holds."""
        return {path.split("/")[2] for path in self.files if path.endswith(f"/{_RECORD}")}


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What came of a backup.

    Attributes:
        backup: its id, the time at which its list was closed (UTC).
        folder: where it stands.
        files: how many it holds.
        bytes: of all its files.
        copied_files: how many were not there yet.
        copied_bytes: of these.
        removed: ids of older backups that gave way.
        damaged: what is wrong with the home; the backup has the good file of an earlier one.
        seconds: what it took.
    """

    backup: str
    folder: Path
    files: int
    bytes: int
    copied_files: int
    copied_bytes: int
    removed: list[str]
    damaged: list[str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore.

    Attributes:
        backup: id of the backup.
        home: where it is now.
        files: how many were written.
        bytes: of these.
        release: the newest release, which was verified.
        problems: what is wrong with it.
        checks: what `doctor` finds.
        seconds: what it took.
    """

    backup: str
    home: Path
    files: int
    bytes: int
    release: str | None
    problems: list[str]
    checks: list[Check]
    seconds: float


# Backup ---------------------------------------------------------------------------------------------------------------


def backup(home: Path, folder: Path, report: Reporter, *, keep: int = KEEP, check: bool = False) -> BackedUp:
    """Back a home up; harvests may run meanwhile, loads and releases wait for the last part of it.

    Args:
        home: the home.
        folder: the folder of its backups, made if it is not there yet.
        report: is told how it goes on.
        keep: how many backups stay, this one included.
        check: read again all that earlier backups copied, and copy anew what is damaged.

    Raises:
        UsageError: the home holds nothing, or the folder cannot serve.
        BackupError: the home lacks what the newest backup has.
        LockedError: another backup runs, or a load or a release takes longer than `LOCK_WAIT`.
        OSError: the disk is full.
    """
    began = time.monotonic()
    _refuse_folder(home, folder)
    folder.mkdir(parents=True, exist_ok=True)
    with store.lock(folder / "lock", "this folder of backups"):
        (folder / "README.txt").write_text(README, encoding="utf-8")
        known = _manifests(folder)
        previous = known[max(known)] if known else None
        copier = _Copier(home, folder / "objects", previous, check=check)
        report.step("backup", "copy")
        # First without the lock, for this may take long. Whatever changes meanwhile is looked at again.
        for path in _fixed(home):
            copier.try_copy(path)
        report.step("backup", "wait for loads and releases")
        with _at_rest(home):
            report.step("backup", "copy the rest")
            copier.files.clear()
            # A record first, its evidence after it: what a record tells of is then in the backup.
            for path in _records(home):
                copier.copy(path)
            _refuse_lost(home, folder, copier.files, known)
            for path in (*_fixed(home), *(path for path in _SINGLE if (home / path).is_file())):
                copier.copy(path)
            if (home / SCHEDULER).is_file():
                copier.copy_database(SCHEDULER)
            made_at = harvests.now()
        new_id = f"{made_at:%Y%m%dT%H%M%S}.{made_at.microsecond // 1000:03d}Z"
        if known and new_id <= max(known):
            raise BackupError(f"the clock says {new_id}, before the newest backup {max(known)}: set it right")
        manifest = Manifest(
            made_at=made_at,
            software_version=harvests.software_version(),
            duckdb_version=duckdb.__version__,
            schema_version=SCHEMA_VERSION,
            files=dict(sorted(copier.files.items())),
        )
        copier.settle()
        (folder / "backups").mkdir(exist_ok=True)
        harvests.write_atomically(folder / "backups" / f"{new_id}.json", manifest.model_dump_json(indent=1) + "\n")
        sync(folder / "backups")
        removed = _make_room(folder, known | {new_id: manifest}, keep)
    return BackedUp(
        backup=new_id,
        folder=folder,
        files=len(manifest.files),
        bytes=sum(file.bytes for file in manifest.files.values()),
        copied_files=copier.copied_files,
        copied_bytes=copier.copied_bytes,
        removed=removed,
        damaged=copier.damaged,
        seconds=round(time.monotonic() - began, 1),
    )


def _refuse_folder(home: Path, folder: Path) -> None:
    if not any((home / name).exists() for name in ("archive", *_SINGLE)):
        raise UsageError(f"{home} holds nothing to back up: give the --home of an observatory")
    if folder.resolve().is_relative_to(home.resolve()) or home.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{folder} and the home {home} lie in one another: give a folder outside of the home")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if "README.txt" not in names and names - {"lock", "lost+found"}:
        raise UsageError(f"{folder} holds something else than backups: give a folder that is empty, or not there yet")


def _refuse_lost(home: Path, folder: Path, records: dict[str, File], known: dict[str, Manifest]) -> None:
    """Refuse a home that lacks harvests: its backups would in time push out those that have them."""
    if not known:
        return
    newest_id = max(known)
    lost = sorted(known[newest_id].harvests - {path.split("/")[2] for path in records})
    if lost:
        raise BackupError(
            f"{home} lacks {len(lost)} harvests that the backup {newest_id} has, such as {lost[0]}: it is another "
            f"home, which needs a folder of its own, or it lost a part of archive/; then bring it back with "
            f"`observatory restore {folder}` into a new home"
        )


def _walk(home: Path, top: Path) -> Iterator[str]:
    """Yield the paths of all files below a folder of a home, in order; drafts, whose names begin with a dot, apart."""
    for folder, folders, names in os.walk(top, followlinks=True):  # a part of the archive may stand on another disk
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder, name).relative_to(home).as_posix()


def _records(home: Path) -> list[str]:
    return [path for path in _walk(home, home / "archive") if path.endswith(f"/{_RECORD}")]


def _fixed(home: Path) -> Iterator[str]:
    """Yield the files that are never written again, but for the parts that crawls append to."""
    yield from (path for path in _walk(home, home / "archive") if not path.endswith(f"/{_RECORD}"))
    published = home / "published"
    for release in sorted(published.iterdir()) if published.is_dir() else []:
        if _RELEASE.fullmatch(release.name) and not release.is_symlink():
            yield from _walk(home, release)


@contextmanager
def _at_rest(home: Path) -> Iterator[None]:
    """Keep loads and releases away; on a disk that cannot be written there are none."""
    if not os.access(home, os.W_OK):
        yield
        return
    with store.lock(home / store.LOCK, "the warehouse", LOCK_WAIT):
        yield


class _Copier:
    """Copies files of a home to where they stand under their SHA-256.

    Attributes:
        files: path in the home → what was copied of it.
    """

    def __init__(self, home: Path, objects: Path, previous: Manifest | None, *, check: bool) -> None:
        self.home, self.objects, self.check = home, objects, check
        self.previous = previous.files if previous else {}
        self.files: dict[str, File] = {}
        self.copied_files = self.copied_bytes = 0
        self.damaged: list[str] = []
        self._seen: dict[str, tuple[tuple[int, int, int], File]] = {}
        self._checked: set[str] = set()
        self._changed: set[Path] = set()
        objects.mkdir(exist_ok=True)
        for left in objects.glob(".draft-*"):
            left.unlink()

    def try_copy(self, path: str) -> None:
        """Copy a file that may go or change while it is read, as drafts and logs of others do."""
        try:
            self.copy(path)
        except FileNotFoundError:
            self.files.pop(path, None)

    def copy(self, path: str) -> None:
        """Copy a file, unless it is there already."""
        source = self.home / path
        stat = source.stat()
        state = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        if path in self._seen and self._seen[path][0] == state:
            self.files[path] = self._seen[path][1]
            return
        file = self._kept(path, File(bytes=stat.st_size, sha256=sha256(source)))
        if not self._is_there(file):
            file = self._put(source)
        self.files[path] = file
        self._seen[path] = state, file

    def copy_database(self, path: str) -> None:
        """Copy a database of SQLite as it stands between two transactions."""
        mode = "mode=rw" if os.access(self.home, os.W_OK) else "immutable=1"
        draft = self.objects / f".draft-{path}"
        try:
            with (
                closing(sqlite3.connect(f"{(self.home / path).absolute().as_uri()}?{mode}", uri=True)) as source,
                closing(sqlite3.connect(draft)) as target,
            ):
                source.backup(target)
            file = File(bytes=draft.stat().st_size, sha256=sha256(draft))
            self.files[path] = file if self._is_there(file) else self._put(draft)
        except sqlite3.DatabaseError as error:
            self.copy(path)
            self.damaged.append(f"{self.home / path} cannot be read ({error}); it was copied as it is")
        finally:
            draft.unlink(missing_ok=True)

    def settle(self) -> None:
        """Make sure that what was copied is on the disk."""
        for folder in (*self._changed, self.objects, self.objects.parent):
            sync(folder)

    def _kept(self, path: str, file: File) -> File:
        """Return the file of the backup before, where the disk has damaged that of the home."""
        before = self.previous.get(path)
        if before is None or before == file:
            return file
        if path.endswith(f"/{_RECORD}"):
            if _is_json(self.home / path):
                return file
        # A part of the archive only grows, or is cut at its torn end.
        elif not path.endswith(".warc.gz") or before.bytes != file.bytes:
            return file
        good = _object(self.objects, before.sha256)
        if not good.is_file() or sha256(good) != before.sha256:
            return file
        self.damaged.append(
            f"{self.home / path} is damaged: its SHA-256 was {before.sha256} and is {file.sha256}. The backup keeps "
            f"the good one; copy it back from {good}"
        )
        return before

    def _is_there(self, file: File) -> bool:
        there = _object(self.objects, file.sha256)
        if not there.is_file() or there.stat().st_size != file.bytes:
            return False
        if self.check and file.sha256 not in self._checked:
            self._checked.add(file.sha256)
            return sha256(there) == file.sha256
        return True

    def _put(self, source: Path) -> File:
        """Copy a file, read the copy again and compare; return what was copied, for a part may have grown."""
        draft = self.objects / f".draft-{os.getpid()}"
        with source.open("rb") as reading, draft.open("wb") as writing:
            digest = hashlib.sha256()
            while piece := reading.read(_PIECE):
                digest.update(piece)
                writing.write(piece)
            writing.flush()
            os.fsync(writing.fileno())
            if hasattr(os, "posix_fadvise"):  # so that it is read from the disk, not from memory
                os.posix_fadvise(writing.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        file = File(bytes=draft.stat().st_size, sha256=digest.hexdigest())
        if (written := sha256(draft)) != file.sha256:
            raise BackupError(
                f"{source} was copied to {self.objects} with SHA-256 {file.sha256}, and reads back with {written}: "
                "that disk is at fault; back up to another one"
            )
        target = _object(self.objects, file.sha256)
        target.parent.mkdir(exist_ok=True)
        draft.replace(target)
        self._changed.add(target.parent)
        self.copied_files += 1
        self.copied_bytes += file.bytes
        return file


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def _object(objects: Path, digest: str) -> Path:
    return objects / digest[:2] / digest


def _make_room(folder: Path, known: dict[str, Manifest], keep: int) -> list[str]:
    """Remove the oldest backups, and the files that none of the others holds; return which backups."""
    removed = sorted(known)[:-keep]
    for backup_id in removed:
        (folder / "backups" / f"{backup_id}.json").unlink()
    held = {file.sha256 for name, one in known.items() if name not in removed for file in one.files.values()}
    for path in (folder / "objects").glob("??/*"):
        if path.name not in held:
            path.unlink()
    return removed


# Restore --------------------------------------------------------------------------------------------------------------


def restore(folder: Path, home: Path, backup_id: str | None, report: Reporter) -> Restored:
    """Bring a home back from a backup, into a folder that is empty or not there yet.

    Args:
        folder: the folder of the backups.
        home: where the home shall be.
        backup_id: the backup; without it the newest.
        report: is told how it goes on.

    Raises:
        UsageError: the home is not empty, or there is no such backup.
        BackupError: the backup is damaged, or there is no room for it; nothing was written.
        OSError: the disk is full; nothing stays in the home.
    """
    began = time.monotonic()
    manifest, chosen = _chosen(folder, backup_id)
    if home.exists() and (not home.is_dir() or {path.name for path in home.iterdir()} - _OF_A_DISK):
        raise UsageError(f"{home} is not empty, and nothing is written over: give another --home, or move it away")
    objects, size = folder / "objects", sum(file.bytes for file in manifest.files.values())
    report.step("restore", "check the backup")
    _refuse_damaged(objects, chosen, manifest)
    home.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(home).free) < size:
        raise BackupError(f"{home}: the backup needs {size / 1e9:.2f} GB, and {free / 1e9:.2f} GB are free")
    report.step("restore", "copy")
    shutil.rmtree(home / _UNFINISHED, ignore_errors=True)
    draft = home / _UNFINISHED
    try:
        for path, file in manifest.files.items():
            _take_out(objects, file, draft / path)
        # The archive comes last: without it nothing takes this folder for a home that is whole.
        for top in sorted(draft.iterdir(), key=lambda top: top.name == "archive"):
            top.rename(home / top.name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    published = home / "published"
    if published.is_dir():
        switch(published)
    sync(home)
    report.step("restore", "verify")
    release = newest(published)
    return Restored(
        backup=chosen,
        home=home,
        files=len(manifest.files),
        bytes=size,
        release=release.name if release else None,
        problems=verify(release, home) if release else [],
        checks=examine(home),
        seconds=round(time.monotonic() - began, 1),
    )


def _manifests(folder: Path) -> dict[str, Manifest]:
    """Read all backups of a folder: id → what it holds."""
    found = {}
    for path in sorted((folder / "backups").glob("*.json")):
        if _ID.fullmatch(path.stem):
            found[path.stem] = _read(path)
    return found


def _read(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise BackupError(
            f"{path} is no list of a backup that can be used ({where}: {fault['msg']}): move it away, or give an older "
            "one with --backup"
        ) from error


def _chosen(folder: Path, backup_id: str | None) -> tuple[Manifest, str]:
    ids = sorted(path.stem for path in (folder / "backups").glob("*.json") if _ID.fullmatch(path.stem))
    if not ids:
        raise UsageError(f"{folder} holds no backup: give the folder that `observatory backup` was given")
    if backup_id is not None and backup_id not in ids:
        raise UsageError(f"{folder} holds no backup {backup_id}; the newest are {', '.join(ids[-5:])}")
    chosen = backup_id or ids[-1]
    return _read(folder / "backups" / f"{chosen}.json"), chosen


def _refuse_damaged(objects: Path, backup_id: str, manifest: Manifest) -> None:
    bad = [path for path, file in manifest.files.items() if not _is_whole(_object(objects, file.sha256), file)]
    if bad:
        raise BackupError(
            f"{len(bad)} of {len(manifest.files)} files of the backup {backup_id} are missing or damaged, such as "
            f"{', '.join(bad[:_SHOWN])}; nothing was written. "
            f"Give an older backup with --backup, or another copy of {objects}"
        )


def _is_whole(path: Path, file: File) -> bool:
    return (
        not path.is_symlink() and path.is_file() and path.stat().st_size == file.bytes and sha256(path) == file.sha256
    )


def _take_out(objects: Path, file: File, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_object(objects, file.sha256), target, follow_symlinks=False)
    sync(target)
    if not _is_whole(target, file):
        raise BackupError(f"{target} reads back otherwise than it was written: the disk of the home is at fault")
