"""What is in the distributions, and that each of them can be installed and taken away without a trace."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pytest

START_UP = {"ctrgcn_plugin.pth", "ctrgcn_plugin.start"}
FOLDERS = ("configs", "patches", "test_tipc")
SHOW = "import paddlevideo.modeling as m; print(*m.paddlevideo.TRACE, sep='\\n')"
SHIPPED = {".yaml", ".txt", ".md", ".patch", ".sh"}


def contents(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def data_files(checkout: Path) -> set[str]:
    files = (path for folder in FOLDERS for path in (checkout / folder).rglob("*"))
    return {path.relative_to(checkout).as_posix() for path in files if path.suffix in SHIPPED}


def test_wheel_root_holds_package_metadata_and_start_up_files_only(wheel):
    roots = {name.split("/", 1)[0] for name in contents(wheel)}
    assert roots - START_UP == {"ctrgcn_plugin", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}
    assert roots >= START_UP


def test_wheel_holds_every_module(wheel, checkout):
    package = checkout / "ctrgcn_plugin"
    modules = {path.relative_to(checkout).as_posix() for path in package.rglob("*.py")}
    assert modules == {name for name in contents(wheel) if name.endswith(".py")}
    assert "ctrgcn_plugin/py.typed" in contents(wheel)


def test_wheel_holds_the_data_folders(wheel, checkout):
    inside = {name for name in contents(wheel) if name.startswith(tuple(f"ctrgcn_plugin/{name}/" for name in FOLDERS))}
    assert inside == {f"ctrgcn_plugin/{name}" for name in data_files(checkout)}


def test_wheel_holds_layouts_and_lists(wheel, checkout):
    for pattern in ("*.yaml", "*.txt"):
        files = {path.relative_to(checkout).as_posix() for path in (checkout / "ctrgcn_plugin").rglob(pattern)}
        assert files
        assert files <= contents(wheel)


def test_wheel_of_the_checkout_is_the_wheel_of_the_sdist(wheel, wheel_of_checkout):
    assert contents(wheel) == contents(wheel_of_checkout)


def test_rebuild_forgets_a_deleted_file(wheel_of_checkout, builder, checkout, tmp_path):
    # the first build has left its build/lib in the checkout; pretend that a config was there then
    stale = checkout / "build" / "lib" / "ctrgcn_plugin" / "configs" / "deleted.yaml"
    assert stale.parent.parent.is_dir()
    stale.parent.mkdir(exist_ok=True)
    stale.write_text("a: 1\n")
    builder.pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", tmp_path, checkout)
    (again,) = tmp_path.iterdir()
    assert contents(again) == contents(wheel_of_checkout)


def test_sdist_holds_what_its_tests_need(sdist, checkout):
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert names >= data_files(checkout)
    assert names >= {"setup.py", "pyproject.toml", "LICENSE", "Makefile", "benchmarks/startup.py"}
    tests = {path.relative_to(checkout).as_posix() for path in (checkout / "tests").rglob("*.py")}
    assert names >= tests
    assert not [name for name in names if name.endswith(".pyc")]


def test_license_is_in_the_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    assert "License-Expression: Apache-2.0" in text
    assert metadata.replace("METADATA", "licenses/LICENSE") in contents(wheel)


@pytest.mark.parametrize("source", ["wheel", "sdist", "checkout"])
def test_install_acts_and_uninstall_leaves_nothing(source, builder, site, request):
    before = builder.listing()
    builder.install(request.getfixturevalue(source))
    try:
        assert {name for name in START_UP if (builder.site_packages / name).is_file()} == START_UP
        done = builder.run(SHOW, path=[site.folder], plugins="extra")
        assert (done.status, done.errors) == (0, "")
        assert done.lines == ["modeling begins", "modeling ends", "extra called"]
    finally:
        builder.uninstall()
    assert builder.listing() == before


def test_data_folders_are_found(installed, checkout):
    present = sorted({Path(name).parts[0] for name in data_files(checkout)})
    assert "configs" in present
    done = installed.run(
        f"""
        from ctrgcn_plugin.resources import PACKAGE, folder
        print(all(folder(name) == PACKAGE / name for name in {present}))
        """
    )
    assert done.lines == ["True"]


def test_orphan_pth_is_silent(installed, new_environment):
    orphan = new_environment()
    content = (installed.site_packages / "ctrgcn_plugin.pth").read_bytes()
    (orphan.site_packages / "ctrgcn_plugin.pth").write_bytes(content)
    (orphan.site_packages / "paddlevideo.py").write_text("print('PaddleVideo')")
    for code, lines in (("pass", []), ("import paddlevideo", ["PaddleVideo"])):
        done = orphan.run(code)
        assert (done.status, done.lines, done.errors) == (0, lines, "")
    # the package's folder survives an uninstall where something else had written into it
    (orphan.site_packages / "ctrgcn_plugin" / "__pycache__").mkdir(parents=True)
    done = orphan.run("pass")
    assert (done.status, done.lines, done.errors) == (0, [], "")
