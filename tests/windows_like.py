"""Our own code, and it alone, made to believe that it runs on Windows: what Windows lacks is not there."""

from __future__ import annotations

import builtins
import os
import platform
import signal
import socket
import sys
import warnings
from types import ModuleType
from typing import Any

POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
LACKING = {
    os: """chown chroot fchmod fchown fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp
        getpriority getsid getuid killpg lchown mkfifo mknod nice posix_fadvise pread pwrite sched_getaffinity
        sched_setaffinity setegid seteuid setgid setpgid setsid setuid statvfs sync sysconf uname wait wait3 wait4
        waitid O_DIRECTORY WNOHANG""",
    signal: """SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 alarm pause pthread_kill
        setitimer sigwait""",
    socket: "AF_UNIX SO_REUSEPORT",
    platform: "",
    sys: "",
}
CHANGED: dict[ModuleType, dict[str, Any]] = {
    os: {"name": "nt"},
    sys: {"platform": "win32"},
    platform: {"libc_ver": lambda *_: ("", ""), "system": lambda: "Windows"},
}


class _OnWindows(ModuleType):
    """A module of the standard library as it is there."""

    def __init__(self, real: ModuleType) -> None:
        super().__init__(real.__name__)
        self.__dict__["_real"] = real
        self.__dict__.update(CHANGED.get(real, {}))

    def __getattr__(self, name: str) -> Any:
        if name in LACKING[self._real].split():
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)


def pretend() -> None:
    """From now on each of our modules that is imported finds itself on Windows.

    Text that it reads or writes without naming the encoding is an error, under `python -X warn_default_encoding`.
    """
    warnings.simplefilter("ignore", EncodingWarning)
    warnings.filterwarnings("error", category=EncodingWarning, module="chromseg")
    real_import, there = builtins.__import__, {real.__name__: _OnWindows(real) for real in LACKING}

    def imported(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if str((globals or {}).get("__name__")).partition(".")[0] != "chromseg":
            return real_import(name, globals, locals, fromlist, level)
        if name in POSIX_ONLY:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return there[name] if name in there else real_import(name, globals, locals, fromlist, level)

    builtins.__import__ = imported
