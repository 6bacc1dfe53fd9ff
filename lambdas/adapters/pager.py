"""The pager on SNS: whom to tell, what kind of thing, and its id; never a patient's words."""

from __future__ import annotations

import json
from typing import Any


class SnsPager:
    """`ports.Pager`. Subscribers filter on the recipient."""

    def __init__(self, sns: Any, topic_arn: str) -> None:
        self._sns = sns
        self._topic = topic_arn

    def tell(self, recipient: str, code: str, subject: str) -> None:
        self._sns.publish(
            TopicArn=self._topic,
            Message=json.dumps({"recipient": recipient, "code": code, "subject": subject}),
            MessageAttributes={"recipient": {"DataType": "String", "StringValue": recipient}},
        )
