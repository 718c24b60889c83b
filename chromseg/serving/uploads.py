"""Reading a request's body within its limits, in memory: an image not asked to be kept touches no disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from chromseg.serving.problems import ProblemError
from chromseg.serving.settings import ServeSettings

FILE_FIELDS = ("image", "file")
MOST_PICTURES = 64  # of one form
Hold = Callable[[int], None]  # called with the size of each piece that arrives
_MAX_TEXT = 32 * 2**20  # of a form field that is no file: corrections may hold 60 outlines of many points


@dataclass(frozen=True)
class Sent:
    """Bytes of an image file, and the client's name of it, or ""."""

    content: bytes
    name: str = ""


@dataclass(frozen=True)
class Upload:
    """What a client sent.

    Attributes:
        pictures: At least one; a form may hold several.
        fields: The other parts of a form, as text.
    """

    pictures: tuple[Sent, ...]
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def image(self) -> bytes:
        """The only picture's bytes.

        Raises:
            ProblemError: There are several.
        """
        return self._only.content

    @property
    def name(self) -> str:
        """The only picture's name."""
        return self._only.name

    def field(self, name: str, most: int | None = None) -> str:
        """A field of the form, which must hold something, of `most` characters.

        Raises:
            ProblemError: It does not.
        """
        text = self.fields.get(name, "")
        if not text.strip() or (most is not None and len(text) > most):
            raise ProblemError(
                "bad-request",
                f"a form without a usable field `{name}`",
                expected=f"`{name}`" + (f" of 1 to {most} characters" if most else ""),
                remedy="send the form as /openapi.json describes it",
            )
        return text

    @property
    def _only(self) -> Sent:
        if len(self.pictures) > 1:
            raise ProblemError(
                "bad-request",
                f"{len(self.pictures)} images",
                expected="one, which the other fields of the form are about",
                remedy="send them one by one",
            )
        return self.pictures[0]


class _InMemoryParser(MultiPartParser):
    spool_max_size = 2**40  # never to disk; the body's limit bounds it


async def read_upload(request: Request, settings: ServeSettings, hold: Hold = lambda size: None) -> Upload:
    """The images of a request: its raw body, or each field `image` of a form.

    Raises:
        ProblemError: Too large, too slow, empty, compressed, or no form.
    """
    async with _in_time(request, settings):
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            return await _read_form(request, settings.max_body, hold)
        return Upload(_not_empty([Sent(await _joined(request, settings.max_body, hold))]))


async def read_body(request: Request, settings: ServeSettings, hold: Hold = lambda size: None) -> bytes:
    """The raw body.

    Raises:
        ProblemError: Too large, too slow, or compressed.
    """
    async with _in_time(request, settings):
        return await _joined(request, settings.max_body, hold)


@asynccontextmanager
async def _in_time(request: Request, settings: ServeSettings) -> AsyncIterator[None]:
    _check_encoding(request)
    try:
        async with asyncio.timeout(settings.upload_timeout):
            yield
    except TimeoutError as error:
        raise ProblemError(
            "slow-upload",
            f"a body that had not arrived after {settings.upload_timeout:g} s",
            expected="the whole body",
            remedy="send it again over a faster line, or raise --upload-timeout",
            headers={"Connection": "close"},
        ) from error


async def _joined(request: Request, most: int, hold: Hold) -> bytes:
    return b"".join([chunk async for chunk in limited(request, most, hold)])


async def limited(request: Request, most: int, hold: Hold) -> AsyncGenerator[bytes, None]:
    """The body in pieces; refused as soon as it is known to be too large, by its declared length or by its bytes.

    Raises:
        ProblemError: It is, or too much is held already.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise _too_large(int(declared), most)
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > most:
            raise _too_large(read, most)
        hold(len(chunk))
        yield chunk


async def _read_form(request: Request, most: int, hold: Hold) -> Upload:
    try:
        parser = _InMemoryParser(
            request.headers,
            limited(request, most, hold),
            max_files=MOST_PICTURES,
            max_fields=16,
            max_part_size=min(most, _MAX_TEXT),
        )
        form = await parser.parse()
    except (MultiPartException, UnicodeError) as error:  # the latter of charset `undefined`, say
        raise ProblemError(
            "bad-request",
            f"a form that cannot be read ({getattr(error, 'message', error)})",
            expected="multipart/form-data with the image in field `image`",
            remedy="let your HTTP library build the form, as `curl -F image=@cell.png` does",
        ) from error
    pictures, fields = [], {}
    for key, value in form.multi_items():
        if isinstance(value, UploadFile):
            content = await value.read()
            await value.close()
            if key in FILE_FIELDS:
                pictures.append(Sent(content, _text(value.filename or "")))
            else:
                fields[key] = content.decode("utf-8", errors="replace")
        elif key not in FILE_FIELDS:
            fields[key] = _text(value)
    return Upload(_not_empty(pictures), fields)


def _text(value: str) -> str:
    """Without lone surrogates, which a form's charset may let in and no answer could repeat."""
    return value.encode("utf-8", errors="replace").decode()


def _not_empty(pictures: Sequence[Sent]) -> tuple[Sent, ...]:
    if not pictures or not all(one.content for one in pictures):
        raise ProblemError(
            "bad-request",
            "a request without an image",
            expected="an image file as the body, or in field `image` of a form",
            remedy="send it with `curl -F image=@cell.png` or `curl --data-binary @cell.png`",
        )
    return tuple(pictures)


def _check_encoding(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise ProblemError(
            "unsupported",
            f"a body in content-encoding {encoding[:40]!r}",
            expected="the file's own bytes",
            remedy="send it without compressing it for transport",
        )


def _too_large(got: int, most: int) -> ProblemError:
    return ProblemError(
        "too-large",
        f"a body of {got / 2**20:.1f} MiB or more",
        expected=f"at most {most / 2**20:.1f} MiB",
        remedy="cut the picture to one metaphase, or raise --max-body",
        headers={"Connection": "close"},
    )
