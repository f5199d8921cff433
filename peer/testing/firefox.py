"""Firefox, spoken to by WebDriver BiDi, which it has built in."""

import json
import re
from pathlib import Path
from typing import Any

from peer.testing.browser import Browser
from peer.testing.wire import BrowserError

CHANNEL = "exeunt"
PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.obfuscate_host_addresses": False,  # nobody answers for the names that would hide them
    "media.gmp-manager.updateEnabled": False,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.page": 0,
    "browser.tabs.unloadOnLowMemory": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.log.truncate": False,
    "services.settings.server": "http://127.0.0.1:9/",
    "toolkit.telemetry.enabled": False,
}


class Firefox(Browser):
    """Firefox, of version 128 (ESR) or newer."""

    names = ("firefox-esr", "firefox")
    variable = "EXEUNT_FIREFOX"
    package = "firefox-esr"
    address = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
    _tab = ""

    async def open(self, url: str, script: str) -> None:
        """Go to a page; the script runs in it and in every later one before its own."""
        channel = {"type": "channel", "value": {"channel": CHANNEL}}
        await self._ask("script.addPreloadScript", functionDeclaration=script, arguments=[channel])
        await self.go(url)

    async def go(self, url: str) -> None:
        """Go to a page; the present one may say farewell."""
        await self._ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    async def go_back(self) -> None:
        """Go back to the page before, which is loaded again if something in it forbids to keep it."""
        await self._ask("browsingContext.traverseHistory", context=self._tab, delta=-1)

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, of its promise if it is one. Raises `BrowserError`."""
        answer = await self._ask(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self._tab},
            awaitPromise=True,
            userActivation=True,
        )
        if answer["type"] == "exception":
            raise BrowserError(f"{expression}: {answer['exceptionDetails']['text']}")
        text = answer["result"].get("value")
        return None if text is None else json.loads(text)

    async def reload(self) -> None:
        """Load the page again; it may say farewell."""
        await self._ask("browsingContext.reload", context=self._tab, wait="complete")

    async def close_tab(self) -> None:
        """Close the tab; the page may say farewell."""
        await self._ask("browsingContext.close", context=self._tab)

    def is_tab(self, command_line: list[str]) -> bool:
        """Whether this is a content process."""
        words = " ".join(command_line).split()  # one word or many: the process that forks them writes it as it likes
        return "-contentproc" in words and words[-1] == "tab"

    @classmethod
    def _prepare(cls, profile: Path) -> None:
        profile.mkdir(parents=True)
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
        (profile / "user.js").write_text("".join(lines))

    @classmethod
    def _arguments(cls, profile: Path) -> list[str]:
        return ["--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port=0", "about:blank"]

    async def _address(self) -> str:
        return f"{await super()._address()}/session"

    async def _prepare_tab(self) -> None:
        await self._ask("session.new", capabilities={})
        await self._ask("session.subscribe", events=["script.message", "log.entryAdded"])
        self._tab = (await self._ask("browsingContext.create", type="tab"))["context"]

    def _told(self, method: str, params: dict[str, Any]) -> None:
        if method == "script.message" and params["channel"] == CHANNEL:
            self._tell(params["data"]["value"])
        elif method == "log.entryAdded" and params.get("type") == "javascript" and params["level"] == "error":
            self._tell(json.dumps({"problem": params["text"]}))

    async def _ask_to_close(self) -> None:
        await self._ask("browser.close")

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._wire.ask(method, params)
