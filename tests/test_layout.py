"""The house rules that a machine can check: sizes, imports, docstrings, words."""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "xdm_mcp").rglob("*.py"))
CODE = [
    *PACKAGE,
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "benchmarks").rglob("*.py")),
]
BANNED = re.compile(r"(manager|helper|utils?|common|core|service|handler|processor)")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run one of the project's checkers in this environment, from the project's root."""
    env = os.environ | {"PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_the_readme_links_to_is_in_the_source_distribution() -> None:
    """Whoever unpacks it can follow every link and run every test."""
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / "README.md").read_text())
    assert {link.partition("/")[0] for link in links} <= set(built["targets"]["sdist"]["include"])


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    """Every file of code fits in 400 lines."""
    assert len(path.read_text().splitlines()) <= 400


def test_the_median_file_of_the_package_is_near_100_lines() -> None:
    """Half the modules with code in them are not much longer than 100 lines."""
    lengths = [len(path.read_text().splitlines()) for path in PACKAGE if path.name != "__init__.py"]
    assert 50 <= statistics.median(lengths) <= 130


def test_no_module_has_a_name_that_says_nothing() -> None:
    """The words that the glossary bans name no file."""
    assert [path.name for path in PACKAGE if BANNED.search(path.stem)] == []


def test_no_folder_holds_a_single_module() -> None:
    """A folder is worth having for two modules or more."""
    folders = {path.parent for path in PACKAGE}
    lonely = [
        f for f in folders if len([p for p in f.glob("*.py") if p.name != "__init__.py"]) == 1
    ]
    assert lonely == []


def test_every_rule_has_one_word_in_four_places() -> None:
    """File, class, setting and test of a rule carry the same word."""
    from xdm_mcp.guard.policy import Policy
    from xdm_mcp.tables import is_table, keys

    for name, field in keys(Policy).items():
        if not is_table(field):
            continue
        words = "".join(part.capitalize() for part in name.split("_"))
        source = ROOT / "xdm_mcp" / "guard" / f"{name}.py"
        assert f"class {words}(" in source.read_text()
        assert words in str(field.annotation)
        assert (ROOT / "tests" / "guard" / f"test_{name}.py").exists()


def test_nothing_is_swallowed() -> None:
    """No handler of Exception or of everything stands empty."""
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "BaseException"
                empty = all(isinstance(line, ast.Pass) for line in node.body)
                assert not (empty and caught in {"Exception", "BaseException"}), (
                    f"{path}:{node.lineno}"
                )


def test_the_import_contract_holds() -> None:
    """Rooms import only what lies below them; wire, web and protocol stay in theirs."""
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_types_hold_under_mypy_strict() -> None:
    """The package passes mypy in strict mode."""
    result = run("mypy")
    assert result.returncode == 0, result.stdout


def test_the_style_holds_under_ruff() -> None:
    """Lint and format of everything are clean."""
    for command in (["ruff", "check", "."], ["ruff", "format", "--check", "."]):
        result = run(*command)
        assert result.returncode == 0, result.stdout


def test_every_public_thing_has_a_docstring() -> None:
    """Interrogate finds a docstring on everything public in the package."""
    result = run("interrogate", "-q", "xdm_mcp")
    assert result.returncode == 0, result.stdout
