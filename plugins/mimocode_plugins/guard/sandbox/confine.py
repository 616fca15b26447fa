"""Runs by itself: confines this process with Landlock and seccomp, then becomes the command.

python confine.py FILE PROGRAM [ARGUMENT ...], the file JSON of `read`, `write` (paths), `network`, `environ`; with "-"
for it a command that is confined already is only kept from typing into its terminal. Imports nothing of ours. Any
failure ends it: a command never runs less confined than asked. Numbers are those of the kernel's headers
`linux/landlock.h`, `linux/seccomp.h`, `linux/filter.h`, `asm/unistd.h`.
"""

from __future__ import annotations

import ctypes
import json
import os
import stat
import struct
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL_DEV = 1, 2, 4, 8, 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_EPERM, _ENOSYS = 1, 38
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NEW_USER = 0x10000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        {"socket": 41, "clone": 56, "ioctl": 16, "clone3": 435},
        "272 308 165 166 155 161 428 429 430 431 432 433 442 425 426 427 250 248 249 321 298 323 246 320 175 313 176 "
        "169 167 168 163 179 304 310 311",
    ),
    "aarch64": (
        0xC00000B7,
        {"socket": 198, "clone": 220, "ioctl": 29, "clone3": 435},
        "97 268 40 39 41 51 428 429 430 431 432 433 442 425 426 427 219 217 218 280 241 282 104 294 105 273 106 "
        "142 224 225 89 60 265 270 271",
    ),
}
"""Number of the architecture, calls that depend on their arguments, and calls that are refused: unshare setns mount
umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr io_uring_setup
io_uring_enter io_uring_register keyctl add_key request_key bpf perf_event_open userfaultfd kexec_load kexec_file_load
init_module finit_module delete_module reboot swapon swapoff acct quotactl open_by_handle_at process_vm_readv
process_vm_writev, in this order."""


def abi() -> int:
    """Which version of Landlock the kernel has; 0 or less for none."""
    return int(_LIBC.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1)))


def landlock(read: list[str], write: list[str]) -> None:
    """Nothing but these paths and what lies below them; no signals and no abstract sockets to the outside.

    Raises:
        OSError: the kernel refuses.
    """
    version = abi()
    if version < 3:
        raise OSError("this kernel has no Landlock that would do")
    handled = (1 << 16) - 1 if version >= 5 else (1 << 15) - 1
    scoped = 3 if version >= 6 else 0
    attributes = struct.pack("=QQQ", handled, 0, scoped)
    rules = _checked(_LIBC.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0)))
    _allow(rules, "/", _READ_DIR)
    for path in read:
        _allow(rules, path, _READ)
    for path in write:
        _allow(rules, path, handled)
    _checked(_LIBC.syscall(_RESTRICT, rules, ctypes.c_uint(0)))
    os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # it is gone, or not ours to see: nothing to allow
    if not stat.S_ISDIR(os.fstat(at).st_mode):
        access &= _OF_FILES
    _checked(_LIBC.syscall(_ADD, rules, 1, struct.pack("=Qi", access, at), ctypes.c_uint(0)))
    os.close(at)


def powerless() -> None:
    """No capabilities, and none to be had by any program that is started."""
    _checked(_LIBC.prctl(38, 1, 0, 0, 0))
    for capability in range(64):
        if _LIBC.prctl(24, capability, 0, 0, 0):  # what is not in the set cannot be taken out of it: not ours to drop
            break
    header, none = struct.pack("=Ii", 0x20080522, 0), bytes(24)
    _checked(_LIBC.capset(header, none))


def seccomp(filtered: list[tuple[int, int, int, int]]) -> None:
    """Refuse system calls as a filter says."""
    code = b"".join(struct.pack("=HBBI", *each) for each in filtered)
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))

    filled = Program(len(code) // 8, ctypes.addressof(buffer))
    _checked(_LIBC.prctl(22, 2, ctypes.byref(filled), 0, 0))


def program(machine: str, network: bool) -> list[tuple[int, int, int, int]]:
    """The filter: instructions of classic BPF (operation, jump if true, jump if false, value).

    It refuses what reaches past the rules for files, and sockets: all of them, or those of the machine.
    """
    number, calls, refused = ARCHITECTURES[machine]
    refuse, missing = (6, 0, 0, _ERRNO | _EPERM), (6, 0, 0, _ERRNO | _ENOSYS)

    def load(offset: int) -> tuple[int, int, int, int]:
        return (0x20, 0, 0, offset)

    def when(operation: int, value: int, *then: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
        return [(operation, 0, len(then), value), *then]

    same, most, bits = 0x15, 0x35, 0x45
    first, second = 16, 24  # of the arguments, the lower half
    code = [load(4), (same, 1, 0, number), refuse, load(0)]
    code += when(most, 0x40000000, refuse)  # the second table of x86_64, which would go around this one
    for call in map(int, refused.split()):
        code += when(same, call, refuse)
    code += when(same, calls["clone3"], missing)  # its flags lie in memory; libraries fall back to clone
    code += when(same, calls["clone"], load(first), *when(bits, _NEW_USER, refuse), load(0))
    stuffed = [*when(same, _TIOCSTI, refuse), *when(same, _TIOCLINUX, refuse)]
    code += when(same, calls["ioctl"], load(second), *stuffed, load(0))
    code += when(same, calls["socket"], load(first), *(when(same, 1, refuse) if network else [refuse]), load(0))
    return [*code, (6, 0, 0, _ALLOW)]


def untyping(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter that refuses nothing but to type into a terminal, under whatever number of the call."""
    number, calls, _ = ARCHITECTURES[machine]
    refuse, allow = (6, 0, 0, _ERRNO | _EPERM), (6, 0, 0, _ALLOW)
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, number), refuse, (0x20, 0, 0, 0), (0x35, 0, 1, 0x40000000), refuse]
    code += [(0x15, 1, 0, calls["ioctl"]), allow, (0x20, 0, 0, 24)]
    return [*code, (0x15, 0, 1, _TIOCSTI), refuse, (0x15, 0, 1, _TIOCLINUX), refuse, allow]


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)


def main(file: str, argv: list[str]) -> None:
    """Confine, then become the command.

    Raises:
        OSError: the kernel refuses, or there is no such program or file.
    """
    if file == "-":
        _checked(_LIBC.prctl(38, 1, 0, 0, 0))
        seccomp(untyping(os.uname().machine)) if os.uname().machine in ARCHITECTURES else os.setsid()
    else:
        with open(file, encoding="utf-8") as told:  # noqa: PTH123 - pathlib takes longer to import than all of this
            wanted = json.load(told)
        os.environ.update(wanted["environ"])
        powerless()
        landlock(wanted["read"], wanted["write"])
        seccomp(program(os.uname().machine, wanted["network"]))
    (os.execv if "/" in argv[0] else os.execvp)(argv[0], argv)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except (OSError, ValueError, KeyError, IndexError) as error:
        sys.exit(f"sandbox: {error}")
