"""What the browsers that people have make of audio files: their samples, as they would be heard."""

import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.doubles.browser import chromium

DEBIAN = "firefox-esr"
_LONGEST_S = 240.0  # a busy machine is slow, and is not wrong
_PAGE = b"""<!doctype html><meta charset="utf-8"><script>
const answer = (body, problem = "") => fetch("/answer", { method: "POST", headers: { "x-problem": problem }, body });
async function decode() {
  for (let place = 0; ; place++) {
    const found = await fetch(`/${place}`);
    if (!found.ok) return;
    const sound = await new OfflineAudioContext(2, 48000, 48000).decodeAudioData(await found.arrayBuffer());
    const lanes = Array.from({ length: sound.numberOfChannels }, (_, lane) => sound.getChannelData(lane));
    await answer(new Blob([new Uint32Array([lanes.length]), ...lanes]));
  }
}
decode().catch((error) => answer("", String(error)));
</script>"""

Waves = npt.NDArray[np.float32]


def firefox() -> str:
    """The browser's path.

    Raises: AssertionError naming the package that is missing.
    """
    found = shutil.which(os.environ.get("FIREFOX", DEBIAN))
    assert found, f"{DEBIAN} is missing: install the Debian package {DEBIAN}"
    return found


def decode_in(browser: str, files: Sequence[bytes], folder: Path) -> list[Waves]:
    """The samples at 48 kHz, shape (channels, n), of each file as "chromium" or "firefox" decodes it.

    folder: for the browser's profile.
    """
    with _serving(files) as (address, answers):
        home = folder / browser
        home.mkdir()
        process = subprocess.Popen(
            _command(browser, home, address),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": str(home)},
        )
        try:
            return [_read(*answers.get(timeout=_LONGEST_S)) for _ in files]
        finally:
            process.terminate()
            process.wait(30)


def _read(problem: str, body: bytes) -> Waves:
    assert not problem, f"the browser cannot decode it: {problem}"
    return np.frombuffer(body, np.float32, offset=4).reshape(int.from_bytes(body[:4], "little"), -1)


def _command(browser: str, home: Path, address: str) -> list[str]:
    if browser == "firefox":
        return [firefox(), "--headless", "--no-remote", "--profile", str(home), address]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return [chromium(), "--headless=new", "--disable-dev-shm-usage", f"--user-data-dir={home}", *sandbox, address]


@contextmanager
def _serving(files: Sequence[bytes]) -> Iterator[tuple[str, "queue.Queue[tuple[str, bytes]]"]]:
    """The address of a page that decodes the files, and what it says of each: (problem, samples)."""
    answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
    pages = {"/": _PAGE} | {f"/{place}": content for place, content in enumerate(files)}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html" if self.path == "/" else "application/octet-stream")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            answers.put((self.headers["x-problem"], body))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
