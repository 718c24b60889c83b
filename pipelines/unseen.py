"""No variant is judged on what something behind it has seen: asked before it trains, and before it is judged."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from chromseg.annotations.index import KINDS, SampleEntry
from chromseg.annotations.leakage import refuse_leaks
from chromseg.annotations.seen import Seen, refuse_seen
from chromseg.config import TrainConfig
from chromseg.errors import DataError
from chromseg.models.package import CARD, read_card
from pipelines.profile import Profile
from pipelines.selection import everything, held_out, training, validation


def seen_by(profile: Profile, config: TrainConfig, variant: str) -> Seen:
    """The pictures that a variant about to train will know: its own, and those behind the weights it starts from.

    Raises:
        DataError: The prepared samples have a case or a metaphase in two splits; or the variant would be judged on a
            picture that it, or what it starts from, is trained on.
    """
    refuse_leaks(
        (entry.placed for entry in everything(profile, config).entries()),
        "mend what `validate` names and prepare the data again; in a cross-validation give one metaphase one case",
    )
    learned = [*training(profile, config).entries(), *validation(profile, config, *KINDS).entries()]
    tested = pictures_of(held_out(profile, config, "test").entries())
    sources = filter(None, (config.init, getattr(config.model, "weights", "")))
    seen = Seen.of(pictures_of(learned), tested).with_parents(*map(seen_by_source, sources))
    refuse_seen(tested, seen, variant)
    return seen


def seen_by_source(source: str) -> Seen:
    """The pictures behind weights that a training starts from.

    Args:
        source: `init` or `model.weights` of a variant. What is no file ("imagenet") has seen no chromosomes; a file
            without a model's card beside it does not say what it has seen.
    """
    path = Path(source)
    folder = path if path.is_dir() else path.parent
    if (folder / CARD).is_file():
        return Seen.from_card(read_card(folder).seen, source)
    return Seen(unknown=(source,)) if path.exists() else Seen()


def pictures_of(entries: Iterable[SampleEntry]) -> dict[str, str]:
    """Hash → name of the first sample of each picture.

    Raises:
        DataError: A sample does not say which picture it was made of.
    """
    found: dict[str, str] = {}
    for entry in entries:
        if not entry.picture:
            raise DataError(
                f"sample {entry.name} without the hash of its picture",
                expected="the output of the stage `prepare`",
                remedy="run that stage again",
            )
        found.setdefault(entry.picture, entry.name)
    return found


def refuse_known(model: Path, entries: Iterable[SampleEntry]) -> None:
    """Refuse to judge a model folder on samples of pictures that it, or a parent, was trained on.

    A model of an older version does not say what it has seen, and is judged.

    Raises:
        DataError: It knows one of them; the message names it.
    """
    refuse_seen(pictures_of(entries), Seen.from_card(read_card(model).seen, model.name), str(model))
