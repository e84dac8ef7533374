"""A web site with a call in it: it knows its users, and signs their tokens with the secret it shares with Plenum.

PLENUM_AUTH__SECRET=… plenum serve                               # elsewhere
PLENUM_AUTH__SECRET=… python examples/embed/site.py 8000 http://localhost:8080
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt

PORT, PLENUM = int(sys.argv[1]), sys.argv[2]
PAGE = Path(__file__).with_name("page.html").read_text().replace("PLENUM_URL", PLENUM)


class Site(BaseHTTPRequestHandler):
    """The page at ``/``, and a token for it at ``/token``."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/":
            return self.answer("text/html; charset=utf-8", PAGE)
        if address.path == "/token":
            # A real site takes the user from its session, never from the address.
            user = parse_qs(address.query).get("user", ["guest"])[0]
            claims = {"sub": user, "name": user.title(), "room": "support", "exp": int(time.time()) + 600}
            token = jwt.encode(claims, os.environ["PLENUM_AUTH__SECRET"], algorithm="HS256")
            return self.answer("application/json", json.dumps({"room": "support", "token": token}))
        return self.send_error(404)

    def answer(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode())


ThreadingHTTPServer(("127.0.0.1", PORT), Site).serve_forever()
