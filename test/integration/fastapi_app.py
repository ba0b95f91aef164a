"""The application behind fastapi.test.ts: what people put behind a load balancer, in small."""

import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.get("/items/{item}")
def read(item: str, q: str | None = None):
    return {"item": item, "q": q}


@app.post("/orders", status_code=201)
async def create(request: Request):
    return {"received": await request.json()}


@app.get("/headers")
def headers(request: Request):
    return {"headers": request.headers.items(), "client": request.client.host, "url": str(request.url)}


@app.get("/stream")
def stream(lines: int):
    return StreamingResponse((f"line {n}\n" for n in range(lines)), media_type="text/plain")


@app.put("/length")
async def length(request: Request):
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
    return {"bytes": total}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
