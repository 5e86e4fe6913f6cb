"""What handlers are given by name (Litestar's dependency injection), and ids in paths."""

from typing import TypeAlias
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import FromPath

from services.admin.flows.access import Principal, Recognise
from services.admin.flows.context import Context

GivenContext: TypeAlias = NamedDependency[Context]
GivenPrincipal: TypeAlias = NamedDependency[Principal]
GivenRecognise: TypeAlias = NamedDependency[Recognise]
AppId: TypeAlias = FromPath[str]
ClientId: TypeAlias = FromPath[str]
SessionId: TypeAlias = FromPath[UUID]
UserId: TypeAlias = FromPath[UUID]
DeveloperId: TypeAlias = FromPath[UUID]
InvitationId: TypeAlias = FromPath[UUID]
TokenId: TypeAlias = FromPath[UUID]
