"""Decides how things are told: the pager's topic and the endpoint's two notices."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_sns as sns

from infra.account import Account, document, over_tls_only
from infra.keys import Keys


@dataclass(frozen=True)
class Notices:
    pager: sns.CfnTopic
    speech_success: sns.CfnTopic
    speech_error: sns.CfnTopic


def declare(account: Account, keys: Keys) -> Notices:
    """Three topics; what passes through them is codes and ids, and encrypted all the same."""
    notices = Notices(
        pager=_topic(account, keys, "PagerTopic"),
        speech_success=_topic(account, keys, "SpeechSuccessTopic"),
        speech_error=_topic(account, keys, "SpeechErrorTopic"),
    )
    for position, address in enumerate(account.config.on_call):
        sns.CfnSubscription(
            account,
            f"OnCall{position + 1}",
            topic_arn=notices.pager.ref,
            protocol="email",
            endpoint=address,
            # The hourly heartbeat proves the topic and wakes nobody; an alarm names no recipient.
            filter_policy={
                "recipient": [{"exists": False}, {"anything-but": {"prefix": "heartbeat/"}}]
            },
        )
    return notices


def _topic(account: Account, keys: Keys, id: str) -> sns.CfnTopic:
    topic = sns.CfnTopic(account, id, kms_master_key_id=keys.logs.attr_arn)
    sns.CfnTopicPolicy(
        account,
        f"{id}Policy",
        topics=[topic.ref],
        policy_document=document(over_tls_only(topic.ref, actions="sns:Publish")),
    )
    account.output(f"{id}Arn", topic.ref, f"Topic: {id.removesuffix('Topic')}")
    return topic
