#!/usr/bin/env bash
# MONAI Label's way to the archive, which its OHIF takes, drops the query of each search.
#
# Versions: MONAI Label 0.8.5.
# Input:    GET /proxy/dicom/qido/studies?PatientName=Smith&limit=1, as OHIF's list of studies asks.
# Guess:    the archive is asked for one study of that patient.
# Came:     the archive is asked for /studies, without a query: all studies of all patients, whatever is searched.
# Seen:     asked  /proxy/dicom/qido/studies?PatientName=Smith&limit=1
#           passed on  /dicom-web/studies
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq fastapi==0.165.0 httpx==0.28.1 requests==2.34.2 google-auth==2.63.0 \
    pydantic-settings==2.16.3 python-multipart==0.0.34 pyjwt==2.15.1 cachetools==7.3.3 passlib==1.7.4
"$work/venv/bin/pip" install -qq --no-deps monailabel==0.8.5
cd "$work"
venv/bin/python -W ignore - <<'PY'
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from fastapi import FastAPI
from fastapi.testclient import TestClient

from monailabel.config import settings
from monailabel.endpoints.proxy import router

passed_on = []


class Archive(BaseHTTPRequestHandler):
    def do_GET(self):
        passed_on.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_):
        pass


archive = HTTPServer(("127.0.0.1", 0), Archive)
threading.Thread(target=archive.serve_forever, daemon=True).start()
settings.MONAI_LABEL_STUDIES = f"http://127.0.0.1:{archive.server_port}/dicom-web"
app = FastAPI()
app.include_router(router)
asked = "/proxy/dicom/qido/studies?PatientName=Smith&limit=1"
assert TestClient(app).get(asked).status_code == 200
print("asked ", asked)
print("passed on ", passed_on[0])
assert passed_on == ["/dicom-web/studies"]
PY
