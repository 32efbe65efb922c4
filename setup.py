"""Build steps that pyproject.toml cannot express; all metadata is there.

Two things go into a wheel besides the package: the start-up files at its root, which the
interpreter reads from site-packages, and the data folders that a checkout has beside the package.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import Command, setup
from setuptools.command.build import build

PACKAGE = "ctrgcn_plugin"

# Both do the same, and doing it twice is the same as once. Their names sort after "__editable__",
# whose file makes the package of an editable install importable.
START_UP = {
    # Every Python up to 3.17. A finder that finds nothing and imports the package when PaddleVideo is
    # imported: an import here would cost every start of the interpreter more than all the rest, and a
    # function is the cheapest finder to make. Silent where the package was deleted and this file was not.
    f"{PACKAGE}.pth": (
        'import sys; f = lambda n, *_: n in ("paddle", "paddlevideo") and exec('
        f'"try: from {PACKAGE} import autoload\\nexcept ImportError: pass\\nelse: autoload.before(n)") or None; '
        "f.find_spec = f; sys.meta_path.insert(0, f)\n"
    ),
    # PEP 829: Python 3.15 and later, which skip the import line of a .pth that has a .start beside it.
    f"{PACKAGE}.start": f"{PACKAGE}.autoload:install\n",
}
FOLDERS = ("configs", "patches", "test_tipc")
SHIPPED = {".yaml", ".txt", ".md", ".patch", ".sh"}


class BuildData(Command):
    """Put the start-up files and the data folders where the wheel wants them."""

    description = "add the start-up files and the data folders"
    user_options: list[tuple[str, str, str]] = []
    editable_mode = False  # set by setuptools: see setuptools.command.build.SubCommand

    def initialize_options(self) -> None:
        self.build_lib = ""

    def finalize_options(self) -> None:
        self.build_lib = self.get_finalized_command("build_py").build_lib

    def run(self) -> None:
        # An editable wheel is not made from build_lib; what goes into its root is what is installed
        # beside the package's code, and the data folders stay where they are, in the checkout.
        root = Path(self.get_finalized_command("install").install_lib if self.editable_mode else self.build_lib)
        root.mkdir(parents=True, exist_ok=True)
        for name, content in START_UP.items():
            (root / name).write_text(content, encoding="ascii")
        if self.editable_mode:
            return
        for folder in FOLDERS:
            # build/lib lives on from one build to the next, and with it what has been deleted since
            shutil.rmtree(root / PACKAGE / folder, ignore_errors=True)
        for source in self.get_source_files():
            target = root / PACKAGE / source
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)

    def get_source_files(self) -> list[str]:
        """The data files, relative to the checkout; an sdist takes them from here."""
        found = (path for folder in FOLDERS for path in Path(folder).rglob("*"))
        return sorted(path.as_posix() for path in found if path.suffix in SHIPPED and path.is_file())

    def get_outputs(self) -> list[str]:
        if self.editable_mode:
            return []
        data = [f"{PACKAGE}/{source}" for source in self.get_source_files()]
        return [f"{self.build_lib}/{name}" for name in [*START_UP, *data]]

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class Build(build):
    """The usual build, then ours."""

    sub_commands = [*build.sub_commands, ("build_data", None)]


setup(cmdclass={"build": Build, "build_data": BuildData})
