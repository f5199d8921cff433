"""Chromium and Chrome, spoken to by the DevTools protocol."""

import json
import os
import re
from pathlib import Path
from typing import Any

from peer.testing.browser import Browser
from peer.testing.wire import BrowserError

TOLD = "exeuntTold"  # the function by which a page's script tells us
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"  # any address of this machine came or went: it gives up what it is loading
ARGUMENTS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",  # nobody answers for the names it would hide addresses behind
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-default-browser-check",
    "--no-first-run",
    "--password-store=basic",
)


class Chromium(Browser):
    """Chromium or Chrome, of version 112 or newer."""

    names = ("chromium", "google-chrome", "chromium-browser", "chrome")
    variable = "EXEUNT_CHROMIUM"
    package = "chromium"
    address = re.compile(r"DevTools listening on (ws://\S+)")
    _tab = ""
    _target = ""

    async def open(self, url: str, script: str) -> None:
        """Go to a page; the script runs in it and in every later one before its own."""
        source = f"({script})((text) => window.{TOLD}(text))"
        await self._ask("Page.addScriptToEvaluateOnNewDocument", source=source)
        await self.go(url)

    async def go(self, url: str) -> None:
        """Go to a page; the present one may say farewell."""
        answer = await self._ask("Page.navigate", url=url)
        if answer.get("errorText") == NETWORK_CHANGED:
            answer = await self._ask("Page.navigate", url=url)
        if problem := answer.get("errorText"):
            raise BrowserError(f"{url} cannot be opened: {problem}")

    async def go_back(self) -> None:
        """Go back to the page before, which is kept as it was if nothing in it forbids that."""
        history = await self._ask("Page.getNavigationHistory")
        before = history["entries"][history["currentIndex"] - 1]
        await self._ask("Page.navigateToHistoryEntry", entryId=before["id"])

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, of its promise if it is one. Raises `BrowserError`."""
        answer = await self._ask(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(f"{expression}: {details.get('exception', {}).get('description') or details['text']}")
        return answer["result"].get("value")

    async def reload(self) -> None:
        """Load the page again; it may say farewell."""
        await self._ask("Page.reload")

    async def close_tab(self) -> None:
        """Close the tab; the page may say farewell."""
        await self._wire.ask("Target.createTarget", {"url": "about:blank"})  # or the browser would end with its last
        await self._wire.ask("Target.closeTarget", {"targetId": self._target})

    def is_tab(self, command_line: list[str]) -> bool:
        """Whether this is a renderer."""
        return any("--type=renderer" in word for word in command_line)

    @classmethod
    def _prepare(cls, profile: Path) -> None:
        profile.mkdir(parents=True)

    @classmethod
    def _arguments(cls, profile: Path) -> list[str]:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # it has none for root
        return [*ARGUMENTS, *sandbox, f"--user-data-dir={profile}", "about:blank"]

    async def _prepare_tab(self) -> None:
        self._target = (await self._wire.ask("Target.createTarget", {"url": "about:blank"}))["targetId"]
        attached = await self._wire.ask("Target.attachToTarget", {"targetId": self._target, "flatten": True})
        self._tab = attached["sessionId"]
        for domain in ("Page", "Runtime"):
            await self._ask(f"{domain}.enable")
        await self._ask("Runtime.addBinding", name=TOLD)

    def _told(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.bindingCalled" and params["name"] == TOLD:
            self._tell(params["payload"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details["text"]
            self._tell(json.dumps({"problem": text}))

    async def _ask_to_close(self) -> None:
        await self._wire.ask("Browser.close", {})

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._wire.ask(method, params, sessionId=self._tab)
