"""A throw-away Linux machine with a camera and a sound card, for tests: QEMU without KVM, a stock Debian kernel.

The guest sees this machine's whole file system, read-only (9p) under a layer of memory, so that it runs the same Python
with the same packages; its kernel has `vivid` (a V4L2 camera) and `snd-aloop` (an ALSA loopback). Nothing is installed:
the packages are downloaded by name with `apt-get download`, and unpacked once into a cache folder.

    python -m tests.vm.machine            # only the set-up
"""

import fcntl
import lzma
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "exeunt-vm"
SETUP_LIMIT = 600.0  # seconds for downloading and unpacking
MEMORY = 2048  # MiB
MODULES = ("vivid n_devs=1 node_types=0x1 num_inputs=1", "snd-aloop")
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_net", "virtio_console", "virtio-rng")
PACKAGES = ("busybox-static", "qemu-system-x86", "qemu-system-data")
KERNEL_OPTIONS = (
    "console=ttyS0 panic=-1 mitigations=off rodata=off lsm=capability audit=0 cryptomgr.notests tsc=reliable"
    " initcall_blacklist=init_kprobe_trace random.trust_cpu=on no_timer_check 8250.nr_uarts=1"
)
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin; export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
. /modules
o=trans=virtio,version=9p2000.L,msize=524288
mount -t 9p -o ro,$o,cache=loose root /ro && mount -t tmpfs -o size=75% rw /rw && mkdir /rw/u /rw/w &&
mount -t overlay -o lowerdir=/ro,upperdir=/rw/u,workdir=/rw/w root /new || poweroff -f
cd /new; mkdir -p vmjob lib/modules
mount -t 9p -o $o,cache=none job vmjob
mount --bind /ro@ROOT@/lib/modules lib/modules
for d in proc sys dev; do mount --move /$d $d; done; mknod /dev/null c 1 3
mkdir -p dev/pts dev/shm; mount -t devpts pts dev/pts; mount -t tmpfs shm dev/shm; mount -t tmpfs run run
ln -s /proc/self/fd dev/fd; ifconfig lo 127.0.0.1 up; hostname guest
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up; route add default gw 10.0.2.2
while read m; do chroot . @ROOT@/bin/busybox modprobe $m; done </devices
touch vmjob/booted
chroot . /bin/bash /vmjob/command </dev/null >vmjob/output 2>vmjob/errors; echo $? >vmjob/status.new
mv vmjob/status.new vmjob/status; sync; poweroff -f
"""


class MachineError(Exception):
    """The machine did not come to its end; the text holds the last of its console."""


def set_up() -> Path:
    """Download and unpack what the machine is made of, once; return the folder."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (CACHE / "ready").exists():
            _unpack(CACHE / "root")
            (CACHE / "ready").touch()
    return CACHE


def run(command: list[str], environment: Mapping[str, str], *, limit: float) -> tuple[int, str, str]:
    """Run a command in a fresh machine, in this folder; return its exit status, output and errors.

    A machine that does not even boot is started once more: under load QEMU's clock sometimes keeps it from it.
    """
    for attempt in range(2):
        with _job(command, environment) as job:
            _boot(job, limit=limit)
            if (job / "share/status").exists():
                share = job / "share"
                return (
                    int((share / "status").read_text()),
                    (share / "output").read_text(),
                    (share / "errors").read_text(),
                )
            booted = (job / "share/booted").exists()
            said = (job / "share/output").read_text() if booted else ""
            errors = (job / "share/errors").read_text()[-3000:] if booted else ""
            console = (job / "console").read_text(errors="replace")[-3000:]
        if booted or attempt == 1:
            raise MachineError(f"no end after {limit:g} s:\n{said}\n{errors}\n{console}")
    raise AssertionError("unreachable")


def _unpack(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        names = [_kernel_package(), *PACKAGES, *_libraries()]
        options = ["-q", "-o", "APT::Sandbox::User=root", "download", *names]
        subprocess.run(["apt-get", *options], cwd=folder, check=True, timeout=SETUP_LIMIT, stdout=subprocess.DEVNULL)
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(root)], check=True, timeout=SETUP_LIMIT)
    (release,) = [path.name for path in (root / "lib/modules").iterdir()]
    image = (root / f"boot/vmlinuz-{release}").read_bytes()
    # the kernel itself, not compressed: unpacking it in the guest would take seconds
    kernel = lzma.LZMADecompressor().decompress(image[image.index(b"\xfd7zXZ\0") :])
    (CACHE / "vmlinux").write_bytes(kernel)
    (CACHE / "release").write_text(release)
    subprocess.run([str(root / "bin/busybox"), "depmod", "-b", str(root), release], check=True, timeout=SETUP_LIMIT)


def _kernel_package() -> str:
    depends = _ask("apt-cache", "depends", "linux-image-amd64")
    return next(line.split()[-1] for line in depends.splitlines() if "Depends: linux-image" in line)


def _libraries() -> list[str]:
    planned = _ask("apt-get", "install", "-s", "--no-install-recommends", "qemu-system-x86")
    return sorted({line.split()[1] for line in planned.splitlines() if line.startswith("Inst")} - set(PACKAGES))


def _ask(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=SETUP_LIMIT).stdout


@contextmanager
def _job(command: list[str], environment: Mapping[str, str]) -> Iterator[Path]:
    """Make the folder of one run: what the guest is to do, and its first file system."""
    root, release = CACHE / "root", (CACHE / "release").read_text()
    with tempfile.TemporaryDirectory(prefix="exeunt-vm-") as folder:
        job = Path(folder)
        for part in (
            "share",
            "init/bin",
            "init/m",
            *(f"init/{one}" for one in ("proc", "sys", "dev", "ro", "rw", "new")),
        ):
            (job / part).mkdir(parents=True)
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
        (job / "share/command").write_text(f"{exports}cd {shlex.quote(str(Path.cwd()))}\nexec {shlex.join(command)}\n")
        modules = _modules_to_boot(root, release)
        for module in modules:
            shutil.copy(root / "lib/modules" / release / module, job / "init/m")
        (job / "init/modules").write_text("".join(f"insmod /m/{Path(module).name}\n" for module in modules))
        (job / "init/devices").write_text("".join(f"{module}\n" for module in MODULES))
        (job / "init/init").write_text(INIT.replace("@ROOT@", str(root)))
        (job / "init/init").chmod(0o755)
        shutil.copy(root / "bin/busybox", job / "init/bin")
        packing = f"cd {shlex.quote(str(job))}/init && find . | ./bin/busybox cpio -o -H newc >../initrd 2>/dev/null"
        subprocess.run(["/bin/sh", "-c", packing], check=True, timeout=SETUP_LIMIT)
        yield job


def _modules_to_boot(root: Path, release: str) -> list[str]:
    """Return the modules that the guest needs to see the file system, each after those it needs itself."""
    lines = (root / "lib/modules" / release / "modules.dep").read_text().splitlines()
    needs = {path: rest.split() for path, _, rest in (line.partition(":") for line in lines)}
    found: dict[str, None] = {}
    for name in BOOT_MODULES:
        path = next(path for path in needs if Path(path).name.split(".")[0] == name)
        found |= dict.fromkeys([*reversed(needs[path]), path])
    return list(found)


def _boot(job: Path, *, limit: float) -> None:
    root = CACHE / "root"
    libraries = f"{root}/usr/lib/x86_64-linux-gnu"
    shares = {"root": "/,readonly=on,multidevs=remap", "job": f"{job}/share"}
    devices = [
        part
        for name, path in shares.items()
        for part in (
            *("-fsdev", f"local,id={name},path={path.replace(',', ',security_model=none,', 1)}"
              if "," in path else f"local,id={name},path={path},security_model=none"),
            *("-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"),
        )
    ]  # fmt: skip
    command = [
        f"{root}/usr/bin/qemu-system-x86_64",
        *("-L", f"{root}/usr/share/qemu", "-L", f"{root}/usr/share/seabios"),
        *("-machine", "q35,smm=off,sata=off,i8042=off,smbus=off", "-accel", "tcg,thread=multi,tb-size=512"),
        *("-cpu", "max", "-smp", "1", "-m", str(MEMORY), "-nodefaults", "-no-user-config", "-display", "none"),
        *("-no-reboot", "-kernel", str(CACHE / "vmlinux"), "-initrd", str(job / "initrd"), "-append", KERNEL_OPTIONS),
        *("-serial", f"file:{job}/console", "-device", "virtio-rng-pci"),
        *("-netdev", "user,id=n0,restrict=on", "-device", "virtio-net-pci,netdev=n0,romfile="),
        *devices,
    ]
    environment = {
        "LD_LIBRARY_PATH": f"{libraries}:{root}/lib/x86_64-linux-gnu",
        "QEMU_MODULE_DIR": f"{libraries}/qemu",
    }
    running = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    try:
        running.wait(limit)
    except subprocess.TimeoutExpired:
        pass
    finally:
        running.kill()
        running.wait()


if __name__ == "__main__":
    print(f"the machine is in {set_up()}")
