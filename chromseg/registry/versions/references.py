"""Names of registered models: `chromseg@champion`, `chromseg/3`, each also with `models:/` in front."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chromseg.errors import RegistryError, RetiredError
from chromseg.naming import REGISTERED
from chromseg.registry.log.aliases import decided_aliases
from chromseg.registry.log.audit import LOG, read_log, registered_models
from chromseg.registry.log.chain import Chain
from chromseg.registry.store.backend import MlflowClient, MlflowException, ModelVersion
from chromseg.registry.store.bulk import every
from chromseg.registry.store.store import explained, translated

_FORM = re.compile(r"(?P<name>[^/@:]+)(?:@(?P<alias>[^/@:]+)|/(?P<version>[1-9][0-9]*))")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Reference:
    """One registered version, by alias or by number."""

    name: str
    alias: str | None = None
    version: int | None = None

    def __str__(self) -> str:
        return f"{REGISTERED}{self.name}@{self.alias}" if self.alias else f"{REGISTERED}{self.name}/{self.version}"


def parse_reference(text: str) -> Reference:
    """Read `[models:/]NAME@ALIAS` or `[models:/]NAME/VERSION`.

    Raises:
        RegistryError: It is neither.
    """
    match = _FORM.fullmatch(text.removeprefix(REGISTERED))
    if match is None:
        raise RegistryError(
            f"{text!r} names no registered version",
            expected="NAME@ALIAS or NAME/VERSION, such as chromseg@champion or chromseg/3",
            remedy="see `chromseg-ops models list`",
        )
    version = match["version"]
    return Reference(match["name"], match["alias"], int(version) if version else None)


def check_name(name: str) -> str:
    """Itself, if it may name a registered model.

    Raises:
        RegistryError: It has other signs than letters, digits, dot, dash and underscore, or is the audit log's.
    """
    if not _NAME.fullmatch(name) or name == LOG:
        raise RegistryError(
            f"model name {name!r}",
            expected=f"letters, digits, `.`, `-` and `_`, and not {LOG}, the audit log's",
            remedy="choose such a name",
        )
    return name


def find_version(client: MlflowClient, reference: Reference, aliases: Mapping[str, int] | None = None) -> ModelVersion:
    """The version meant.

    Args:
        client: Of the store.
        reference: What is meant.
        aliases: Those of the model, if they were read already.

    Raises:
        RegistryError: Name, alias or version is unknown; the message lists those known.
    """
    aliases = known_aliases(client, reference.name) if aliases is None else aliases
    if reference.alias is not None and reference.alias not in aliases:
        _check_not_retired(read_log(client), reference.name, reference.alias)
        raise RegistryError(
            f"{reference.name} has no alias {reference.alias!r}",
            expected=f"one of: {_listed(f'{alias} (version {number})' for alias, number in aliases.items())}",
            remedy=f"give it to a version: `chromseg-ops models promote {reference.name}/VERSION --alias …`",
        )
    number = aliases[reference.alias] if reference.alias is not None else reference.version
    try:
        return client.get_model_version(reference.name, str(number))
    except MlflowException as error:
        versions = sorted(int(version.version) for version in all_versions(client, reference.name))
        if number in versions:
            raise explained(error, f"{reference} cannot be read") from error
        raise RegistryError(
            f"{reference.name} has no version {number}",
            expected=f"one of: {_listed(map(str, versions))}",
            remedy=f"see `chromseg-ops models list {reference.name}`",
        ) from error


def _check_not_retired(chain: Chain, name: str, alias: str) -> None:
    """Refuse an alias that no version has since the one that had it was retired; the error says so."""
    took = [each for each in chain.of(name) if each.alias == alias or alias in each.facts.get("moved", {})][-1:]
    for entry in took:
        if entry.action == "retire":
            raise RetiredError(
                f"{name} has no {alias}: version {entry.version}, which it was, was retired at {entry.at[:19]}Z by "
                f"{entry.by}: {entry.reason}",
                expected=f"a version that is the {alias}",
                remedy=f"promote one: `chromseg-ops models promote {name}/VERSION --alias {alias} …`",
            )


def known_aliases(client: MlflowClient, name: str) -> dict[str, int]:
    """Alias → version number of a registered model, by alias, as the audit log has decided; see `standing`."""
    return standing(client, name)[0]


def standing(client: MlflowClient, name: str) -> tuple[dict[str, int], Chain]:
    """Aliases of a registered model, and the log they are read from.

    Raises:
        RegistryError: There is no such model (the message lists those known), or the log cannot be trusted.
    """
    try:
        shown = client.get_registered_model(name).aliases
    except MlflowException as error:
        known = known_names(client)
        if name in known:
            raise explained(error, f"{name} cannot be read") from error
        raise RegistryError(
            f"no registered model {name!r}",
            expected=f"one of: {_listed(known)}",
            remedy="register one (`chromseg-ops models register FOLDER`), or `chromseg-ops init --with-bundled`",
        ) from error
    return decided_aliases(client, name, {alias: int(number) for alias, number in shown.items()})


def known_names(client: MlflowClient) -> list[str]:
    """The names of all registered models, sorted, without the audit log."""
    return sorted(model.name for model in registered_models(client) if model.name != LOG)


def all_versions(client: MlflowClient, name: str, where: str = "") -> list[ModelVersion]:
    """Every version of a registered model, oldest first; empty if there is no such model.

    Args:
        client: Of the store.
        name: Registered model.
        where: What must hold besides, as MLflow's searches say it (`version_number > 3`); the database looks for it.
    """
    with translated("versions cannot be listed"):
        wanted = " AND ".join(filter(None, [f"name = '{name}'", where]))
        found = every(client.search_model_versions, wanted, max_results=1000)
    return sorted(found, key=lambda version: int(version.version))


def tagged_versions(client: MlflowClient, name: str, tags: Mapping[str, str]) -> list[ModelVersion]:
    """The versions of a registered model that have these tags, oldest first."""
    return all_versions(client, name, " AND ".join(f"tags.{key} = '{value}'" for key, value in tags.items()))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none yet"
