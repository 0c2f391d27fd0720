"""Many clients that ask for the payment session of links again and again, as a process of its own.

`python session_flood.py PORT CLIENTS SECONDS PATH…`: each client keeps one connection and asks for one of the paths,
again a second after each answer. It prints a line once every client has asked, and ends after SECONDS or when its
standard input closes. Then it prints how often each status came, as JSON. It connects to loopback only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections import Counter

AGAIN_S = 1.0
LOOPBACK = "127.0.0.1"


class Flood:
    """The clients and what they were answered."""

    def __init__(self, port: int, clients: int) -> None:
        self._port = port
        self._missing = clients
        self.statuses: Counter[str] = Counter()
        self.asked = asyncio.Event()

    async def ask(self, path: str) -> None:
        """Ask for `path` until cancelled, on a new connection where the server closed the old one."""
        first = True
        while True:
            with contextlib.suppress(OSError, EOFError):
                reader, writer = await asyncio.open_connection(LOOPBACK, self._port)
                try:
                    while True:
                        writer.write(f"GET {path} HTTP/1.1\r\nHost: flood\r\n\r\n".encode())
                        await writer.drain()
                        if first:
                            first = False
                            self._missing -= 1
                        if not self._missing:
                            self.asked.set()
                        self.statuses[await _answer(reader)] += 1
                        await asyncio.sleep(AGAIN_S)
                finally:
                    writer.close()
            await asyncio.sleep(AGAIN_S)


async def _answer(reader: asyncio.StreamReader) -> str:
    """The status of the next answer, read to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0]
    await reader.readexactly(int(length))
    return head.split(" ", 2)[1]


async def _run(port: int, clients: int, seconds: float, paths: list[str]) -> None:
    flood = Flood(port, clients)
    tasks = [asyncio.create_task(flood.ask(paths[number % len(paths)])) for number in range(clients)]
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await flood.asked.wait()
            sys.stdout.write("every client has asked\n")
            sys.stdout.flush()
            await ended.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    sys.stdout.write(json.dumps(flood.statuses))


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
