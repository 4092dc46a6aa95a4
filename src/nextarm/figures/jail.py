"""Limits that a process puts on itself before it looks at a stranger's file; they cannot be taken off again.

Processor time, address space, no core file, no file written, no network, no other program. The network is cut twice: by a
network namespace of its own where the system allows one (Linux), and by an audit hook of the interpreter that refuses
sockets, programs and writing in any case.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import sys
import time

CPU_SECONDS = 30
ADDRESS_SPACE = 1536 * 1024 * 1024
_NEW_USER, _NEW_NET, _NO_NEW_PRIVILEGES = 0x10000000, 0x40000000, 38
_REFUSED = (
    "socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.system", "os.startfile", "os.remove", "os.rename",
    "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.kill", "shutil.", "ftplib.",
    "smtplib.", "urllib.", "http.client.", "webbrowser.", "pty.", "ensurepip.", "winreg.",
)  # fmt: skip


def lock(*, cpu_seconds: int = CPU_SECONDS, address_space: int = ADDRESS_SPACE) -> bool:
    """Put the limits on, processor time counted from now; returns whether the system could."""
    done = False
    try:
        import resource

        until = math.ceil(time.process_time()) + cpu_seconds
        resource.setrlimit(resource.RLIMIT_CPU, (until, until + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
        done = True
    except (ImportError, ValueError, OSError):
        pass
    sys.addaudithook(_refuse)
    return done


def cut_network() -> bool:
    """Enter a network namespace without any interface, within a user namespace where rights are lacking; whether it could.

    Call before any thread is started.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return any(libc.unshare(flags) == 0 for flags in (_NEW_NET, _NEW_USER | _NEW_NET))
    except (OSError, AttributeError):
        return False


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        mode, flags = (*arguments, None, None)[1:3]
        writes = isinstance(mode, str) and any(c in mode for c in "wax+")
        if arguments[0] != os.devnull and (writes or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))):
            raise PermissionError("a reader of figures writes no files")
    elif event.startswith(_REFUSED):
        raise PermissionError(f"a reader of figures may not use {event}")
