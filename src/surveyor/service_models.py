"""botocore's models of services, read once in a process: each session would read them again, in 20 ms each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from botocore.loaders import Loader, create_loader

if TYPE_CHECKING:
    from botocore.model import ServiceModel
    from botocore.session import Session

__all__ = ["model_loader", "service_model", "share_models"]


@cache
def model_loader(folders: str | None = None) -> Loader:
    """Return what reads and keeps models. `folders`: further ones with models, as AWS_DATA_PATH names them."""
    return create_loader(folders)


@cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service. Raises UnknownServiceError if there is none."""
    from botocore.model import ServiceModel  # not needed by who only shares the loader

    return ServiceModel(model_loader().load_service_model(service, "service-2"), service)


def share_models(session: Session) -> None:
    """Let a session use the models that others have read, of the same folders."""
    session.register_component("data_loader", model_loader(session.get_config_variable("data_path")))
