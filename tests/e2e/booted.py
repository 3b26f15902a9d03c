"""A machine that systemd boots, for tests of the units in deploy/systemd: namespaces of its own over a copy of this
machine's files that is thrown away. Needs root, systemd, overlayfs and a writable tree of control groups."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from programs import eventually

SYSTEMD = next((path for path in ("/usr/lib/systemd/systemd", "/lib/systemd/systemd") if os.path.exists(path)), None)
TOOLS = ("setpriv", "unshare", "nsenter", "pivot_root", "systemctl", "systemd-run", "ip")
# It ends with whoever started it, and all within ends with it.
UNSHARED = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc",
            "--net", "--cgroup", "--propagation", "private"]
GROUPS = "/sys/fs/cgroup"
# What a container has no use for, or would take from the machine around it.
MASKED = """systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket
    systemd-journald-audit.socket systemd-networkd.service systemd-networkd-wait-online.service
    systemd-resolved.service systemd-timesyncd.service systemd-logind.service systemd-remount-fs.service
    systemd-random-seed.service systemd-modules-load.service systemd-sysctl.service
    systemd-binfmt.service systemd-sysusers.service systemd-tmpfiles-setup-dev.service
    proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount
    sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount getty.target timers.target""".split()
TARGET = """[Unit]
Description=a machine for a test
Requires=basic.target
After=basic.target
AllowIsolate=yes
"""


def control_groups():
    """[(where it is mounted, its type, its controllers)]"""
    found = []
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            _, where, kind, options = line.split()[:4]
            if kind in ("cgroup", "cgroup2") and where.startswith(GROUPS):
                usual = {"rw", "nosuid", "nodev", "noexec", "relatime"}
                found.append((where, kind, ",".join(word for word in options.split(",") if word not in usual)))
    return found


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


def boot(root):
    """Within the new namespaces: mounts what systemd needs under `root`, and becomes systemd. Does not return."""
    base = os.path.dirname(root)
    run("mount", "-t", "tmpfs", "tmpfs", base)
    for name in ("upper", "work", "root"):
        os.mkdir(os.path.join(base, name))
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={base}/upper,workdir={base}/work", root)
    run("mount", "-t", "proc", "proc", f"{root}/proc")
    for name in ("run", "tmp"):
        run("mount", "-t", "tmpfs", "tmpfs", f"{root}/{name}")
    groups = control_groups()
    for name in ("sys", "dev"):
        run("mount", "--rbind", f"/{name}", f"{root}/{name}")
    run("mount", "-t", "tmpfs", "tmpfs", f"{root}/dev/shm")
    run("mount", "--bind", "/dev/null", f"{root}/dev/console")
    run("mount", "-o", "remount,bind,ro", f"{root}/sys")  # as containers have it
    if [where for where, _, _ in groups] != [GROUPS]:
        run("mount", "-t", "tmpfs", "tmpfs", f"{root}{GROUPS}")
    for where, kind, options in groups:
        os.makedirs(root + where, exist_ok=True)
        run("mount", "-t", kind, *(["-o", options] if options and kind == "cgroup" else []), kind, root + where)
    units = f"{root}/etc/systemd/system"
    for name in MASKED:
        path = os.path.join(units, name)
        if os.path.lexists(path):
            os.remove(path)
        os.symlink("/dev/null", path)
    with open(f"{units}/laptime-test.target", "w") as file:
        file.write(TARGET)
    if os.path.lexists(f"{units}/default.target"):
        os.remove(f"{units}/default.target")
    os.symlink("laptime-test.target", f"{units}/default.target")
    run("ip", "link", "set", "lo", "up")
    os.chdir(root)
    os.mkdir("tmp/before")
    run("pivot_root", ".", "tmp/before")
    run("umount", "--lazy", "/tmp/before")
    run("mount", "--make-rshared", "/")  # a unit's credentials come by propagation
    os.execve(SYSTEMD, [SYSTEMD, "--log-target=console", "--show-status=no"],
              {"container": "test", "PATH": os.environ["PATH"]})


class Booted:
    """Started by `start`, ended by `end`, whatever happened."""

    def __init__(self):
        self.base = tempfile.mkdtemp(prefix="laptime-booted-")
        self.log = self.base + ".log"
        self.groups = [os.path.join(where, f"laptime-{os.getpid()}") for where, _, _ in control_groups()]
        self.process = self.pid = None

    def start(self):
        def enter():  # groups of its own, so that systemd sees nothing above them
            for group in self.groups:
                os.mkdir(group)
                if "/cpuset" in group and os.path.exists(f"{group}/cpuset.mems"):
                    for name in ("cpuset.cpus", "cpuset.mems"):
                        with open(os.path.join(os.path.dirname(group), name)) as above, \
                                open(os.path.join(group, name), "w") as file:
                            file.write(above.read())
                with open(f"{group}/cgroup.procs", "w") as file:
                    file.write(str(os.getpid()))

        with open(self.log, "w") as out:
            self.process = subprocess.Popen(
                [*UNSHARED, sys.executable, "-B", __file__, os.path.join(self.base, "root")], preexec_fn=enter,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        eventually("systemd runs", self.runs, 30)

    def runs(self):
        if self.process.poll() is not None:
            raise AssertionError(self.output())
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            children = file.read().split()
        if not children:
            return False
        self.pid = int(children[0])
        if os.path.basename(os.readlink(f"/proc/{self.pid}/exe")) != "systemd":
            return False
        return self.run("systemctl", "is-active", "laptime-test.target").returncode == 0

    def output(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def path(self, name):
        """Of a file of that machine, for whoever looks from here."""
        return f"/proc/{self.pid}/root{name}"

    def run(self, *command, text_in=None):
        return subprocess.run(["nsenter", "--target", str(self.pid), "--all", "--root", "--wd=/", *command],
                              capture_output=True, text=True, timeout=120, input=text_in,
                              stdin=None if text_in else subprocess.DEVNULL,
                              env={"PATH": "/usr/local/bin:" + os.environ["PATH"], "HOME": "/tmp"})

    def property_of(self, unit, name):
        return self.run("systemctl", "show", "--value", "--property", name, unit).stdout.strip()

    def journal(self, unit):
        return self.run("systemctl", "status", "--no-pager", "--full", "--lines=30", unit).stdout

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)  # the first process of its namespace: all others end with it
        if self.process:
            self.process.kill()
            self.process.wait()
        eventually("its control groups are empty", self.without_groups, 30)
        shutil.rmtree(self.base)
        os.remove(self.log)

    def without_groups(self):
        try:
            for group in self.groups:
                for folder, _, _ in os.walk(group, topdown=False):
                    os.rmdir(folder)
        except OSError:
            return False
        return True


def why_not():
    """Why there is no such machine here; None where there is."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or SYSTEMD is None or missing:
        return f"it takes Linux, root and systemd {missing or ''}".strip()
    if not control_groups() or not all(os.access(where, os.W_OK) for where, _, _ in control_groups()):
        return "control groups cannot be made here"
    tried = subprocess.run([*UNSHARED, "true"], capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode else None


if __name__ == "__main__":
    boot(sys.argv[1])
