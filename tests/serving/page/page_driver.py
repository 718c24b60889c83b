"""What a person does with the page, and what there is to see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

LEFT, MIDDLE = 0, 1  # buttons of a mouse
PATIENCE = 30  # seconds; machines may be busy
CUT = "return document.querySelectorAll('#sheet canvas').length > 0 && !document.getElementById('work').hidden"


class Page:
    """The page in a browser."""

    def __init__(self, browser: webdriver.Chrome, url: str) -> None:
        self.browser, self.url = browser, url

    def open(self, url: str = "") -> None:
        self.size(1280)
        self.browser.get(f"{url or self.url}/")
        self.wait(lambda: self.js("return document.body.dataset.ready") == "yes", "the page is not ready")
        self.complaints()

    def close(self) -> None:
        """Leave no trace, and let the browser go elsewhere without asking about what is not saved."""
        self.js("window.addEventListener('beforeunload', (event) => event.stopImmediatePropagation(), true)")
        self.js("localStorage.clear(); sessionStorage.clear()")
        self.js("for (let timer = setTimeout(() => 0); timer > 0; timer--) clearTimeout(timer)")  # no draft is kept now
        self.js("indexedDB.deleteDatabase('chromseg-drafts')")

    def choose(self, picture: Path) -> None:
        """Choose a file and wait until it is refused, or cut and the keys work."""
        self.give(picture)
        refused = ("problem", "refusal")
        self.wait(lambda: any(map(self.shown, refused)) or f"{picture.name}: " in self.said(), "no answer", self.said)

    def give(self, *pictures: Path) -> None:
        """Choose files."""
        inputs = self.all("input[type=file]:not([webkitdirectory])")
        place = next(item for item in inputs if self.js("return arguments[0].closest('[hidden]') === null", item))
        place.send_keys("\n".join(map(str, pictures)))

    # what there is to see

    def js(self, script: str, *given: Any) -> Any:
        return self.browser.execute_script(script, *given)

    def module(self, script: str, *given: Any) -> Any:
        """Run the body of an async function; its `load(name)` imports a module of the page."""
        done = "const done = arguments[arguments.length - 1]; const load = (name) => import(`/${name}.js`);"
        body = f"{done} (async (given) => {{ {script} }})(arguments).then(done, (error) => done(String(error.stack)));"
        return self.browser.execute_async_script(body, *given)

    def one(self, css: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, css)

    def all(self, css: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def text(self, css: str) -> str:
        return " ".join(self.js("return document.querySelector(arguments[0]).innerText", css).split())

    def shown(self, name: str) -> bool:
        return bool(self.js("return !document.getElementById(arguments[0]).hidden", name))

    def seen(self, name: str) -> bool:
        """Whether all of an element with text lies in what the window shows."""
        script = """const box = document.getElementById(arguments[0]).getBoundingClientRect();
            const {left, top, right, bottom, width} = box;
            return width > 40 && left > -1 && top > -1 && right < innerWidth + 1 && bottom < innerHeight + 1"""
        return bool(self.js(script, name))

    def labels(self, place: str = "cuts") -> dict[int, str]:
        """What is told of each chromosome, by number, in the order of the picture or of the `sheet`."""
        script = "return [...document.querySelectorAll(`#${arguments[0]} [role=option]`)].map(o => o.ariaLabel)"
        return {int(re.findall(r"\d+", label)[0]): label for label in self.js(script, place)}

    def sizes(self) -> dict[int, int]:
        """Pixels of each chromosome."""
        return {number: int(re.findall(r"(\d+) pixels", label)[0]) for number, label in self.labels().items()}

    def selected(self) -> list[int]:
        script = "return [...document.querySelectorAll('#cuts [aria-selected=true]')].map(o => Number(o.dataset.id))"
        return list(self.js(script))

    def focused(self) -> str:
        """What has the focus: its id, else its label or text."""
        return str(
            self.js("const e = document.activeElement; return e.id || e.ariaLabel || e.innerText.trim() || e.tagName")
        )

    def heard(self, words: str) -> None:
        """Wait until a screen reader is told something with these words."""
        self.wait(lambda: words in self.said(), f"never said {words!r}", self.said)

    def said(self) -> str:
        """What a screen reader was told last."""
        return str(self.js("return document.getElementById('said').textContent"))

    def wait(self, until: Callable[[], bool], message: str, last: Callable[[], str] = lambda: "") -> None:
        drawn_anew = (StaleElementReferenceException,)  # what was looked at is gone: look again
        waiting = WebDriverWait(self.browser, PATIENCE, poll_frequency=0.03, ignored_exceptions=drawn_anew)
        try:
            waiting.until(lambda _: until())
        except Exception as error:
            raise AssertionError(f"{message}; {last()}") from error

    def complaints(self) -> list[str]:
        """The browser's log since the last look, without answers that are no success."""
        return [str(entry["message"]) for entry in self.browser.get_log("browser") if entry["source"] != "network"]

    # what a person does

    def size(self, width: int, height: int = 1000, scale: int = 1) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def keys(self, *keys: str) -> None:
        ActionChains(self.browser, duration=0).send_keys(*keys).perform()

    def hold(self, modifier: str, *keys: str) -> None:
        ActionChains(self.browser, duration=0).key_down(modifier).send_keys(*keys).key_up(modifier).perform()

    def act(self, name: str) -> None:
        """Press one of the buttons above the picture."""
        self.one(f"[data-action={name}]").click()

    def hold_back(self, path: str) -> None:
        """Let the next answer from a path wait until `let_go`."""
        script = """const real = window.fetch, waiting = new Promise((letGo) => (window.letGo = letGo));
            window.fetch = async (...given) => {
                if (!String(given[0]).includes(arguments[0])) return real(...given);
                window.fetch = real;
                const answer = await real(...given);
                await waiting;
                return answer;
            }"""
        self.js(script.replace("arguments[0]", repr(path)))

    def let_go(self) -> None:
        self.js("window.letGo()")

    def focus(self, number: int, place: str = "cuts") -> None:
        self.js("document.querySelector(`#${arguments[0]} [data-id='${arguments[1]}']`).focus()", place, number)

    def pick(self, number: int, *more: int) -> None:
        """Select chromosomes in the contact sheet by click; more of them with Ctrl."""
        for index, each in enumerate((number, *more)):
            tile = self.one(f"#sheet [data-id='{each}']")
            chain = ActionChains(self.browser, duration=0)
            (chain.key_down("\ue009").click(tile).key_up("\ue009") if index else chain.click(tile)).perform()

    def point(self, x: float, y: float) -> None:
        """Move the mouse to a place of the picture, in its pixels."""
        self._pointer([(x, y)])

    def click(self, x: float, y: float) -> None:
        self._pointer([(x, y)], click=True)

    def drag(self, *points: tuple[float, float], button: int = LEFT, holding: str = "") -> None:
        """Press at the first place of the picture, move along the others, let go; a key may be held meanwhile."""
        self._pointer(points, drag=True, button=button, holding=holding)

    def _pointer(
        self,
        points: Iterable[tuple[float, float]],
        *,
        click: bool = False,
        drag: bool = False,
        button: int = LEFT,
        holding: str = "",
    ) -> None:
        script = """const frame = document.getElementById('frame');
            frame.scrollIntoView({block: 'center'});
            const box = frame.getBoundingClientRect(), picture = document.getElementById('picture');
            return arguments[0].map(([x, y]) => [box.left + x * box.width / picture.naturalWidth,
                                                 box.top + y * box.height / picture.naturalHeight].map(Math.round))"""
        places = self.js(script, [list(point) for point in points])
        chain = ActionChains(self.browser, duration=0)
        pointer = chain.w3c_actions.pointer_action
        if holding:
            ActionChains(self.browser, duration=0).key_down(holding).perform()
        for index, (x, y) in enumerate(places):
            pointer.move_to_location(x, y)
            if index == 0 and (click or drag):
                pointer.pointer_down(button)
        if click or drag:
            pointer.pointer_up(button)
        chain.perform()
        if holding:
            ActionChains(self.browser, duration=0).key_up(holding).perform()


@contextmanager
def clean_page(browser: webdriver.Chrome, url: str) -> Iterator[Page]:
    """The page as it opens; afterwards nothing may stand in the browser's log but answers that were expected."""
    page = Page(browser, url)
    page.open()
    yield page
    page.close()
    assert page.complaints() == []
