"""Downloads that resume where they were interrupted."""

from __future__ import annotations

import http.client
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bmx.gluon.data.dataset import DatasetError

_ATTEMPTS = 4
_TIMEOUT = 60  # seconds without a byte
_BLOCK = 1 << 16
_RANGE_NOT_SATISFIABLE = 416
_PARTIAL_CONTENT = 206


def download(url: str, target: Path) -> None:
    """Downloads a file, with a progress bar on terminals; does nothing if it is there.

    What has arrived is kept in `TARGET.part`; the next attempt, or the next call, asks for the rest.

    Raises:
        DatasetError: the server refuses, or the connection breaks on every attempt.
    """
    part = target.with_name(target.name + ".part")
    for attempt in range(1, _ATTEMPTS + 1):
        if target.exists():
            return
        try:
            _receive_rest(url, part)
        except urllib.error.HTTPError as error:
            raise DatasetError(f"{url}: the server answered {error.code} ({error.reason})") from None
        except urllib.error.URLError as error:  # no connection
            raise DatasetError(f"{url}: {_reason(error)}") from None
        except (OSError, http.client.HTTPException) as error:
            if attempt == _ATTEMPTS:
                raise DatasetError(f"{url}: {_reason(error)}") from None
        else:
            os.replace(part, target)


def _receive_rest(url: str, part: Path) -> None:
    """Appends what is missing; raises OSError or HTTPException if the rest does not arrive."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE or not have:
            raise
        if _total(error.headers) == have:
            return  # complete, but not renamed yet
        part.unlink()
        raise ConnectionError("the file on the server is shorter than what has arrived") from None
    with response:
        # A file:// response has no status before Python 3.9.
        have = have if getattr(response, "status", None) == _PARTIAL_CONTENT else 0
        if have and not _starts_at(response.headers, have):
            part.unlink()
            raise ConnectionError("the server sent another part than the one asked for")
        _append(response, part, have)


def _append(response: Any, part: Path, have: int) -> None:
    """Writes the body after the first `have` bytes."""
    length = response.headers.get("Content-Length")
    total = have + int(length) if length is not None else None
    bar = tqdm(
        total=total, initial=have, desc=part.stem, unit="B", unit_scale=True, leave=False, disable=None
    )
    with part.open("ab" if have else "wb") as out, bar:
        for block in iter(lambda: response.read(_BLOCK), b""):
            out.write(block)
            bar.update(len(block))
        arrived = out.tell()
    if total is not None and arrived != total:
        raise ConnectionError(f"the connection ended after {arrived} of {total} bytes")


def _starts_at(headers: Any, position: int) -> bool:
    return str(headers.get("Content-Range", "")).startswith(f"bytes {position}-")


def _total(headers: Any) -> int | None:
    """Size of the whole file, from `Content-Range: bytes */SIZE`."""
    match = re.fullmatch(r"bytes \*/(\d+)", str(headers.get("Content-Range", "")))
    return int(match[1]) if match else None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return str(reason) or type(error).__name__
