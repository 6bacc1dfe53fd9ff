"""Decides where a deployment meets the world: addresses that a stage sets or AWS gives."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import CfnCondition, CfnParameter, Fn

from infra.account import Account


@dataclass(frozen=True)
class Addresses:
    """The template's parameters; an empty one means: the address that AWS hands out."""

    fhir: str
    _portal: CfnParameter
    _sign_in: CfnParameter

    def portal(self, given: str) -> str:
        return _chosen(self._portal, given)

    def sign_in(self, given: str) -> str:
        return _chosen(self._sign_in, given)


def declare(account: Account) -> Addresses:
    config = account.config
    fhir = CfnParameter(
        account,
        "FhirBaseUrl",
        default=config.fhir_base_url,
        description="Base of the record system's FHIR R4 API, without a slash at the end",
    )
    portal = CfnParameter(
        account,
        "PortalUrl",
        default=config.portal_url,
        description="Where people open the portal; empty: the HTTP API's own address",
    )
    sign_in = CfnParameter(
        account,
        "SignInUrl",
        default=config.sign_in_url,
        description="Base of the sign-in pages; empty: the user pool's own domain",
    )
    return Addresses(fhir.value_as_string, portal, sign_in)


def _chosen(parameter: CfnParameter, given: str) -> str:
    id = f"Own{parameter.node.id}"
    existing = parameter.stack.node.try_find_child(id)
    if existing is None:
        CfnCondition(
            parameter.stack,
            id,
            expression=Fn.condition_not(Fn.condition_equals(parameter.value_as_string, "")),
        )
    return str(Fn.condition_if(id, parameter.value_as_string, given).to_string())
