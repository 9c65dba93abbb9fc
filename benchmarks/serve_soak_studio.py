"""What the studio and its user do to a server: page, gallery, lists, edits of what is there, and streams that break."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from serve_soak_session import THINGS, OddAnswer, Session, drawing

EDITS, JOBS = "/v1/images/edits", "/api/v1/jobs"
GALLERY, LISTS, FILES = "/api/v1/gallery", "/api/v1/batch-list", "/v1/files"
LINK = re.compile(r'(?:href|src)="([0-9a-f]+/[^"]+)"')
ROWS = 4
OPEN_LIST = ("validating", "in_progress", "finalizing")


class StudioCallers(Session):
    """Those who use the studio."""

    async def page(self) -> None:
        """Load the page, some of its files, and the page once more."""
        answer = await self.ask("GET", "/studio/")
        links = LINK.findall(answer.text)
        if not links:
            raise OddAnswer("a page that names no files")
        for link in self.rng.sample(links, min(4, len(links))):
            await self.ask("GET", f"/studio/{link}")
        await self.ask("GET", "/api/v1/capabilities")
        await self.ask("GET", "/studio/", 304, headers={"if-none-match": answer.headers["etag"]})

    async def _found(self, number: int) -> list[dict[str, Any]]:
        """Return some pictures of the gallery that are found with a word."""
        word = self.rng.choice(["", *THINGS])
        found = (await self.ask("GET", GALLERY, params={"search": word, "limit": 50})).json()["data"]
        return self.rng.sample(found, min(number, len(found)))

    async def gallery(self) -> None:
        """Look through the gallery, fetch a picture, make it a favorite or not."""
        for one in await self._found(1):
            await self.ask("GET", one["url"])
            said = {"favorite": not one["favorite"], "rating": self.rng.randint(1, 5), "note": "for Ann"}
            await self.ask("PATCH", f"{GALLERY}/{one['pixel_sha256']}", 200, 404, json=said)
            await self.ask("GET", f"{GALLERY}/{one['pixel_sha256']}", 200, 404)

    async def tidy(self) -> None:
        """Put some pictures into the bin, take one out, erase one, or all of the bin."""
        names = [one["pixel_sha256"] for one in await self._found(3)]
        if not names:
            return
        await self.ask("POST", f"{GALLERY}/actions", json={"action": "delete", "pictures": names})
        await self.ask("POST", f"{GALLERY}/{names[0]}/restore", 200, 404)
        await self.ask("DELETE", f"{GALLERY}/{names[-1]}", 200, 404, params={"forever": "true"})
        if self.rng.random() < 0.1:
            await self.ask("DELETE", f"{GALLERY}/bin")

    async def archive(self) -> None:
        """Fetch some pictures in one file."""
        names = [one["pixel_sha256"] for one in await self._found(12)]
        if names:
            body = {"pictures": names, "as": self.rng.choice(["zip", "sheet"])}
            await self.ask("POST", f"{GALLERY}/archive", 200, 404, json=body)

    async def bring(self) -> None:
        """Put a picture into the gallery."""
        await self.ask("POST", GALLERY, 201, files={"file": ("a.png", self._picture)})

    async def again(self) -> None:
        """Hand in a job that edits a picture of the gallery, and wait until it is over."""
        for one in await self._found(1):
            images = [{"pixel_sha256": one["pixel_sha256"]}]
            wish = self.wish(images=images, strength=0.5)
            answer = await self.ask("POST", JOBS, 202, 404, json={"kind": "edit", "request": wish})
            if answer.status_code == 202:
                await self.ended_well(answer.json()["id"])

    async def ended_well(self, job: str) -> None:
        """Listen to a job until it is over.

        Raises:
            OddAnswer: It did not end well.
        """
        text = (await self.ask("GET", f"{JOBS}/{job}/events")).text
        if "job.succeeded" not in text:
            raise OddAnswer(f"a job that did not end well: {text[-200:]}")

    async def upload(self) -> None:
        """Upload a picture, have it edited by its name, and remove it."""
        sent = {"files": {"file": ("a.png", drawing())}, "data": {"purpose": "vision"}}
        file = (await self.ask("POST", FILES, **sent)).json()["id"]
        await self.ask("POST", EDITS, json=self.wish(images=[{"file_id": file}], strength=0.5))
        await self.ask("DELETE", f"{FILES}/{file}")

    async def list_of_wishes(self) -> None:
        """Hand in a list, look at it until it is over, and fetch what came of it."""
        text = "\n".join(f"a {self.rng.choice(THINGS)}" for _ in range(ROWS))
        body = {"text": text, "name": "for Ann", "common": {"seed": self.rng.randrange(2**31)}}
        found = (await self.ask("POST", LISTS, 202, json=body)).json()
        while found["status"] in OPEN_LIST:
            await asyncio.sleep(1.0)
            found = (await self.ask("GET", f"{LISTS}/{found['id']}")).json()
        if found["counts"]["completed"] != ROWS:
            raise OddAnswer(f"a list that did not end well: {found}")
        await self.ask("GET", f"{LISTS}/{found['id']}/rows")
        await self.ask("GET", LISTS, params={"limit": 5})
        await self.ask("POST", f"{LISTS}/{found['id']}/archive", 200, 404, json={"as": "zip"})

    async def wrong_list(self) -> None:
        """Have a list checked that has mistakes, and hand it in all the same."""
        body = {"text": "prompt,n\na red heart,1\na smiling cat,99\n,2", "common": {"style": "flat"}}
        if (await self.ask("POST", f"{LISTS}/check", json=body)).json()["num_mistakes"] < 1:
            raise OddAnswer("a list with mistakes that has none")
        await self.ask("POST", LISTS, 400, json=body)

    async def follow(self) -> None:
        """Hand in a job, lose the stream of changes at once, and hear of its end from where the stream broke."""
        async with self.changes() as events:
            place = (await anext(events)).place
            job = (await self.ask("POST", JOBS, 202, json={"request": self.wish()})).json()["id"]
        async with self.changes(place) as events:
            async for event in events:
                if event.name in ("reset", "job.failed"):
                    raise OddAnswer(f"instead of the end of a job: {event}")
                if event.name == "job.succeeded" and event.data["job"] == job:
                    return

    async def lost(self) -> None:
        """Listen to what changes until the connection is lost."""
        async with self.changes() as events:
            await anext(events)
            await asyncio.sleep(self.rng.uniform(0.0, 3.0))
