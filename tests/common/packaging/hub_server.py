"""The part of the Hugging Face hub's HTTP interface that a push and a download use, on this machine."""

import base64
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

COMMIT = "c" * 40


class Hub(ThreadingHTTPServer):
    """One repository in memory.

    `files` are those of its only commit, `tags` its tags, `asked` the lines of all requests, `tokens` what they carried
    for authorisation.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.tags, self.asked, self.tokens = {}, [], [], set()
        self.address = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.note()
        path = self.path.split("?")[0]
        if path == "/api/repos/create":
            asked = json.loads(body)
            return self.answer({"url": f"{self.server.address}/{asked['organization']}/{asked['name']}"})
        if path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if "/preupload/" in path:
            files = json.loads(body)["files"]
            mode = {"uploadMode": "regular", "shouldIgnore": False}
            return self.answer({"files": [{"path": file["path"], **mode} for file in files]})
        if "/commit/" in path:
            lines = [json.loads(line) for line in body.splitlines()]
            for value in (line["value"] for line in lines if line["key"] == "file"):
                self.server.files[value["path"]] = base64.b64decode(value["content"])
            url = f"{self.server.address}/me/bundle/commit/{COMMIT}"
            return self.answer({"commitUrl": url, "commitOid": COMMIT, "success": True})
        if "/tag/" in path:
            self.server.tags.append(json.loads(body)["tag"])
            return self.answer({})
        return self.answer({"error": path}, status=404)

    def do_GET(self):
        self.note()
        path = unquote(self.path.split("?")[0])
        if found := re.fullmatch(r"/[\w-]+/\w+/resolve/[\w.]+/(.+)", path):
            return self.send_file(found[1])
        if path.endswith("/refs"):
            tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": COMMIT} for tag in self.server.tags]
            main = {"name": "main", "ref": "refs/heads/main", "targetCommit": COMMIT}
            return self.answer({"branches": [main], "converts": [], "tags": tags})
        if "/tree/" in path:
            rows = [
                {"type": "file", "path": name, "size": len(content), "oid": self.etag(content)}
                for name, content in self.server.files.items()
            ]
            return self.answer(rows)
        if path.startswith("/api/models/"):
            siblings = [{"rfilename": name} for name in self.server.files]
            return self.answer({"id": "me/bundle", "modelId": "me/bundle", "sha": COMMIT, "siblings": siblings})
        return self.answer({"error": path}, status=404)

    do_HEAD = do_GET

    def send_file(self, name):
        content = self.server.files.get(name)
        if content is None:
            return self.answer({"error": name}, status=404)
        return self.send(content, {"ETag": f'"{self.etag(content)}"', "X-Repo-Commit": COMMIT})

    def answer(self, content, status=200):
        self.send(json.dumps(content).encode(), {"Content-Type": "application/json"}, status)

    def send(self, content, headers, status=200):
        self.send_response(status)
        for key, value in {**headers, "Content-Length": len(content)}.items():
            self.send_header(key, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def note(self):
        self.server.asked.append(f"{self.command} {self.path}")
        self.server.tokens.add(self.headers.get("Authorization"))

    def log_message(self, *arguments):
        """Say nothing."""

    @staticmethod
    def etag(content):
        return hashlib.sha1(content).hexdigest()
