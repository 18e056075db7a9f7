"""A kernel that ends a process as soon as it asks for a socket, be it in Python or in a library."""

import ctypes
import platform
import struct

_SOCKET = {"x86_64": 41, "aarch64": 198}  # the number of the system call
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2  # of prctl, from linux/prctl.h
_KILL_PROCESS, _ALLOW = 0x80000000, 0x7FFF0000  # from linux/seccomp.h


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid() -> None:
    """End this process with SIGSYS at its first socket, and the processes that it starts.

    Needs no privileges. It holds for the threads that are started later, and cannot be undone.
    """
    instructions = (
        (0x20, 0, 0, 0),  # load the number of the system call
        (0x15, 0, 1, _SOCKET[platform.machine()]),  # skip the next one unless it is this
        (0x06, 0, 0, _KILL_PROCESS),
        (0x06, 0, 0, _ALLOW),
    )
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    program = _Program(len(instructions), code)
    _prctl(_NO_NEW_PRIVILEGES, 1)
    _prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(program))


def _prctl(option: int, *values: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [*values, 0, 0, 0, 0][:4]
    if libc.prctl(option, *map(ctypes.c_ulong, padded)):
        raise OSError(ctypes.get_errno(), "this kernel cannot forbid sockets")
