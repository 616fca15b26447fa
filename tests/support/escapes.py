"""Attempts to get out of a sandbox, as shell commands, for every kind of sandbox alike.

Each ends in "&& echo ESCAPED" or changes something that is compared; `Cell` sets the variables.
"""

from __future__ import annotations

PY = '"$PYTHON" -c'
WRITES = {
    "by its path": 'echo x >> "$OUT/file" && echo ESCAPED',
    "a new file": 'touch "$OUT/new" && echo ESCAPED',
    "in the home": 'echo x > "$HOME/new" && echo ESCAPED',
    "a start-up file": 'echo evil >> "$HOME/.bashrc" && echo ESCAPED',
    "through a link": 'ln -s "$OUT/file" l; echo x >> l && echo ESCAPED',
    "through a linked directory": 'ln -s "$OUT" d; echo x > d/new && echo ESCAPED',
    "through a hard link": 'ln "$OUT/file" h && echo x >> h && echo ESCAPED',
    "by renaming out": 'echo x > r; mv -f r "$OUT/file" && echo ESCAPED',
    "by renaming in": 'mv "$OUT/file" taken && echo ESCAPED',
    "by deleting": 'rm -f "$OUT/file" && echo ESCAPED',
    "by cutting short": f"""{PY} 'import os; os.truncate(os.environ["OUT"] + "/file", 0); print("ESCAPED")'""",
    "by its mode": 'chmod 777 "$OUT/file" && echo ESCAPED',
    "by climbing": 'cd "$PROJECT"; echo x >> ../../beside/file && echo ESCAPED',
    "through /proc/self/root": 'echo x >> "/proc/self/root$OUT/file" && echo ESCAPED',
    "through /proc/self/cwd": "echo x >> /proc/self/cwd/../../beside/file && echo ESCAPED",
    "through a descriptor of a directory": f"""{PY} 'import os
d = os.open(os.environ["OUT"], os.O_RDONLY)
os.write(os.open("file", os.O_WRONLY, dir_fd=d), b"x"); print("ESCAPED")'""",
    "through /proc/self/fd": 'exec 5< "$OUT/file"; echo x >> /proc/self/fd/5 && echo ESCAPED',
    "by an archive": 'mkdir a; echo x > a/new; tar -C a -cf a.tar new; tar -C "$OUT" -xf a.tar && echo ESCAPED',
    "git's settings": "echo '[core] fsmonitor = evil' >> .git/config && echo ESCAPED",
    "git's settings by git": "git config core.fsmonitor evil && echo ESCAPED",
    "git's settings by renaming": "echo x > c; mv -f c .git/config && echo ESCAPED",
    "a hook": "echo evil > .git/hooks/pre-commit && echo ESCAPED",
    "the hooks as a whole": "mv .git/hooks .git/h && echo ESCAPED",
    "the repository as a whole": "mv .git g && cp -r g .git && echo evil >> .git/config && echo ESCAPED",
    "our settings": "echo evil >> .mimocode/mimocode.json && echo ESCAPED",
    "our settings as a whole": "mv .mimocode m && echo ESCAPED",
    "servers of the project": "rm -f .mcp.json && echo ESCAPED",
}
READS = {
    "a key": 'cat "$HOME/.ssh/id_rsa"',
    "keys through a link": 'ln -s "$HOME/.ssh" s; cat s/id_rsa',
    "keys through /proc": 'cat "/proc/self/root$HOME/.ssh/id_rsa" "/proc/1/root$HOME/.aws/credentials"',
    "a key by a hard link": 'ln "$HOME/.netrc" n; cat n',
    "a key after a change of its mode": 'chmod 700 "$HOME/.ssh"; chmod 600 "$HOME/.netrc"; cat "$HOME/.ssh/id_rsa" "$HOME/.netrc"',
    "a key after renaming what it lies in": 'mv "$HOME/.ssh" s; cat s/id_rsa s/.ssh/id_rsa',
    "our own log": 'cat "$HOME/data/mimocode.db"',
}  # fmt: skip
POWERS = {
    "through /proc/1/root": 'echo x >> "/proc/1/root$OUT/file" && echo ESCAPED',
    "mount": 'mount -t tmpfs none "$OUT" && echo ESCAPED',
    "mount writable again": 'mount -o remount,bind,rw "$OUT" && echo ESCAPED; mount -o remount,rw / && echo ESCAPED',
    "unmount what hides keys": 'umount "$HOME/.ssh" && echo ESCAPED; umount -l "$HOME/.ssh" && echo ESCAPED',
    "a namespace of one's own": 'unshare -Urm sh -c "mount --bind $HOME/project $OUT" && echo ESCAPED',
    "another root": "chroot / true && echo ESCAPED",
    "a device": "mknod disk b 8 0 && echo ESCAPED; mknod mem c 1 1 && echo ESCAPED",
    "settings of the kernel": "echo 1 > /proc/sys/kernel/sysrq && echo ESCAPED; echo h > /proc/sysrq-trigger && echo ESCAPED",
    "trace a process": f"""{PY} 'import ctypes, os
print("ESCAPED" if ctypes.CDLL(None).ptrace(16, int(os.environ["PID"]), 0, 0) == 0 else "")'""",
    "another's memory": 'cat "/proc/$PID/environ" && echo ESCAPED; : >> "/proc/$PID/mem" && echo ESCAPED',
    "kill a process": 'kill -9 "$PID" && echo ESCAPED',
    "another user": f"""{PY} 'import os
os.setuid(12345 if os.getuid() == 0 else 0); print("ESCAPED")'""",
    "setuid programs": f"""{PY} 'import ctypes
print("" if ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) == 1 else "ESCAPED")'""",
    "a capability": "grep -E 'Cap(Eff|Prm|Amb):.*[1-9a-f]' /proc/self/status && echo ESCAPED",
}  # fmt: skip
TALKS = {
    "IPv4": 'echo x > "/dev/tcp/127.0.0.1/$TCP4"',
    "IPv6": 'echo x > "/dev/tcp/::1/$TCP6"',
    "datagrams": 'echo x > "/dev/udp/127.0.0.1/$UDP4"',
    "a name": f"""{PY} 'import os, socket
socket.create_connection(("localhost", int(os.environ["TCP4"])), 3)'""",
    "a question for a name": f"""{PY} 'import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"\\x12\\x34\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6secret\\4evil\\0\\0\\1\\0\\1", ("127.0.0.1", int(os.environ["UDP4"])))'""",
    **{
        f"a socket {where}": f"""{PY} 'import os, socket
socket.socket(socket.AF_UNIX).connect(os.environ["{name}"])'"""
        for where, name in (("outside", "SOCK_OUT"), ("in the project", "SOCK_IN"), ("of an agent", "SOCK_TMP"))
    },
    "a socket without a name": f"""{PY} 'import os, socket
socket.socket(socket.AF_UNIX).connect("\\0" + os.environ["ABSTRACT"])'""",
}  # fmt: skip
