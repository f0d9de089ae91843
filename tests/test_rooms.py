"""The modules at the root know each other in one direction only; import-linter holds the same for the packages."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Units

from warehouse.store import connect

ROOT = Path(__file__).parents[1]

ORDER = (
    ("cli",),
    ("scheduler", "rebuild", "backup"),
    ("pipeline",),
    ("provenance", "status", "staging"),
    ("guards",),
    ("home",),
)
"""From the caller to the called; modules that stand together do not know each other."""

RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}


def imported(path: Path) -> set[str]:
    """Return the first parts of all names that a module imports, at its head or inside."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_every_root_module_has_its_place() -> None:
    assert {path.stem for path in ROOT.glob("*.py")} == RANK.keys()


@pytest.mark.parametrize("name", RANK)
def test_root_modules_import_downwards_only(name: str) -> None:
    upwards = {other for other in imported(ROOT / f"{name}.py") & RANK.keys() if RANK[other] <= RANK[name]}
    assert upwards == set()


@pytest.mark.parametrize("name", [name for name in RANK if name != "cli"])
def test_only_the_command_knows_the_replicas(name: str) -> None:
    assert "replicas" not in imported(ROOT / f"{name}.py")


def test_a_command_that_crawls_nothing_does_not_load_the_crawler() -> None:
    loaded = "import sys, cli; print([name for name in ('scrapy', 'crawlers.spider', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def test_duckdb_is_opened_in_one_place() -> None:
    """By itself it draws a bar on standard output when a query takes long, in the midst of our JSON."""
    rooms = ("crawlers", "exports", "normalizers", "warehouse")
    modules = [*ROOT.glob("*.py"), *(path for room in rooms for path in (ROOT / room).rglob("*.py"))]
    opening = [path.relative_to(ROOT).as_posix() for path in modules if "duckdb.connect(" in path.read_text("utf-8")]
    assert opening == ["warehouse/store.py"]


def test_tests_that_share_something_are_dealt_out_together(pytestconfig: pytest.Config) -> None:
    """Each worker would set up a module's fixtures for itself, some of which take a minute."""

    def unit(test: str) -> str:
        scheduler = Units.__new__(Units)
        scheduler.config = pytestconfig
        return scheduler._split_scope(test)  # noqa: SLF001  # xdist asks it for every test

    assert unit("tests/test_rebuild.py::test_the_story_is_told") == "tests/test_rebuild.py"
    assert unit("tests/test_rebuild.py::test_every_file_is_made_again_byte_by_byte[a::b@c]") == "tests/test_rebuild.py"
    assert unit("tests/test_evidence.py::test_redact_url[a::b]") == "tests/test_evidence.py::test_redact_url[a::b]"


def test_duckdb_keeps_silent() -> None:
    with connect() as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]


def test_a_file_whose_settings_are_locked_can_be_opened_again(tmp_path: Path) -> None:
    file = str(tmp_path / "a.duckdb")
    with connect(file) as first:
        first.execute("CREATE TABLE a AS SELECT 1 AS b")
        first.execute("SET lock_configuration = true")
        with connect(file) as second:
            assert second.execute("FROM a").fetchall() == [(1,)]
