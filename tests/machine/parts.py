"""Builds what the machine is made of, once, into a cache: a kernel, and a Debian root with the product's dependencies.

    python tests/machine/parts.py [SUITE...]     builds what is not there yet

It needs the Debian packages that tools.sh installs, and no root. The cache is $XDG_CACHE_HOME/fedge/machine, by default
~/.cache/fedge/machine. A kernel is named by its configuration and the version of its source, a root by its suite,
what makes it and the wheels in it; what is no longer of use may be removed by hand.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

SUITES = {"bookworm": "3.11", "trixie": "3.13"}
_HERE = Path(__file__).parent
_PROJECT = _HERE.parents[1]
_SOURCE = "linux-source-6.1"
_INCLUDED = (
    "systemd,systemd-sysv,udev,dbus,kmod,python3,python3-venv,v4l-utils,procps,util-linux,e2fsprogs,sudo,iproute2,"
    "curl,psmisc"
)
_LEFT_OUT = ("man", "doc", "locale")
_ROOT_SIZE, _DATA_SIZE = "3G", "256M"
# For the interpreter that runs it pip accepts older tags too; for another one each has to be named.
_GLIBC_MINORS = (5, 12, 17, 24, 27, 28, 31, 34, 35, 36)


def kernel() -> Path:
    """The folder of a kernel: the program `linux` and its modules below `modules/`. Ten minutes of processor time."""
    config = (_HERE / "kernel.config").read_text()
    version = _output("apt-cache", "show", "--no-all-versions", _SOURCE).split("\nVersion: ")[1].split()[0]
    done = cache() / f"kernel-{version}-{_digest(config)}"
    if done.is_dir():
        return done
    with tempfile.TemporaryDirectory(dir=cache(), prefix="building-") as name:
        folder = Path(name)
        _call("apt-get", "download", "-q", _SOURCE, cwd=folder)
        _call("dpkg", "-x", next(folder.glob("*.deb")), folder)
        _call("tar", "-xf", folder / "usr/src" / f"{_SOURCE}.tar.xz", cwd=folder)
        source = folder / _SOURCE
        make = ["make", "-s", "ARCH=um"]
        _call(*make, "defconfig", cwd=source)
        with (source / ".config").open("a") as file:
            file.write(config)
        _call(*make, "olddefconfig", cwd=source)
        _require_options(config, (source / ".config").read_text())
        _call("nice", *make, f"-j{os.cpu_count()}", "linux", "modules", cwd=source)
        built = folder / "built"
        _call(*make, "modules_install", f"INSTALL_MOD_PATH={built / 'modules'}", cwd=source)
        for link in (*built.glob("modules/lib/modules/*/build"), *built.glob("modules/lib/modules/*/source")):
            link.unlink()
        _call("strip", "-o", built / "linux", source / "linux")
        built.rename(done)
    return done


def bare_root(suite: str) -> Path:
    """A disk with Debian, systemd and a virtual environment that holds the product's dependencies: 5 minutes."""
    scripts = [_HERE / "agent.sh", _HERE / "configure.sh"]
    key = _digest(*(path.read_text() for path in scripts), *_dependencies(), _INCLUDED)
    done = cache() / f"root-{suite}-{key}.ext4"
    if done.is_file():
        return done
    with tempfile.TemporaryDirectory(dir=cache(), prefix="building-") as name:
        folder = Path(name)
        # mmdebstrap runs its hooks as another user.
        folder.chmod(0o755)
        for path in scripts:
            shutil.copy(path, folder)
        _download_wheels(SUITES[suite], folder / "wheels")
        disk, plain = folder / "root.ext4", folder / "plain"
        # Bound elsewhere, the root shows none of what mmdebstrap mounts in it.
        make_disk = f'mkdir {plain} && mount --bind "$1" {plain} && mke2fs -q -t ext4 -d {plain} {disk} {_ROOT_SIZE}'
        _call(
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={_INCLUDED}",
            '--aptopt=Acquire::Languages "none"',
            *(f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in _LEFT_OUT),
            f'--customize-hook=bash {folder}/configure.sh "$1" {folder}',
            f"--customize-hook={make_disk} && umount {plain}",
            "--format=null",
            suite,
            "/dev/null",
        )
        disk.rename(done)
    return done


def data_disk(path: Path) -> None:
    """Makes an empty disk that belongs to user pi."""
    _call("mke2fs", "-q", "-t", "ext4", "-E", "root_owner=1000:1000", path, _DATA_SIZE)


def copy_disk(disk: Path, to: Path) -> None:
    """Copies a disk to a path or into a folder; blocks of zeros take no room."""
    _call("cp", "--sparse=always", "--reflink=auto", disk, to)


def add_files(disk: Path, source: Path) -> None:
    """Copies the files below `source` to the same paths of a disk that is not in use."""
    # In a Debian of today /lib is a link; debugfs does not follow one where it writes.
    places = [(path, Path("/usr") / path.relative_to(source)) for path in sorted(source.rglob("*"))]
    commands = [f"mkdir {place}" if path.is_dir() else f"write {path} {place}" for path, place in places]
    subprocess.run(
        ["debugfs", "-w", "-f", "-", disk], input="\n".join(commands), text=True, check=True, capture_output=True
    )


def product_wheel(folder: Path) -> Path:
    """The product's wheel, built from the sources as they are."""
    _call(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, _PROJECT)
    return next(folder.glob("fedge-*.whl"))


def cache() -> Path:
    """The folder that what is built is kept in."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fedge" / "machine"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _dependencies() -> list[str]:
    project = tomllib.loads((_PROJECT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *extras["web"], *extras["mqtt"]]


def _download_wheels(python: str, folder: Path) -> None:
    abi = f"cp{python.replace('.', '')}"
    platforms = ["manylinux1", "manylinux2010", "manylinux2014", *(f"manylinux_2_{minor}" for minor in _GLIBC_MINORS)]
    _call(
        *(sys.executable, "-m", "pip", "download", "-q", "-d", folder, "-c", _PROJECT / "constraints.txt"),
        *("--only-binary=:all:", "--implementation=cp", f"--python-version={python}"),
        *(f"--abi={name}" for name in (abi, "abi3", "none")),
        *(f"--platform={platform}_x86_64" for platform in platforms),
        *_dependencies(),
    )


def _require_options(wanted: str, config: str) -> None:
    lines = set(config.splitlines())
    for line in wanted.splitlines():
        name, _, value = line.partition("=")
        met = f"# {name} is not set" in lines or not any(f.startswith(f"{name}=") for f in lines)
        if name.startswith("CONFIG_") and not (met if value == "n" else line in lines):
            sys.exit(f"the kernel's source does not take {line}")


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def _output(*command: object) -> str:
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout


def _call(*command: object, cwd: Path | None = None) -> None:
    # mke2fs and debugfs stand where only root's PATH leads.
    environment = os.environ | {"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-4000:]}\n{command[0]} failed; tests/machine/tools.sh installs what is needed")


def main(suites: Sequence[str]) -> None:
    """Builds the kernel, and the roots of the suites, where the cache lacks them."""
    for path in (kernel(), *map(bare_root, suites)):
        print(path)


if __name__ == "__main__":
    main(sys.argv[1:] or list(SUITES))
