"""A result as an HTTP answer."""

from __future__ import annotations

from starlette.responses import Response

from chromseg.serving.engine import Segmented
from chromseg.serving.work import Answer


def answer_response(answer: Answer, request_id: str, done: Segmented | None = None) -> Response:
    """The bytes of an answer, of a model's (`done`) or of a client's own instances, with what headers say of it."""
    rendered = answer.rendered
    headers = {"x-image-sha256": answer.image_sha256}
    if done is not None:
        headers["x-model-version"] = str(done.loaded.predictor.identity.version)
    if rendered.suffix != ".json":
        headers["content-disposition"] = f'attachment; filename="{answer.image_sha256[:16]}{rendered.suffix}"'
    body = rendered.body if done is None else done.body(request_id)
    return Response(body, media_type=rendered.media_type, headers=headers)
