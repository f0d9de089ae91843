"""The wheel, installed in an empty venv and run from another folder with an empty home, works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("crawlers", "exports", "normalizers", "replicas", "warehouse")
DATA = {".sql", ".csv", ".toml", ".html", ".css", ".js"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_holds_code_and_package_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as members:
        names = {name for name in members.namelist() if ".dist-info/" not in name}
    source = {path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in DATA | {".py"}}
    expected = {path.relative_to(ROOT).as_posix() for path in (*source, *ROOT.glob("*.py"))}
    expected = {name for name in expected if not name.startswith("exports/site/console/")}
    assert {name for name in names if not name.endswith(".md")} == expected


def test_the_wheel_runs_from_anywhere(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment)
    python = environment / "bin" / "python"
    installed = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # No network: the dependencies are those of this environment, the project itself only the wheel.
    dependencies = tmp_path / "dependencies"
    dependencies.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith(("_editable", "cluster_observatory", "__editable__", "_cluster")):
            (dependencies / package.name).symlink_to(package)
    Path(installed, "dependencies.pth").write_text(f"{dependencies}\n", "utf-8")
    with zipfile.ZipFile(wheel) as members:
        members.extractall(installed)
    home, empty = tmp_path / "home", tmp_path / "empty"
    empty.mkdir()

    def observatory(*arguments: str) -> object:
        run = subprocess.run(
            [python, "-m", "cli", *arguments, "--json"],
            cwd=empty,
            env={"PATH": os.environ["PATH"], "HOME": str(empty), "OBSERVATORY_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    [harvest] = observatory("harvest", "ref.bcd")["harvests"]  # type: ignore[index]  # JSON
    assert (harvest["status"], harvest["rows_opened"]) == ("accepted", 383)
    assert observatory("sql", "SELECT count(*) AS classes FROM categories") == [{"classes": 383}]
    assert observatory("verify")["problems"] == []  # type: ignore[index]  # JSON
