"""Fresh virtual environments, real builds of this checkout, and a stand-in for PaddleVideo.

The stand-in has upstream's four packages of registries and nothing else: what these tests are
about is when and how often the start-up hook acts, in an interpreter that need not hold Paddle.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
# what one clone or one test run may have left in a checkout, and no build needs
SCRAP = (".*", "build", "dist", "*.egg-info", "__pycache__", "output", "inference", "quickstart")
REGISTRIES = ("modeling", "loader", "metrics", "solver")


@dataclass(frozen=True)
class Interpreter:
    """A Python that is started afresh for each piece of code."""

    python: Path

    def run(
        self,
        code: str,
        *flags: str,
        path: Sequence[Path] = (),
        plugins: str | None = None,
        **variables: object,
    ) -> SimpleNamespace:
        """Run `code` with `path` as PYTHONPATH and `plugins` as the off-switch; nothing else is handed down."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PADDLE"))}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment.update({name: str(value) for name, value in variables.items()})
        if path:
            environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
        if plugins is not None:
            environment["PADDLEVIDEO_PLUGINS"] = plugins
        done = subprocess.run(
            [self.python, *flags, "-c", textwrap.dedent(code)],
            env=environment,
            cwd=self.python.parent,  # not the checkout, which would be importable from there
            capture_output=True,
            text=True,
            timeout=120,
        )
        return SimpleNamespace(status=done.returncode, lines=done.stdout.splitlines(), errors=done.stderr)


@dataclass(frozen=True)
class Environment(Interpreter):
    """A virtual environment of its own."""

    @property
    def site_packages(self) -> Path:
        (folder,) = self.python.parent.parent.glob("lib/python*/site-packages")
        return folder

    def pip(self, *arguments: object) -> str:
        """Run the test environment's pip on this one."""
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", self.python, *arguments]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, *what: object) -> None:
        """Install from disk only, without dependencies."""
        self.pip("install", "--no-deps", "--no-index", "--no-build-isolation", *what)

    def uninstall(self) -> None:
        self.pip("uninstall", "--yes", "ctrgcn-plugin")

    def listing(self) -> set[str]:
        """Every file and folder of the environment."""
        top = self.python.parent.parent
        return {path.relative_to(top).as_posix() for path in top.rglob("*")}


@dataclass(frozen=True)
class Site:
    """A folder for PYTHONPATH, with the stand-in for PaddleVideo and whatever plugins a test adds.

    ``paddlevideo.TRACE`` lists the module bodies that ran and the plugins that were called.
    """

    folder: Path

    def add_paddlevideo(self) -> None:
        package = self.folder / "paddlevideo"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("TRACE = []\n")
        for name in REGISTRIES:
            (package / name).mkdir()
            (package / name / "__init__.py").write_text(
                "import paddlevideo\n"
                f"paddlevideo.TRACE.append('{name} begins')\n"
                f"from paddlevideo.{name} import registry\n"
                f"paddlevideo.TRACE.append('{name} ends')\n"
            )
            (package / name / "registry.py").write_text("CONTENT = {}\n")

    def add_plugin(self, name: str, body: str | None = None, target: str | None = None) -> None:
        """An installed distribution with the entry point `name`; as a rule it says that it was called."""
        if body is None:
            body = f"""
                import paddlevideo
                def register():
                    paddlevideo.TRACE.append("{name} called")
            """
        (self.folder / f"{name}_plugin.py").write_text(textwrap.dedent(body))
        metadata = self.folder / f"{name}_plugin-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.0\n")
        target = target or f"{name}_plugin:register"
        (metadata / "entry_points.txt").write_text(f"[paddlevideo.plugins]\n{name} = {target}\n")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """The stand-in, with a plugin named "extra"."""
    site = Site(tmp_path / "site")
    site.add_paddlevideo()
    site.add_plugin("extra")
    return site


@pytest.fixture(scope="session")
def new_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Environment]:
    """Makes empty virtual environments."""

    def make() -> Environment:
        folder = tmp_path_factory.mktemp("environment")
        venv.create(folder, with_pip=False, symlinks=True)
        return Environment(folder / "bin" / "python")

    return make


@pytest.fixture(scope="session")
def base() -> Interpreter:
    """The interpreter that virtual environments are made from; it has a user site, they have none."""
    return Interpreter(Path(getattr(sys, "_base_executable", sys.executable)))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, for builds to leave their traces in."""
    folder = tmp_path_factory.mktemp("source") / "ctrgcn-plugin"
    return Path(shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*SCRAP)))


@pytest.fixture(scope="session")
def builder(new_environment: Callable[[], Environment]) -> Environment:
    """An environment with the build backend; a test that installs into it takes that back."""
    environment = new_environment()
    environment.pip("install", "setuptools>=77")
    return environment


@pytest.fixture(scope="session")
def sdist(builder: Environment, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution, made by the hook that build frontends call."""
    folder = tmp_path_factory.mktemp("sdist")
    done = builder.run(
        f"""
        import os, setuptools.build_meta
        os.chdir({str(checkout)!r})
        setuptools.build_meta.build_sdist({str(folder)!r})
        """
    )
    assert done.status == 0, done.errors
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="session")
def wheel(builder: Environment, sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, made from the sdist as for a release."""
    return build_wheel(builder, sdist, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def wheel_of_checkout(builder: Environment, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, made from the checkout as by ``pip install .``."""
    return build_wheel(builder, checkout, tmp_path_factory.mktemp("wheel"))


def build_wheel(builder: Environment, source: Path, folder: Path) -> Path:
    builder.pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, source)
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="session")
def installed(new_environment: Callable[[], Environment], wheel: Path) -> Environment:
    """An environment that holds the wheel and nothing else. Not to be changed."""
    environment = new_environment()
    environment.install(wheel)
    return environment
