"""Decides how people reach the portal: one HTTP API, throttled and logged, before one function."""

from __future__ import annotations

import json

from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_logs as logs

from infra.account import Account
from infra.functions import Functions, callable_by
from infra.keys import Keys


def address(account: Account) -> tuple[gateway.CfnApi, str]:
    """The API, and the address AWS gives it; its routes come with `declare`."""
    api = gateway.CfnApi(account, "PortalApi", name=account.name("portal"), protocol_type="HTTP")
    return api, f"https://{api.ref}.execute-api.{account.region}.{account.url_suffix}"


def declare(
    account: Account, keys: Keys, api: gateway.CfnApi, portal_url: str, functions: Functions
) -> None:
    account.output("PortalApiId", api.ref, "HTTP API: the portal")
    account.output("PortalUrlInUse", portal_url, "Where people open the portal")
    group = logs.CfnLogGroup(
        account,
        "PortalAccessLogs",
        log_group_name=f"/aws/apigateway/{account.name('portal')}",
        kms_key_id=keys.logs.attr_arn,
        retention_in_days=account.config.retention.log_days,
    )
    gateway.CfnStage(
        account,
        "PortalStage",
        api_id=api.ref,
        stage_name="$default",
        auto_deploy=True,
        access_log_settings=gateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=group.attr_arn,
            # No path and no query: they name sessions, and a code from the sign-in.
            format=json.dumps(
                {
                    "request": "$context.requestId",
                    "time": "$context.requestTime",
                    "method": "$context.httpMethod",
                    "route": "$context.routeKey",
                    "status": "$context.status",
                    "bytes": "$context.responseLength",
                    "milliseconds": "$context.responseLatency",
                    "source": "$context.identity.sourceIp",
                }
            ),
        ),
        default_route_settings=gateway.CfnStage.RouteSettingsProperty(
            throttling_rate_limit=account.config.requests_per_second,
            throttling_burst_limit=2 * account.config.requests_per_second,
        ),
    )
    page = functions.find("PortalWeb")
    if page is None:
        return
    integration = gateway.CfnIntegration(
        account,
        "PortalIntegration",
        api_id=api.ref,
        integration_type="AWS_PROXY",
        integration_uri=page.function.attr_arn,
        integration_method="POST",
        payload_format_version="2.0",
    )
    route = gateway.CfnRoute(
        account,
        "PortalRoute",
        api_id=api.ref,
        route_key="$default",
        target=f"integrations/{integration.ref}",
    )
    account.acknowledge(
        route,
        "AwsSolutions-APIG4",
        "The function checks each request's session cookie: a JWT authorizer cannot read cookies.",
    )
    callable_by(
        account,
        page,
        "Gateway",
        "apigateway.amazonaws.com",
        account.arn("execute-api", f"{api.ref}/*/*"),
    )
