"""Whether secrets can be kept and read, for `mimo doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.errors import MimoError

from .. import ring
from ..vault import INLINE, STORE, vault

if TYPE_CHECKING:
    from mimocode.host import Host


def look(host: Host) -> list[tuple[str, str, str, str]]:
    """The keyring, and every credential that cannot be read."""
    kept = vault(host)
    if kept.inline:
        found = [("ok", "keyring", f"not used: credentials come from {INLINE}", "")]
    elif (backend := ring.backend()) is not None:
        used = " (new keys go to the file)" if host.environ.get(STORE) == "file" else ""
        found = [("ok", "keyring", f"{ring.name_of(backend)}{used}", "")]
    else:
        why = "none here; keys are kept in a file that only you can read"
        found = [("warn", "keyring", why, "on Linux a Secret Service such as gnome-keyring keeps them encrypted")]
    try:
        for name, place in kept.names().items():
            if kept.get(name) is None:
                found.append(("fail", "credential", f"{name} in {place} cannot be read", f"`mimo auth login {name}`"))
    except MimoError as error:
        found.append(("fail", "credential", str(error), ""))
    return found
