"""The backend of the report: the first page of FastAPI's tutorial, on one uvicorn worker without an access log.

    /usr/bin/python3 perf/report/fastapi_app.py [--delay-ms N | --work-ms N] [--close]

prints one line, {"port":40123}, and ends when its standard input does, so that it cannot outlive who started it.
"""

import argparse
import asyncio
import json
import os
import socket
import sys
import threading
import time

import uvicorn
from fastapi import FastAPI

options = argparse.ArgumentParser()
options.add_argument("--delay-ms", type=int, default=0, help="wait before each answer, as for a slow database")
options.add_argument("--work-ms", type=int, default=0, help="CPU time before each answer, as for a page that is made")
options.add_argument("--close", action="store_true", help="keep no connection: each is closed behind its answer")
given = options.parse_args()

app = FastAPI()

if given.work_ms > 0:

    @app.get("/")
    async def working_root():
        until = time.thread_time() + given.work_ms / 1000
        while time.thread_time() < until:
            pass
        return {"message": "Hello World"}

elif given.delay_ms == 0:

    @app.get("/")
    async def root():
        return {"message": "Hello World"}

else:

    @app.get("/")
    async def slow_root():
        await asyncio.sleep(given.delay_ms / 1000)
        return {"message": "Hello World"}


def end_with_standard_input():
    while os.read(0, 4096):
        pass
    os._exit(0)


# The protocol is named because asyncio looks at it, and turns Nagle's algorithm off for nothing but TCP.
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
# As deep as uvicorn's own. From here on clients wait rather than be refused, so that the port can be told.
listener.listen(2048)
print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
threading.Thread(target=end_with_standard_input, daemon=True).start()
config = uvicorn.Config(
    app,
    access_log=False,
    log_level="warning",
    headers=[("Connection", "close")] if given.close else [],
)
uvicorn.Server(config).run(sockets=[listener])
sys.exit(0)
