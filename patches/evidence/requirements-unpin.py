"""requirements.txt pins releases that do not install today, and refuses those with which PaddleVideo runs here."""

from importlib import metadata

from evidence import cannot_be_shown, need, verdict
from pip._vendor.packaging.requirements import Requirement

# what was pinned is to be allowed as before
PINNED = {"opencv-python": "4.2.0.32", "decord": "0.4.2", "av": "8.0.3", "scipy": "1.6.3"}
lines = need("requirements.txt").read_text(encoding="utf-8-sig").splitlines()
wanted = {item.name: item.specifier for item in map(Requirement, filter(str.strip, lines))}
installed = {}
for name in PINNED:
    try:
        installed[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        continue
if not installed:
    cannot_be_shown(f"none of {', '.join(PINNED)} is installed")
refused = [f"{name}{wanted[name]}, not {version}" for name, version in installed.items() if version not in wanted[name]]
lost = [f"{name} {version}" for name, version in PINNED.items() if version not in wanted[name]]
verdict(not refused and not lost, f"wanted: {', '.join(refused + lost) or 'nothing that is not installed here'}")
