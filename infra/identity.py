"""Decides who can sign in and how: invited people only, second factor by stage, PKCE, no secret."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cognito as cognito

from infra.account import Account


@dataclass(frozen=True)
class Identity:
    pool: cognito.CfnUserPool
    client: cognito.CfnUserPoolClient
    address: str


def declare(account: Account, portal_url: str) -> Identity:
    """The user pool, its one client and its sign-in pages at `address`."""
    config = account.config
    pool = cognito.CfnUserPool(
        account,
        "UserPool",
        user_pool_name=account.name("people"),
        # Risk-based sign-in protection is part of the Plus plan.
        user_pool_tier="PLUS",
        user_pool_add_ons=cognito.CfnUserPool.UserPoolAddOnsProperty(
            advanced_security_mode="ENFORCED"
        ),
        admin_create_user_config=cognito.CfnUserPool.AdminCreateUserConfigProperty(
            allow_admin_create_user_only=True
        ),
        username_attributes=["email"],
        username_configuration=cognito.CfnUserPool.UsernameConfigurationProperty(
            case_sensitive=False
        ),
        auto_verified_attributes=["email"],
        mfa_configuration=config.mfa,
        # Codes from an authenticator app: a text message can be redirected.
        enabled_mfas=["SOFTWARE_TOKEN_MFA"],
        policies=cognito.CfnUserPool.PoliciesProperty(
            password_policy=cognito.CfnUserPool.PasswordPolicyProperty(
                minimum_length=12,
                require_lowercase=True,
                require_uppercase=True,
                require_numbers=True,
                require_symbols=True,
                temporary_password_validity_days=3,
            )
        ),
        account_recovery_setting=cognito.CfnUserPool.AccountRecoverySettingProperty(
            recovery_mechanisms=[
                cognito.CfnUserPool.RecoveryOptionProperty(name="verified_email", priority=1)
            ]
        ),
        deletion_protection="ACTIVE" if config.keep_data else "INACTIVE",
    )
    account.keep(pool)
    if config.mfa != "ON":
        account.acknowledge(
            pool,
            "AwsSolutions-COG2",
            f"The stage {config.name} holds invented people only; there the factor is a choice.",
        )
    domain = cognito.CfnUserPoolDomain(
        account,
        "UserPoolDomain",
        user_pool_id=pool.ref,
        # Unique in its region, hence the account's number.
        domain=f"{config.prefix}-{account.account}",
    )
    client = cognito.CfnUserPoolClient(
        account,
        "PortalClient",
        client_name=account.name("portal"),
        user_pool_id=pool.ref,
        generate_secret=False,
        supported_identity_providers=["COGNITO"],
        allowed_o_auth_flows_user_pool_client=True,
        allowed_o_auth_flows=["code"],
        allowed_o_auth_scopes=["openid", "email", "profile"],
        callback_ur_ls=[f"{portal_url}/auth/callback"],
        logout_ur_ls=[f"{portal_url}/"],
        explicit_auth_flows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        prevent_user_existence_errors="ENABLED",
        enable_token_revocation=True,
        access_token_validity=60,
        id_token_validity=60,
        # A working day: nobody stays signed in over night.
        refresh_token_validity=12,
        token_validity_units=cognito.CfnUserPoolClient.TokenValidityUnitsProperty(
            access_token="minutes",  # noqa: S106 (a unit of time)
            id_token="minutes",  # noqa: S106 (a unit of time)
            refresh_token="hours",  # noqa: S106 (a unit of time)
        ),
    )
    account.output("UserPoolId", pool.ref, "Cognito: the people who can sign in")
    account.output("UserPoolClientId", client.ref, "Cognito: the portal as a client")
    return Identity(pool, client, f"https://{domain.ref}.auth.{account.region}.amazoncognito.com")
